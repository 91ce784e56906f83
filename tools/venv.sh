#!/usr/bin/env bash
# Makes a virtual environment with the packages of a requirements.txt, unless it is there, and prints its interpreter:
#   tools/venv.sh FOLDER REQUIREMENTS
set -euo pipefail
venv=$1 requirements=$2
stamp=$venv/requirements.installed
if ! cmp -s "$requirements" "$stamp"; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --requirement "$requirements" >&2
  cp "$requirements" "$stamp"
fi
echo "$venv/bin/python"
