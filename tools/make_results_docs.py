#!/usr/bin/env python3
"""Writes the tables and verdicts of docs/results.md, and README.md's summary, from docs/results/bloom-nano-*.json.

    tools/make_results_docs.py --from build/sweep    keeps the results of that folder of `lacos sweep`, then writes the
                                                     pages; with --busy (other work ran on the machine) without times;
                                                     with --name defaults those of another recipe (RECIPES below)
    tools/make_results_docs.py                       writes the pages
    tools/make_results_docs.py --check               exit status 1 if a page differs from the files (CI)

Everything between `<!-- NAME: made by tools/make_results_docs.py -->` and `<!-- end -->` is generated, including the
sentences, so that they agree with the numbers. NAME is a block of the demo sweep, or RECIPE.BLOCK.
"""

import argparse
import difflib
import json
import pathlib
import re
import sys

from pages import sentences, table

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGES = [ROOT / "docs" / "results.md", ROOT / "README.md"]
RECIPES = {"sweep": "examples/sweep.toml", "defaults": "recipes/defaults.toml", "unlabelled": "recipes/unlabelled.toml"}
BLOCK = re.compile(r"(<!-- (?:([a-z]+)\.)?([a-z0-9-]+): made by tools/make_results_docs.py -->\n).*?(<!-- end -->)", re.S)
SIZES = {"examples": "training pairs", "base_layers": "layers", "base_parameters": "parameters of the base",
         "trainable_parameters": "trainable parameters"}


def data(name):
    return ROOT / "docs" / "results" / f"bloom-nano-{name}.json"


def keep(folder, name, busy):
    """The sweep and its machine in short form: rounded numbers, and for each cell only the uncommon settings."""
    sweep = json.loads((folder / "sweep.json").read_text(encoding="utf-8"))
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    machine, commit = run.get("machine", {}), run["build"].get("commit") or ""
    for cell in sweep["cells"]:
        cell["settings"] = {k: v for k, v in cell["settings"].items() if v != sweep["settings"][k]}
    sweep["made_by"] = {"command": f"lacos sweep {RECIPES[name]} --output build/{name}", "lacos": run["lacos_version"] if not commit or commit.endswith("-dirty") else commit,
                        "cpu": machine.get("cpu"), "cores": machine.get("cores"), "threads": machine.get("threads"), "busy": busy}
    data(name).parent.mkdir(exist_ok=True)
    data(name).write_text(short(rounded(sweep)) + "\n", encoding="utf-8")


def short(value, depth=0):
    """JSON with one line for each cell, row and point."""
    if depth < 3 and isinstance(value, (dict, list)) and value and any(isinstance(v, (dict, list)) for v in (value.values() if isinstance(value, dict) else value)):
        pad = "\n" + " " * (depth + 1)
        if isinstance(value, dict):
            return "{" + ",".join(pad + json.dumps(k) + ": " + short(v, depth + 1) for k, v in value.items()) + pad[:-1] + "}"
        return "[" + ",".join(pad + short(v, depth + 1) for v in value) + pad[:-1] + "]"
    return json.dumps(value, ensure_ascii=False)


def rounded(value):
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, list):
        return [rounded(v) for v in value]
    return {k: rounded(v) for k, v in value.items()} if isinstance(value, dict) else value


def signed(value):
    return f"{value:+.2f}".replace("-0.00", "+0.00")


def span(interval, sign=False):
    show = signed if sign else "{:.2f}".format
    return "" if interval is None else f"{show(interval[0])} to {show(interval[1])}"


def points(value):
    return "a point" if value == 1 else f"{value:g} points"


