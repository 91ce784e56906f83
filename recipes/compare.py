#!/usr/bin/env python3
"""Prints an evaluation beside published numbers, each with its convention and source.

    recipes/compare.py RESULTS    RESULTS: the --output folder of `lacos eval --suite sts-en` (or sts-multilingual)

published.tsv holds the numbers: a row that begins with "task" names the columns of those after it. The
evaluation stands there once under each convention that the published rows use, since the same vectors get
other numbers under another one.
"""

import json
import pathlib
import sys

COLUMNS = slice(2, -2)  # of a row: the scores


def published() -> list[list[list[str]]]:
    """Tables of rows; the first row of each is its heading."""
    tables = []
    for line in (pathlib.Path(__file__).parent / "published.tsv").read_text(encoding="utf-8").splitlines():
        cells = line.split("\t")
        if cells[0] == "task":
            tables.append([])
        tables[-1].append(cells)
    return tables


def own_rows(results: dict, task: str, columns: list[str], conventions: list[str]) -> list[list[str]]:
    """The evaluation's scores under each convention, empty where it has none."""
    name = results["system"]["model"]
    rows = []
    for convention in conventions:
        scores = {}
        if task == "sts-en":
            for entry in results["aggregates"]:
                if entry["convention"] == convention:
                    scores["mean" if entry["group"] == "sts-en" else entry["group"]] = entry["value"]
        else:
            for entry in results["sets"]:
                if entry["name"] == task:
                    scores[entry["subset"]] = entry["measures"]["spearman"]
        cells = [f"{scores[column]:.2f}" if scores.get(column) is not None else "" for column in columns]
        if any(cells):
            rows.append([task, f"this run: {name}", *cells, convention, "measured here"])
    return rows


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    results = json.loads((pathlib.Path(sys.argv[1]) / "results.json").read_text(encoding="utf-8"))
    shown = 0
    for header, *rows in published():
        conventions = list(dict.fromkeys(row[-2] for row in rows))
        own = own_rows(results, rows[0][0], header[COLUMNS], conventions)
        if not own:
            continue
        shown += 1
        table = [header[1:], *[row[1:] for row in rows], *[row[1:] for row in own]]
        table[0][0] = f"{rows[0][0]}, Spearman x 100"
        widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
        for row in table:
            cells = [cell.ljust(width) if i == 0 or i >= len(row) - 2 else cell.rjust(width)
                     for i, (cell, width) in enumerate(zip(row, widths))]
            print("  ".join(cells).rstrip())
        print()
    if not shown:
        print("compare.py: the evaluation has no set that published.tsv knows", file=sys.stderr)
    return 0 if shown else 1


if __name__ == "__main__":
    sys.exit(main())
