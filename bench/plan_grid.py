#!/usr/bin/env python3
"""How far `lacos plan` is from the peak that `lacos train` then has, over a grid of shapes and settings.

Each cell makes a random model, asks `lacos plan` for the peak (predicted) and lets a fresh `lacos train`
process run a few steps (VmHWM, measured). Standard library only. Exit status 1 when a cell is further off
than --tolerance.

    bench/plan_grid.py --program build/release/bin/lacos --cells 12
    bench/plan_grid.py --program build/release/bin/lacos --only recompute
"""
import argparse
import gzip
import hashlib
import itertools
import json
import pathlib
import random
import subprocess
import sys
import tempfile

DIM_HEADS = {64: 4, 128: 4, 256: 8, 512: 8, 1024: 16, 2048: 16}

# name: hidden, layers, vocabulary, how the base is stored, --compute, pairs, cap, further flags of plan and train
CELLS = {
    "small direct bf16 row": (64, 2, 1000, "row", "bf16", 8, 32, []),
    "small long f32": (64, 4, 1000, "plain", "f32", 32, 512, []),
    "128 direct int8 block": (128, 6, 5000, "64", "int8", 16, 128, []),
    "256 recompute bf16 row": (256, 12, 50000, "row", "bf16", 64, 128, ["--gradient-strategy", "recompute"]),
    "256 gradcache dynamic": (256, 8, 1000, "dynamic", "bf16", 128, 128, ["--gradient-strategy", "gradcache"]),
    "256 f32 all targets": (256, 6, 250880, "row", "f32", 64, 75, ["--lora-target", "ALL"]),
    "512 direct bf16 row": (512, 12, 50000, "row", "bf16", 32, 75, []),
    "512 direct int8 row": (512, 12, 1000, "row", "int8", 32, 75, ["--lora-target", "ALL"]),
    "512 streamed direct": (512, 24, 1000, "row", "bf16", 16, 64, ["--stream-layers"]),
    "512 int8 dynamic recompute": (512, 6, 1000, "dynamic", "int8", 32, 128, ["--gradient-strategy", "recompute"]),
    "512 dropout direct": (512, 4, 1000, "row", "bf16", 16, 75, ["--dropout", "0.1", "--lora-dropout", "0.1"]),
    "512 biases": (512, 4, 1000, "row", "bf16", 32, 75, ["--train-biases"]),
    "1024 direct bf16 row": (1024, 6, 1000, "row", "bf16", 32, 64, ["--lora-target", "ALL"]),
    "1024 gradcache f32 plain": (1024, 4, 1000, "plain", "f32", 64, 64, ["--gradient-strategy", "gradcache"]),
    "1024 streamed gradcache int8": (1024, 12, 1000, "row", "int8", 32, 64,
                                     ["--stream-layers", "--gradient-strategy", "gradcache"]),
    "1024 streamed block bf16": (1024, 8, 1000, "64", "bf16", 8, 64, ["--stream-layers"]),
    "1024 long recompute": (1024, 4, 1000, "row", "bf16", 8, 512, ["--gradient-strategy", "recompute"]),
    "2048 direct bf16 row": (2048, 4, 1000, "row", "bf16", 16, 75, []),
    "2048 streamed gradcache": (2048, 6, 250880, "row", "bf16", 32, 75,
                                ["--stream-layers", "--gradient-strategy", "gradcache"]),
    "2048 rank 64 adam": (2048, 3, 1000, "row", "bf16", 8, 75,
                          ["--lora-target", "ALL", "--lora-rank", "64", "--optimizer", "adam"]),
}

# Real pairs of mixed lengths. name: layers of width 1024, --compute, data (see real_pairs), cap, further flags of plan and
# train. Batches have 64 pairs. --steps is fewer than the data's batches, so most of them are not reached.
REAL = {
    "SNLI bf16": (8, "bf16", "snli", 75, []),
    "SNLI int8": (8, "int8", "snli", 75, []),
    "SNLI recompute": (8, "bf16", "snli", 75, ["--gradient-strategy", "recompute"]),
    "SNLI all targets": (6, "bf16", "snli", 75, ["--lora-target", "ALL"]),
    "Japanese bf16": (6, "bf16", "jnli", 75, []),
    "SNLI and few long texts bf16": (6, "bf16", "long", 512, []),
    "SNLI and few long texts int8": (6, "int8", "long", 512, []),
    "short texts bf16": (8, "bf16", "short", 75, []),
}
EXAMPLES = pathlib.Path(__file__).resolve().parent.parent / "examples"


def run(arguments):
    done = subprocess.run(arguments, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, arguments))}\n{done.stderr}")
    return done.stdout


def model_folder(program, cache, hidden, layers, vocabulary, stored, tokenizer=None):
    """A random base; `stored`: plain (bf16), row (linear codes), a block size, or dynamic."""
    folder = cache / f"{hidden}-{layers}-{vocabulary}-{stored}{'-real' if tokenizer else ''}"
    if folder.exists():
        return folder
    config = cache / f"{folder.name}.json"
    config.write_text(json.dumps({"model_type": "bloom", "hidden_size": hidden, "n_head": DIM_HEADS[hidden],
                                  "n_layer": layers, "vocab_size": vocabulary}))
    if stored in ("plain", "row"):
        more = (["--quantized"] if stored == "row" else []) + (["--tokenizer", tokenizer] if tokenizer else [])
        run([program, "init", "--config", config, "--output", folder, *more])
        return folder
    plain = model_folder(program, cache, hidden, layers, vocabulary, "plain")
    scheme = ["--scheme", "dynamic"] if stored == "dynamic" else ["--scheme", "linear", "--block-size", stored]
    run([program, "quantize", "--model", plain, "--output", folder] + scheme)
    return folder


