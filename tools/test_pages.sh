#!/usr/bin/env bash
# Opens report.html of a short training run in headless Chromium, wide and narrow, light and dark: `make test-pages`.
#
# LACOS   the program (default build/release/bin/lacos)
# PYTHON  an interpreter that has playwright; without it a virtual environment is made in build/pages-venv
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

lacos=${LACOS:-build/release/bin/lacos}
if [[ -z ${PYTHON:-} ]]; then
  venv=build/pages-venv
  if [[ ! -x $venv/bin/playwright ]]; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet "playwright>=1.40,<2"
  fi
  PYTHON=$venv/bin/python
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/lacos-pages.XXXXXX")
trap 'rm -rf "$work"' EXIT
data=examples/data
"$lacos" train --model examples/bloom-nano --train "$data/snli-cad-train.tsv.gz" --output "$work/run <b>&" --max-steps 24 --batch-size 4 \
  --max-length 12 --dev "$data/stsb-captions-dev.tsv" --eval-every 12 --save-every 12 --quiet >/dev/null
"$PYTHON" tools/test_pages.py "$work/run <b>&/report.html" --pictures "${PICTURES:-}"
