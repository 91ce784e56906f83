#!/usr/bin/env python3
"""Writes the texts that tools/gpu_check.sh measures with, and compares the vectors that came of them.

    tools/gpu_inputs.py write FOLDER --texts 20000 --pairs 640
    tools/gpu_inputs.py compare FOLDER        the vectors of the same texts in other batches and orders
    tools/gpu_inputs.py utilization FILE      the samples that nvidia-smi took during a run
    tools/gpu_inputs.py ready FILE SECONDS    the time before the first step of a run that took SECONDS in all

A token of the models that tools/gpu_check.sh makes is a byte, so the texts have NLI's numbers of tokens: 19 on average.
"""

import argparse
import json
import pathlib
import random
import statistics
import struct
import sys

WORDS = ["a", "man", "woman", "dog", "plays", "runs", "eats", "the", "guitar", "outside", "house", "sleeps"]


def text_of(length, generator):
    text = ""
    while len(text) < length:
        text += generator.choice(WORDS) + " "
    return text[: length - 1] + "."  # no space at the end, which --strip would remove


def write(folder, texts, pairs):
    generator = random.Random(1)
    length = lambda: max(3, min(75, round(generator.gauss(19, 9))))
    lines = [text_of(length(), generator) for _ in range(texts)]
    order = list(range(texts))
    generator.shuffle(order)
    (folder / "texts.txt").write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    (folder / "permuted.txt").write_text("".join(lines[i] + "\n" for i in order), encoding="utf-8")
    (folder / "order.json").write_text(json.dumps(order), encoding="utf-8")
    few = lines[: max(1, texts // 10)]
    (folder / "few.txt").write_text("".join(line + "\n" for line in few), encoding="utf-8")
    (folder / "query.txt").write_text("".join(text_of(12, generator) + "\n" for _ in range(200)), encoding="utf-8")
    for name, own_length in (("pairs.tsv", length), ("long.tsv", lambda: 80)):
        rows = (f"{text_of(own_length(), generator)} {i}\t{text_of(own_length(), generator)}\n" for i in range(pairs))
        (folder / name).write_text("anchor\tpositive\n" + "".join(rows), encoding="utf-8")


def rows_of(path):
    """The rows of an .npy file as bytes."""
    data = path.read_bytes()
    (header,) = struct.unpack_from("<H", data, 8)
    about = data[10:10 + header].decode("latin-1")
    shape = about.split("'shape': (")[1].split(")")[0].split(",")
    rows = int(shape[0])
    body = data[10 + header:]
    size = len(body) // rows
    return [body[i * size:(i + 1) * size] for i in range(rows)]


def compare(folder):
    batched, permuted = rows_of(folder / "texts.npy"), rows_of(folder / "permuted.npy")
    alone = rows_of(folder / "few.npy")
    order = json.loads((folder / "order.json").read_text(encoding="utf-8"))
    different = {
        "alone": sum(row != batched[i] for i, row in enumerate(alone)),
        "permuted": sum(permuted[place] != batched[i] for place, i in enumerate(order)),
    }
    print(json.dumps({"texts": len(batched), "alone": len(alone), "different": different}))
    return 1 if any(different.values()) else 0


def utilization(path):
    """The percentage of time in which kernels ran, as nvidia-smi counts it: the median from the first busy sample to the last."""
    samples = [int(line) for line in path.read_text(encoding="utf-8").split() if line.isdigit()]
    busy = [i for i, sample in enumerate(samples) if sample > 0]
    if not busy:
        sys.exit(f"gpu_inputs.py: {path} has no sample in which the GPU was busy; expected some")
    inner = samples[busy[0]:busy[-1] + 1][1:-1] or samples[busy[0]:busy[-1] + 1]
    print(json.dumps({"median_utilization_percent": statistics.median(inner), "samples": len(inner)}))


def ready(path, seconds):
    figures = json.loads(path.read_text(encoding="utf-8"))
    print(json.dumps({"ready_seconds": seconds - figures["seconds"] - figures["first_step_seconds"], "all_seconds": seconds}))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["write", "compare", "utilization", "ready"])
    parser.add_argument("path", type=pathlib.Path)
    parser.add_argument("seconds", type=float, nargs="?")
    parser.add_argument("--texts", type=int, default=20000)
    parser.add_argument("--pairs", type=int, default=640)
    options = parser.parse_args()
    if options.what == "write":
        return write(options.path, options.texts, options.pairs)
    if options.what == "compare":
        return compare(options.path)
    if options.what == "utilization":
        return utilization(options.path)
    return ready(options.path, options.seconds)


if __name__ == "__main__":
    sys.exit(main())
