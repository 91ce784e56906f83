#!/usr/bin/env bash
# Runs published clients against the built server: `make serve-clients`.
#
# LACOS    the program (default build/release/bin/lacos)
# PYTHON   an interpreter with requirements.txt installed (default: a virtual environment in build/clients-venv)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

PYTHON=${PYTHON:-$(tools/venv.sh build/clients-venv tests/serve/requirements.txt)}
"$PYTHON" tests/serve/clients.py --require all "$@"
