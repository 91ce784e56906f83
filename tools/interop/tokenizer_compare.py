"""Compares token ids (and offsets) of lacos with those of Hugging Face tokenizers, line by line.

usage: tokenizer_compare.py [options] TOKENIZER TEXT...

TOKENIZER is a tokenizer.json (or .gz) or a folder with one. TEXT is any number of text files, .gz, .tar.gz or .zip
archives, or folders of those. Every line of every member is one text; invalid UTF-8 and empty lines are left out. With
--hostile, generated texts follow: every Unicode plane, long words, control characters, emoji sequences and added
tokens.

--command is run once, with TOKENIZER's folder and with the lines on stdin or in a file:
    "build/release/bin/lacos tokenize --model {folder} --input -"        (the default)
    "build/release/bin/tokenize_lines {file}"                            (the test program)
The script prints counts, and exits with status 1 if any line differs.
"""

import argparse
import gzip
import json
import random
import shlex
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from tokenizers import Tokenizer


def members(path):
    """Yields (name, bytes) of each file in a path."""
    path = Path(path)
    if path.is_dir():
        for child in sorted(p for p in path.rglob("*") if p.is_file()):
            yield from members(child)
    elif path.name.endswith((".tar.gz", ".tgz")):
        with tarfile.open(path) as archive:
            for entry in archive:
                if entry.isfile():
                    yield f"{path}:{entry.name}", archive.extractfile(entry).read()
    elif path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                yield f"{path}:{name}", archive.read(name)
    elif path.suffix == ".gz":
        yield str(path), gzip.decompress(path.read_bytes())
    elif path.suffix not in (".safetensors", ".bin"):
        yield str(path), path.read_bytes()


