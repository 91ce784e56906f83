#!/usr/bin/env bash
# Runs published clients against the built server: `make serve-clients`.
#
# LACOS    the program (default build/release/bin/lacos)
# PYTHON   an interpreter with requirements.txt installed (default: a virtual environment in build/clients-venv)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

if [[ -z ${PYTHON:-} ]]; then
  venv=build/clients-venv
  stamp=$venv/requirements.installed
  if ! cmp -s tests/serve/requirements.txt "$stamp"; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --requirement tests/serve/requirements.txt
    cp tests/serve/requirements.txt "$stamp"
  fi
  PYTHON=$venv/bin/python
fi
"$PYTHON" tests/serve/clients.py --require all "$@"
