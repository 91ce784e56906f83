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


def gigabytes(value):
    return f"{value / 1e9:.2f} GB" if value else "-"


def number(value, form=",.0f"):
    return "-" if value is None else format(value, form)


def table(head, rows):
    """A Markdown table, or nothing without rows."""
    if not rows:
        return []
    return ["", "| " + " | ".join(head) + " |", "|" + "---|" * len(head), *("| " + " | ".join(row) + " |" for row in rows)]


# Steps whose results stand in tables of their own; all others are checks.
MEASUREMENTS = ("train-", "embed-", "init-", "peers", "stream-", "recompute-", "gradcache-", "breakdown-", "latency-", "idle-",
                "ready-", "plan-", "pretrain", "cublaslt", "kernels")


def checks(steps):
    rows = [[name, step["status"], str(step["seconds"])] for name, step in steps.items()
            if name != "all" and not name.startswith(MEASUREMENTS)]
    return table(["check", "result", "seconds"], rows)


def run_rates(steps):
    rows = []
    for name in steps:
        figures = figures_of(steps, name)
        if not name.startswith(("train-", "embed-", "stream-", "recompute-", "gradcache-", "peers-")) or figures is None:
            continue
        for variant, values in (figures.get("variants") or {"lacos": figures}).items():
            if values.get("tokens_per_second") is not None:
                rows.append([name, variant, number(values["tokens_per_second"]), gigabytes(values.get("device_peak_bytes")),
                             gigabytes(values.get("planned_peak_bytes"))])
    return table(["run", "program", "real tokens/s", "peak of device memory", "as planned"], rows)


def device_rates(steps):
    """The rates that `lacos info` measured, and cuBLASLt's fastest large products."""
    info, kernels = figures_of(steps, "info") or {}, figures_of(steps, "kernels") or {}
    rates = kernels.get("rates") or info.get("rates") or {}
    library = kernels.get("cublaslt") or {}
    rows = [[what, number(rates.get(key) and rates[key] / scale, ".4g"), number(own and own / scale, ".4g"), unit]
            for what, key, scale, own, unit in (
                ("large products in bf16", "bf16_flop_per_second", 1e12, library.get("bf16"), "TFLOP/s"),
                ("large products in int8", "int8_op_per_second", 1e12, library.get("int8"), "TOP/s"),
                ("copies in the GPU's memory, read and written", "copy_bytes_per_second", 1e9, None, "GB/s"),
                ("copies from the host", "upload_bytes_per_second", 1e9, None, "GB/s"))
            if rates.get(key)]
    return table(["rate", "lacos", "cuBLASLt", "unit"], rows)


def kernel_shares(steps):
    figures = figures_of(steps, "kernels") or {}
    rows = [[op["op"], op["model"], op["compute"], number(op["tokens"]), number(op["microseconds"], ",.1f"), f"{100 * op['share']:.0f} %"]
            for op in figures.get("ops", [])]
    return table(["op", "shape", "mode", "tokens", "microseconds", "share of the ceiling"], rows)


def algorithms(steps):
    """For each product the fastest of cuBLASLt's algorithms whose rows keep their bytes, and how many there were."""
    rows = []
    for product in (figures_of(steps, "cublaslt") or {}).get("products", []):
        found = product["candidates"]
        fit = [one for one in found if one["row_differs_at"] is None]
        shape = f"{product['columns']}x{product['depth']}{' backward' if product['across'] else ''}"
        best = min(fit, key=lambda one: one["microseconds"][max(one["microseconds"], key=int)] or float("inf"), default=None)
        about = f"{best['id']}, {best['tile']}, {best['stages']}" if best else "none"
        times = ", ".join(number(value, ",.1f") for value in best["microseconds"].values()) if best else "-"
        counts = ", ".join(best["microseconds"]) if best else "-"
        rows.append([product["model"], product["type"], shape, f"{len(fit)} of {len(found)}", about, counts, times])
    return table(["shape", "type", "product", "invariant", "fastest: id, tile, stages", "rows", "microseconds"], rows)


