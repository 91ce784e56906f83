#!/usr/bin/env python3
"""Checks that tensorboard's own reader finds all scalars of metrics.jsonl and the settings in the event files."""

import json
import math
import pathlib
import shutil

import numpy
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import report

MODEL = report.REPOSITORY / "examples/bloom-nano"
PAIRS = report.REPOSITORY / "examples/data/snli-cad-train.tsv.gz"
DEV = report.REPOSITORY / "examples/data/stsb-captions-dev.tsv"
# The keys of metrics.jsonl that are in the event files, by tag.
STEP_KEYS = ["loss", "accuracy", "learning_rate", "gradient_norm", "clipped", "tokens", "texts", "truncated",
             "tokens_per_second", "rss_bytes", "peak_rss_bytes"]
TAGS = {f"train/{key}": key for key in STEP_KEYS} | {"dev/spearman": "dev_spearman", "dev/pearson": "dev_pearson"}


def train(check: report.Check, folder: pathlib.Path, *more) -> None:
    check.run("train", "--model", MODEL, "--train", PAIRS, "--output", folder, "--max-steps", 6, "--batch-size", 8,
              "--max-length", 16, "--dev", DEV, "--eval-every", 3, "--save-every", 3, *more)


def compare(check: report.Check, what: str, folder: pathlib.Path) -> None:
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0})
    events.Reload()
    largest, cases = 0.0, 0
    for tag, key in TAGS.items():
        expected = {line["step"]: float(line[key]) for line in lines if line.get(key) is not None}
        found = {event.step: event.value for event in events.Scalars(tag)}
        assert found.keys() == expected.keys(), (tag, sorted(found), sorted(expected))
        assert len(events.Scalars(tag)) == len(expected), (tag, "a step occurs twice")
        for step, value in expected.items():
            assert math.isfinite(value)
            difference = abs(found[step] - float(numpy.float32(value))) / max(abs(value), 1e-30)
            largest, cases = max(largest, difference), cases + 1
    check.row(f"TensorBoard reads the scalars of metrics.jsonl{what}", cases, largest, 1e-6)


def scalars(check: report.Check) -> None:
    folder = check.work / "run"
    shutil.rmtree(folder, ignore_errors=True)
    train(check, folder)
    compare(check, "", folder)
    tensors = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    tensors.Reload()
    text = tensors.Tensors("settings")[0].tensor_proto.string_val[0].decode()
    settings = json.loads((folder / "run.json").read_text())["settings"]
    missing = [name for name, value in settings.items()
               if isinstance(value, str) and not name.endswith("sha256") and name not in ("isa", "lacos_version") and f"| {name} | {value} |" not in text]
    check.row("TensorBoard shows the settings as text: settings that are missing", len(settings), len(missing), 0)
    plugin = tensors.SummaryMetadata("settings").plugin_data.plugin_name
    check.row("they belong to its text plugin (0: yes)", 1, float(plugin != "text"), 0)

    # A run that is killed after step 6 and resumed from its checkpoint of step 3: each step must appear once.
    for name in ("lacos.json", "adapter_model.safetensors", "adapter_config.json", "modules.json"):
        (folder / name).unlink()
    shutil.rmtree(folder / "checkpoints/step-000006")
    train(check, folder, "--resume")
    assert len(list(folder.glob("events.out.tfevents.*"))) == 2
    compare(check, " of a resumed run", folder)


if __name__ == "__main__":
    report.main([("event files of a run", scalars)])
