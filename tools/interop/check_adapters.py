#!/usr/bin/env python3
"""Compares adapters in both directions: those of PEFT give the same vectors in lacos, and those of lacos in PEFT."""

import json
import pathlib
import shutil

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.utils.save_and_load import load_peft_weights, set_peft_model_state_dict
from safetensors.torch import load_file
from transformers import BloomForCausalLM

import peers
import report

QKV = "query_key_value"
ALL = [QKV, "dense", "dense_h_to_4h", "dense_4h_to_h"]
REAL = report.SHARED / "data/weights"
LIMIT = 1e-5

# {name: (class of the base, LoraConfig, safetensors, type of the adapter)}
CASES = {
    "AutoModel, query_key_value": ("model", dict(target_modules=[QKV]), True, None),
    "AutoModel, default target, .bin": ("model", dict(), False, None),
    "CausalLM, query_key_value": ("causal", dict(target_modules=[QKV], task_type="CAUSAL_LM"), True, None),
    "CausalLM, all-linear, .bin": ("causal", dict(target_modules="all-linear", r=3), False, None),
    "four targets, rank-stabilised": ("model", dict(target_modules=ALL, use_rslora=True, r=5, lora_alpha=7), True, None),
    "rank_pattern and alpha_pattern": ("model", dict(
        target_modules=ALL, rank_pattern={"dense": 3, r"h\.[12]\.mlp\..*": 2},
        alpha_pattern={"^h.0.self_attention.dense": 11, "query_key_value": 3}), True, None),
    "layers_to_transform, CausalLM": ("causal", dict(target_modules=[QKV, "dense"], layers_to_transform=[0, 2]), True, None),
    "layers_to_transform, layers_pattern, AutoModel": ("model", dict(
        target_modules=ALL, layers_to_transform=1, layers_pattern="h"), True, None),
    "lora_bias": ("model", dict(target_modules=ALL, lora_bias=True), True, None),
    "lora_bias and bias all, CausalLM": ("causal", dict(target_modules=[QKV], lora_bias=True, bias="all"), True, None),
    "exclude_modules, list": ("model", dict(target_modules=ALL, exclude_modules=["h.1.self_attention.dense", "dense_h_to_4h"]), True, None),
    "exclude_modules, expression": ("model", dict(target_modules="all-linear", exclude_modules=r".*\.2\..*"), True, None),
    "target_modules, expression": ("causal", dict(target_modules=r"(?i:TRANSFORMER)\.h\.\d+\.(?P<part>mlp|self_attention)\.dense\w*(?<!_h)\Z"), True, None),
    "bias all": ("model", dict(target_modules=["dense"], bias="all"), True, None),
    "bias lora_only": ("causal", dict(target_modules=[QKV, "dense_4h_to_h"], bias="lora_only"), False, None),
    "fan_in_fan_out (without effect on Linear)": ("model", dict(target_modules=[QKV], fan_in_fan_out=True), True, None),
    "LoRA on lm_head too": ("causal", dict(target_modules=[QKV, "lm_head"], task_type="CAUSAL_LM"), True, None),
    "lm_head in modules_to_save": ("causal", dict(target_modules=[QKV], modules_to_save=["lm_head"], task_type="CAUSAL_LM"), True, None),
    "stored as BF16": ("model", dict(target_modules=ALL), True, torch.bfloat16),
    "stored as F16": ("causal", dict(target_modules=ALL), False, torch.float16),
}


def base_folder(check: report.Check) -> pathlib.Path:
    folder = check.work / "base"
    if not (folder / "config.json").exists():
        peers.write_random_bloom(folder, 3, 3, 24, 501)
    return folder


def load_base(folder: pathlib.Path, kind: str):
    if kind == "model":
        return peers.load_bloom(folder)
    return BloomForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()


def bloom_of(model):
    """The BloomModel inside a PEFT model."""
    inner = model.base_model.model
    return getattr(inner, "transformer", inner).eval()


def write_peft_adapter(folder: pathlib.Path, base: pathlib.Path, case, seed: int):
    kind, arguments, safe, dtype = case
    model = get_peft_model(load_base(base, kind), LoraConfig(**({"r": 4, "lora_alpha": 16} | arguments)))
    generator = torch.Generator().manual_seed(seed)
    for _, parameter in sorted(model.named_parameters()):
        if parameter.requires_grad:
            parameter.data.copy_(0.1 * torch.randn(parameter.shape, generator=generator))
            if dtype is not None:  # both sides compute in float32 with the rounded values
                parameter.data.copy_(parameter.data.to(dtype))
    shutil.rmtree(folder, ignore_errors=True)
    if dtype is None:
        model.save_pretrained(folder, safe_serialization=safe)
    else:
        rounded = {name: p.detach().to(dtype) for name, p in model.state_dict().items()}
        model.save_pretrained(folder, state_dict=rounded, safe_serialization=safe)
    return model.eval()