def single_figures(steps):
    """Figures that are one number a step."""
    rows = []

    def add(step, what, form):
        figures = figures_of(steps, step)
        if figures is not None:
            rows.append([what, form(figures)])

    for model in ("560m", "7b1"):
        add(f"latency-{model}", f"a query of 12 tokens, {model}", lambda f: f"{1000 * f['median_batch_seconds']:.2f} ms")
    add("idle-560m", "time in which kernels run in a step, 560m", lambda f: f"{f['median_utilization_percent']:.0f} %")
    add("ready-7b1", "from the start of the program to the first step, 7b1", lambda f: f"{f['ready_seconds']:.2f} s")
    add("plan-7b1", "copied in a pass of a streamed base, 7b1",
        lambda f: f"{gigabytes(f['copies']['bytes_per_pass'])} in {f['copies']['seconds_per_pass']:.2f} s" if f.get("copies") else "nothing")
    for name in steps:
        if name.startswith("pretrain-"):
            add(name, name, lambda f: f"{f['parameters'] / 1e6:.1f} M parameters, {f['tokens_seen'] / 1e6:.0f} M tokens, "
                                      f"{f['final_loss_nats']:.2f} nats a token")
    return table(["figure", "measured"], rows)


def parts_of_a_step(steps):
    breakdown = (figures_of(steps, "breakdown-560m-bf16") or {}).get("breakdown") or {}
    return table(["part of a step, 560m", "share"],
                 [[part["part"], f"{100 * part['share']:.1f} %"] for part in breakdown.get("parts", [])])


def tables(steps):
    """Markdown: the checks, then what was measured."""
    lines = [f"Card: {card_of(steps)}."]
    for part in (checks, run_rates, device_rates, kernel_shares, algorithms, single_figures, parts_of_a_step):
        lines += part(steps)
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
    def ok(name, **result):
        return name, {"step": name, "status": "ok", "seconds": 9, "result": result}

    steps = dict([
        ok("info", card="Test Card", sm="9.0", rates={"bf16_flop_per_second": 7e14, "copy_bytes_per_second": 4e12}),
        ("ops", {"step": "ops", "status": "failed", "seconds": 3, "text": "2 FAILED TESTS"}),
        ok("cublaslt", version="13.1.0", products=[{
            "model": "560m", "type": "bf16", "columns": 3072, "depth": 1024, "across": True, "candidates": [
                {"id": 66, "tile": 20, "stages": 35, "microseconds": {"16": 5.0, "9600": 90.0}, "row_differs_at": None},
                {"id": 67, "tile": 20, "stages": 35, "microseconds": {"16": 4.0, "9600": 80.0}, "row_differs_at": 33}]}]),
        ok("kernels", rates={"bf16_flop_per_second": 7e14}, cublaslt={"bf16": 8e14, "int8": None},
           ops=[{"op": "LayerNorm", "model": "560m", "compute": "bf16", "tokens": 2453, "microseconds": 6.25, "share": 0.71}]),
        ok("encode-560m-bf16", texts=20000, different={"alone": 0}),
        ok("train-560m-bf16", tokens_per_second=1234.5, device_peak_bytes=2.5e9, planned_peak_bytes=2.4e9),
        ("train-7b1-bf16", {"step": "train-7b1-bf16", "status": "timeout", "seconds": 60, "text": ""}),
        ok("gradcache-7b1", tokens_per_second=99.0, device_peak_bytes=8e9),
        ok("latency-560m", median_batch_seconds=0.0015),
        ok("idle-560m", median_utilization_percent=97.0),
        ok("ready-7b1", ready_seconds=2.5),
        ok("plan-7b1", copies={"bytes_per_pass": 3e9, "seconds_per_pass": 0.12}),
        ok("breakdown-560m-bf16", breakdown={"parts": [{"part": "attention", "share": 0.08}]}),
        ok("peers-560m", variants={"PEFT, bf16": {"tokens_per_second": 100.0}}),
        ok("pretrain-2m", parameters=2.2e6, tokens_seen=26e6, final_loss_nats=4.25),
    ])
    text = tables(steps)
    expected = ["Card: Test Card.", "| ops | failed | 3 |", "| train-560m-bf16 | lacos | 1,234 | 2.50 GB | 2.40 GB |",
                "| peers-560m | PEFT, bf16 | 100 | - | - |", "| large products in bf16 | 700 | 800 | TFLOP/s |",
                "| LayerNorm | 560m | bf16 | 2,453 | 6.2 | 71 % |",
                "| 560m | bf16 | 3072x1024 backward | 1 of 2 | 66, 20, 35 | 16, 9600 | 5.0, 90.0 |",
                "| a query of 12 tokens, 560m | 1.50 ms |", "| time in which kernels run in a step, 560m | 97 % |",
                "| from the start of the program to the first step, 7b1 | 2.50 s |",
                "| copied in a pass of a streamed base, 7b1 | 3.00 GB in 0.12 s |", "| attention | 8.0 % |",
                "| pretrain-2m | 2.2 M parameters, 26 M tokens, 4.25 nats a token |", "| encode-560m-bf16 | ok | 9 |"]
    missing = [line for line in expected if line not in text.splitlines()]
    if missing or "train-7b1" in text:
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
