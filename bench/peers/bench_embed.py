#!/usr/bin/env python3
"""Measures encoding side by side: lacos and the runtimes that a user of a CPU would pick, on the same model, texts, machine and run.

    python bench/peers/bench_embed.py [--model DIR] [--data FILE] [--texts 128] [--json RESULT.json]

Three of four texts are sentences of --data, every fourth is a paragraph of ten of them. The peers sort them by length and pad each
batch to its longest text; llama.cpp and lacos do not pad. Each peer runs with each of its settings (batch size, hint, ...), each
time in a fresh process, and its fastest run counts; its latency is the lowest of them. "One text" is the mean time of encoding
texts of 12 tokens one at a time; its bound is the larger of their arithmetic at the measured ceiling and one read of the 8-bit
weights at the measured bandwidth. "Cosine" is the lowest of all texts between the vectors and those of PyTorch in f32; it shows
that a peer computes the same model.
"""

import argparse
import importlib.util
import itertools
import json
import pathlib
import subprocess
import sys
import tempfile

import peer_embed
from measured import HERE, chosen_peers, comparison_arguments, cpu_name, quantize, random_model, read_lines, run_json

ROW = "{what:<64} {rate:>10} {computed:>10} {texts:>8} {single:>10} {bound:>7} {memory:>8} {cosine:>8}"
SINGLE_TOKENS, SINGLE_TEXTS = 12, 20
LEAST_COSINE = 0.98  # 8-bit weights and activations stay above it; a wrong mask, position or pooling does not


def arguments() -> argparse.Namespace:
    parser = comparison_arguments(__doc__)
    parser.add_argument("--texts", type=int, default=128)
    parser.add_argument("--batch-sizes", default="2,4,8", help="texts in a batch of the peers that pad: each is tried")
    parser.add_argument("--max-length", type=int, default=512, help="tokens a text")
    parser.add_argument("--peers", default="f32,f32-compiled,bf16-weights,bf16-compiled,int8-dynamic,openvino-f32,openvino-bf16,"
                        "openvino-int8-weights,openvino-int8-dynamic,onnxruntime-int8,llama.cpp-q8_0", help="of " + ", ".join(peer_embed.CONFIGURATIONS) + "; empty: none")
    return parser.parse_args()


def distinct_sentences(path: pathlib.Path) -> list[str]:
    lines = read_lines(path)
    return list(dict.fromkeys(line.split("\t")[0] for line in lines[1:]))


def choose_texts(sentences: list[str], count: int) -> list[str]:
    rest = iter(sentences)
    return [" ".join(next(rest) for _ in range(10 if i % 4 == 3 else 1)) for i in range(count)]


def write_lines(path: pathlib.Path, lines: list[str]) -> pathlib.Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    return path


def token_counts(options, base: pathlib.Path, file: pathlib.Path) -> list[int]:
    return [len(ids) for ids in run_json([options.lacos, "tokenize", "--model", base, "--input", file, "--json"])["ids"]]


def choose_single(options, base: pathlib.Path, sentences: list[str], work: pathlib.Path) -> list[str]:
    counts = token_counts(options, base, write_lines(work / "sentences.txt", sentences))
    return [text for text, tokens in zip(sentences, counts) if tokens == SINGLE_TOKENS][:SINGLE_TEXTS]


def export(options, peer: peer_embed.Configuration, model: pathlib.Path, work: pathlib.Path) -> pathlib.Path:
    """The folder of the file that a peer reads, made at its first use."""
    folder = work / f"exported-{peer.file}"
    if folder.exists():
        return folder
    if peer.file == "q8_0":
        folder.mkdir()
        command = [options.lacos, "merge", "--model", model, "--output", folder / "model.gguf", "--format", "gguf", "--gguf-type", "q8_0",
                   "--pooling", "mean", "--quiet"]
    else:
        command = [sys.executable, HERE / "peer_export.py", "--format", peer.file, "--model", model, "--output", folder]
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if result.returncode != 0:
        raise RuntimeError(f"its file could not be made:\n{result.stderr[-2000:]}")
    return folder


def measure_peer(name: str, peer: peer_embed.Configuration, options, model: pathlib.Path, work: pathlib.Path, inputs: list) -> dict:
    """The fastest of a peer's runs, with the others' rates beside it."""
    padded = {} if "tokens" in peer.tries else {"batch": options.batch_sizes.split(",")}
    tries = {**padded, **peer.tries}
    file = ["--file", export(options, peer, model, work)] if peer.file else []
    results = []
    for values in itertools.product(*tries.values()):
        setting = " ".join(f"{key}={value}" for key, value in zip(tries, values))
        vectors = work / "vectors.npy"
        result = run_json([
            sys.executable, HERE / "peer_embed.py", "--configuration", name, "--model", model, *file, "--setting", setting, *inputs,
            "--vectors", vectors, "--max-length", options.max_length, "--threads", options.threads,
        ])
        results.append(result | {"vectors": read_vectors(vectors)})
    best = min(results, key=lambda result: result["seconds"])
    return best | {
        "what": f"{best['stack']}, {peer.what}", "single_seconds": min(result["single_seconds"] for result in results),
        "tried": {result["setting"]: {key: result[key] for key in ("seconds", "single_seconds", "peak_rss_bytes")} for result in results},
    }


