#!/usr/bin/env python3
"""Cost against size: time and peak memory of training steps and of encoding while one thing grows eightfold or more.

    bench/scaling.py --json scaling.json [--figure scaling.svg] [--compute bf16,int8] [--axes batch,length,layers,width]
    bench/scaling.py --from scaling.json --figure scaling.svg          draws and prints again, measures nothing

Models are random (`lacos init --quantized`), texts are words of one token each, all of one length. Times are those of the
fastest of some steps. Lines are fitted to them by least squares of relative errors:
    batch, layers    step time = a + b * tokens, or a + b * weights; memory likewise
    length           step time = a + b * n + c * n^2 with n tokens a text: c is the attention's; memory a line
    width            step time and memory = a + b * D + c * D^2: the frozen matrices have 12 D^2 weights a layer, all else D values
A file that --json names is gone on with: what it has is not measured again, so a run may be cut in slices (--axes, --what,
--compute). Every point comes with the machine's ceiling measured beside it; --again 0.93 measures those anew whose ceiling is
lower than that share of the highest, since something else disturbed them. Needs two cores for some ten minutes.
"""

import argparse
import itertools
import json
import pathlib
import shlex
import subprocess
import sys
import tempfile

import fits
import result_files
import scaling_figure

BATCH, LENGTH, LAYERS, WIDTH = 16, 32, 6, 512  # what each axis leaves as it is: 1,024 tokens, 18.9 million weights
AXES = {
    "batch": [8, 16, 32, 64],           # pairs
    "length": [16, 32, 64, 128, 256],   # tokens a text
    "layers": [6, 12, 24, 48],
    "width": [256, 512, 1024, 2048],    # in 3 layers
}
SHAPE = {"layers": LAYERS, "width": WIDTH}


def words_of_one_token(tokenizer):
    """Lower-case words with the blank before them, in the order of their ids."""
    vocabulary = json.loads(tokenizer.read_text(encoding="utf-8"))["model"]["vocab"]
    words = [word[1:] for word in vocabulary if word[0] == "\u0120" and word[1:].isascii() and word[1:].islower() and word[1:].isalpha()]
    return sorted(word for word in words if len(word) > 1)


def write_texts(path, words, count, length, columns):
    """`count` distinct rows of texts of `length` tokens. Text t has the words t, t+1, ... at a step of its own."""
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        if columns == 2:
            file.write("sentence1\tsentence2\n")
        for row in range(count):
            texts = []
            for column in range(columns):
                t = columns * row + column
                texts.append(" " + " ".join(words[(t + i * (2 * t + 1)) % len(words)] for i in range(length)))
            file.write("\t".join(texts) + "\n")


class Measurement:
    def __init__(self, options, work):
        self.options, self.work = options, work
        self.words = words_of_one_token(options.tokenizer)
        if len(self.words) < 512:
            sys.exit(f"scaling.py: {options.tokenizer} has {len(self.words)} words of one token; 512 are needed")

    def model(self, layers, width):
        folder = self.work / f"l{layers}-d{width}"
        if not folder.exists():
            config = {"architectures": ["BloomModel"], "model_type": "bloom", "hidden_size": width, "n_layer": layers, "n_head": width // 64,
                      "vocab_size": json.loads((self.options.tokenizer.parent / "config.json").read_text())["vocab_size"],
                      "layer_norm_epsilon": 1e-5, "apply_residual_connection_post_layernorm": False}
            path = self.work / f"{folder.name}.json"
            path.write_text(json.dumps(config))
            self.run_plain("init", "--config", path, "--output", folder, "--quantized", "--tokenizer", self.options.tokenizer)
        return folder

    def run_plain(self, *words):
        subprocess.run([str(self.options.lacos), *map(str, words), "--quiet"], check=True, stdout=subprocess.DEVNULL)

    def run_json(self, *words):
        command = [*shlex.split(self.options.prefix), str(self.options.lacos), *map(str, words), "--json", "--quiet"]
        return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)

    def point(self, what, compute, axis, size):
        pairs = size if axis == "batch" else BATCH // 2 if axis == "length" else BATCH
        length = size if axis == "length" else LENGTH
        layers = size if axis == "layers" else 3 if axis == "width" else LAYERS
        width = size if axis == "width" else WIDTH
        model, steps = self.model(layers, width), self.options.steps
        common = ["--model", model, "--compute", compute, "--max-length", length]
        texts = self.work / f"{what}.tsv"
        if what == "train":
            write_texts(texts, self.words, pairs * (steps + 1), length, 2)
            got = self.run_json("bench", "train", *common, "--train", texts, "--batch-size", pairs, "--steps", steps)
            tokens, seconds = got["tokens"] // got["steps"], got["fastest_step_seconds"]
        else:
            write_texts(texts, self.words, 2 * pairs, length, 1)
            runs = [self.run_json("bench", "embed", *common, "--input", texts, "--texts", 0, "--batch-tokens", 2 * pairs * length)
                    for _ in range(self.options.repeats)]
            got = min(runs, key=lambda run: run["seconds"])
            tokens, seconds = got["tokens"], got["seconds"]
        if tokens != 2 * pairs * length:
            raise RuntimeError(f"{what} {axis} {size}: {tokens} tokens instead of {2 * pairs * length}: a word is no token of its own")
        return {"what": what, "compute": compute, "axis": axis, "size": size, "pairs": pairs, "length": length, "layers": layers,
                "width": width, "tokens": tokens, "weights": 12 * layers * width ** 2, "seconds": seconds,
                "peak_rss_bytes": got["peak_rss_bytes"], "rss_anon_bytes": got["rss_anon_bytes"], "ceiling_gflops": got["ceiling"]["gflops"],
                "ceiling_share": got["ceiling_share"]}


