#!/usr/bin/env python3
"""Compares the correlations of `lacos eval` with scipy on the vectors of `lacos embed`."""

import numpy
import scipy.stats

import report

MODEL = report.REPOSITORY / "examples/bloom-nano"
# If rounding swaps two neighbors, Spearman x 100 changes by 100 * 12 / (n^3 - n) = 2e-5 for n = 375.
LIMIT = 1e-3


def sts(check: report.Check) -> None:
    files = [report.REPOSITORY / f"examples/data/stsb-captions-{split}.tsv" for split in ("dev", "test")]
    result = check.run_json("eval", "--model", MODEL, "--task", "sts", "--data", *files, "--pooling", "weighted_mean")
    largest = {"spearman": 0.0, "pearson": 0.0}
    averages = {"spearman": [], "pearson": []}
    assert len(result["tasks"]) == len(files)
    for file, task in zip(files, result["tasks"]):
        rows = report.read_table(file)
        assert task["n"] == len(rows), (task["n"], len(rows))
        first, second = (
            check.embed(MODEL, [row[name] for row in rows], "--pooling", "weighted_mean").astype(numpy.float64)
            for name in ("sentence1", "sentence2")
        )
        cosine = (first * second).sum(1) / numpy.linalg.norm(first, axis=1) / numpy.linalg.norm(second, axis=1)
        gold = [float(row["score"]) for row in rows]
        expected = {
            "spearman": 100 * scipy.stats.spearmanr(cosine, gold)[0],
            "pearson": 100 * scipy.stats.pearsonr(cosine, gold)[0],
        }
        for name, value in expected.items():
            largest[name] = max(largest[name], abs(task[name] - value))
            averages[name].append(value)
    for name, difference in largest.items():
        difference = max(difference, abs(result["average"][name] - float(numpy.mean(averages[name]))))
        check.row(f"eval --task sts, {name} x100: scipy", len(files) + 1, difference, LIMIT)


if __name__ == "__main__":
    report.main([("eval --task sts", sts)])
