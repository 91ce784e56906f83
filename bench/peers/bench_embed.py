#!/usr/bin/env python3
"""Measures encoding side by side: sentence-transformers and lacos, on the same model, texts, machine and run.

    python bench/peers/bench_embed.py [--model DIR] [--data FILE] [--texts 128] [--json RESULT.json]

Three of four texts are sentences of --data, every fourth is a paragraph of ten of them. sentence-transformers sorts by length and
pads. "One text" is the mean time of encoding texts of 12 tokens one at a time; its bound is the larger of their arithmetic at the
measured ceiling and one read of the 8-bit weights at the measured bandwidth. Every configuration is a fresh process.
"""

import argparse
import json
import pathlib
import sys
import tempfile

import peer_embed
from measured import HERE, comparison_arguments, cpu_name, quantise, random_model, read_lines, run_json

ROW = "{stack:<8} {what:<52} {rate:>10} {ratio:>7} {single:>12} {bound:>8} {memory:>9}"
SINGLE_TOKENS, SINGLE_TEXTS = 12, 20


def arguments() -> argparse.Namespace:
    parser = comparison_arguments(__doc__)
    parser.add_argument("--texts", type=int, default=128)
    parser.add_argument("--batch-size", type=int, default=32, help="of sentence-transformers")
    parser.add_argument("--max-length", type=int, default=512, help="tokens a text")
    parser.add_argument("--peers", default="f32,bf16-weights", help="of " + ", ".join(peer_embed.CONFIGURATIONS) + "; empty: none")
    return parser.parse_args()


def distinct_sentences(path: pathlib.Path) -> list[str]:
    lines = read_lines(path)
    return list(dict.fromkeys(line.split("\t")[0] for line in lines[1:]))


def choose_texts(sentences: list[str], count: int) -> list[str]:
    rest = iter(sentences)
    return [" ".join(next(rest) for _ in range(10 if i % 4 == 3 else 1)) for i in range(count)]


def choose_single(options, base: pathlib.Path, sentences: list[str], work: pathlib.Path) -> list[str]:
    file = work / "sentences.txt"
    file.write_text("\n".join(sentences) + "\n", encoding="utf-8", newline="\n")
    ids = run_json([options.lacos, "tokenize", "--model", base, "--input", file, "--json"])["ids"]
    return [text for text, tokens in zip(sentences, ids) if len(tokens) == SINGLE_TOKENS][:SINGLE_TEXTS]


def measure_lacos(compute: str, options, base: pathlib.Path, texts: pathlib.Path, single: pathlib.Path) -> dict:
    common = ["--model", base, "--max-length", options.max_length, "--texts", 0, "--compute", compute, "--threads", options.threads,
              "--json", "--quiet"]
    result = run_json([options.lacos, "bench", "embed", "--input", texts, *common])
    one = run_json([options.lacos, "bench", "embed", "--input", single, "--batch-tokens", 1, *common])
    config = json.loads((base / "config.json").read_text())
    layers, hidden = config.get("n_layer", config.get("num_hidden_layers")), config.get("hidden_size", config.get("n_embed"))
    weights = 12 * layers * hidden**2
    ceiling = one["ceiling"]
    bound = max(2 * weights * SINGLE_TOKENS / 1e9 / ceiling["gflops"], weights / 1e9 / ceiling["gbytes_per_second"])
    return result | {"single_seconds": one["seconds"] / one["texts"], "single_bound_seconds": bound, "single_ceiling": ceiling}


def show(stack: str, what: str, result: dict, best: float | None) -> None:
    share, bound = result.get("ceiling_share"), result.get("single_bound_seconds")
    what += f", {100 * share:.0f} % of the ceiling" if share else ""
    print(ROW.format(
        stack=stack, what=what, rate=f"{result['tokens_per_second']:.1f}", ratio=f"{result['tokens_per_second'] / best:.2f}" if best else "-",
        single=f"{1e3 * result['single_seconds']:.1f} ms", bound=f"{result['single_seconds'] / bound:.2f} x" if bound else "-",
        memory=f"{result['peak_rss_bytes'] / 1e9:.2f}",
    ), flush=True)


def main() -> None:
    options = arguments()
    if not options.lacos.is_file():
        sys.exit(f"bench_embed.py: no program at {options.lacos}; build it, or pass --lacos")
    with tempfile.TemporaryDirectory(prefix="lacos-bench-") as folder:
        work = pathlib.Path(folder)
        model = options.model or random_model(options, work)
        base = quantise(options, model, work)
        sentences = distinct_sentences(options.data)
        texts, single = work / "texts.txt", work / "single.txt"
        texts.write_text("\n".join(choose_texts(sentences, options.texts)) + "\n", encoding="utf-8", newline="\n")
        single.write_text("\n".join(choose_single(options, base, sentences, work)) + "\n", encoding="utf-8", newline="\n")
        print(f"{cpu_name()}, {options.threads} threads; {model.name}; {options.texts} texts of {options.data.name}, cap {options.max_length}")
        print(ROW.format(stack="stack", what="configuration", rate="real tok/s", ratio="ratio", single="one text", bound="bound", memory="peak GB"))
        peers: dict[str, dict] = {}
        for name in filter(None, options.peers.split(",")):
            peers[name] = run_json([
                sys.executable, HERE / "peer_embed.py", "--configuration", name, "--model", model, "--texts", texts, "--single", single,
                "--batch-size", options.batch_size, "--max-length", options.max_length, "--threads", options.threads,
            ])
            show("pytorch", peer_embed.CONFIGURATIONS[name], peers[name], None)
        best = max((result["tokens_per_second"] for result in peers.values()), default=None)
        ours: dict[str, dict] = {}
        for compute in filter(None, options.compute.split(",")):
            ours[compute] = measure_lacos(compute, options, base, texts, single)
            show("lacos", f"8-bit base, --compute {compute}", ours[compute], best)
        print("ratio: real tokens a second of lacos over the best peer above; bound: time of one text of 12 tokens over what the machine allows")
        if options.json:
            options.json.write_text(json.dumps({"cpu": cpu_name(), "threads": options.threads, "peers": peers, "lacos": ours}, indent=1) + "\n")


if __name__ == "__main__":
    main()
