#!/usr/bin/env bash
# Installs the Python package into a fresh virtual environment, as a user would, and runs its tests and mypy there:
# `make test-python`.
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
# Type hints, as a program with `mypy --strict` sees them: those of the package and of a program that uses it.
"$venv/bin/pip" install --quiet --disable-pip-version-check 'mypy==2.4.1'
"$venv/bin/python" -m mypy --strict --package lacos
"$venv/bin/python" -m mypy --strict python/tests/typed_use.py
"$venv/bin/python" -m unittest discover --start-directory python/tests "${@:2}"
