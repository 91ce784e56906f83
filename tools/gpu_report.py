#!/usr/bin/env python3
"""Makes result files and the tables of docs/gpu.md from the lines of tools/gpu_check.sh.

    tools/gpu_report.py gpu-check.jsonl            prints the tables
    tools/gpu_report.py gpu-check.jsonl --write    also writes bench/results/DATE-CARD-gpu.json and docs/gpu.md
    tools/gpu_report.py --self-test                shows with made-up lines what it makes of them

A figure stands in a table only if its step succeeded. A share is given beside the rate of the same run that it is a share of.
"""

import argparse
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "bench"))
import result_files  # noqa: E402

MARKS = ("<!-- figures: made by tools/gpu_report.py -->\n", "<!-- end of figures -->\n")
NOT_MEASURED = "No figure of a GPU has been measured yet: no machine with a GPU was at hand.\n"


def read_lines(path):
    """The steps of a run by name; a damaged last line, as a killed run leaves it, is left out."""
    steps = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            step = json.loads(line)
        except ValueError:
            continue
        steps[step["step"]] = step
    if not steps:
        sys.exit(f"gpu_report.py: {path} has no steps; expected the lines of tools/gpu_check.sh; run it again")
    return steps


def figures_of(steps, name):
    step = steps.get(name, {})
    result = step.get("result")
    return result if step.get("status") == "ok" and isinstance(result, dict) else None


def card_of(steps):
    info = figures_of(steps, "info")
    return info.get("card", "unknown GPU") if info else "unknown GPU"


def memory_text(figures):
    peak = figures.get("device_peak_bytes")
    return f"{peak / 1e9:.2f} GB" if peak else "-"


def tables(steps):
    """Markdown: one table of checks, one of rates."""
    lines = [f"Card: {card_of(steps)}.", "", "| check | result | seconds |", "|---|---|---|"]
    lines += [f"| {name} | {step['status']} | {step['seconds']} |" for name, step in steps.items()
              if not name.startswith(("train-", "embed-", "init-", "peers-", "stream-")) and name != "all"]
    rates = []
    for name in steps:
        figures = figures_of(steps, name)
        if not name.startswith(("train-", "embed-", "stream-", "peers-")) or figures is None:
            continue
        for variant, values in (figures.get("variants") or {"lacos": figures}).items():
            if values.get("tokens_per_second") is not None:
                rates.append(f"| {name} | {variant} | {values['tokens_per_second']:,.0f} | {memory_text(values)} |")
    if rates:
        lines += ["", "| run | program | real tokens/s | peak of device memory |", "|---|---|---|---|", *rates]
    return "\n".join(lines) + "\n"


def write(steps, lines_path):
    card = re.sub(r"[^a-z0-9]+", "-", card_of(steps).lower()).strip("-")
    program = ROOT / "build/cuda-on/bin/lacos"
    entry = result_files.result("gpu", "tools/gpu_check.sh", "tools/gpu_check.sh", {"steps": list(steps.values())},
                                result_files.machine(program), "gpu")
    path = result_files.RESULTS / result_files.file_name(entry, card)
    result_files.write(entry, path)
    page_path = ROOT / "docs/gpu.md"
    page = page_path.read_text(encoding="utf-8")
    before, rest = page.split(MARKS[0])
    after = rest.split(MARKS[1])[1]
    # The first line of the page says that nothing has been measured; it goes with the first figures.
    page_path.write_text(before.replace(NOT_MEASURED + "\n", "", 1) + MARKS[0] + tables(steps) + MARKS[1] + after, encoding="utf-8")
    print(f"{path}\n{page_path}\nfrom {lines_path}")


def self_test():
    steps = {
        "info": {"step": "info", "status": "ok", "seconds": 1, "result": {"card": "Test Card", "sm": "9.0"}},
        "ops": {"step": "ops", "status": "failed", "seconds": 3, "text": "2 FAILED TESTS"},
        "train-560m-bf16": {"step": "train-560m-bf16", "status": "ok", "seconds": 9,
                            "result": {"tokens_per_second": 1234.5, "device_peak_bytes": 2.5e9}},
        "train-7b1-bf16": {"step": "train-7b1-bf16", "status": "timeout", "seconds": 60, "text": ""},
        "peers-560m": {"step": "peers-560m", "status": "ok", "seconds": 9,
                       "result": {"variants": {"PEFT, bf16": {"tokens_per_second": 100.0}}}},
    }
    text = tables(steps)
    expected = ["Card: Test Card.", "| ops | failed | 3 |", "| train-560m-bf16 | lacos | 1,234 | 2.50 GB |",
                "| peers-560m | PEFT, bf16 | 100 | - |"]
    missing = [line for line in expected if line not in text.splitlines()]
    if missing or "7b1" in text:
        sys.exit(f"gpu_report.py: self-test: missing {missing} in\n{text}")
    print("self-test: the tables are as expected")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lines", nargs="?", type=pathlib.Path)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    if options.self_test:
        return self_test()
    if options.lines is None:
        parser.error("name the file of lines that tools/gpu_check.sh wrote")
    if not options.lines.is_file():
        sys.exit(f"gpu_report.py: {options.lines} is no file; expected the lines of tools/gpu_check.sh; run it first")
    steps = read_lines(options.lines)
    print(tables(steps), end="")
    if options.write:
        write(steps, options.lines)


if __name__ == "__main__":
    main()
