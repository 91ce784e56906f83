#!/usr/bin/env python3
"""Records what scikit-learn and sentence-transformers find among small vectors: clusters, communities and similar pairs.

Usage: make_groups_golden.py OUTPUT   (OUTPUT is tests/golden/search/groups.json; needs numpy, scikit-learn and
sentence-transformers)

Vectors have few digits, so that they are exact in the file, and no two cosines are so near to each other or to a threshold that rounding decides.
"""

import json
import pathlib
import sys

import numpy as np
import sklearn.cluster
import torch
from sentence_transformers.util import community_detection, paraphrase_mining_embeddings

random = np.random.default_rng(11)


def clouds(n, d, centres, spread):
    middle = random.normal(0, 1, (centres, d))
    rows = middle[random.integers(0, centres, n)] + spread * random.normal(0, 1, (n, d))
    return np.round(rows, 4).astype(np.float32)


def kmeans():
    cases = []
    rows = clouds(300, 8, 7, 0.5)
    far = np.full((1, 8), 50, np.float32)  # no row is nearest to this one, so its cluster begins empty
    for first in (rows[:5], rows[10:17], np.concatenate([rows[:4], far]), np.concatenate([rows[:3], far, far + 1])):
        found = sklearn.cluster.KMeans(len(first), init=first.astype(np.float64), n_init=1, algorithm="lloyd").fit(rows.astype(np.float64))
        cases.append({"first": first.tolist(), "labels": found.labels_.tolist(), "centres": found.cluster_centers_.tolist(),
                      "inertia": found.inertia_, "iterations": found.n_iter_})
    return {"rows": rows.tolist(), "cases": cases}


def clear_threshold(rows, near):
    """A value near the given one with no cosine close to it, so that rounding decides nothing."""
    unit = rows / np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)
    cosines = np.sort((unit @ unit.T)[np.triu_indices(len(rows), 1)])
    middles, gaps = (cosines[1:] + cosines[:-1]) / 2, np.diff(cosines)
    middles = middles[gaps > 2e-5]
    return float(middles[np.abs(middles - near).argmin()])


def communities():
    rows = clouds(240, 6, 12, 0.25)
    cases = []
    for near, size in ((0.95, 5), (0.9, 3), (0.8, 10), (0.99, 2), (0.5, 1), (0.9, 1000)):
        threshold = clear_threshold(rows, near)
        cases.append({"threshold": threshold, "min_size": size,
                      "communities": community_detection(torch.tensor(rows), threshold=threshold, min_community_size=size)})
    return {"rows": rows.tolist(), "cases": cases}


def pairs():
    rows = clouds(120, 6, 9, 0.3)
    cases = []
    for top_k, most in ((1, 500000), (3, 500000), (100, 500000)):
        found = paraphrase_mining_embeddings(torch.tensor(rows, dtype=torch.float64), top_k=top_k, max_pairs=most)
        cases.append({"top_k": top_k, "pairs": [[i, j, score] for score, i, j in found]})
    return {"rows": rows.tolist(), "cases": cases}


def main():
    found = {"kmeans": kmeans(), "communities": communities(), "pairs": pairs()}
    pathlib.Path(sys.argv[1]).write_text(json.dumps(found) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
