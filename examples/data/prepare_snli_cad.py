#!/usr/bin/env python3
"""Converts SNLI-CAD's tables (NLI/all_combined/{train,dev}.tsv) into tables as lacos reads them; snli-cad-*.tsv.gz are its results.

The published tables quote cells that contain a quotation mark, as CSV does: "A sign that reads ""No Parking""." A .tsv of
lacos has no quoting, so a cell is its text and nothing else. The texts, their order and the line ends stay as they are.

    python examples/data/prepare_snli_cad.py train.tsv dev.tsv --output DIR      # .tsv.gz is read, too
"""

import argparse
import csv
import gzip
import io
import pathlib

HEADER = ["sentence1", "sentence2", "gold_label"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=pathlib.Path)
    parser.add_argument("dev", type=pathlib.Path)
    parser.add_argument("--output", type=pathlib.Path, required=True)
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    for split in ("train", "dev"):
        convert(getattr(options, split), options.output / f"snli-cad-{split}.tsv.gz")


def convert(source: pathlib.Path, target: pathlib.Path) -> None:
    data = source.read_bytes()
    text = (gzip.decompress(data) if source.suffix == ".gz" else data).decode("utf-8")
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter="\t", strict=True))
    if rows[0] != HEADER:
        raise SystemExit(f"{source}: the header is {rows[0]}; expected {HEADER}")
    for number, row in enumerate(rows, 1):
        if len(row) != len(HEADER) or any(mark in cell for cell in row for mark in "\t\r\n"):
            raise SystemExit(f"{source}: row {number} is {row}; expected {len(HEADER)} cells without tabs and line breaks")
    table = "".join("\t".join(row) + "\n" for row in rows)
    target.write_bytes(gzip.compress(table.encode("utf-8"), compresslevel=9, mtime=0))
    changed = sum(a != b for a, b in zip(text.split("\n"), table.split("\n"), strict=True))
    print(f"{target}: {len(rows) - 1} rows, {changed} of them without their quoting")


if __name__ == "__main__":
    main()
