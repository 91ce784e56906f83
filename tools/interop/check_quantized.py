#!/usr/bin/env python3
"""Compares codes of quantized folders with numpy and bitsandbytes, and vectors with transformers."""

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
    """The flattened matrix with one block per row; the last block is filled up with zeros."""
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
            # Both sides compute one float32 product per value.
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


def write_plain(folder: pathlib.Path, tensors: dict[str, torch.Tensor], model: pathlib.Path = MODEL) -> pathlib.Path:
    """Writes the decoded weights as an ordinary float32 folder."""
    folder.mkdir(parents=True, exist_ok=True)
    contiguous = {name: tensor.contiguous() for name, tensor in tensors.items()}
    save_file(contiguous, folder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((model / "config.json").read_text()) | {"dtype": "float32"}
    (folder / "config.json").write_text(json.dumps(config))
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        (folder / name).write_bytes((model / name).read_bytes())
    return folder


def tensors_of(model) -> dict[str, torch.Tensor]:
    return {name: tensor for name, tensor in model.state_dict().items() if not name.startswith("lm_head")}


def bitsandbytes_model(check: report.Check, what: str, model: pathlib.Path, model_class) -> None:
    """Compares our folder in bitsandbytes' layout with one that transformers loads with load_in_8bit and saves."""
    from transformers import BitsAndBytesConfig

    folder, saved = check.work / f"{model.name}-ours", check.work / f"{model.name}-theirs"
    check.run("quantize", "--model", model, "--output", folder, "--overwrite", "--layout", "bitsandbytes", compute=None)
    check.run("verify", folder, compute=None)
    theirs = model_class.from_pretrained(model, quantization_config=BitsAndBytesConfig(load_in_8bit=True)).eval()
    back, info = model_class.from_pretrained(folder, output_loading_info=True)
    problems = [key for keys in (info["missing_keys"], info["unexpected_keys"], info["mismatched_keys"]) for key in keys]
    expected, found = tensors_of(theirs), tensors_of(back.eval())
    names = set(expected) | set(found)
    differing = [name for name in names if name not in expected or name not in found or not torch.equal(expected[name], found[name])]
    assert sum(tensor.dtype == torch.int8 for tensor in found.values()) == 4 * back.config.n_layer
    check.row(f"{what}: wrong keys in transformers", len(names), len(problems), 0)
    check.row(f"{what}: differing tensors: bitsandbytes", len(names), len(differing), 0)
    # Compares lacos on their folder with transformers in f32 on the decoded values.
    theirs.save_pretrained(saved, max_shard_size="1MB")
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        (saved / name).write_bytes((model / name).read_bytes())
    decoded = {}
    for name, tensor in load_folder(saved).items():
        if name.endswith((".SCB", ".weight_format")):
            continue
        scales = load_folder(saved).get(name.removesuffix("weight") + "SCB") if tensor.dtype == torch.int8 else None
        decoded[name.removeprefix("transformer.")] = tensor.float() if scales is None else bnb.int8_vectorwise_dequant(tensor, scales)
    texts = report.sentences()[:20]
    plain = write_plain(check.work / f"{model.name}-decoded", decoded, model)
    ids = peers.token_ids(plain, texts, 64)
    exact = peers.pooled(peers.hidden_states(peers.load_bloom(plain), ids), "mean")
    for source, quantized in (("theirs", saved), ("ours", folder)):
        vectors_here = check.embed(quantized, texts, "--pooling", "mean", "--max-length", 64, "--no-normalize")
        check.row(f"{what}: embed on {source}, f32: decoded weights", len(texts), report.relative_difference(vectors_here, exact), 1e-5)
    # LLM.int8 also rounds activations to 8 bit and F16. Each of a block's four products adds an error of about half a
    # step, 1/254 of its largest input. A wrong layout would give differences as large as the vectors themselves.
    base = getattr(back, "transformer", back)
    int8 = peers.pooled([state.float() for state in peers.hidden_states(base, ids)], "mean")
    check.row(f"{what}: LLM.int8's own states, largest 1 - cosine", len(texts), report.cosine_distance(vectors_here, int8), 1e-2)


def bitsandbytes_layout(check: report.Check) -> None:
    from transformers import AutoModel, AutoModelForCausalLM

    for dtype in (torch.float32, torch.float16, torch.bfloat16, torch.float64):
        name = str(dtype).removeprefix("torch.")
        source = check.work / f"tiny-{name}"
        if not source.exists():
            peers.write_random_bloom(source, layers=2, heads=4, head_dim=16, seed=9)
            model_class = AutoModelForCausalLM if dtype == torch.bfloat16 else AutoModel
            model_class.from_pretrained(source, dtype=dtype).save_pretrained(source)
        bitsandbytes_model(check, f"--layout bitsandbytes, {name}", source,
                           AutoModelForCausalLM if dtype in (torch.bfloat16, torch.float16) else AutoModel)
    bitsandbytes_model(check, "--layout bitsandbytes, bloom-nano", MODEL, AutoModel)


if __name__ == "__main__":
    report.main([("quantized folders", formats), ("--layout bitsandbytes", bitsandbytes_layout)])
