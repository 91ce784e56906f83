#!/usr/bin/env python3
"""One configuration of sentence-transformers in its own process: encodes texts and prints one JSON object; bench_embed.py calls it."""

import json
import pathlib
import time

import peer_step  # first: it keeps the peers offline

CONFIGURATIONS = {name: what.removesuffix(", LoRA in f32") for name, what in peer_step.CONFIGURATIONS.items() if name != "bf16-autocast"}


def main() -> None:
    parser = peer_step.peer_arguments(__doc__, CONFIGURATIONS)
    parser.add_argument("--texts", type=pathlib.Path, required=True, help="one a line")
    parser.add_argument("--single", type=pathlib.Path, required=True, help="short texts, encoded one at a time")
    options = parser.parse_args()

    peer_step.quiet_torch(options.threads)
    transformer = peer_step.load_transformer(options)
    model = peer_step.sentence_model(transformer)

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
        "single_seconds": (time.perf_counter() - start) / len(single), "peak_rss_bytes": peer_step.peak_rss_bytes(),
    }))


if __name__ == "__main__":
    main()
