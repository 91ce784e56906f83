#!/usr/bin/env python3
"""Checks that sentence-transformers and PEFT load the folders of `lacos train` and compute the same vectors."""

import json
import pathlib

import torch
from peft import PeftModel
from peft.utils.save_and_load import load_peft_weights, set_peft_model_state_dict
from sentence_transformers import SentenceTransformer

import check_quantized
import peers
import report

MODEL = report.REPOSITORY / "examples/bloom-nano"
PAIRS = report.REPOSITORY / "examples/data/snli-cad-train.tsv.gz"
ALL = "query_key_value,dense,dense_h_to_4h,dense_4h_to_h"
EAGER = {"attn_implementation": "eager", "dtype": "float32"}
# The learning rate is so high that a missing adapter would be noticed.
RECIPE = ["--max-steps", 12, "--batch-size", 16, "--learning-rate", "5e-3", "--schedule", "constant", "--warmup-steps", 0]


def train(check: report.Check, name: str, *arguments, model: pathlib.Path = MODEL) -> pathlib.Path:
    folder = check.work / name
    check.run("train", "--model", model, "--train", PAIRS, "--output", folder, "--overwrite", *RECIPE, *arguments)
    return folder


def sentence_transformers(check: report.Check) -> None:
    texts = report.sentences()
    base = check.embed(MODEL, texts, "--pooling", "mean")
    cases = {
        "weighted_mean": ["--pooling", "weighted_mean"],
        "mean, all four linears": ["--pooling", "mean", "--lora-target", ALL, "--lora-rank", 4],
        "last": ["--pooling", "last"],
    }
    for name, arguments in cases.items():
        folder = train(check, "st-" + name.split(",")[0], *arguments)
        theirs = SentenceTransformer(str(folder), device="cpu", model_kwargs=EAGER).encode(texts, batch_size=16)
        ours = check.embed(folder, texts)
        what = f"SentenceTransformer(trained folder), {name}: "
        check.row(what + "largest 1 - cosine", len(texts), report.cosine_distance(ours, theirs), 1e-4)
        check.row(what + "relative difference", len(texts), report.relative_difference(ours, theirs), 1e-5)
        if name.startswith("mean"):
            moved = report.cosine_distance(ours, base)
            what = "control: the adapter moves vectors (0.01 / largest 1 - cosine to the base)"
            check.row(what, len(texts), 1e-2 / max(moved, 1e-30), 1)


def peft_keys(check: report.Check) -> None:
    for name, arguments, expected in (("qkv", [], 6 * 2), ("all", ["--lora-target", ALL, "--lora-rank", 4], 6 * 8)):
        folder = train(check, "peft-" + name, *arguments)
        model = PeftModel.from_pretrained(peers.load_bloom(MODEL), folder)
        result = set_peft_model_state_dict(model, load_peft_weights(str(folder)))
        missing = [key for key in result.missing_keys if "lora_" in key]
        loaded = [key for key, _ in model.named_parameters() if "lora_" in key]
        assert len(loaded) == expected, (len(loaded), expected)
        assert any(bool((p != 0).any()) for key, p in model.named_parameters() if "lora_B" in key)
        problems = len(missing) + len(result.unexpected_keys)
        check.row(f"PEFT loads the adapter ({name}): missing or unexpected keys", expected, problems, 0)


def quantized_base(check: report.Check) -> None:
    """Checks that a model trained on 8-bit codes gives the vectors of its adapter on the decoded base in PyTorch."""
    quantized = check.work / "base-int8"
    check.run("quantize", "--model", MODEL, "--output", quantized, "--overwrite", compute=None)
    folder = train(check, "st-int8", "--pooling", "weighted_mean", model=quantized)
    config = json.loads((folder / "adapter_config.json").read_text())
    named = pathlib.Path(config["base_model_name_or_path"])
    check.row("adapter trained on 8-bit names the original base (0: yes)", 1, float(named.resolve() != MODEL.resolve()), 0)

    tensors = check_quantized.load_folder(quantized)
    decoded = {name: tensor.float() for name, tensor in tensors.items() if not name.endswith(".absmax")}
    for name in decoded:
        if f"{name}.absmax" in tensors:
            decoded[name] = torch.from_numpy(check_quantized.decode(tensors, name, "row"))
    plain = check_quantized.write_plain(check.work / "base-decoded", decoded)
    model = PeftModel.from_pretrained(peers.load_bloom(plain), folder)
    texts = report.sentences()
    states = peers.hidden_states(model.base_model.model.eval(), peers.token_ids(plain, texts, 75))
    theirs = peers.pooled(states, "weighted_mean")
    ours = check.embed(folder, texts, "--no-normalize")
    difference = report.relative_difference(ours, theirs)
    check.row("trained on 8-bit, f32 compute: PEFT on the decoded base, relative", len(texts), difference, 1e-5)


if __name__ == "__main__":
    report.main([
        ("sentence-transformers folder", sentence_transformers), ("PEFT keys", peft_keys),
        ("adapter on an 8-bit base", quantized_base),
    ])
