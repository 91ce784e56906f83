#!/usr/bin/env bash
# Runs recipes/run.sh whole on the bundled base, with training files in published layouts and a suite of its own making,
# so that the recipes cannot rot. Usage: recipes_test.sh SOURCE LACOS WORK
set -euo pipefail

source=$1 lacos=$2 work=$3
rm -rf "$work"
mkdir -p "$work"
fail() { echo "recipes_test: $*" >&2; exit 1; }

# Twelve pairs in AllNLI.tsv's layout and in that of XNLI's translated training data, and a suite of one set a language.
python3 - "$source/examples/data" "$work" <<'PYTHON'
import gzip, hashlib, json, pathlib, sys
data, work = map(pathlib.Path, sys.argv[1:])
with gzip.open(data / "snli-cad-train.tsv.gz", "rt", encoding="utf-8") as file:
    rows = [line.rstrip("\n").split("\t") for line in file][1:121]
with gzip.open(work / "AllNLI.tsv.gz", "wt", encoding="utf-8") as file:
    file.write("split\tdataset\tfilename\tsentence1\tsentence2\tlabel\n")
    for first, second, label, *_ in rows:
        file.write(f"train\tSNLI\tsnli_1.0_train.txt\t{first}\t{second}\t{label}\n")
with open(work / "multinli.train.xx.tsv", "w", encoding="utf-8") as file:
    file.write("premise\thypo\tlabel\n")
    for first, second, label, *_ in rows:
        file.write(f"{second}\t{first}\t{label.replace('contradiction', 'contradictory')}\n")
captions = (data / "stsb-captions-test.tsv").read_text(encoding="utf-8").splitlines()
header, *pairs = ["\t".join(line.split("\t")[:3]) + "\n" for line in captions]
sets = []
for i, (name, subset, split, languages) in enumerate([("STSBenchmark", "", "dev", ["en"]), ("STSBenchmark", "", "test", ["en"]),
                                                      ("STS17", "es-es", "test", ["es"]), ("STS17", "en-tr", "test", ["en", "tr"])]):
    path = f"sts/{name}/{subset or split}.tsv"
    (work / "suite" / path).parent.mkdir(parents=True, exist_ok=True)
    text = header + "".join(pairs[40 * i:40 * i + 40])
    (work / "suite" / path).write_text(text, encoding="utf-8")
    sets.append({"task": "sts", "name": name, "subset": subset, "split": split, "languages": languages, "path": path, "rows": 40,
                 "sha256": hashlib.sha256(text.encode()).hexdigest(), "scale": [0, 5], "origin": []})
(work / "suite" / "suite.json").write_text(json.dumps({"format": 1, "sets": sets, "absent": []}))
PYTHON

export LACOS=$lacos BLOOM=$source/examples/bloom-nano SUITE=$work/suite EVAL_FLAGS="--skip-missing --quiet" QUANTIZE_FLAGS="--quiet"
for size in 560m 1b1 1b7 3b 7b1; do  # every file's flags are accepted
  NLI=$work/AllNLI.tsv.gz OUT=$work/$size TRAIN_FLAGS="--max-steps 2 --batch-size 4 --max-length 12 --eval-every 2 --quiet" \
    "$source/recipes/run.sh" $size english >"$work/$size.log" 2>&1 || { cat "$work/$size.log" >&2; fail "$size english"; }
  grep -q "^this run: .*measured here" "$work/$size/table.txt" || fail "$size: no row of its own in the table"
done
NLI="$work/AllNLI.tsv.gz $work/multinli.train.xx.tsv" OUT=$work/multilingual TRAIN_FLAGS="--max-steps 3 --batch-size 4 --max-length 12 --quiet" \
  "$source/recipes/run.sh" 560m multilingual >"$work/multilingual.log" 2>&1 || { cat "$work/multilingual.log" >&2; fail "560m multilingual"; }
grep -q "^STS17" "$work/multilingual/table.txt" || fail "multilingual: no STS17"
# The same command again goes on where it stopped: nothing is trained anew.
before=$(sha256sum <"$work/multilingual/trained/adapter_model.safetensors")
NLI="$work/AllNLI.tsv.gz $work/multinli.train.xx.tsv" OUT=$work/multilingual TRAIN_FLAGS="--max-steps 3 --batch-size 4 --max-length 12 --quiet" \
  "$source/recipes/run.sh" 560m multilingual >"$work/again.log" 2>&1 || { cat "$work/again.log" >&2; fail "the second run"; }
[[ $before == "$(sha256sum <"$work/multilingual/trained/adapter_model.safetensors")" ]] || fail "the second run trained anew"
if "$source/recipes/run.sh" 999b english 2>/dev/null; then fail "an unknown size was accepted"; fi

# The paper's two steps, of which the second trains the adapter of the first further, on texts without labels.
cut -f2 "$work/multinli.train.xx.tsv" | tail -n +2 >"$work/sentences.txt"
NLI=$work/AllNLI.tsv.gz TEXTS=$work/sentences.txt OUT=$work/paper CLASSIFY_FLAGS="--max-steps 2 --batch-size 4 --max-length 12 --quiet" \
  TRAIN_FLAGS="--max-steps 2 --batch-size 4 --max-length 12 --eval-every 2 --quiet" \
  "$source/recipes/paper.sh" 560m english >"$work/paper.log" 2>&1 || { cat "$work/paper.log" >&2; fail "paper.sh"; }
python3 - "$work/paper" <<'PYTHON' || fail "paper.sh: the contrastive step did not begin with the classification's adapter"
import json, pathlib, sys
first, second = (json.loads(pathlib.Path(sys.argv[1], name, "run.json").read_text()) for name in ("classified", "trained"))
assert first["settings"]["objective"] == "softmax" and second["settings"]["objective"] == "mnr"
assert first["settings"]["adapter_sha256"] is None and second["settings"]["adapter_sha256"] is not None
assert any(entry["path"].endswith("classified/adapter_model.safetensors") for entry in second["inputs"])
PYTHON
[[ -s $work/paper/report/report.html ]] || fail "paper.sh: no page of the three evaluations"

# growth.toml plans runs of every size; here each one is the bundled base.
mkdir -p "$work/growth"
cp "$source/recipes/growth.toml" "$work"
for size in 560m 1b1 1b7 3b 7b1; do ln -s "$source/examples/bloom-nano" "$work/growth/bloom-$size"; done
ln -s "$work/suite" "$work/growth/suite"
cp "$work/sentences.txt" "$work/growth/"
"$lacos" sweep "$work/growth.toml" --dry-run >"$work/growth.log" 2>&1 || { cat "$work/growth.log" >&2; fail "growth.toml"; }

python3 "$source/recipes/plan.py" --lacos "$lacos" --check || fail "recipes/README.md: run recipes/plan.py"
echo "recipes_test: passed"
