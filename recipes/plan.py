#!/usr/bin/env python3
"""Predicts memory and work of every recipe with `lacos plan`, from the published shapes alone.

    recipes/plan.py [--lacos PROGRAM]            writes the tables of recipes/README.md and docs/guide.md
    recipes/plan.py [--lacos PROGRAM] --check    exit status 1 if a table is off by more than 10 %

Nothing is downloaded: config.json has a few numbers. Memory is what plan predicts for a batch whose texts all have
max-length tokens, which real ones do not reach. Plan counts two texts an example and triplets have three, so 128
triplets are planned for as 192 pairs. Work is plan's FLOP a token times the tokens of 557,850 triplets of AllNLI,
counted as TOKENS_A_TRIPLET each. The table of docs/guide.md adds the rates and the memory of the newest result of bench/sizes.py.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "bench"))
import result_files  # noqa: E402

# Layers, hidden size, heads (config.json of bigscience/bloom-*).
SHAPES = {"560m": (24, 1024, 16), "1b1": (24, 1536, 16), "1b7": (24, 2048, 16), "3b": (30, 2560, 32), "7b1": (30, 4096, 32)}
TRIPLETS = 557_850       # sentence-transformers/all-nli, subset "triplet", train
TOKENS_A_TRIPLET = 45    # three sentences of 15 tokens; multiply by your own count
TOKENS_A_SENTENCE = 20
DOLLARS_A_CORE_HOUR = 0.05
VOCABULARY = 250_880
BEGIN, END = "<!-- plan.py begins -->", "<!-- plan.py ends -->"
LIMIT = 32e9             # bytes of memory that every recipe must fit


def train_flags(size: str) -> list[str]:
    """What the recipe's TOML says that plan needs to know; plan itself does not read data or score."""
    flags = []
    for line in (HERE / f"{size}.toml").read_text().splitlines():
        name, equals, value = line.partition(" = ")
        if not equals or name in ("eval-every", "save-every"):
            continue
        value = value.strip('"')
        if name == "batch-size":
            value = str(int(value) * 3 // 2)
        if value != "false":
            flags += [f"--{name}"] if value == "true" else [f"--{name}", value]
    return flags


def config(size: str) -> dict:
    layers, hidden, heads = SHAPES[size]
    return {"architectures": ["BloomForCausalLM"], "model_type": "bloom", "n_layer": layers, "hidden_size": hidden, "n_head": heads,
            "vocab_size": VOCABULARY, "layer_norm_epsilon": 1e-5, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 3}


def plan(lacos: str, size: str, more: list[str]) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "config.json").write_text(json.dumps(config(size)))
        command = [lacos, "plan", "--model", folder, *train_flags(size), *more, "--json", "--quiet"]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def rows(lacos: str) -> list[list[str]]:
    table = []
    for size in SHAPES:
        planned, streamed = plan(lacos, size, []), plan(lacos, size, ["--stream-layers"])
        if not planned["fits"] or planned["peak_bytes"] > LIMIT:
            raise SystemExit(f"plan.py: {size} does not fit {LIMIT / 1e9:.0f} GB: {planned}")
        work = planned["flops_per_token"] * TRIPLETS * TOKENS_A_TRIPLET
        least = min(strategy["peak_bytes"] for strategy in streamed["strategies"])
        table.append([size, f"{planned['disk_bytes'] / 1e9:.2f}", f"{planned['peak_bytes'] / 1e9:.1f}", planned["strategy"],
                      f"{least / 1e9:.1f}", f"{work / 1e15:.0f}", f"{work / 1e12 / 3600:.1f}"])
    return table


def recipes_table(lacos: str) -> list[str]:
    header = ["recipe", "8-bit base, GB", "peak memory, GB", "strategy", "least, GB", "work, PFLOP", "hours at 1 TFLOP/s"]
    return markdown([header, *rows(lacos)])


def costs_table(lacos: str) -> list[str]:
    """What each size costs: disk and least memory as planned, rates and memory as bench/sizes.py measured them."""
    measured = result_files.newest("sizes")
    cores = measured["machine"]["cores"]
    table = [["base", "download", "8-bit base", "memory to train", "at least", "hours to train on AllNLI", "memory to embed", "a million sentences, core-hours", "US dollars"]]
    for size, (layers, hidden, _) in SHAPES.items():
        figures = measured["figures"][size]
        streamed = plan(lacos, size, ["--stream-layers"])
        parameters = VOCABULARY * hidden + 4 * hidden + layers * (12 * hidden**2 + 13 * hidden)
        hours = TRIPLETS * TOKENS_A_TRIPLET / figures["train"]["tokens_per_second"] / 3600
        core_hours = cores * 1e6 * TOKENS_A_SENTENCE / figures["embed"]["tokens_per_second"] / 3600
        table.append([f"bloom-{size}", f"{2 * parameters / 1e9:.1f} GB", f"{streamed['disk_bytes'] / 1e9:.1f} GB", f"{figures['train']['peak_rss_bytes'] / 1e9:.1f} GB",
                      f"{min(strategy['peak_bytes'] for strategy in streamed['strategies']) / 1e9:.1f} GB", f"{hours:.0f}",
                      f"{figures['embed']['peak_rss_bytes'] / 1e9:.1f} GB", f"{core_hours:.0f}", f"{core_hours * DOLLARS_A_CORE_HOUR:.2f}"])
    on = measured["machine"]
    return [*markdown(table), "", f"Measured on {measured['date']} with {cores} cores of {on['cpu']} ({', '.join(on['instruction_sets'])}),", f"lacos {measured['lacos']}: `{measured['command']}`.",
            *([f"Note: {measured['note']}."] if "note" in measured else [])]


def markdown(table: list[list[str]]) -> list[str]:
    return ["| " + " | ".join(row) + " |" for row in [table[0], ["---"] * len(table[0]), *table[1:]]]


def numbers(lines: list[str]) -> list[list[float]]:
    """The numbers of each row of a table, without its first column."""
    found = [re.findall(r"\d+(?:\.\d+)?", line.split("|", 2)[2]) for line in lines if line.startswith("|")]
    return [[float(n) for n in row] for row in found[2:]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lacos", default=str(HERE.parent / "build/release/bin/lacos"))
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    status = 0
    for page, make in ((HERE / "README.md", recipes_table), (HERE.parent / "docs/guide.md", costs_table)):
        text = page.read_text(encoding="utf-8")
        before, rest = text.split(BEGIN)
        old, after = rest.split(END)
        lines = make(options.lacos)
        if not options.check:
            page.write_text(before + BEGIN + "\n" + "\n".join(lines) + "\n" + END + after, encoding="utf-8")
            continue
        was, now = numbers(old.split("\n")), numbers(lines)
        close = len(was) == len(now) and all(
            len(a) == len(b) and all(abs(x - y) <= 0.1 * max(x, y) + 0.11 for x, y in zip(a, b)) for a, b in zip(was, now))
        if not close:
            print(f"plan.py: {page.name} is not what plan predicts now:\n" + "\n".join(lines), file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
