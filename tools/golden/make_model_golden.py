#!/usr/bin/env python3
"""Writes tests/golden/models: tiny BLOOM folders and the results of PyTorch, PEFT and sentence-transformers for them.

Run from the repository root in an environment with tools/interop/requirements.txt:
    HF_HUB_OFFLINE=1 python tools/golden/make_model_golden.py [--output tests/golden/models]
"""

import argparse
import os
import pathlib
import shutil
import warnings

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from transformers.models.bloom import modeling_bloom
from transformers.utils import logging

import cross_check
import encode_golden
import loss_golden
import tiny_bloom
import tiny_texts
import train_golden


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("tests/golden/models"))
    root = parser.parse_args().output
    warnings.simplefilter("ignore")
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    torch.set_num_threads(1)  # for a fixed order of summation
    torch.use_deterministic_algorithms(True)
    modeling_bloom.F = tiny_bloom.DoubleSoftmax()

    for old in [root / name for name in ("a", "b", "c", "train")]:
        shutil.rmtree(old, ignore_errors=True)
    root.mkdir(parents=True, exist_ok=True)
    tiny_bloom.write_json(
        root / "texts.json",
        {"encode": tiny_texts.ENCODE_TEXTS, "anchors": tiny_texts.ANCHORS, "positives": tiny_texts.POSITIVES},
    )
    for name in tiny_bloom.SHAPES:
        tiny_bloom.write_model(name, root / name)
        encode_golden.write(root, name)
    for seed, name in enumerate(train_golden.CASES, start=201):
        train_golden.write(root, name, seed)
        print(f"train/{name}: done")
    loss_golden.write(root)
    cross_check.run(root)
    size = sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
    print(f"{root}: {size} bytes")
    assert size < 3 << 20


if __name__ == "__main__":
    main()
