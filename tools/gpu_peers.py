#!/usr/bin/env python3
"""Trains the same shape with PyTorch and PEFT on the GPU, as tools/gpu_check.sh does with lacos: 64 pairs of NLI's lengths.

    tools/gpu_peers.py --layers 24 --width 1024 --heads 16

Prints one JSON object: real and computed (padded) tokens a second and the peak of device memory for each variant. The weights are
random and made on the device, so nothing is downloaded. A variant whose packages are missing, or that runs out of memory, is named
with its error.
"""

import argparse
import json
import random
import time

import torch
from peft import LoraConfig, get_peft_model
from transformers import BloomConfig, BloomModel

PAIRS, STEPS, VOCABULARY = 64, 8, 250880


def batches(seed):
    """Token ids of anchors and positives, padded, with the lengths of NLI's texts: 19 tokens on average."""
    generator = random.Random(seed)
    lengths = [max(3, min(75, round(generator.gauss(19, 9)))) for _ in range(2 * PAIRS)]
    ids = torch.zeros(2 * PAIRS, max(lengths), dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, length in enumerate(lengths):
        ids[row, :length] = torch.tensor([generator.randrange(1000, VOCABULARY) for _ in range(length)])
        mask[row, :length] = 1
    return ids.cuda(), mask.cuda(), sum(lengths)


def vectors(model, ids, mask):
    hidden = model(input_ids=ids, attention_mask=mask).last_hidden_state
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    return torch.nn.functional.normalize((hidden * weights).sum(1) / weights.sum(1), dim=-1)


def measure(config, dtype, autocast, quantized):
    torch.manual_seed(1)
    with torch.device("cuda"):
        torch.set_default_dtype(dtype)
        model = BloomModel(config)
        torch.set_default_dtype(torch.float32)
    optimizer_class = torch.optim.AdamW
    if quantized:
        import bitsandbytes

        for module in list(model.modules()):
            for name, child in list(module.named_children()):
                if isinstance(child, torch.nn.Linear):
                    linear = bitsandbytes.nn.Linear8bitLt(child.in_features, child.out_features, has_fp16_weights=False)
                    linear.weight = bitsandbytes.nn.Int8Params(child.weight.data.half().cpu(), requires_grad=False,
                                                               has_fp16_weights=False)
                    linear.bias = child.bias
                    setattr(module, name, linear.cuda())
        optimizer_class = bitsandbytes.optim.Adam8bit
    model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=["query_key_value"]))
    optimizer = optimizer_class([p for p in model.parameters() if p.requires_grad], lr=2e-4)
    torch.cuda.reset_peak_memory_stats()
    real = computed = 0
    seconds = 0.0
    for step in range(STEPS + 2):
        ids, mask, tokens = batches(step)
        torch.cuda.synchronize()
        start = time.perf_counter()
        with torch.autocast("cuda", torch.bfloat16, enabled=autocast):
            out = vectors(model, ids, mask).float()
            scores = 20 * out[:PAIRS] @ out[PAIRS:].T
            loss = torch.nn.functional.cross_entropy(scores, torch.arange(PAIRS, device="cuda"))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        torch.cuda.synchronize()
        if step >= 2:  # the first steps warm up
            seconds += time.perf_counter() - start
            real += tokens
            computed += ids.numel()
    return {"tokens_per_second": real / seconds, "computed_tokens_per_second": computed / seconds,
            "device_peak_bytes": torch.cuda.max_memory_allocated()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("layers", "width", "heads"):
        parser.add_argument(f"--{name}", type=int, required=True)
    options = parser.parse_args()
    config = BloomConfig(n_layer=options.layers, hidden_size=options.width, n_head=options.heads, vocab_size=VOCABULARY,
                         use_cache=False)
    variants = {}
    for name, arguments in {"PEFT, bf16 weights": (torch.bfloat16, False, False),
                            "PEFT, bf16 autocast": (torch.float32, True, False),
                            "PEFT, 8-bit base, Adam8bit": (torch.float16, True, True)}.items():
        try:
            variants[name] = measure(config, *arguments)
        except (ImportError, RuntimeError) as error:  # out of memory is a RuntimeError
            variants[name] = {"error": str(error)[:300]}
        torch.cuda.empty_cache()
    print(json.dumps({"torch": torch.__version__, "variants": variants}))


if __name__ == "__main__":
    main()
