#!/usr/bin/env bash
# Runs the commands of docs/guide.md in their order, so that the page cannot rot. Training stops after two steps.
# Usage: guide_test.sh SOURCE LACOS WORK
set -euo pipefail

source=$1 lacos=$2 work=$3
rm -rf "$work"
mkdir -p "$work/bin"
ln -s "$source/examples" "$work/examples"
ln -s "$lacos" "$work/bin/lacos"
cd "$work"
export PATH=$work/bin:$PATH

# The commands are the blocks between ```sh and ```.
awk '/^```sh$/ {inside = 1; next} /^```$/ {inside = 0} inside' "$source/docs/guide.md" >commands.sh
grep -q -- "--epochs 3" commands.sh || { echo "guide_test: the guide trains no 3 epochs; change this test with it" >&2; exit 1; }
sed -i "s/--epochs 3/--max-steps 2/" commands.sh
bash -euxo pipefail commands.sh

for made in base-int8/lacos.json trained/README.md results/report.html clusters/labels.jsonl vectors.npy merged/config.json model.gguf; do
  [[ -s demo/$made ]] || { echo "guide_test: the commands have not made demo/$made" >&2; exit 1; }
done
echo "guide_test: passed"