class Page:
    def __init__(self, name, sweep):
        self.name, self.sweep = name, sweep
        self.examples = "sentences" if name == "unlabelled" else "training pairs"
        self.cells = {cell["name"]: cell for cell in sweep["cells"]}
        self.studies = {study["name"]: study for study in sweep["studies"]}
        self.busy = sweep["made_by"]["busy"]

    def block(self, name):
        if name == "source":
            return self.source()
        if name == "summary":
            return self.summary()
        if name == "cells":
            return self.costs()
        if name == "grid":
            return self.grid()
        if name == "fronts":
            return self.fronts()
        if name.startswith("study-"):
            return self.study(self.studies[name.removeprefix("study-")])
        raise SystemExit(f"no block is called '{name}'")

    def source(self):
        made, trained = self.sweep["made_by"], [c for c in self.sweep["cells"] if c["trained"]]
        seconds = sum((c["costs"]["train_seconds"] or 0) * len(self.sweep["seeds"]) for c in trained)
        steps = sum(c["costs"]["steps"] * len(self.sweep["seeds"]) for c in trained)
        time = "Other work ran on the machine, so times are left out." if self.busy else f"{seconds / 60:.1f} minutes of training steps."
        return sentences(
            f"`{made['command']}`, lacos {made['lacos']}, {made['threads']} threads on {made['cores']} cores of {made['cpu']}: "
            f"{len(trained)} cells with seeds {', '.join(map(str, self.sweep['seeds']))}, {steps:,.0f} training steps.", time,
            f"Score: {self.sweep['score']}, Spearman × 100, unless said otherwise; intervals {100 * self.sweep['confidence']:.0f} %, over seeds and test pairs.")

    def summary(self):
        """A summary with the widest interval of each goal, and the objective."""
        parts = []
        for study, what in (("quantization", "8-bit bases"), ("compute", "bf16 and int8 arithmetic")):
            rows = [row for row in self.studies[study]["rows"] if "within" in row]
            low, high = min(row["difference_interval"][0] for row in rows), max(row["difference_interval"][1] for row in rows)
            verdict = "stay" if all(row["within"] == "yes" for row in rows) else "do not all stay"
            parts.append(f"{what} {verdict} within {points(self.studies[study]['within'])} of full precision (all intervals within {span((low, high), True)}).")
        row = next(row for row in self.studies["objective"]["rows"] if "difference" in row)
        parts.append(f"Sentence-BERT's softmax objective differs from MNR by {signed(row['difference'])} ({span(row['difference_interval'], True)}) on the same base, data and steps.")
        return [f"An ablation on the demo model: {len([c for c in self.sweep['cells'] if c['trained']])} configurations, {len(self.sweep['seeds'])} seeds each "
                f"(`lacos sweep examples/sweep.toml`, Spearman × 100 on the bundled captions):", "", *(f"- {part}" for part in parts),
                "- Rank, amount of data, depth and languages are in [docs/results.md](docs/results.md)."]

    def name_of(self, study, row):
        return ", ".join(self.value(axis, row["values"][axis], row["cell"]) for axis in study["axes"])

    def value(self, axis, text, cell):
        costs = self.cells[cell].get("costs", {})
        if axis == "layers":
            return f"{costs.get('base_layers', 0):.0f} layers"
        if axis == "data_fraction":
            return f"{100 * float(text):g} % ({costs.get('examples', 0):,.0f} {self.examples.split()[-1]})"
        if axis == "lora_rank":
            return f"rank {text}"
        if axis == "max_steps":
            return f"{text} steps"
        return "as it was (BF16)" if text == "none" else text

    def study(self, study):
        rows, base = [], None
        for row in study["rows"]:
            name = self.name_of(study, row)
            if row["cell"] == study["baseline"]:
                base = name
            costs = self.cells[row["cell"]]["costs"]
            rows.append([name, f"{row['mean']:.2f}", f"{row['sd']:.2f}", span(row["interval"]),
                         "baseline" if row["cell"] == study["baseline"] else signed(row["difference"]), span(row.get("difference_interval"), True),
                         *([] if self.busy else [f"{costs['train_seconds']:.1f} s"])])
        lines = table([study["score"], "mean", "sd of seeds", "interval", "difference", "its interval", *([] if self.busy else ["training"])], rows) + [""]
        for row in study["rows"]:
            if row["cell"] != study["baseline"]:
                lines.append("- " + self.verdict(study, row, base))
        lines += ["- " + self.growth(growth) for growth in study["growth"]]
        return lines

    def verdict(self, study, row, base):
        name, (low, high), difference = self.name_of(study, row), row["difference_interval"], row["difference"]
        if "within" in study:
            goal = points(study["within"])
            return {"yes": f"**Holds**: {name} is within {goal} of {base} ({signed(difference)}, {span((low, high), True)}).",
                    "no": f"**Does not hold**: {name} is {abs(difference):.2f} points from {base} ({span((low, high), True)}), more than {goal}.",
                    "undecided": f"**Not decided**: {name} differs from {base} by {signed(difference)}, but the interval ({span((low, high), True)}) is not all within {goal}."}[row["within"]]
        if low > 0:
            return f"{name} is better than {base} by {difference:.2f} points ({low:.2f} to {high:.2f})."
        if high < 0:
            return f"{name} is worse than {base} by {-difference:.2f} points ({-high:.2f} to {-low:.2f})."
        return f"No difference between {name} and {base} was shown ({signed(difference)}, {span((low, high), True)})."

    def growth(self, growth):
        slope, (low, high), size = growth["points_per_doubling"], growth["interval"], SIZES[growth["size"]]
        size = self.examples if growth["size"] == "examples" else size
        if growth["has_zero"]:
            return f"No growth with the number of {size} was shown: {signed(slope)} points a doubling, {span((low, high), True)}."
        return f"Each doubling of the number of {size} changes the score by {signed(slope)} points ({span((low, high), True)})."

    def costs(self):
        names = [score["name"] for score in self.sweep["cells"][0]["scores"] if score["name"].split()[-1] not in ("mean", "in-language", "out-of-language")
                 and not score["name"].startswith("mean of")]
        rows = []
        for cell in self.sweep["cells"]:
            if "scores" not in cell:
                rows.append([cell["name"], "failed"])
                continue
            scores, costs = {s["name"]: s for s in cell["scores"]}, cell["costs"]
            trained = [f"{costs['train_peak_rss_bytes'] / 1e6:.0f} MB", f"{costs['trainable_parameters']:,.0f}"] if cell["trained"] else ["-"] * 2
            times = [] if self.busy else [f"{costs['train_seconds']:.1f} s" if cell["trained"] else "-", f"{costs['encode_ms_per_text']:.2f} ms"]
            rows.append([f"`{cell['name']}`", *(f"{scores[name]['mean']:.2f}" for name in names), *trained,
                         f"{costs['base_bytes'] / 1e6:.1f} MB", *times])
        return table(["cell", *names, "peak memory", "trained parameters", "base", *([] if self.busy else ["training", "a text"])], rows)

    def grid(self):
        """The defaults' study: a row for each combination of settings, a column for each kind of data with its own dev score."""
        kinds = {"demo": "STSb captions en", "multilingual": "STSb multilingual mean", "classes": "StackOverflow titles"}
        heads = {"demo": "pairs in English", "multilingual": "pairs in three languages", "classes": "titles with classes"}
        trained = {cell["settings"].get("data", self.sweep["settings"]["data"]) for cell in self.sweep["cells"] if cell["trained"]}
        kinds = {kind: score for kind, score in kinds.items() if kind in trained}
        common = self.sweep["settings"]
        rows, found = {}, {}
        for cell in self.sweep["cells"]:
            settings = {**common, **cell["settings"]}
            target = settings["lora_target"] if isinstance(settings["lora_target"], str) else "+".join(settings["lora_target"])
            row = (settings["pooling"], f"{settings['learning_rate']:g}", "all four" if target.count("+") == 3 else target, f"{settings['lora_rank']}")
            if not cell["trained"]:
                row = (settings["pooling"], "untrained", "", "")
            for kind, score in kinds.items():
                if cell["trained"] and settings["data"] != kind:
                    continue
                found[row, kind] = next(s for s in cell["scores"] if s["name"] == score)
            rows.setdefault(row)
        lines = []
        for row in rows:
            cells = [found.get((row, kind)) for kind in kinds]
            lines.append([*row, *("" if s is None else f"{s['mean']:.2f}" + (f" ± {s['sd']:.2f}" if row[1] != "untrained" else "") for s in cells)])
        return table(["pooling", "learning rate", "matrices with an update", "rank", *(heads[kind] for kind in kinds)], lines)

    def fronts(self):
        lines = []
        for pareto in self.sweep["pareto"]:
            if self.busy and pareto["cost"] in ("train_seconds", "encode_ms_per_text"):
                continue
            front = sorted((p for p in pareto["points"] if p["front"]), key=lambda p: p["cost"])
            lines.append(f"- Against {pareto['title']}: " + ", ".join(f"`{p['cell']}` ({p['mean']:.2f} at {p['cost']:{',.0f' if p['cost'] >= 100 else '.2f'}})" for p in front) + ".")
        return lines


def made(text, pages):
    return BLOCK.sub(lambda m: m.group(1) + "\n".join(pages[m.group(2) or "sweep"].block(m.group(3))) + "\n" + m.group(4), text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from", dest="folder", type=pathlib.Path)
    parser.add_argument("--name", choices=RECIPES, default="sweep")
    parser.add_argument("--busy", action="store_true")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    if options.folder:
        keep(options.folder, options.name, options.busy)
    pages = {name: Page(name, json.loads(data(name).read_text(encoding="utf-8"))) for name in RECIPES if data(name).exists()}
    differing = False
    for path in PAGES:
        text = path.read_text(encoding="utf-8")
        expected = made(text, pages)
        if text == expected:
            continue
        differing = True
        if options.check:
            sys.stdout.writelines(difflib.unified_diff(text.splitlines(True), expected.splitlines(True), path.name, "as docs/results makes it"))
        else:
            path.write_text(expected, encoding="utf-8", newline="\n")
    return 1 if options.check and differing else 0


if __name__ == "__main__":
    sys.exit(main())