def size_of(point):
    """What an axis' fit is a function of."""
    return {"batch": point["tokens"], "length": point["length"], "layers": point["weights"], "width": point["width"]}[point["axis"]]


def series(points):
    """Points by (what, compute, axis), each in order of size."""
    key = lambda p: (p["axis"], p["what"], p["compute"])
    order = list(AXES)
    ordered = sorted(points, key=lambda p: (order.index(p["axis"]), p["what"], p["compute"], p["size"]))
    return [(dict(zip(("axis", "what", "compute"), name)), list(group)) for name, group in itertools.groupby(ordered, key)]


def fit_all(points):
    found = []
    for name, group in series(points):
        if len(group) < 4:
            continue
        xs = [size_of(p) for p in group]
        time = fits.fit(xs, [p["seconds"] for p in group], 2 if name["axis"] in ("length", "width") else 1)
        memory = fits.fit(xs, [p["peak_rss_bytes"] for p in group], 2 if name["axis"] == "width" else 1)
        work = [p["seconds"] / p["tokens"] / p["weights"] for p in group]
        found.append({**name, "time": time, "memory": memory, "cost_ratio": work[-1] / work[0], "growth": xs[-1] / xs[0]})
    return found


def memory_formula(axis, coefficients):
    """A memory fit in words."""
    million = 1e6 if axis == "layers" else 1
    unit = {"batch": "token", "length": "token a text", "layers": "million weights", "width": "D"}[axis]
    line = f"{coefficients[0] / 1e6:.0f} MB + {coefficients[1] * million / 1e3:.0f} KB a {unit}"
    return line + (f" + {coefficients[2]:.0f} bytes a D²" if len(coefficients) > 2 else "")


def show(found):
    print(f"{'axis':<8}{'':<7}{'':<6}{'grows':>7}{'cost':>7}{'fixed':>8}{'square':>8}{'r2':>9}{'departs':>9}   {'memory':<44}{'r2':>8}{'departs':>9}")
    for f in found:
        time, memory = f["time"], f["memory"]
        square = f"{100 * time['leading_share']:.1f} %" if len(time["coefficients"]) > 2 else "-"
        print(f"{f['axis']:<8}{f['what']:<7}{f['compute']:<6}{f['growth']:>6.0f}x{f['cost_ratio']:>7.2f}"
              f"{100 * time['intercept_share']:>6.1f} %{square:>8}{time['r2']:>9.5f}{100 * time['departure']:>7.1f} %   "
              f"{memory_formula(f['axis'], memory['coefficients']):<44}{memory['r2']:>8.5f}{100 * memory['departure']:>7.1f} %")
    print("cost: time a token and weight at the largest size over that at the smallest; fixed, square: shares of the fit's constant and of its\n"
          "square at the largest size; departs: the largest relative distance of a point from the fit")


