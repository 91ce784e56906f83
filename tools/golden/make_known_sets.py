#!/usr/bin/env python3
"""Writes src/lacos/data/prepare/known_sets.inc: row counts and hashes of the public test sets.

    tools/golden/make_known_sets.py [SUITE]

The names and row counts below come from the publications of the sets. The hashes come from SUITE, a folder that
`lacos data prepare --allow-changed-texts --allow-incomplete` made from trusted archives, and whose row counts must
agree. Without SUITE the table has no hashes, which is how to start from scratch.
"""

import hashlib
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
STS = {
    "STS12": {"MSRpar": 750, "MSRvid": 750, "SMTeuroparl": 459, "surprise.OnWN": 750, "surprise.SMTnews": 399},
    "STS13": {"FNWN": 189, "headlines": 750, "OnWN": 561},
    "STS14": {"deft-forum": 450, "deft-news": 300, "headlines": 750, "images": 750, "OnWN": 750, "tweet-news": 750},
    "STS15": {"answers-forums": 375, "answers-students": 750, "belief": 375, "headlines": 750, "images": 750},
    "STS16": {"answer-answer": 254, "headlines": 249, "plagiarism": 230, "postediting": 244, "question-question": 209},
}
STS17 = ["ar-ar", "en-ar", "en-en", "en-tr", "es-en", "es-en-news", "es-es"]
STS17_EXTENDED = ["en-de", "fr-en", "it-en", "nl-en"]  # added by sentence-transformers
BENCHMARK = {"train": 5749, "dev": 1500, "test": 1379}
TRANSLATED = ["de", "en", "es", "fr", "it", "ja", "nl", "pl", "pt", "ru", "zh"]
SICK = {"train": 4500, "dev": 500, "test": 4927}
XQUAD = ["ar", "de", "el", "en", "es", "hi", "ro", "ru", "th", "tr", "vi", "zh"]
# (name, split): (rows, rows in SentEval's edition if they differ)
CLASSIFICATION = {
    ("CR", "all"): (3775, 0), ("MPQA", "all"): (10606, 0), ("MR", "all"): (10662, 0), ("SUBJ", "all"): (10000, 0),
    ("SST2", "train"): (6920, 67349), ("SST2", "dev"): (872, 0), ("SST2", "test"): (1821, 0),
    ("SST5", "train"): (8544, 0), ("SST5", "dev"): (1101, 0), ("SST5", "test"): (2210, 0),
    ("TREC", "train"): (5452, 0), ("TREC", "test"): (500, 0),
}
MSRP = {"train": (3576, 4076), "dev": (500, 0), "test": (1725, 0)}


def known():
    """Tuples (task, name, subset, split, rows, other rows, optional)."""
    for name, subsets in STS.items():
        for subset, rows in subsets.items():
            yield "sts", name, subset, "test", rows, 0, False
    for pair in STS17:
        yield "sts", "STS17", pair, "test", 250, 0, False
    for pair in STS17_EXTENDED:
        yield "sts", "STS17", pair, "test", 250, 0, True
    for split, rows in BENCHMARK.items():
        yield "sts", "STSBenchmark", "", split, rows, 0, False
    for split, rows in SICK.items():
        yield "sts", "SICK-R", "", split, rows, 0, False
    for language in TRANSLATED:
        for split, rows in BENCHMARK.items():
            yield "sts", "stsb-multi-mt", language, split, rows, 0, False
    for language in XQUAD:
        yield "retrieval", "XQuAD", language, "test", 1190, 0, False
    yield "clustering", "StackOverflow", "", "all", 20000, 0, False
    for (name, split), (rows, other) in CLASSIFICATION.items():
        yield "classification", name, "", split, rows, other, False
    for split, (rows, other) in MSRP.items():
        yield "pair_classification", "MSRP", "", split, rows, other, False


def main():
    suite = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else None
    sets = {}
    if suite:
        for entry in json.loads((suite / "suite.json").read_text(encoding="utf-8"))["sets"]:
            sets[entry["task"], entry["name"], entry["subset"], entry["split"]] = entry
    table = list(known())
    # The row counts of Tatoeba are published only by its archive.
    for (task, name, subset, split), entry in sets.items():
        if name == "Tatoeba":
            table.append((task, name, subset, split, entry["rows"], 0, False))
    lines = ["// task, name, subset, split, rows, SHA-256, SHA-256 of the scores, rows of another edition, optional;",
             "// written by tools/golden/make_known_sets.py.", "// clang-format off"]
    for task, name, subset, split, rows, other, optional in table:
        sha256 = scores = ""
        entry = sets.get((task, name, subset, split))
        if entry:
            found = entry["queries"]["rows"] if task == "retrieval" else entry["rows"]
            if found != rows:
                sys.exit(f"{name} {subset} {split}: {found} rows; expected {rows}")
            data = (suite / entry["path"]).read_bytes()
            if task == "retrieval":
                data += (suite / entry["queries"]["path"]).read_bytes() + (suite / entry["qrels"]["path"]).read_bytes()
            sha256 = hashlib.sha256(data).hexdigest()
            if task == "sts":
                column = [line.split("\t")[2] for line in data.decode().split("\n")[1:-1]]
                scores = hashlib.sha256("".join(s + "\n" for s in column).encode()).hexdigest()[:16]
        lines.append(f'{{"{task}", "{name}", "{subset}", "{split}", {rows}, "{sha256}", "{scores}", {other}, '
                     f'{str(optional).lower()}}},')
    path = ROOT / "src/lacos/data/prepare/known_sets.inc"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{path.relative_to(ROOT)}: {len(table)} sets, {len(sets)} of them with hashes")


if __name__ == "__main__":
    main()