def measure_lacos(compute: str, options, base: pathlib.Path, work: pathlib.Path, inputs: list) -> dict:
    (_, texts, _, single), vectors = inputs, work / "vectors.npy"
    common = ["--model", base, "--max-length", options.max_length, "--compute", compute, "--threads", options.threads, "--json", "--quiet"]
    result = run_json([options.lacos, "bench", "embed", "--input", texts, "--texts", 0, *common])
    one = run_json([options.lacos, "bench", "embed", "--input", single, "--texts", 0, "--batch-tokens", 1, *common])
    run_json([options.lacos, "embed", "--input", texts, "--output", vectors, "--overwrite", *common])
    config = json.loads((base / "config.json").read_text())
    layers, hidden = config.get("n_layer", config.get("num_hidden_layers")), config.get("hidden_size", config.get("n_embed"))
    weights = 12 * layers * hidden**2
    ceiling = one["ceiling"]
    bound = max(2 * weights * SINGLE_TOKENS / 1e9 / ceiling["gflops"], weights / 1e9 / ceiling["gbytes_per_second"])
    return result | {
        "computed_tokens": result["tokens"], "vectors": read_vectors(vectors), "single_seconds": one["seconds"] / one["texts"],
        "single_bound_seconds": bound, "single_ceiling": ceiling,
    }


def read_vectors(path: pathlib.Path):
    """[N, D], each of length 1. Without numpy (and so without peers) there is nothing to compare them with."""
    if importlib.util.find_spec("numpy") is None:
        return None
    import numpy

    vectors = numpy.load(path)
    return vectors / numpy.linalg.norm(vectors, axis=1, keepdims=True)


def finish(result: dict, options, tokens: int, reference) -> dict:
    """Adds rates and the cosine, and checks it."""
    vectors = result.pop("vectors")
    result |= {
        "tokens_per_second": tokens / result["seconds"], "computed_tokens_per_second": result["computed_tokens"] / result["seconds"],
        "texts_per_second": options.texts / result["seconds"],
    }
    if reference is not None:
        result["cosine"] = float((vectors * reference).sum(1).min())
    return result


def show(what: str, result: dict) -> None:
    share, bound = result.get("ceiling_share"), result.get("single_bound_seconds")
    what += f", {100 * share:.0f} % of the ceiling" if share else ""
    print(ROW.format(
        what=what, rate=f"{result['tokens_per_second']:.1f}", computed=f"{result['computed_tokens_per_second']:.1f}",
        texts=f"{result['texts_per_second']:.2f}", single=f"{1e3 * result['single_seconds']:.1f} ms",
        bound=f"{result['single_seconds'] / bound:.2f} x" if bound else "-", memory=f"{result['peak_rss_bytes'] / 1e9:.2f}",
        cosine=f"{result['cosine']:.5f}" if "cosine" in result else "-",
    ), flush=True)
    if "setting" in result:
        print(f"    fastest of {len(result['tried'])} runs: {result['setting']}", flush=True)
    if result.get("cosine", 1) < LEAST_COSINE:
        print(f"    WRONG VECTORS: a cosine below {LEAST_COSINE}; this is not the same model", flush=True)


def main() -> None:
    options = arguments()
    chosen = chosen_peers(options, {name: peer.encoder.packages for name, peer in peer_embed.CONFIGURATIONS.items()})
    if not options.lacos.is_file():
        sys.exit(f"bench_embed.py: no program at {options.lacos}; build it, or pass --lacos")
    with tempfile.TemporaryDirectory(prefix="lacos-bench-") as folder:
        work = pathlib.Path(folder)
        model = options.model or random_model(options, work)
        base = quantize(options, model, work)
        sentences = distinct_sentences(options.data)
        texts = write_lines(work / "texts.txt", choose_texts(sentences, options.texts))
        inputs = ["--texts", texts, "--single", write_lines(work / "single.txt", choose_single(options, base, sentences, work))]
        tokens = sum(min(count, options.max_length) for count in token_counts(options, base, texts))
        print(f"{cpu_name()}, {options.threads} threads; {model.name}; {options.texts} texts of {options.data.name}, {tokens} tokens, "
              f"cap {options.max_length}")
        print(ROW.format(what="", rate="real tok/s", computed="computed", texts="texts/s", single="one text", bound="bound", memory="peak GB",
                         cosine="cosine"))
        peers: dict[str, dict] = {}
        reference = None
        for name in chosen:
            try:
                result = measure_peer(name, peer_embed.CONFIGURATIONS[name], options, model, work, inputs)
            except RuntimeError as error:  # the others are measured all the same
                print(f"bench_embed.py: {name} failed: {error}", file=sys.stderr)
                continue
            if name == "f32":
                reference = result["vectors"]
                between = (reference @ reference.T).mean()
            peers[name] = finish(result, options, tokens, reference)
            show(result["what"], peers[name])
        ours: dict[str, dict] = {}
        for compute in filter(None, options.compute.split(",")):
            ours[compute] = finish(measure_lacos(compute, options, base, work, inputs), options, tokens, reference)
            show(f"lacos, 8-bit base, --compute {compute}", ours[compute])
        if reference is not None:
            print(f"cosine: the lowest between a text's vector and that of PyTorch f32; two texts have {between:.3f} on average")
        if options.json:
            options.json.write_text(json.dumps({"cpu": cpu_name(), "threads": options.threads, "peers": peers, "lacos": ours}, indent=1) + "\n")


if __name__ == "__main__":
    main()
