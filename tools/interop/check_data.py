#!/usr/bin/env python3
"""Compares the readers of data with the datasets package and with Python's csv and json, on the forms of docs/data.md."""

import csv
import gzip
import io
import json
import pathlib
import random

import datasets

import report

# `lacos data inspect` shows so many examples; each file has at most as many.
ROWS = 3
FILES = 24  # of each form, with other texts
# Pieces of texts that readers could change: whitespace at the ends, quotes, delimiters of other formats, other line ends.
PIECES = ["a cat", "sleeps", " ", "  two", "é", "e\u0301", "你好", "🙂", '"', "'", "''", '""', ";", "|", "\\", "\\n", "[1]", "{x}", "#", "\u00a0", "\u2028", "\x85",
          "\u200b", "1.5", "-", "%", "<s>", "&amp;", "NUL", "https://example.org/a?b=c"]
INSIDE_QUOTES = [",", "\n", "\r\n", "\n\n", '""']  # only in quoted cells and JSON strings
ONLY_JSON = ["\t", "\r", "\x00", "\x1f"]


def text(random: random.Random, pieces: list[str]) -> str:
    """A text with a letter in front and behind, sometimes inside whitespace, which no reader takes for a number or nothing."""
    middle = "".join(random.choices(pieces, k=random.randrange(5)))
    blank = random.choice(["", "", " ", "  "])
    return blank + random.choice("xyz") + middle + random.choice("uvw") + random.choice(["", "", " "])


def rows_of(random: random.Random, names: list[str], pieces: list[str]) -> list[dict]:
    """Rows whose texts all differ, as pairs of equal texts are left out."""
    return [{name: f"{number}{name} {text(random, pieces)}" for name in names} for number in range(1, ROWS + 1)]


def with_csv(rows: list[dict], **options) -> bytes:
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, rows[0].keys(), **options)
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue().encode()


def with_tabs(rows: list[dict], header: bool = True) -> bytes:
    lines = ["\t".join(rows[0].keys())] if header else []
    return ("\n".join(lines + ["\t".join(row.values()) for row in rows]) + "\n").encode()


def with_lines(rows: list, ascii: bool) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=ascii) + "\n" for row in rows).encode()


def read(kind: str, path: pathlib.Path, work: pathlib.Path, **options) -> list[dict]:
    return list(datasets.load_dataset(kind, data_files=str(path), split="train", cache_dir=str(work / "cache"), **options))


def inspect(check: report.Check, path: pathlib.Path, *arguments) -> list[list[str]]:
    found = check.run_json("data", "inspect", path, *arguments, compute=None)
    assert found["examples"] <= ROWS, f"{found['examples']} examples"
    return [example["texts"] for example in found["first_examples"]]


def values(rows: list[dict], names: list[str]) -> list[list[str]]:
    return [[row[name] for name in names] for row in rows]


PAIR, TRIPLET = ["sentence1", "sentence2"], ["anchor", "positive", "negative"]

