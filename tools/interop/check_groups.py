#!/usr/bin/env python3
"""Compares `lacos cluster` and `lacos similarity --all-pairs` with scikit-learn and sentence-transformers on the same vectors."""

import numpy
import sklearn.cluster
import torch
from sentence_transformers.util import community_detection, paraphrase_mining_embeddings

import report

MODEL = report.REPOSITORY / "examples/bloom-nano"
TEXTS = report.REPOSITORY / "examples/data/stsb-captions-test.tsv"


def captions(check):
    """The captions' vectors, float32 for us and the same values in float64 for the others."""
    rows = report.read_table(TEXTS)
    texts = list(dict.fromkeys(row[name] for row in rows for name in ("sentence1", "sentence2")))
    vectors = check.embed(MODEL, texts, "--pooling", "weighted_mean")
    numpy.save(check.work / "captions.npy", vectors)
    return check.work / "captions.npy", vectors.astype(numpy.float64)


def kmeans(check):
    path, vectors = captions(check)
    for clusters in (2, 20, 100):
        first = vectors[:: len(vectors) // clusters][:clusters]
        numpy.save(check.work / "first.npy", first.astype(numpy.float32))
        ours = check.run_json("cluster", "--embeddings", path, "--clusters", clusters, "--initial-centres", check.work / "first.npy",
                              "--output", check.work / "out", "--overwrite")
        theirs = sklearn.cluster.KMeans(clusters, init=first, n_init=1, algorithm="lloyd").fit(vectors)
        check.row(f"cluster --clusters {clusters}: other labels than scikit-learn's", len(vectors), float((theirs.labels_ != ours["labels"]).sum()), 0)
        centres = numpy.load(check.work / "out/centres.npy")
        check.row(f"cluster --clusters {clusters}: centres", centres.size, float(numpy.abs(centres - theirs.cluster_centers_).max()), 1e-5)
        check.row(f"cluster --clusters {clusters}: inertia", 1, abs(ours["inertia"] / theirs.inertia_ - 1), 1e-6)


def clear_threshold(vectors, near):
    """A value near the given one with no cosine close to it, so that rounding decides nothing."""
    unit = vectors / numpy.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = numpy.sort((unit @ unit.T)[numpy.triu_indices(len(vectors), 1)])
    middles = (cosines[1:] + cosines[:-1])[numpy.diff(cosines) > 2e-7] / 2
    return float(middles[numpy.abs(middles - near).argmin()])


def communities(check):
    path, vectors = captions(check)
    for near, size in ((0.95, 2), (0.9, 3), (0.8, 10), (0.6, 1)):
        threshold = clear_threshold(vectors, near)
        ours = check.run_json("cluster", "--embeddings", path, "--threshold", threshold, "--min-size", size, "--examples", 1_000_000)
        found = [[member["line"] - 1 for member in cluster["nearest"]] for cluster in ours["clusters"]]
        theirs = community_detection(torch.tensor(vectors), threshold=threshold, min_community_size=size)
        differing = abs(len(found) - len(theirs)) + sum(a != [int(i) for i in b] for a, b in zip(found, theirs))
        check.row(f"cluster --threshold {near} --min-size {size}: differing communities", len(theirs), differing, 0)


def pairs(check):
    path, vectors = captions(check)
    for top_k in (1, 5, 100):
        ours = check.run_json("similarity", "--embeddings", path, "--all-pairs", "--top-k", top_k)["pairs"]
        theirs = {(i, j): score for score, i, j in paraphrase_mining_embeddings(torch.tensor(vectors), top_k=top_k, max_pairs=10**9)}
        found = {(pair["line1"] - 1, pair["line2"] - 1): pair["cosine"] for pair in ours}
        check.row(f"similarity --all-pairs --top-k {top_k}: differing pairs", len(theirs), len(found.keys() ^ theirs.keys()), 0)
        check.row(f"similarity --all-pairs --top-k {top_k}: cosines", len(theirs), max(abs(found[p] - theirs[p]) for p in found.keys() & theirs.keys()), 1e-12)


if __name__ == "__main__":
    report.main([("cluster --clusters", kmeans), ("cluster --threshold", communities), ("similarity --all-pairs", pairs)])
