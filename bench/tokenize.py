"""Tokenizing speed of lacos beside Hugging Face tokenizers: same lines, same cores, in turn.

usage: tokenize.py [--program build/release/bin/tokenize_lines] [--rounds 3] [--lines 200000] [--large] TOKENIZER TEXT...

TEXT is read as by tools/interop/tokenizer_compare.py; each distinct line is encoded once a round, by encode_batch (all cores)
and by lacos (all cores), after each has loaded the tokenizer anew, so that no cache is warm. Wall and CPU seconds are given:
on a busy machine the ratio of CPU seconds is the steadier one. --large also times loading a file of 250,680 entries.
"""

import argparse
import gzip
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tokenizers import Tokenizer

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools/interop"))
from tokenizer_compare import lines_of  # noqa: E402


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def large_tokenizer(content, entries=250_680):
    """The tokenizer with a vocabulary of BLOOM's size: random merges of what there is already."""
    rng = random.Random(1)
    spelled = [chr(c) for c in [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100), *range(0x100, 0x144)]]
    vocab = {token: i for i, token in enumerate(["<unk>", "<s>", "</s>", "<pad>", *spelled])}
    merges, tokens = [], list(spelled)
    while len(vocab) < entries:
        pair = (rng.choice(tokens), rng.choice(tokens))
        token = "".join(pair)
        if token not in vocab and len(token) <= 16:
            vocab[token] = len(vocab)
            merges.append(pair)
            tokens.append(token)
    return {**content, "added_tokens": content["added_tokens"][:0], "model": {**content["model"], "vocab": vocab, "merges": merges}}


def main():
    root = Path(__file__).resolve().parents[1]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tokenizer")
    parser.add_argument("text", nargs="+")
    parser.add_argument("--program", default=str(root / "build/release/bin/tokenize_lines"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--lines", type=int, default=200_000)
    parser.add_argument("--large", action="store_true")
    options = parser.parse_args()

    path = Path(options.tokenizer)
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    lines = list(dict.fromkeys(line for text in options.text for line in lines_of(text)))
    random.Random(0).shuffle(lines)
    lines = lines[: options.lines]
    data = ("\n".join(lines) + "\n").encode()
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "tokenizer.json"

        def lacos(text):
            return json.loads(subprocess.run([options.program, str(file), "--bench"], input=text, stdout=subprocess.PIPE, check=True).stdout)

        file.write_bytes(content)
        for _ in range(options.rounds):
            peer = Tokenizer.from_str(content.decode())
            wall, cpu = time.perf_counter(), cpu_seconds()
            encodings = peer.encode_batch(lines)
            wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
            tokens = sum(len(e.ids) for e in encodings)
            del encodings
            own = lacos(data)
            if own["tokens"] != tokens:
                sys.exit(f"{own['tokens']} tokens against {tokens}")
            ratios.append((wall / own["seconds"], cpu / own["cpu_seconds"]))
            print(
                f"{len(lines)} lines, {len(data) / 1e6:.1f} MB, {tokens} tokens: peer {wall:.2f} s ({cpu:.2f} CPU), lacos {own['seconds']:.2f} s "
                f"({own['cpu_seconds']:.2f} CPU), ratio {ratios[-1][0]:.1f} wall, {ratios[-1][1]:.1f} CPU; load {own['load_cpu_seconds']:.3f} s CPU",
                flush=True,
            )
        if options.large:
            file.write_text(json.dumps(large_tokenizer(json.loads(content)), ensure_ascii=False))
            times = sorted(lacos(b"a\n")["load_cpu_seconds"] for _ in range(5))
            print(f"load of 250,680 entries, {file.stat().st_size / 1e6:.1f} MB: {times[2]:.3f} s CPU (median of 5)")
    print(json.dumps({"ratio_wall": sorted(r[0] for r in ratios)[len(ratios) // 2], "ratio_cpu": sorted(r[1] for r in ratios)[len(ratios) // 2]}))


if __name__ == "__main__":
    main()
