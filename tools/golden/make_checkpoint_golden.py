#!/usr/bin/env python3
"""Writes tests/golden/checkpoints: one tiny BLOOM as torch.save, and transformers with bitsandbytes, save it.

Run from the repository root in an environment with tools/interop/requirements.txt:
    HF_HUB_OFFLINE=1 python tools/golden/make_checkpoint_golden.py [--output tests/golden/checkpoints]

original/      float32, with rows that are hard to round: zeros, values below F16's range, ties, F16's largest
*.bin          original/ by torch.save: half.bin (BloomModel, float16), tied.bin (BloomForCausalLM, bfloat16, lm_head
               sharing its storage), old_form.bin (before torch 1.6, parameters), each with a .safetensors of the same tensors
bitsandbytes/  original/ loaded with load_in_8bit and saved again by transformers
"""

import argparse
import os
import pathlib
import shutil
import warnings

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from safetensors.torch import save_file
from transformers import AutoModel, BitsAndBytesConfig, BloomConfig, BloomForCausalLM, BloomModel
from transformers.utils import logging


def hard_rows(weight: torch.Tensor) -> None:
    """Overwrites the first rows of a matrix [out, in] with values that are difficult to round."""
    columns = torch.arange(weight.shape[1], dtype=torch.float32)
    weight[0] = 0
    weight[1] = 2.0**-24 * (columns - 3)  # subnormal numbers of F16
    weight[2] = 2.0**-26 * (columns - 3)  # values halfway between those, and smaller ones
    weight[3] = columns - 3.5  # every code is a tie if the largest value becomes 127
    weight[3, -1] = 127
    weight[4] = 65504 * (columns - 4) / columns[-1]
    weight[5] = 1 + 2.0**-11 * columns  # ties when rounded to F16
    weight[6] = -weight[6].abs()


def tiny_model() -> BloomForCausalLM:
    config = BloomConfig(vocab_size=20, hidden_size=8, n_head=2, n_layer=1, bos_token_id=1, eos_token_id=2, pad_token_id=3, use_cache=False)
    model = BloomForCausalLM(config).eval()
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for _, parameter in sorted(model.named_parameters()):
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
            if parameter.dim() == 2 and parameter.shape[0] > 6:
                hard_rows(parameter)
    return model


def save_both(tensors: dict[str, torch.Tensor], path: pathlib.Path, **options) -> None:
    torch.save(tensors, path, **options)
    save_file({name: tensor.detach().clone() for name, tensor in tensors.items()}, path.with_suffix(".safetensors"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("tests/golden/checkpoints"))
    root = parser.parse_args().output
    warnings.simplefilter("ignore")
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)

    causal = tiny_model()
    model: BloomModel = causal.transformer
    model.save_pretrained(root / "original")
    quantized = AutoModel.from_pretrained(root / "original", quantization_config=BitsAndBytesConfig(load_in_8bit=True))
    quantized.save_pretrained(root / "bitsandbytes")

    save_both({name: parameter for name, parameter in model.named_parameters()}, root / "old_form.bin", _use_new_zipfile_serialization=False)
    save_both(causal.to(torch.bfloat16).state_dict(), root / "tied.bin")
    save_both(tiny_model().transformer.to(torch.float16).state_dict(), root / "half.bin")
    for path in root.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    size = sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
    print(f"{root}: {size} bytes")
    assert size < 200_000


if __name__ == "__main__":
    main()