def strings_of(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for v in value.values():
            yield from strings_of(v)
    elif isinstance(value, list):
        for v in value:
            yield from strings_of(v)


def lines_of(path):
    for name, data in members(path):
        if b"\0" in data[:4096]:
            continue
        for raw in data.split(b"\n"):
            try:
                line = raw.removesuffix(b"\r").decode()
            except UnicodeDecodeError:
                continue
            if ".json" in name:  # \u escapes would hide the language
                try:
                    for text in strings_of(json.loads(line)):
                        yield from (t for t in text.split("\n") if t)
                    continue
                except ValueError:
                    pass
            if line:
                yield line


def hostile_lines(seed, count, added, stride=1, longest=100_000):
    """Texts that are meant to break a tokenizer. They have no line feeds, since every line is a text. Of the lines with
    all code points, only every `stride`-th is used."""
    rng = random.Random(seed)
    spaces = " \t\r\x0b\x0c\x1c\x1f\x85\xa0\u1680\u2000\u2009\u200a\u200b\u2028\u2029\u202f\u205f\u3000\ufeff"
    punctuation = "!(),.?|[]{}'\"\u060c\u06d4\u0964\u2026\u3001\u3002\uff0c-_/\\<>"
    emoji = ["\U0001F468\u200d\U0001F469\u200d\U0001F467\u200d\U0001F466", "\U0001F1E9\U0001F1EA", "\U0001F44D\U0001F3FD", "e\u0301\u0323"]
    contractions = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", "'l", "'r", "'"]

    def code_point():
        while True:
            plane = rng.choice([0, 0, 0, 0, 1, 1, 2, 3, rng.randrange(17)])
            c = plane * 0x10000 + rng.randrange(0x10000)
            if c != 0x0A and not 0xD800 <= c <= 0xDFFF:
                return chr(c)

    def piece():
        kind = rng.randrange(12)
        n = rng.choice([1, 1, 2, 3, 8])
        if kind == 0:
            return "".join(code_point() for _ in range(n))
        if kind == 1:
            return rng.choice(spaces) * n
        if kind == 2:
            return "".join(rng.choice(spaces) for _ in range(n))
        if kind == 3:
            return "".join(rng.choice(punctuation) for _ in range(n))
        if kind == 4:
            return rng.choice(emoji) * n
        if kind == 5:
            return rng.choice(contractions)
        if kind == 6:
            return chr(rng.choice([c for c in range(0x20) if c != 0x0A])) * n
        if kind == 7 and added:
            return rng.choice(added)
        if kind == 8 and added:
            token = rng.choice(added)
            return token[: rng.randrange(len(token) + 1)]
        if kind == 9:
            return str(rng.randrange(10**n))
        return rng.choice([" ", "", "  "]) + "".join(rng.choice("etaoinshrdlu") for _ in range(n))

    for c in range(0x110000):  # every character between two letters, 64 per line
        if c % 64 == 0 and c // 64 % stride == seed % stride and not 0xD800 <= c <= 0xDFFF:
            yield "a".join(chr(k) for k in range(c, c + 64) if k != 0x0A)
            yield " ".join(chr(k) for k in range(c, c + 64) if k != 0x0A)
    for n in (1000, longest):
        yield "a" * n
        yield "ab" * n
        yield " " * n
        yield " " * n + "x"
        yield "\u0939\u093f" * n
        yield "\u4e2d\u6587" * n
        yield "!" * n
        yield "\t" * n
        yield "".join(rng.choice("etaoinshrdlu") for _ in range(n))
        yield "".join(code_point() for _ in range(n))
    for _ in range(count):
        yield "".join(piece() for _ in range(rng.choice([1, 2, 3, 5, 10, 30])))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tokenizer")
    parser.add_argument("text", nargs="*")
    parser.add_argument("--command", default="build/release/bin/lacos tokenize --model {folder} --input -")
    parser.add_argument("--offsets", action="store_true", help="the command prints {ids, offsets}; compare both")
    parser.add_argument("--hostile", type=int, default=0, metavar="N", help="add N generated lines")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=int, default=0, help="lines at most, spread evenly over the texts")
    parser.add_argument("--distinct", action="store_true", help="each line once")
    options = parser.parse_args()

    path = Path(options.tokenizer)
    path = path / "tokenizer.json" if path.is_dir() else path
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    peer = Tokenizer.from_str(content.decode())
    peer.no_truncation()
    peer.no_padding()
    added = [t["content"] for t in json.loads(content)["added_tokens"]]

    lines = [line for text in options.text for line in lines_of(text)]
    if options.distinct:
        lines = list(dict.fromkeys(lines))
    if options.limit and len(lines) > options.limit:
        lines = [lines[i * len(lines) // options.limit] for i in range(options.limit)]
    if options.hostile:
        lines.extend(hostile_lines(options.seed, options.hostile, added))
    # The program drops one CR at the end of a line and a byte-order mark at the start of the input.
    lines = [line for line in lines if not line.endswith("\r")]
    if lines and lines[0].startswith("\ufeff"):
        lines[0] = lines[0][1:]

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "tokenizer.json"
        file.write_bytes(content)
        command = shlex.split(options.command.format(folder=folder, file=file))
        process = subprocess.run(command, input="\n".join(lines + [""]).encode(), stdout=subprocess.PIPE, check=False)
    if process.returncode != 0:
        sys.exit(f"{command} ended with status {process.returncode}")
    results = process.stdout.splitlines()
    if len(results) != len(lines):
        sys.exit(f"{len(results)} results for {len(lines)} lines")

    tokens = mismatches = 0
    for begin in range(0, len(lines), 10_000):
        batch = lines[begin : begin + 10_000]
        for line, result, encoding in zip(batch, results[begin:], peer.encode_batch(batch)):
            found = json.loads(result)
            ids = found["ids"] if options.offsets else found
            tokens += len(ids)
            same = ids == encoding.ids
            if options.offsets:
                same = same and [tuple(o) for o in found["offsets"]] == encoding.offsets
            if not same:
                mismatches += 1
                if mismatches <= 5:
                    print(f"differs: {line[:200]!r}\n  lacos {result[:300]!r}\n  peer  {encoding.ids[:40]} {encoding.offsets[:20]}")
    print(json.dumps({"tokenizer": str(path), "lines": len(lines), "tokens": tokens, "mismatches": mismatches}))
    sys.exit(1 if mismatches else 0)


if __name__ == "__main__":
    main()
