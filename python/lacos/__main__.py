"""Makes `python -m lacos` the same as the command `lacos`."""

from lacos._program import main

main()
