#!/usr/bin/env python3
"""Writes adapters in the formats of PEFT and its old versions for the tiny base "a", and the vectors that they give."""

import json
import pathlib
import shutil
import sys

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file
from transformers import BloomForCausalLM

import encode_golden
import tiny_bloom
import tiny_texts

ALL = ["query_key_value", "dense", "dense_h_to_4h", "dense_4h_to_h"]
CASES = {
    "causal_bin": (BloomForCausalLM, dict(target_modules="all-linear", r=2, task_type="CAUSAL_LM"), False),
    "lora_bias": (None, dict(target_modules=["dense", "query_key_value"], r=2, lora_bias=True, bias="all"), True),
    "patterns": (None, dict(target_modules=r"h\.(?P<layer>\d)\.\w+\.dense\w*", exclude_modules=["h.1.mlp.dense_4h_to_h"], r=3, use_rslora=True,
                            rank_pattern={r"mlp\..*": 1}, alpha_pattern={"^h.0.self_attention.dense": 5}), True),
}


def vectors(bloom, base: pathlib.Path) -> torch.Tensor:
    tokenizer = tiny_bloom.load_tokenizer(base)
    rows = []
    with torch.no_grad():
        for text in tiny_texts.ENCODE_TEXTS:
            states = bloom(torch.tensor([tokenizer.encode(text).ids])).last_hidden_state[0]
            rows.append(encode_golden.pool(states, "mean"))
    return torch.stack(rows)


def write_peft(folder: pathlib.Path, base: pathlib.Path, kind, arguments: dict, safe: bool, seed: int) -> torch.Tensor:
    model = (kind.from_pretrained(base, dtype=torch.float32, attn_implementation="eager").eval() if kind else tiny_bloom.load_model(base))
    model = get_peft_model(model, LoraConfig(lora_alpha=8, **arguments))
    generator = torch.Generator().manual_seed(seed)
    for _, parameter in sorted(model.named_parameters()):
        if parameter.requires_grad:
            parameter.data.copy_(0.2 * torch.randn(parameter.shape, generator=generator))
    model.save_pretrained(folder, safe_serialization=safe)
    inner = model.base_model.model
    return vectors(getattr(inner, "transformer", inner).eval(), base)


def write_merged_linear(folder: pathlib.Path, base: pathlib.Path, seed: int) -> torch.Tensor:
    """Writes an adapter like PEFT 0.2.0's MergedLinear, whose lora_B is a convolution over one position in two groups,
    for the enabled parts of the rows."""
    bloom, rank, alpha, parts = tiny_bloom.load_model(base), 2, 6, [True, False, True]
    hidden, generator, weights = bloom.config.hidden_size, torch.Generator().manual_seed(seed), {}
    for layer, block in enumerate(bloom.h):
        a = 0.2 * torch.randn(2 * rank, hidden, generator=generator)
        b = 0.2 * torch.randn(2 * hidden, rank, 1, generator=generator)
        key = f"base_model.model.transformer.h.{layer}.self_attention.query_key_value."
        weights[key + "lora_A.weight"], weights[key + "lora_B.weight"] = a, b
        delta = torch.zeros(3 * hidden, hidden)
        delta[torch.tensor(parts).repeat_interleave(hidden)] = torch.nn.functional.conv1d(a[None], b, groups=2)[0]
        block.self_attention.query_key_value.weight.data += alpha / rank * delta
    folder.mkdir(parents=True)
    torch.save(weights, folder / "adapter_model.bin")
    config = dict(base_model_name_or_path=None, bias="none", enable_lora=parts, fan_in_fan_out=True, inference_mode=True, lora_alpha=alpha,
                  lora_dropout=0.05, merge_weights=False, modules_to_save=None, peft_type="LORA", r=rank,
                  target_modules=["query_key_value"], task_type="CAUSAL_LM")
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2))
    return vectors(bloom, base)


def main(golden: pathlib.Path) -> None:
    base, root, expected = golden / "models/a", golden / "models/adapters", {}
    shutil.rmtree(root, ignore_errors=True)
    for number, (name, (kind, arguments, safe)) in enumerate(CASES.items()):
        expected[name] = write_peft(root / name, base, kind, arguments, safe, 300 + number)
        (root / name / "README.md").unlink(missing_ok=True)
        path = root / name / "adapter_config.json"
        config = json.loads(path.read_text()) | {"base_model_name_or_path": None}  # without paths of this machine
        path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    expected["merged_linear"] = write_merged_linear(root / "merged_linear", base, 310)
    save_file({name: tensor.contiguous() for name, tensor in expected.items()}, root / "expected.safetensors")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2] / "tests/golden")
