"""The command `lacos`: replaces the Python process by the program inside the package."""

from __future__ import annotations

import os
import pathlib
import sys


def main() -> None:
    program = pathlib.Path(__file__).with_name("bin") / "lacos"
    if not program.is_file():
        sys.exit(f"lacos: error: [{program}] found no program there; expected it in the package; install lacos again with pip")
    os.execv(program, [str(program), *sys.argv[1:]])