def vectors_of(model, base: pathlib.Path, texts: list[str]):
    return peers.pooled(peers.hidden_states(bloom_of(model), peers.token_ids(base, texts, 2048)), "mean")


def weights_of(folder: pathlib.Path) -> dict:
    if (folder / "adapter_model.safetensors").exists():
        return load_file(folder / "adapter_model.safetensors")
    return torch.load(folder / "adapter_model.bin", map_location="cpu", weights_only=True)


def problems(model, folder: pathlib.Path) -> int:
    """The number of keys that PEFT misses in the adapter or does not know."""
    weights = load_peft_weights(str(folder))
    result = set_peft_model_state_dict(model, weights)
    wanted = json.loads((folder / "adapter_config.json").read_text())["bias"] == "all"
    missing = [key for key in result.missing_keys if "lora_" in key or (wanted and key.endswith(".bias"))]
    return len(missing) + len(result.unexpected_keys)


def reading(check: report.Check) -> None:
    base, texts = base_folder(check), report.sentences()[:12]
    plain = check.embed(base, texts, "--pooling", "mean")
    worst_control = float("inf")
    for number, (name, case) in enumerate(CASES.items()):
        folder = check.work / "from-peft"
        theirs = vectors_of(write_peft_adapter(folder, base, case, 600 + number), base, texts)
        ours = check.embed(base, texts, "--adapter", folder, "--pooling", "mean")
        check.row(f"adapter from PEFT, {name}: relative", len(texts), report.relative_difference(ours, theirs), LIMIT)
        worst_control = min(worst_control, report.relative_difference(ours, plain))
    check.row("control: every such adapter moves vectors (1e-3 / smallest relative change)", len(CASES), 1e-3 / worst_control, 1)


def round_trip(check: report.Check) -> None:
    base = base_folder(check)
    different = 0
    for number, case in enumerate(CASES.values()):
        first, second = check.work / "first", check.work / "second"
        write_peft_adapter(first, base, case, 700 + number)
        check.run("adapter", "--model", base, "--adapter", first, "--output", second, "--overwrite", compute=None)
        before, after = weights_of(first), weights_of(second)
        before = {key: tensor for key, tensor in before.items() if "lm_head" not in key}  # heads are left out
        same = before.keys() == after.keys() and all(
            before[key].dtype == after[key].dtype and torch.equal(before[key], after[key]) for key in before)
        model = PeftModel.from_pretrained(load_base(base, case[0]), second)
        different += int(not same) + problems(model, second)
        third = check.work / "third"
        model.save_pretrained(third)
        loaded = weights_of(third)  # PEFT keeps F32 if its base is F32
        different += int(loaded.keys() != before.keys() or not all(torch.equal(loaded[key].float(), before[key].float()) for key in before))
    check.row("PEFT -> lacos adapter -> PEFT: tensors not byte-equal, or keys missing or unexpected", len(CASES), different, 0)


def writing(check: report.Check) -> None:
    base, texts = base_folder(check), report.sentences()[:12]
    recipe = ["--max-steps", 4, "--batch-size", 8, "--learning-rate", "1e-2", "--schedule", "constant", "--warmup-steps", 0]
    pairs = report.REPOSITORY / "examples/data/snli-cad-train.tsv.gz"
    cases = {
        "all four targets": ["--lora-target", ",".join(ALL), "--lora-rank", 3],
        "--lora-layers 1-1": ["--lora-layers", "1-1", "--lora-target", "query_key_value,dense_4h_to_h"],
        "--train-biases": ["--train-biases"],
        "from an adapter with rank_pattern": None,
        "from a PEFT adapter with bias all": None,
    }
    for name, arguments in cases.items():
        folder = check.work / "trained"
        if arguments is None:
            start = check.work / "start"
            write_peft_adapter(start, base, CASES["rank_pattern and alpha_pattern" if "rank" in name else "bias all"], 801)
            arguments = ["--adapter", start]
        check.run("train", "--model", base, "--train", pairs, "--output", folder, "--overwrite", *recipe, *arguments)
        model = PeftModel.from_pretrained(peers.load_bloom(base), folder)
        check.row(f"PEFT loads what train wrote, {name}: missing or unexpected keys", len(weights_of(folder)), problems(model, folder), 0)
        theirs = vectors_of(model.eval(), base, texts)
        ours = check.embed(folder, texts, "--pooling", "mean", "--no-normalize")
        check.row(f"the same, {name}: relative", len(texts), report.relative_difference(ours, theirs), LIMIT)


