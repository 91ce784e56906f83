#!/usr/bin/env python3
"""Measures training and encoding for the published sizes of BLOOM, with random 8-bit weights: rates and peak memory.

    bench/sizes.py --models DIR --make                         makes the models (13.5 GB in all) and measures nothing
    bench/sizes.py --models DIR --sizes 560m,1b1 --json FILE   measures these sizes and adds them to FILE

A step has 64 pairs with the lengths of NLI. Three of four texts to encode have some 19 tokens, the fourth some 128. The largest size
takes three minutes on two fast cores; --parts train and --parts embed measure its halves by themselves. If FILE has a result already,
the faster one is kept, since other work on a machine only slows it down.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "recipes"))
import plan  # noqa: E402

BATCH = 64
STEPS = {"560m": 5, "1b1": 3, "1b7": 2, "3b": 1, "7b1": 1}  # steps that are measured, after one that is not
TEXTS = {"560m": 256, "1b1": 128, "1b7": 128, "3b": 64, "7b1": 64}
KEPT = ("tokens_per_second", "tokens", "seconds", "peak_rss_bytes", "rss_anon_bytes", "strategy", "ceiling", "ceiling_share")


def model(lacos, models, size):
    """The folder of a size's model, made if it is not there."""
    folder = models / size
    if not folder.exists():
        with tempfile.TemporaryDirectory() as temporary:
            config = pathlib.Path(temporary, "config.json")
            config.write_text(json.dumps(plan.config(size)))
            subprocess.run([lacos, "init", "--config", config, "--output", folder, "--quantized", "--quiet"], check=True, stdout=subprocess.DEVNULL)
    return folder


def measure(lacos, *command):
    printed = subprocess.run([lacos, "bench", *command, "--json", "--quiet"], check=True, capture_output=True, text=True).stdout
    result = json.loads(printed)
    return {key: result[key] for key in KEPT if key in result}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lacos", default=str(ROOT / "build/release/bin/lacos"))
    parser.add_argument("--models", type=pathlib.Path, required=True, help="folder for the models, which are kept")
    parser.add_argument("--make", action="store_true", help="only make the models")
    parser.add_argument("--sizes", default=",".join(plan.SHAPES))
    parser.add_argument("--parts", default="train,embed")
    parser.add_argument("--compute", default="int8")
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    figures = json.loads(options.json.read_text()) if options.json and options.json.exists() else {}
    for size in options.sizes.split(","):
        folder = model(options.lacos, options.models, size)
        if options.make:
            continue
        common = ["--model", folder, "--compute", options.compute]
        more = {"train": ["--batch-size", str(BATCH), "--steps", str(STEPS[size])], "embed": ["--texts", str(TEXTS[size])]}
        for part in options.parts.split(","):
            measured = measure(options.lacos, part, *common, *more[part])
            kept = figures.setdefault(size, {"compute": options.compute})
            kept[part] = max(measured, kept.get(part, measured), key=lambda result: result["tokens_per_second"])
            print(f"{size}, {part}: {measured['tokens_per_second']:.0f} tokens/s, {100 * measured['ceiling_share']:.0f} % of the ceiling")
        if options.json:
            options.json.write_text(json.dumps(figures, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
