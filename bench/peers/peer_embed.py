#!/usr/bin/env python3
"""One configuration of sentence-transformers in its own process: encodes texts and prints one JSON object; bench_embed.py calls it."""

import argparse
import json
import os
import pathlib
import time
import warnings

os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
from peer_step import peak_rss_bytes

CONFIGURATIONS = {
    "f32": "weights and products in f32",
    "bf16-weights": "weights and activations in bf16",
    "int8-base-f32": "bitsandbytes LLM.int8 base, f32 activations",
    "int8-base-bf16": "bitsandbytes LLM.int8 base, bf16 activations",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--configuration", choices=CONFIGURATIONS, required=True)
    parser.add_argument("--model", type=pathlib.Path, required=True)
    parser.add_argument("--texts", type=pathlib.Path, required=True, help="one a line")
    parser.add_argument("--single", type=pathlib.Path, required=True, help="short texts, encoded one at a time")
    parser.add_argument("--batch-size", type=int, required=True)
    parser.add_argument("--max-length", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    options = parser.parse_args()

    warnings.simplefilter("ignore")
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.set_num_threads(options.threads)
    bf16 = options.configuration in ("bf16-weights", "int8-base-bf16")
    model_kwargs = {"dtype": torch.bfloat16 if bf16 else torch.float32}
    if options.configuration.startswith("int8"):
        from transformers import BitsAndBytesConfig

        model_kwargs["quantization_config"] = BitsAndBytesConfig(load_in_8bit=True)
    transformer = Transformer(str(options.model), model_kwargs=model_kwargs)
    transformer.max_seq_length = options.max_length
    pooling = Pooling(transformer.get_embedding_dimension(), pooling_mode="mean")
    model = SentenceTransformer(modules=[transformer, pooling], device="cpu")

    texts = options.texts.read_text(encoding="utf-8").rstrip("\n").split("\n")
    single = options.single.read_text(encoding="utf-8").rstrip("\n").split("\n")
    tokens = sum(len(ids) for ids in transformer.tokenizer(texts, truncation=True, max_length=options.max_length)["input_ids"])
    model.encode(texts[:4], batch_size=4)  # first-use costs
    start = time.perf_counter()
    model.encode(texts, batch_size=options.batch_size)  # sorts by length itself
    seconds = time.perf_counter() - start
    start = time.perf_counter()
    for text in single:
        model.encode([text])
    print(json.dumps({
        "tokens": tokens, "seconds": seconds, "tokens_per_second": tokens / seconds,
        "single_seconds": (time.perf_counter() - start) / len(single), "peak_rss_bytes": peak_rss_bytes(),
    }))


if __name__ == "__main__":
    main()
