#!/usr/bin/env python3
"""Records measures by scipy and scikit-learn for data in which many pairs are two equal vectors, whose cosines tie.

Usage: make_tie_golden.py OUTPUT   (needs numpy, scipy and scikit-learn; OUTPUT is tests/golden/eval/ties.json)

Values are integers, which the reader divides by 1000 in float32, as this script does. Cosines come from exact sums.
"""

import json
import math
import pathlib
import sys

import numpy as np
import scipy.stats
import sklearn.metrics

PAIRS, DIMENSION = 120, 16
random = np.random.default_rng(19)


def exact_cosine(a, b):
    dot, aa, bb = (math.fsum(float(x) * float(y) for x, y in zip(left, right)) for left, right in ((a, b), (a, a), (b, b)))
    return dot / math.sqrt(aa * bb)


def separate_roots(a, b):
    dot, aa, bb = (sum(float(x) * float(y) for x, y in zip(left, right)) for left, right in ((a, b), (a, a), (b, b)))
    return dot / (math.sqrt(aa) * math.sqrt(bb))


equal = random.random(PAIRS) < 0.5
first = random.integers(-2000, 2001, (PAIRS, DIMENSION))
second = np.where(equal[:, None], first, np.clip(first + random.integers(-900, 901, first.shape), -2000, 2000))
gold = np.where(equal, random.integers(20, 51, PAIRS), random.integers(0, 41, PAIRS)) / 10
same = (gold >= 3).astype(int)
a, b = (side.astype(np.float32) / np.float32(1000) for side in (first, second))
cosine = np.array([exact_cosine(x, y) for x, y in zip(a, b)])
assert (cosine[equal] == 1).all() and (cosine[~equal] < 1).all()


def measure(values):
    return {"average_precision": float(sklearn.metrics.average_precision_score(same, values)),
            "spearman": float(scipy.stats.spearmanr(values, gold)[0])}


golden = measure(cosine)
# The vectors distinguish two ways of computing a cosine: with one square root per vector, equal pairs do not tie.
apart = measure(np.array([separate_roots(x, y) for x, y in zip(a, b)]))
for name, value in golden.items():
    assert abs(apart[name] - value) > 1e-3, (name, value, apart[name])
    print(f"{name}: {value:.6f}; {apart[name]:.6f} with a root for each vector")
golden |= {"equal": int(equal.sum()), "first": first.tolist(), "second": second.tolist(), "gold": gold.tolist(), "same": same.tolist()}
pathlib.Path(sys.argv[1]).write_text(json.dumps(golden, separators=(",", ":")) + "\n", encoding="utf-8")
