#!/usr/bin/env bash
# Compares the built program with PyTorch, PEFT, sentence-transformers, bitsandbytes and scipy: `make interop`.
#
# LACOS    the program (default build/release/bin/lacos)
# PYTHON   an interpreter with requirements.txt installed (default: a virtual environment in build/interop-venv)
# THREADS  number of threads of both sides (default 2)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

lacos=${LACOS:-build/release/bin/lacos}
if [[ ! -x $lacos ]]; then
  echo "run.sh: no program at $lacos; run 'make build' first or set LACOS" >&2
  exit 1
fi

PYTHON=${PYTHON:-$(tools/venv.sh build/interop-venv tools/interop/requirements.txt)}

export HF_HUB_OFFLINE=1 TOKENIZERS_PARALLELISM=false OMP_NUM_THREADS=${THREADS:-2}
work=$(mktemp -d "${TMPDIR:-/tmp}/lacos-interop.XXXXXX")
trap 'rm -rf "$work"' EXIT

status=0
"$PYTHON" tools/interop/report.py  # prints the heading of the table
for script in tools/interop/check_*.py; do
  "$PYTHON" "$script" --lacos "$lacos" --work "$work/$(basename "$script" .py)" --threads "${THREADS:-2}" || status=1
done
exit $status
