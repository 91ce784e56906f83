#!/usr/bin/env python3
"""Quantised folders: codes against numpy and bitsandbytes, and vectors against transformers on the decoded weights."""

import json
import pathlib

import bitsandbytes.functional as bnb
import numpy
import torch
from safetensors.torch import load_file, save_file

import peers
import report

MODEL = report.REPOSITORY / "examples/bloom-nano"
CASES = [("linear", "row"), ("linear", "64"), ("linear", "4096"), ("dynamic", "64"), ("dynamic", "256"), ("dynamic", "4096")]


def load_folder(folder: pathlib.Path) -> dict[str, torch.Tensor]:
    tensors = {}
    for file in sorted(folder.glob("*.safetensors")):
        tensors |= load_file(file)
    return tensors


def blocks(weight: numpy.ndarray, size: str) -> numpy.ndarray:
    """The flattened matrix as rows of one block each; the last may be short, filled up with zeros."""
    length = weight.shape[1] if size == "row" else int(size)
    flat = weight.reshape(-1)
    return numpy.pad(flat, (0, -len(flat) % length)).reshape(-1, length)


def encode_linear(weight: numpy.ndarray, size: str):
    parts = blocks(weight, size)
    absmax = numpy.abs(parts).max(1).astype(numpy.float32)
    scale = numpy.divide(numpy.float32(127), absmax, out=numpy.zeros_like(absmax), where=absmax > 0)
    return numpy.rint(parts * scale[:, None]).astype(numpy.int8).reshape(-1)[: weight.size].reshape(weight.shape), absmax


def decode(tensors, name: str, size: str) -> numpy.ndarray:
    codes, absmax = tensors[name].numpy(), tensors[f"{name}.absmax"].numpy()
    if codes.dtype == numpy.int8:
        values, scale = blocks(codes.astype(numpy.float32), size), absmax / numpy.float32(127)
    else:
        values, scale = blocks(tensors[f"{name}.quant_map"].numpy()[codes], size), absmax
    return (values * scale[:, None]).reshape(-1)[: codes.size].reshape(codes.shape)


def formats(check: report.Check) -> None:
    original = {name: tensor.float() for name, tensor in load_folder(MODEL).items()}
    for scheme, size in CASES:
        folder = check.work / f"{scheme}-{size}"
        check.run("quantize", "--model", MODEL, "--output", folder, "--overwrite", "--scheme", scheme, "--block-size", size,
                  compute=None)
        tensors = load_folder(folder)
        names = [name for name in tensors if f"{name}.absmax" in tensors]
        assert len(names) == 6 * 4 + 1, names
        wrong_codes, scales, elements, decoded_difference = 0, 0.0, 0, 0.0
        decoded = {name: tensor.float() for name, tensor in tensors.items() if not name.endswith((".absmax", ".quant_map"))}
        for name in names:
            weight = original[name]
            if scheme == "linear":
                codes, absmax = encode_linear(weight.numpy(), size)
            else:
                torch_codes, state = bnb.quantize_blockwise(weight.flatten(), blocksize=int(size))
                codes, absmax = torch_codes.numpy().reshape(weight.shape), state.absmax.numpy()
                theirs = bnb.dequantize_blockwise(torch_codes, state).reshape(weight.shape).numpy()
                decoded_difference = max(decoded_difference, report.relative_difference(decode(tensors, name, size), theirs))
            wrong_codes += int((tensors[name].numpy() != codes).sum())
            scales = max(scales, report.relative_difference(tensors[f"{name}.absmax"].numpy(), absmax))
            decoded[name] = torch.from_numpy(decode(tensors, name, size))
            elements += weight.numel()
        peer = "numpy" if scheme == "linear" else "bitsandbytes"
        check.row(f"quantize {scheme} {size}: differing codes: {peer}", elements, wrong_codes, 0)
        check.row(f"quantize {scheme} {size}: absmax: {peer}", len(names), scales, 0)
        if scheme == "dynamic":
            # One float32 product a value on either side.
            check.row(f"quantize {scheme} {size}: decoded values: bitsandbytes", elements, decoded_difference, 2e-7)
        unchanged = [name for name in original if name not in names]
        changed = sum(not torch.equal(original[name], decoded[name]) for name in unchanged)
        check.row(f"quantize {scheme} {size}: changed tensors among the others", len(unchanged), changed, 0)
        vectors(check, folder, decoded, f"embed on {scheme} {size}, f32: transformers on the decoded weights")


def vectors(check: report.Check, folder: pathlib.Path, decoded: dict[str, torch.Tensor], what: str) -> None:
    texts = report.sentences()[:40]
    plain = write_plain(check.work / f"{folder.name}-decoded", decoded)
    states = peers.hidden_states(peers.load_bloom(plain), peers.token_ids(plain, texts, 64))
    ours = check.embed(folder, texts, "--pooling", "mean", "--max-length", 64, "--no-normalize")
    check.row(what, len(texts), report.relative_difference(ours, peers.pooled(states, "mean")), 1e-5)


def write_plain(folder: pathlib.Path, tensors: dict[str, torch.Tensor]) -> pathlib.Path:
    """The decoded weights as an ordinary float32 folder."""
    folder.mkdir(parents=True, exist_ok=True)
    contiguous = {name: tensor.contiguous() for name, tensor in tensors.items()}
    save_file(contiguous, folder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((MODEL / "config.json").read_text()) | {"dtype": "float32"}
    (folder / "config.json").write_text(json.dumps(config))
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        (folder / name).write_bytes((MODEL / name).read_bytes())
    return folder


def bitsandbytes_layout(check: report.Check) -> None:
    folder = check.work / "bitsandbytes"
    check.run("quantize", "--model", MODEL, "--output", folder, "--overwrite", "--layout", "bitsandbytes", compute=None)
    original, tensors = load_folder(MODEL), load_folder(folder)
    names = [name for name in tensors if tensors[name].dtype == torch.int8]
    assert len(names) == 6 * 4, names
    wrong, scales = 0, 0.0
    for name in names:
        codes, scale, _ = bnb.int8_vectorwise_quant(original[name].half())
        wrong += int((codes != tensors[name]).sum())
        ours = tensors[name.replace(".weight", ".SCB")].float().numpy()
        scales = max(scales, report.relative_difference(ours, scale.float().numpy()))
    elements = sum(tensors[name].numel() for name in names)
    check.row("quantize --layout bitsandbytes: differing codes: int8_vectorwise_quant", elements, wrong, 0)
    check.row("quantize --layout bitsandbytes: SCB", len(names), scales, 0)

    from transformers import AutoModel

    texts = report.sentences()[:40]
    model, info = AutoModel.from_pretrained(folder, output_loading_info=True)
    # Nothing but SCB and weight_format, which bitsandbytes takes from the file by itself, may be left over.
    problems = [*info["missing_keys"], *(k for k in info["unexpected_keys"] if not k.endswith(("SCB", "weight_format")))]
    check.row("transformers + bitsandbytes load that folder: missing or unexpected keys", len(tensors), len(problems), 0)
    states = peers.hidden_states(model.eval(), peers.token_ids(folder, texts, 64))
    theirs = peers.pooled([state.float() for state in states], "mean")
    ours = check.embed(MODEL, texts, "--pooling", "mean", "--max-length", 64)
    # LLM.int8 rounds activations too: a cosine of 0.99 tells a right layout from a wrong one.
    check.row("its vectors against the original's: largest 1 - cosine", len(texts), report.cosine_distance(ours, theirs), 1e-2)


if __name__ == "__main__":
    report.main([("quantised folders", formats), ("--layout bitsandbytes", bitsandbytes_layout)])