def merged_linear_delta(a, b, parts: list[bool], rank: int, alpha: float, out: int):
    """The term that PEFT 0.2.0's MergedLinear added to x W^T, as a matrix [out, in]: lora_A, a convolution over one
    position in two groups, and zeros for the parts that are not enabled."""
    after_a = a.T.unsqueeze(0).transpose(-2, -1)  # x is the identity matrix
    after_b = torch.nn.functional.conv1d(after_a, b, groups=2)[0]
    result = torch.zeros(out, a.shape[1], dtype=a.dtype)
    result[torch.tensor(parts).repeat_interleave(out // len(parts))] = after_b
    return result * (alpha / rank)


def apply_merged_linear(bloom, folder: pathlib.Path) -> None:
    config, weights = json.loads((folder / "adapter_config.json").read_text()), weights_of(folder)
    for layer, block in enumerate(bloom.h):
        key = f"base_model.model.transformer.h.{layer}.self_attention.query_key_value."
        linear = block.self_attention.query_key_value
        linear.weight.data += merged_linear_delta(
            weights[key + "lora_A.weight"].float(), weights[key + "lora_B.weight"].float(), config["enable_lora"], config["r"],
            config["lora_alpha"], linear.out_features)


def merged_linear(check: report.Check) -> None:
    base, texts = base_folder(check), report.sentences()[:12]
    for parts in ([True, False, True], [True, True, True], [False, True, False], [True, False]):
        folder, generator = check.work / "merged-linear", torch.Generator().manual_seed(len(parts) + sum(parts))
        folder.mkdir(exist_ok=True)
        rank, hidden, enabled = 4, 72, sum(parts)
        weights = {}
        for layer in range(3):
            key = f"base_model.model.transformer.h.{layer}.self_attention.query_key_value."
            weights[key + "lora_A.weight"] = 0.2 * torch.randn(rank * enabled, hidden, generator=generator)
            weights[key + "lora_B.weight"] = 0.2 * torch.randn(
                3 * hidden // len(parts) * enabled, rank * enabled // 2, 1, generator=generator)
        torch.save(weights, folder / "adapter_model.bin")
        config = dict(peft_type="LORA", r=rank, lora_alpha=10, enable_lora=parts, fan_in_fan_out=True, target_modules=[QKV])
        (folder / "adapter_config.json").write_text(json.dumps(config))
        bloom = peers.load_bloom(base)
        apply_merged_linear(bloom, folder)
        theirs = peers.pooled(peers.hidden_states(bloom, peers.token_ids(base, texts, 2048)), "mean")
        ours = check.embed(base, texts, "--adapter", folder, "--pooling", "mean")
        check.row(f"MergedLinear, enable_lora {parts}: relative", len(texts), report.relative_difference(ours, theirs), LIMIT)


def real_adapters(check: report.Check) -> None:
    """Compares published adapters on a base of their shape with a small vocabulary."""
    if not REAL.is_dir():
        return
    base, texts = check.work / "base-560m", report.sentences()[:2]
    small = check.work / "small.json"
    config = json.loads((report.REPOSITORY / "bench/peers/bloom-560m.json").read_text())
    config["vocab_size"] = peers.tiny_bloom.ROWS
    small.write_text(json.dumps(config))
    check.run("init", "--config", small, "--output", base, "--overwrite", "--dtype", "bf16", "--tokenizer",
              base_folder(check) / "tokenizer.json", compute=None)
    causal = load_base(base, "causal")
    ids = peers.token_ids(base, texts, 2048)
    for folder in sorted(REAL.iterdir()):
        settings = json.loads((folder / "adapter_config.json").read_text())
        has_weights = any((folder / name).exists() for name in ("adapter_model.safetensors", "adapter_model.bin"))
        if not has_weights:
            try:
                check.embed(base, texts, "--adapter", folder)
                raise AssertionError("accepted")
            except RuntimeError as error:
                check.row(f"{folder.name}: no weights, refused by name (0: yes)", 1, float("adapter_model" not in str(error)), 0)
            continue
        ours = check.embed(base, texts, "--adapter", folder, "--pooling", "mean")
        if settings.get("enable_lora"):
            apply_merged_linear(causal.transformer, folder)  # the last one in the order of names
            states = peers.hidden_states(causal.transformer, ids)
        else:
            model = PeftModel.from_pretrained(causal, folder)
            states = peers.hidden_states(bloom_of(model), ids)
            causal = model.unload()
        theirs = peers.pooled(states, "mean")
        check.row(f"{folder.name} on 24 layers of 1024: relative", len(texts), report.relative_difference(ours, theirs), LIMIT)
    shutil.rmtree(base)


if __name__ == "__main__":
    report.main([
        ("adapters from PEFT", reading), ("round trip", round_trip), ("adapters to PEFT", writing),
        ("MergedLinear", merged_linear), ("real adapters", real_adapters),
    ])
