#!/usr/bin/env bash
# Opens the reports of a short training run, of its evaluation, of a comparison and of several evaluations in headless
# Chromium, wide and narrow, light and dark: `make test-pages`.
#
# LACOS     the program (default build/release/bin/lacos)
# PYTHON    an interpreter with playwright (default: a virtual environment in build/pages-venv)
# PICTURES  a folder for a picture of each view (default: none)
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
base=examples/bloom-nano
run="$work/run <b>&"
"$lacos" train --model "$base" --train "$data/snli-cad-train.tsv.gz" --output "$run" --max-steps 24 --batch-size 4 \
  --max-length 12 --dev "$data/stsb-captions-dev.tsv" --eval-every 12 --save-every 12 --quiet >/dev/null

# A suite of four sets with languages: captions under other names, which are enough for the layout of a page.
python3 - "$data/stsb-captions-test.tsv" "$work/suite" <<'PYTHON'
import hashlib, json, pathlib, sys
header, *rows = ["\t".join(line.split("\t")[:3]) + "\n" for line in pathlib.Path(sys.argv[1]).read_text().splitlines()]
folder, sets = pathlib.Path(sys.argv[2]), []
(folder / "sts").mkdir(parents=True)
for i, languages in enumerate((["en"], ["es"], ["en", "ar"], ["en", "tr"])):
    part, name = rows[60 * i:60 * i + 60], "-".join(languages if len(languages) == 2 else languages * 2)
    text = header + "".join(part)
    (folder / "sts" / f"{name}.tsv").write_text(text)
    sets.append({"task": "sts", "name": "STS17", "subset": name, "split": "test", "languages": languages, "path": f"sts/{name}.tsv",
                 "rows": len(part), "sha256": hashlib.sha256(text.encode()).hexdigest(), "scale": [0, 5], "origin": []})
(folder / "suite.json").write_text(json.dumps({"format": 1, "sets": sets, "absent": []}))
PYTHON
evaluate() {  # arguments: NAME, then flags that say what is measured
  "$lacos" eval "${@:2}" --suite sts-multilingual --suite-folder "$work/suite" --skip-missing --output "$work/eval <b>& $1" --quiet >/dev/null
}
"$lacos" quantize --model "$base" --output "$work/base int8" --quiet >/dev/null
evaluate trained --model "$run" --leak-check "$data/stsb-captions-test.tsv"
evaluate untrained --model "$base" --pooling weighted_mean
evaluate "a rather long name of an 8-bit base" --model "$work/base int8" --pooling mean
evaluate short --model "$work/base int8" --max-length 4
evaluate words --floor word-overlap
"$lacos" eval --compare "$work/eval <b>& trained" "$work/eval <b>& words" --output "$work/comparison" --quiet >/dev/null
"$lacos" report "$work/eval <b>& "* --output "$work/evaluations" --quiet >/dev/null

"$PYTHON" tools/test_pages.py "run=$run/report.html" "evaluation=$work/eval <b>& trained/report.html" \
  "comparison=$work/comparison/report.html" "evaluations=$work/evaluations/report.html" --pictures "${PICTURES:-}"