def key_of(point):
    return point["what"], point["compute"], point["axis"], point["size"]


def with_point(points, new):
    """The points with one more, or with the faster one of two; a ceiling is the higher one of both."""
    same = [p for p in points if key_of(p) == key_of(new)]
    chosen = dict(min([*same, new], key=lambda p: p["seconds"]))
    ceiling = max(p["ceiling_gflops"] for p in [*same, new])
    chosen["ceiling_share"] *= chosen["ceiling_gflops"] / ceiling
    chosen["ceiling_gflops"] = ceiling
    return [p for p in points if key_of(p) != key_of(new)] + [chosen]


def undisturbed(points, share):
    """The points whose ceiling is at least `share` of the highest of their mode."""
    highest = {}
    for p in points:
        highest[p["compute"]] = max(highest.get(p["compute"], 0), p["ceiling_gflops"])
    return [p for p in points if p["ceiling_gflops"] >= share * highest[p["compute"]]]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = result_files.REPOSITORY
    parser.add_argument("--lacos", type=pathlib.Path, default=root / "build/release/bin/lacos")
    parser.add_argument("--tokenizer", type=pathlib.Path, default=root / "examples/bloom-nano/tokenizer.json", help="config.json lies beside it")
    parser.add_argument("--compute", default="bf16,int8")
    parser.add_argument("--what", default="train,embed")
    parser.add_argument("--axes", default=",".join(AXES))
    parser.add_argument("--steps", type=int, default=3, help="training steps of which the fastest counts")
    parser.add_argument("--repeats", type=int, default=1, help="runs of the encoder of which the fastest counts")
    parser.add_argument("--prefix", default="", help="words before each measuring command: a wrapper that reserves the machine")
    parser.add_argument("--again", type=float, default=0, metavar="SHARE", help="measure points of the file anew whose ceiling is below this share; the faster ones stay")
    parser.add_argument("--json", type=pathlib.Path, help="result file to write, or to go on with")
    parser.add_argument("--from", dest="source", type=pathlib.Path, help="a result file: nothing is measured")
    parser.add_argument("--figure", type=pathlib.Path, help="an SVG file")
    options = parser.parse_args()
    unknown = [axis for axis in options.axes.split(",") if axis not in AXES]
    if unknown:
        parser.error(f"--axes: {', '.join(unknown)}; expected some of {', '.join(AXES)}")
    path = options.source or options.json
    entry = json.loads(path.read_text(encoding="utf-8")) if path and path.exists() else None
    points = entry["figures"]["points"] if entry else []
    if options.source is None:
        settled = {key_of(p) for p in undisturbed(points, options.again)}
        machine = entry["machine"] if entry else result_files.machine(options.lacos)
        with tempfile.TemporaryDirectory(prefix="lacos-scaling-") as folder:
            measurement = Measurement(options, pathlib.Path(folder))
            for axis, what, compute in itertools.product(options.axes.split(","), options.what.split(","), options.compute.split(",")):
                for size in AXES[axis]:
                    if (what, compute, axis, size) in settled:
                        continue
                    p = measurement.point(what, compute, axis, size)
                    points = with_point(points, p)
                    print(f"{axis} {size}: {what} {compute}: {p['seconds']:.3f} s, {1e6 * p['seconds'] / p['tokens']:.0f} us a token, "
                          f"{p['peak_rss_bytes'] / 1e6:.0f} MB, {100 * p['ceiling_share']:.0f} % of {p['ceiling_gflops']:.0f} GFLOP/s", flush=True)
                    if options.json:
                        setting = ("random weights, LoRA rank 8 on query_key_value, texts of one length; "
                                   f"where an axis does not say otherwise {BATCH} pairs of {LENGTH} tokens ({BATCH // 2} pairs on the length axis), "
                                   f"{LAYERS} layers of width {WIDTH} (3 layers on the width axis)")
                        result_files.write(result_files.result("scaling", setting, "bench/scaling.py --json FILE", {"points": points, "fits": fit_all(points)},
                                                               machine, "scaling"), options.json)
    found = fit_all(points)
    show(found)
    if options.figure:
        options.figure.write_text(scaling_figure.draw(series(points), found, size_of), encoding="utf-8")


if __name__ == "__main__":
    main()
