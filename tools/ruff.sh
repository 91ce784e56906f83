#!/usr/bin/env bash
# Runs ruff over the Python files with the rules of pyproject.toml: tools/ruff.sh [options of `ruff check`]
# Debian 12 has no package for ruff, so it is installed in a virtual environment of its own below build/. If that is
# impossible (no network), the script says so and passes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

wanted=0.17.6
venv=build/ruff-venv
if [[ $("$venv/bin/ruff" --version 2>/dev/null) != "ruff $wanted" ]]; then
  rm -rf "$venv"
  python3 -m venv "$venv"
  if ! "$venv/bin/pip" install --quiet --disable-pip-version-check --retries 1 "ruff==$wanted" 2>"$venv/pip.log"; then
    echo "ruff.sh: ruff $wanted could not be installed ($(tail -n 1 "$venv/pip.log")); Python files are not checked" >&2
    exit 0
  fi
fi
"$venv/bin/ruff" check --quiet "$@"
