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

python3 "$source/recipes/plan.py" --lacos "$lacos" --check || fail "recipes/README.md: run recipes/plan.py"
echo "recipes_test: passed"
