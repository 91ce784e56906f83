#!/usr/bin/env bash
# Installs the Python package into a fresh virtual environment, as a user would, and runs its tests there: `make test-python`.
# Usage: test_python.sh PROGRAM (the lacos with which results are compared)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

LACOS=$(realpath "$1")
export LACOS
venv=build/python-venv
rm -rf "$venv"
python3 -m venv "$venv"
# Uses the compiler's name that CMake finds by itself (pip would pass Python's own), and warnings as errors, as in the
# presets, so that ccache finds the objects.
CC=${CC:-cc} CXX=${CXX:-c++} "$venv/bin/pip" install --quiet --disable-pip-version-check -C cmake.define.LACOS_WERROR=ON '.[arrow]'
"$venv/bin/python" -m unittest discover --start-directory python/tests "${@:2}"
