#!/usr/bin/env bash
# Opens the reports of a short training run, of its evaluation, of a comparison, of several evaluations and of a small sweep
# in headless Chromium, wide and narrow, light and dark: `make test-pages`.
#
# LACOS     the program (default build/release/bin/lacos)
# PYTHON    an interpreter with playwright (default: a virtual environment in build/pages-venv)
# PICTURES  a folder for a picture of each view (default: none)
# KEEP      if set, the pages are kept, and their folder is printed
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
if [[ -n ${KEEP:-} ]]; then
  echo "pages in $work"
else
  trap 'rm -rf "$work"' EXIT
fi
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

# Two files of one name in deep folders, with pairs in many scripts, markup, a word without end and a turned direction. Equal
# sentences with a gold score of 0 are always among the pairs to read.
python3 - "$data/stsb-captions-test.tsv" "$work/a folder with a rather long name/for/files" <<'PYTHON'
import pathlib, sys
header, *rows = ["\t".join(line.split("\t")[:3]) for line in pathlib.Path(sys.argv[1]).read_text().splitlines()]
hostile = ["<script>alert(1)</script> and <b>bold</b> &amp; \"quotes\"", "これは長い文です。" * 12, "هذه جملة عربية مع English في الوسط 12.5",
           "a name that ends in \u202ecod.exe", "https://example.org/" + "a-path-without-an-end/" * 8 + "f" * 90]
columns = header.split("\t")
for number, folder in enumerate(("one", "two")):
    path = pathlib.Path(sys.argv[2]) / folder / "a-rather-long-name-of-a-test-set.tsv"
    path.parent.mkdir(parents=True)
    pairs = [dict(zip(columns, row.split("\t"))) for row in rows[120 * number:120 * number + 80]]
    odd = [{"sentence1": text, "sentence2": text, "score": "0.0"} for text in hostile]
    lines = ["\t".join(pair[column] for column in columns) for pair in pairs + odd]
    path.write_text("\n".join([header, *lines]) + "\n")
PYTHON
"$lacos" eval --model "$base" --pooling weighted_mean --output "$work/files" --quiet \
  --data "$work/a folder with a rather long name/for/files"/*/a-rather-long-name-of-a-test-set.tsv >/dev/null

cat >"$work/sweep.toml" <<TOML
title = "What rank and steps change, on bloom-nano"
seeds = [1, 2, 3]
[bases]
nano = "$PWD/$base"
[data]
english = "$PWD/$data/snli-cad-train.tsv.gz"
[evaluation]
score = "STSb captions en"
[[evaluation.file]]
name = "STSb captions"
subset = "en"
path = "$PWD/$data/stsb-captions-dev.tsv"
split = "dev"
languages = ["en"]
[settings]
data = "english"
batch_size = 4
max_length = 8
learning_rate = 2e-3
max_steps = 3
[[study]]
name = "rank"
title = "LoRA rank"
vary = {lora_rank = [2, 8]}
TOML
"$lacos" sweep "$work/sweep.toml" --output "$work/sweep" --quiet >/dev/null

"$PYTHON" tools/test_pages.py --faults "run=$run/report.html" "evaluation=$work/eval <b>& trained/report.html" \
  "files=$work/files/report.html" "comparison=$work/comparison/report.html" "evaluations=$work/evaluations/report.html" \
  "sweep=$work/sweep/report.html" --pictures "${PICTURES:-}"
