#!/usr/bin/env python3
"""One configuration of the PyTorch stack in its own process: trains a few steps and prints one JSON object.

sentence-transformers + PEFT LoRA + bitsandbytes' Adam8bit, as a user would put them together; bench_train.py calls it.
"""

import argparse
import ctypes
import importlib.metadata
import json
import logging
import os
import pathlib
import time
import warnings

os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
PACKAGES = ("torch", "transformers", "sentence_transformers", "peft", "bitsandbytes")
CONFIGURATIONS = {
    "f32": "weights and products in f32",
    "f32-medium": "f32 weights, float32_matmul_precision medium (bf16 products)",
    "bf16-autocast": "f32 weights, torch.autocast to bf16",
    "bf16-weights": "weights and activations in bf16, LoRA in f32",
    "int8-base-f32": "bitsandbytes LLM.int8 base, f32 activations",
    "int8-base-bf16": "bitsandbytes LLM.int8 base, bf16 activations",
}


def version(package: str) -> str:
    """The first two numbers of an installed version."""
    return ".".join(importlib.metadata.version(package).split(".")[:2])


def peak_rss_bytes() -> int:
    """VmHWM: this process' largest resident size."""
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("no VmHWM in /proc/self/status")


def peer_arguments(description: str, configurations: dict[str, str]) -> argparse.ArgumentParser:
    """The options of every peer process; the caller adds its own."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--configuration", choices=configurations, required=True)
    parser.add_argument("--model", type=pathlib.Path, required=True)
    parser.add_argument("--max-length", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    return parser


def keep_memory() -> None:
    """Lets glibc keep freed memory. By default each large tensor's pages go back to the kernel and are zeroed again, 15 % of PyTorch's time."""
    trim_threshold, mmap_max = -1, -4  # names of malloc.h
    libc = ctypes.CDLL(None)
    libc.mallopt(trim_threshold, -1)
    libc.mallopt(mmap_max, 0)


def quiet_torch(threads: int) -> None:
    keep_memory()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    import torch
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    torch.set_num_threads(threads)


def load_transformer(options):
    """sentence-transformers' module of the base, in the types of the configuration."""
    import torch
    from sentence_transformers.sentence_transformer.modules import Transformer

    if options.configuration == "f32-medium":
        torch.set_float32_matmul_precision("medium")
    bf16 = options.configuration in ("bf16-weights", "bf16-compiled", "int8-base-bf16")
    model_kwargs = {"dtype": torch.bfloat16 if bf16 else torch.float32}
    if options.configuration.startswith("int8-base"):
        from transformers import BitsAndBytesConfig

        model_kwargs["quantization_config"] = BitsAndBytesConfig(load_in_8bit=True)
    transformer = Transformer(str(options.model), model_kwargs=model_kwargs)
    transformer.max_seq_length = options.max_length
    return transformer


def sentence_model(transformer):
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling

    pooling = Pooling(transformer.get_embedding_dimension(), pooling_mode="mean")
    return SentenceTransformer(modules=[transformer, pooling], device="cpu")


def build(options):
    from peft import LoraConfig, get_peft_model

    transformer = load_transformer(options)
    config = LoraConfig(r=options.lora_rank, lora_alpha=2 * options.lora_rank, target_modules=["query_key_value"])
    # get_peft_model freezes everything but A and B.
    transformer.model = get_peft_model(transformer.model, config)
    return sentence_model(transformer).train()


def main() -> None:
    parser = peer_arguments(__doc__, CONFIGURATIONS)
    parser.add_argument("--pairs", type=pathlib.Path, required=True, help="TSV with a header: sentence1, sentence2")
    parser.add_argument("--batch-size", type=int, required=True, help="pairs")
    parser.add_argument("--group-by-length", action="store_true", help="batches of pairs of like lengths")
    parser.add_argument("--lora-rank", type=int, required=True)
    options = parser.parse_args()

    quiet_torch(options.threads)
    import bitsandbytes
    import torch
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    torch.manual_seed(42)
    rows = [line.split("\t") for line in options.pairs.read_text(encoding="utf-8").rstrip("\n").split("\n")[1:]]
    model = build(options)
    if options.group_by_length:  # what transformers' trainer does to the batches of so few steps
        lengths = [max(len(ids) for ids in model.tokenizer(row)["input_ids"]) for row in rows]
        rows = [row for _, row in sorted(zip(lengths, rows), key=lambda pair: -pair[0])]
    loss_function = MultipleNegativesRankingLoss(model, scale=20.0)
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = bitsandbytes.optim.Adam8bit(trainable, lr=2e-4)
    autocast = torch.autocast("cpu", torch.bfloat16, enabled=options.configuration == "bf16-autocast")

    seconds, real, padded, losses = [], [], [], []
    batches = [rows[begin : begin + options.batch_size] for begin in range(0, len(rows), options.batch_size)]
    for batch in batches[:1] + batches:  # the first step takes memory and is not counted, so the first batch comes twice
        start = time.perf_counter()
        features = [model.preprocess([row[column] for row in batch]) for column in (0, 1)]
        # The columns are embedded in one forward pass, padded to the longest text of both.
        width = max(column["input_ids"].shape[1] for column in features)
        padded.append(width * 2 * len(batch))
        real.append(int(sum(column["attention_mask"].sum() for column in features)))
        with autocast:
            loss = loss_function(features, None)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trainable, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        seconds.append(time.perf_counter() - start)
    print(json.dumps({
        "stack": f"PyTorch {version('torch')} + sentence-transformers {version('sentence-transformers')}",
        "trainable": sum(parameter.numel() for parameter in trainable), "loss_first": losses[0], "seconds": seconds[1:],
        "tokens": real[1:], "padded_tokens": padded[1:], "peak_rss_bytes": peak_rss_bytes(),
    }))


if __name__ == "__main__":
    main()
