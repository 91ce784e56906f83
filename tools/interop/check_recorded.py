#!/usr/bin/env python3
"""Checks that the installed packages still give, on this machine, the golden files that CI uses without Python."""

import subprocess
import sys

import numpy
from safetensors.torch import load_file

import report

GOLDEN = report.REPOSITORY / "tests/golden"


def record(check: report.Check, script: str, *arguments) -> None:
    """Runs a script of tools/golden."""
    command = [sys.executable, str(report.REPOSITORY / "tools/golden" / script), *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, cwd=report.REPOSITORY)
    if result.returncode != 0:
        raise RuntimeError(f"{script}: {report.last_line(result.stderr)}")


def floats(line: str) -> numpy.ndarray:
    return numpy.array([int(word, 16) for word in line.split()], numpy.uint32).view(numpy.float32)


def adam(check: report.Check) -> None:
    """Compares codes and scales of both moments by hash, and every 16th parameter and float moments by value."""
    path = check.work / "adam8.txt"
    record(check, "make_adam_golden.py", path)
    now, then = path.read_text().splitlines()[1:], (GOLDEN / "optimizer/adam8.txt").read_text().splitlines()[1:]
    assert len(now) == len(then)
    hashes = states = worst = 0
    for a, b in zip(now, then):
        words = a.split()
        if words[0] in ("run", "step"):
            assert a == b
        elif len(words) == 4 and len(words[0]) == 16:
            states += 4
            hashes += sum(x != y for x, y in zip(words, b.split(), strict=True))
        else:
            worst = max(worst, report.relative_difference(floats(a), floats(b)))
    check.row("recorded Adam8bit, 100 steps: codes and scales of the moments that differ", states, hashes, 0)
    check.row("recorded Adam8bit, 100 steps: parameters and float moments, relative", 20, worst, 1e-6)


def codes(check: report.Check) -> None:
    path = check.work / "dynamic.txt"
    record(check, "make_quant_golden.py", path)
    now, then = path.read_text().splitlines()[1:], (GOLDEN / "quant/dynamic.txt").read_text().splitlines()[1:]
    differ = abs(len(now) - len(then)) + sum(a != b for a, b in zip(now, then))
    check.row("recorded dynamic maps, block-wise codes and scales: lines that differ", len(now), differ, 0)


def models(check: report.Check) -> None:
    """Compares hidden states, poolings, losses, gradients and trained adapters of the three Python packages."""
    folder = check.work / "models"
    record(check, "make_model_golden.py", "--output", folder)
    paths = sorted(path.relative_to(folder) for path in folder.rglob("*.safetensors"))
    golden = [path.relative_to(GOLDEN / "models") for path in (GOLDEN / "models").rglob("*.safetensors")]
    assert paths == sorted(path for path in golden if path.parts[0] != "adapters")  # another script writes those
    # On another CPU, PyTorch rounds differently. Adam divides by the root of the second moment, so that ten steps enlarge the
    # rounding of gradients that are zero by nature, such as those of the keys' biases.
    limits = {"hidden states, losses, gradients": 1e-5, "after ten steps": 1e-2}
    worst, tensors = dict.fromkeys(limits, 0.0), dict.fromkeys(limits, 0)
    for path in paths:
        what = "after ten steps" if path.name == "final.safetensors" else "hidden states, losses, gradients"
        now, then = ({name: tensor.double().numpy() for name, tensor in load_file(root / path).items()}
                     for root in (folder, GOLDEN / "models"))
        assert now.keys() == then.keys(), path
        tensors[what] += len(now)
        worst[what] = max(worst[what], *(report.relative_difference(now[name], then[name]) for name in now if now[name].any()))
    for what, limit in limits.items():
        check.row(f"recorded models: {what}, relative", tensors[what], worst[what], limit)


if __name__ == "__main__":
    report.main([("recorded Adam8bit", adam), ("recorded codes", codes), ("recorded models", models)])
