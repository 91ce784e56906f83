#!/usr/bin/env python3
"""Turns the STS benchmark's own archive (Stsbenchmark.tar.gz) into tables with a header.

Without --all only the rows whose texts may be passed on are written: that is how stsb-captions-{dev,test}.tsv beside
this file were made. With --all: stsb-{train,dev,test}.tsv, complete, for use where the archive's LICENSE.txt allows it.

    python examples/data/prepare_stsb.py Stsbenchmark.tar.gz --output DIR [--all]
"""

import argparse
import pathlib
import tarfile

# PASCAL VOC-2008 image captions and SNLI captions, both CC BY-SA (the archive's LICENSE.txt).
FREE_SOURCES = ("images", "track5.en-en")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=pathlib.Path)
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument("--all", action="store_true", help="every row of train, dev and test")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    with tarfile.open(options.archive) as archive:
        for split in ("train", "dev", "test") if options.all else ("dev", "test"):
            text = archive.extractfile(f"stsbenchmark/sts-{split}.csv").read().decode("utf-8")
            name = f"stsb-{split}.tsv" if options.all else f"stsb-captions-{split}.tsv"
            write(text, options.output / name, options.all)


def write(text: str, path: pathlib.Path, everything: bool) -> None:
    rows = ["sentence1\tsentence2\tscore\tsource"]
    # Tab-separated without quoting despite the name .csv; only LF ends a row; two licence columns may follow.
    for line in text.rstrip("\n").split("\n"):
        _, source, _, _, score, sentence1, sentence2, *_ = line.rstrip("\r").split("\t")
        if everything or source in FREE_SOURCES:
            rows.append("\t".join([sentence1, sentence2, f"{float(score):g}", source]))
    path.write_text("\n".join(rows) + "\n", encoding="utf-8", newline="\n")
    print(f"{path}: {len(rows) - 1} rows")


if __name__ == "__main__":
    main()