# {form: (suffix, names of columns, further pieces of texts, writer, reader of the peer)}; the reader gives rows as lists.
FORMS = {
    "csv, pairs": (".csv", PAIR, INSIDE_QUOTES, with_csv, lambda p, w: values(read("csv", p, w), PAIR)),
    "csv, LF, every cell quoted": (".csv", PAIR, INSIDE_QUOTES, lambda rows: with_csv(rows, lineterminator="\n", quoting=csv.QUOTE_ALL),
                                   lambda p, w: values(read("csv", p, w), PAIR)),
    "csv, byte-order mark": (".csv", TRIPLET, INSIDE_QUOTES, lambda rows: b"\xef\xbb\xbf" + with_csv(rows),
                             lambda p, w: values(read("csv", p, w, encoding="utf-8-sig"), TRIPLET)),
    "csv.gz": (".csv.gz", PAIR, INSIDE_QUOTES, lambda rows: gzip.compress(with_csv(rows)), lambda p, w: values(read("csv", p, w), PAIR)),
    "csv by Python's csv": (".csv", TRIPLET, INSIDE_QUOTES, with_csv,
                            lambda p, w: values(list(csv.DictReader(io.StringIO(p.read_bytes().decode(), newline=""))), TRIPLET)),
    "csv, texts": (".csv", ["text"], INSIDE_QUOTES, with_csv, lambda p, w: values(read("csv", p, w), ["text"])),
    "tsv, pairs (csv.QUOTE_NONE)": (".tsv", PAIR, [","], with_tabs,
                                    lambda p, w: values(read("csv", p, w, delimiter="\t", quoting=csv.QUOTE_NONE), PAIR)),
    "tsv without header": (".tsv", TRIPLET, [","], lambda rows: with_tabs(rows, header=False),
                           lambda p, w: values(read("csv", p, w, delimiter="\t", quoting=csv.QUOTE_NONE, column_names=TRIPLET), TRIPLET)),
    "txt, texts": (".txt", ["text"], [","], lambda rows: with_tabs(rows, header=False), lambda p, w: values(read("text", p, w), ["text"])),
    "jsonl, pairs": (".jsonl", PAIR, INSIDE_QUOTES + ONLY_JSON, lambda rows: with_lines(rows, False), lambda p, w: values(read("json", p, w), PAIR)),
    "jsonl, escaped": (".jsonl", TRIPLET, INSIDE_QUOTES + ONLY_JSON, lambda rows: with_lines(rows, True),
                       lambda p, w: values(read("json", p, w), TRIPLET)),
    "jsonl, arrays of texts (json)": (".jsonl", TRIPLET, INSIDE_QUOTES + ONLY_JSON, lambda rows: with_lines([list(row.values()) for row in rows], False),
                                      lambda p, w: [json.loads(line) for line in p.read_bytes().decode().split("\n")[:-1]]),
    "jsonl, sets": (".jsonl", ["a", "b"], INSIDE_QUOTES + ONLY_JSON, lambda rows: with_lines([{"set": list(row.values())} for row in rows], False),
                    lambda p, w: [row["set"] for row in read("json", p, w)]),
    "jsonl, FlagEmbedding": (".jsonl", ["query", "p", "n1", "n2"], INSIDE_QUOTES + ONLY_JSON,
                             lambda rows: with_lines([{"query": row["query"], "pos": [row["p"]], "neg": [row["n1"], row["n2"]]} for row in rows], False),
                             lambda p, w: [[row["query"], *row["pos"], *row["neg"]] for row in read("json", p, w)]),
    "jsonl, translations": (".jsonl", ["en", "fr"], INSIDE_QUOTES + ONLY_JSON, lambda rows: with_lines([{"translation": row} for row in rows], False),
                            lambda p, w: values([row["translation"] for row in read("json", p, w)], ["en", "fr"])),
    "json, an array on one line": (".json", PAIR, INSIDE_QUOTES + ONLY_JSON, lambda rows: json.dumps(rows, ensure_ascii=False).encode(),
                                   lambda p, w: values(read("json", p, w), PAIR)),
    "json, an array over lines": (".json", PAIR, INSIDE_QUOTES + ONLY_JSON, lambda rows: json.dumps(rows, indent=1).encode(),
                                  lambda p, w: values(read("json", p, w), PAIR)),
    "json, rows below data": (".json", PAIR, INSIDE_QUOTES + ONLY_JSON, lambda rows: json.dumps({"data": rows}).encode(),
                              lambda p, w: values(read("json", p, w, field="data"), PAIR)),
    "json, columns (json)": (".json", PAIR, INSIDE_QUOTES + ONLY_JSON, lambda rows: json.dumps({name: [row[name] for row in rows] for name in PAIR}).encode(),
                             lambda p, w: [list(row) for row in zip(*json.loads(p.read_bytes()).values(), strict=True)]),
}


def forms(check: report.Check) -> None:
    for name, (suffix, names, pieces, write, peer) in FORMS.items():
        different = 0
        generator = random.Random(name)
        for number in range(FILES):
            path = check.work / f"file{number}{suffix}"
            path.write_bytes(write(rows_of(generator, names, PIECES + pieces)))
            different += int(inspect(check, path) != peer(path, check.work))
        check.row(f"{name}: files with another row", FILES, different, 0)


def labels(check: report.Check) -> None:
    """Which rows of labelled pairs are examples, with the names of the labels that datasets gives them."""
    nli = datasets.ClassLabel(names=["entailment", "neutral", "contradiction"])
    generator, different, cases = random.Random(7), 0, 0
    for spell in (str, float, nli.int2str, lambda label: nli.int2str(label).capitalize()):
        rows = rows_of(generator, ["premise", "hypothesis"], PIECES)
        for row, label in zip(rows, (0, 2, 0), strict=True):
            row["label"] = spell(label)
        path = check.work / "nli.jsonl"
        path.write_bytes(with_lines(rows, False))
        kept = [row for row, label in zip(read("json", path, check.work), (0, 2, 0), strict=True) if label == 0]
        different += int(inspect(check, path) != values(kept, ["premise", "hypothesis"]))
        cases += 1
    check.row("labels of NLI as text, float, name: files with another row", cases, different, 0)


def shards(check: report.Check) -> None:
    """A folder of shards whose names tell splits, as the hub stores them."""
    generator, folder = random.Random(8), check.work / "shards"
    folder.mkdir(exist_ok=True)
    for name in ("train-00000-of-00002", "train-00001-of-00002", "validation-00000-of-00001", "test-00000-of-00001"):
        rows = rows_of(generator, PAIR, PIECES)[:1 if name.startswith("train") else 2]
        (folder / f"{name}.jsonl").write_bytes(with_lines(rows, False))
    loaded = datasets.load_dataset(str(folder), cache_dir=str(check.work / "cache"))
    different = sum(
        inspect(check, folder, "--split", ours) != values(list(loaded[theirs]), PAIR)
        for ours, theirs in (("train", "train"), ("dev", "validation"), ("test", "test")))
    check.row("a folder of shards: splits with another row", 3, different, 0)


if __name__ == "__main__":
    datasets.disable_progress_bars()
    report.main([("forms", forms), ("labels", labels), ("shards", shards)])
