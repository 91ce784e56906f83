#!/usr/bin/env python3
"""Converts the original archive of the STS benchmark (Stsbenchmark.tar.gz) into tables with a header.

Without --all, writes only the rows whose texts may be redistributed; stsb-captions-{dev,test}.tsv next to this file were
made in this way. With --all, writes the complete stsb-{train,dev,test}.tsv, for use as the archive's LICENSE.txt allows.

    python examples/data/prepare_stsb.py Stsbenchmark.tar.gz --output DIR [--all]

With --translations stsb-multi-mt_csv.tar.gz, the archive of github.com/PhilipMay/stsb-multi-mt, writes the same rows in
another language (--language ja). Its lines are those of the benchmark in the same order, which is checked by their
scores. stsb-captions-dev-ja.tsv was made in this way.
"""

import argparse
import csv
import io
import pathlib
import tarfile

# PASCAL VOC-2008 image captions and SNLI captions, both under CC BY-SA (see the archive's LICENSE.txt).
FREE_SOURCES = ("images", "track5.en-en")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=pathlib.Path)
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument("--all", action="store_true", help="every row of train, dev and test")
    parser.add_argument("--translations", type=pathlib.Path, help="stsb-multi-mt_csv.tar.gz: write these rows' translations")
    parser.add_argument("--language", default="ja", help="of the translations (default ja)")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    with tarfile.open(options.archive) as archive:
        for split in ("train", "dev", "test") if options.all else ("dev", "test"):
            text = archive.extractfile(f"stsbenchmark/sts-{split}.csv").read().decode("utf-8")
            name = f"stsb-{split}" if options.all else f"stsb-captions-{split}"
            pairs = translations(options.translations, options.language, split) if options.translations else None
            write(text, options.output / (f"{name}-{options.language}.tsv" if pairs else f"{name}.tsv"), options.all, pairs)


def translations(archive: pathlib.Path, language: str, split: str) -> list[list[str]]:
    with tarfile.open(archive) as opened:
        text = opened.extractfile(f"data/stsb-{language}-{split}.csv").read().decode("utf-8")
    return list(csv.reader(io.StringIO(text, newline="")))


def write(text: str, path: pathlib.Path, everything: bool, pairs: list[list[str]] | None) -> None:
    rows = ["sentence1\tsentence2\tscore\tsource"]
    # Despite the name .csv, cells are tab-separated without quoting. Only LF ends a row. Two license columns may follow.
    lines = text.rstrip("\n").split("\n")
    if pairs is not None and len(pairs) != len(lines):
        raise SystemExit(f"{path}: {len(pairs)} translations of {len(lines)} rows; expected one a row")
    for i, line in enumerate(lines):
        _, source, _, _, score, sentence1, sentence2, *_ = line.rstrip("\r").split("\t")
        if pairs is not None:
            sentence1, sentence2, translated_score = (" ".join(cell.split()) for cell in pairs[i])
            if float(translated_score) != float(score):
                raise SystemExit(f"{path}: row {i + 1} has the score {translated_score}; expected {score}")
        if everything or source in FREE_SOURCES:
            rows.append("\t".join([sentence1, sentence2, f"{float(score):g}", source]))
    path.write_text("\n".join(rows) + "\n", encoding="utf-8", newline="\n")
    print(f"{path}: {len(rows) - 1} rows")


if __name__ == "__main__":
    main()
