#!/usr/bin/env python3
"""Writes the training and dev files of recipes/defaults.toml and recipes/unlabelled.toml to the folder recipes/study-data.

    lacos data prepare --from DOWNLOADS --to suite --only sts,clustering,classification --allow-incomplete
    recipes/study_data.py --suite suite --xnli DIR --mnli FILE

--suite   the prepared test sets; stsb-multi-mt, StackOverflow, and the train parts of TREC, MR, SUBJ, MPQA, CR are used
--xnli    XNLI's machine-translated train rows as {en,es,fr,zh}.train.jsonl.gz, 9,000 a language
          (github.com/HKUNLP/multilingual-transfer)
--mnli    20,000 rows of MultiNLI as TSV with a header (github.com/tp823/HW2-NLP, mnli_train.tsv.gz)

No test split is read. The data of the demo, examples/data, is used where it is.
"""

import argparse
import csv
import gzip
import json
import pathlib
import random
import shutil

HERE = pathlib.Path(__file__).resolve().parent
DEV_PAIRS = 500       # of each language; more pairs would take longer than the training
UNLABELLED = 100_000


def rows(path):
    opened = gzip.open(path, "rt", encoding="utf-8", newline="") if path.suffix == ".gz" else open(path, encoding="utf-8", newline="")
    with opened as file:
        if ".jsonl" in path.name:
            yield from (json.loads(line) for line in file)
        else:
            yield from csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)


def write(path, header, lines):
    path.write_text("\n".join(["\t".join(header), *("\t".join(line) for line in lines)]) + "\n", encoding="utf-8")


def dev_pairs(suite, out, language):
    """The first dev pairs of STSb in one language."""
    pairs = [(r["sentence1"], r["sentence2"], r["score"]) for r in rows(suite / f"sts/stsb-multi-mt/{language}.dev.tsv")]
    write(out / f"stsb-dev-{language}.tsv", ("sentence1", "sentence2", "score"), pairs[:DEV_PAIRS])


def titles(suite, out):
    """StackOverflow's titles with their tags: every tenth one is for dev."""
    texts = [(r["text"], r["label"]) for r in rows(suite / "clustering/stackoverflow.tsv")]
    write(out / "stackoverflow-train.tsv", ("text", "label"), [t for i, t in enumerate(texts) if i % 10 != 0])
    write(out / "stackoverflow-dev.tsv", ("text", "label"), [t for i, t in enumerate(texts) if i % 10 == 0])


def unlabelled(suite, xnli, mnli, out):
    """Different English sentences of all sources in random order, without anything that people said about them."""
    found = {}
    for path in (HERE.parent / "examples/data/snli-cad-train.tsv.gz", mnli):
        for row in rows(path):
            found.update(dict.fromkeys((row["sentence1"], row["sentence2"])))
    for row in rows(xnli / "en.train.jsonl.gz"):
        found.update(dict.fromkeys((row["premise"], row["hypothesis"])))
    for name in ("classification/TREC/train", "classification/MR/all", "classification/SUBJ/all", "classification/MPQA/all",
                 "classification/CR/all", "clustering/stackoverflow"):
        found.update(dict.fromkeys(row["text"] for row in rows(suite / f"{name}.tsv")))
    texts = sorted(text for text in found if text.strip())
    random.Random(1).shuffle(texts)
    if len(texts) < UNLABELLED:
        raise SystemExit(f"study_data.py: found {len(texts)} different sentences; expected {UNLABELLED}")
    write(out / "sentences.tsv", ("text",), [(text.replace("\t", " "),) for text in texts[:UNLABELLED]])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", type=pathlib.Path, required=True)
    parser.add_argument("--xnli", type=pathlib.Path, required=True)
    parser.add_argument("--mnli", type=pathlib.Path, required=True)
    options = parser.parse_args()
    out = HERE / "study-data"
    out.mkdir(exist_ok=True)
    for language in ("es", "fr", "zh"):
        shutil.copyfile(options.xnli / f"{language}.train.jsonl.gz", out / f"xnli-{language}.jsonl.gz")
        dev_pairs(options.suite, out, language)
    titles(options.suite, out)
    unlabelled(options.suite, options.xnli, options.mnli, out)


if __name__ == "__main__":
    main()