def data_file(cache, pairs, cap, batches):
    """Pairs of random letters, a token each, up to `cap`; lengths spread as those of real text are."""
    path = cache / f"pairs-{pairs}-{cap}-{batches}.tsv"
    if not path.exists():
        source = random.Random(pairs * 1000 + cap)
        def text():
            length = min(cap, max(4, int(source.lognormvariate(0, 0.6) * cap * 0.5)))
            return "".join(source.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(length))
        rows = ["anchor\tpositive"] + [f"{text()}\t{text()}" for _ in range(pairs * batches)]
        path.write_text("\n".join(rows) + "\n")
    return path


def real_pairs(cache, kind):
    """The entailment pairs of the examples. snli, jnli: as they are. short: those of SNLI with at most eight words a text.
    long: every 25th anchor of SNLI is a paragraph of 20 sentences."""
    path = cache / f"{kind}.tsv"
    if path.exists():
        return path
    if kind == "jnli":
        with gzip.open(EXAMPLES / "data" / "jnli-valid.jsonl.gz", "rt", encoding="utf-8") as file:
            rows = [json.loads(line) for line in file]
        pairs = [(row["sentence1"], row["sentence2"]) for row in rows if row["label"] == "entailment"]
    else:
        with gzip.open(EXAMPLES / "data" / "snli-cad-train.tsv.gz", "rt", encoding="utf-8") as file:
            rows = [line.rstrip("\n").split("\t") for line in file][1:]
        pairs = [(row[0], row[1]) for row in rows if row[2] == "entailment" and row[0] != row[1]]
        if kind == "short":
            pairs = [pair for pair in pairs if max(len(text.split()) for text in pair) <= 8]
        if kind == "long":
            sentences = [pair[0] for pair in pairs]
            pairs = [(" ".join(sentences[i:i + 20]) if i % 25 == 0 else a, b) for i, (a, b) in enumerate(pairs)]
    path.write_text("anchor\tpositive\n" + "".join(f"{a}\t{b}\n" for a, b in pairs), encoding="utf-8")
    return path


def prepare(program, cache, name, steps):
    """The base, the data, and the flags of a cell."""
    if name in REAL:
        layers, compute, kind, cap, flags = REAL[name]
        folder = model_folder(program, cache, 1024, layers, 32000, "row", EXAMPLES / "bloom-nano" / "tokenizer.json")
        return folder, real_pairs(cache, kind), 64, cap, compute, flags
    hidden, layers, vocabulary, stored, compute, pairs, cap, flags = CELLS[name]
    folder = model_folder(program, cache, hidden, layers, vocabulary, stored)
    return folder, data_file(cache, pairs, cap, steps), pairs, cap, compute, flags


def measure(program, cache, name, steps, more):
    folder, data, pairs, cap, compute, flags = prepare(program, cache, name, steps)
    flags = [f.replace("ALL", "query_key_value,dense,dense_h_to_4h,dense_4h_to_h") for f in flags]
    common = ["--model", folder, "--train", data, "--batch-size", str(pairs), "--max-length", str(cap),
              "--max-steps", str(steps), "--compute", compute, "--json", *flags, *more]
    planned = json.loads(run([program, "plan", *common]))
    key = hashlib.sha256(repr(common).encode()).hexdigest()[:12]
    trained = json.loads(run([program, "train", *common, "--output", cache / f"run-{key}", "--overwrite",
                              "--quiet"]))
    return planned, trained


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--program", default="build/release/bin/lacos")
    parser.add_argument("--only", default="", help="cells whose name contains this")
    parser.add_argument("--cells", type=int, default=0, help="at most so many of them")
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--cache", help="folder that keeps the models for the next run")
    parser.add_argument("--tolerance", type=float, default=0.10)
    parser.add_argument("--components", action="store_true", help="show what the prediction consists of")
    parser.add_argument("more", nargs="*", help="further flags of plan and train, after --")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        cache = pathlib.Path(options.cache or temporary)
        cache.mkdir(parents=True, exist_ok=True)
        chosen = [name for name in [*CELLS, *REAL] if options.only in name]
        if options.cells > 0:
            chosen = list(itertools.islice(chosen, options.cells))
        worst = 0.0
        print(f"{'cell':32} {'strategy':24} {'planned':>9} {'measured':>9} {'error':>7}")
        for name in chosen:
            planned, trained = measure(options.program, cache, name, options.steps, options.more)
            error = planned["peak_bytes"] / trained["peak_rss_bytes"] - 1
            worst = max(worst, abs(error))
            print(f"{name:32} {planned['strategy']:24} {planned['peak_bytes'] / 1e6:7.1f}MB "
                  f"{trained['peak_rss_bytes'] / 1e6:7.1f}MB {100 * error:+6.1f}%", flush=True)
            if options.components:
                parts = {key: round(value / 1e6, 1) for key, value in planned["components"].items()}
                print(f"    {parts}  anonymous at its peak {trained['rss_anon_bytes'] / 1e6:.1f}MB", flush=True)
    print(f"worst {100 * worst:.1f} % of {len(chosen)} cells")
    sys.exit(1 if worst > options.tolerance else 0)


if __name__ == "__main__":
    main()
