#!/usr/bin/env python3
"""Records the reference packages' measures of small vectors, so that lacos's measures can be tested without Python.

Usage: make_eval_golden.py OUTPUT   (OUTPUT is tests/golden/eval/measures.json; needs numpy, scipy, scikit-learn,
pytrec_eval-terrier and sentence-transformers)

Vectors are integers from -8 to 8, so that they are exact in every type and some cosines tie.
"""

import json
import pathlib
import sys

import numpy as np
import pytrec_eval
import scipy.stats
import sklearn.cluster
import sklearn.linear_model
import sklearn.metrics
import sklearn.multiclass
from sentence_transformers.sentence_transformer.evaluation import BinaryClassificationEvaluator

random = np.random.default_rng(7)


def cosines(a, b):
    a, b = a.astype(np.float64), b.astype(np.float64)
    return (a @ b.T) / np.linalg.norm(a, axis=1)[:, None] / np.linalg.norm(b, axis=1)[None]


def noisy(rows, spread):
    return np.clip(rows + random.integers(-spread, spread + 1, rows.shape), -8, 8)


def vectors(n, d):
    rows = random.integers(-8, 9, (n, d))
    rows[(rows == 0).all(1), 0] = 1
    return rows


def correlation():
    x = random.integers(0, 30, 200) / 10
    y = np.round(x + random.normal(0, 1, 200), 1)
    return {"x": x.tolist(), "y": y.tolist(), "pearson": scipy.stats.pearsonr(x, y)[0], "spearman": scipy.stats.spearmanr(x, y)[0]}


def retrieval():
    documents = vectors(150, 6)
    queries = noisy(documents[:40], 5)
    # trec_eval breaks ties by the documents' names: of two equal scores, the later name comes first. So earlier rows
    # get later names.
    name = [f"d{999 - i:03d}" for i in range(len(documents))]
    scores = np.round(cosines(queries, documents), 12)
    relevant, run = {}, {}
    judgements = []
    for q in range(len(queries)):
        chosen = [q] + [int(x) for x in random.choice(150, random.integers(0, 4), replace=False) if x != q]
        grades = [int(g) for g in random.integers(0, 4, len(chosen))]
        judgements.append([[d, g] for d, g in zip(chosen, grades)])
        relevant[f"q{q}"] = {name[d]: g for d, g in zip(chosen, grades)}
        run[f"q{q}"] = {name[d]: float(scores[q, d]) for d in range(len(documents))}
    evaluator = pytrec_eval.RelevanceEvaluator(relevant, {"ndcg_cut.10", "map", "recip_rank", "recall.1,10,100"})
    found = evaluator.evaluate(run)
    each = []
    for q in range(len(queries)):
        if not any(g > 0 for _, g in judgements[q]):
            each.append(None)
            continue
        m = found[f"q{q}"]
        each.append({"ndcg10": m["ndcg_cut_10"], "map": m["map"], "mrr10": m["recip_rank"] if m["recip_rank"] >= 0.0999 else 0.0,
                     "recall1": m["recall_1"], "recall10": m["recall_10"], "recall100": m["recall_100"]})
    return {"queries": queries.tolist(), "documents": documents.tolist(), "judgements": judgements, "each": each}


def bitext():
    first = vectors(60, 5)
    second = noisy(first, 4)
    scores = cosines(first, second)
    nearest = np.array([min(range(60), key=lambda j: (-round(scores[i, j], 12), j)) for i in range(60)])
    back = np.array([min(range(60), key=lambda i: (-round(scores[i, j], 12), i)) for j in range(60)])
    k = 4
    forward_mean = np.sort(scores, axis=1)[:, -k:].mean(1)
    backward_mean = np.sort(scores, axis=0)[-k:].mean(0)
    margin = scores / ((forward_mean[:, None] + backward_mean[None]) / 2)
    inside = lambda s, i: s >= np.sort(s)[-k] - 1e-12  # the candidates are the k nearest by cosine
    f = np.array([np.argmax(np.where(inside(scores[i], i), margin[i], -9)) for i in range(60)])
    b = np.array([np.argmax(np.where(inside(scores[:, j], j), margin[:, j], -9)) for j in range(60)])
    gold = np.arange(60)
    return {"first": first.tolist(), "second": second.tolist(),
            "cosine": [float((nearest == gold).mean()), float((back == gold).mean())],
            "margin": [float((f == gold).mean()), float((b == gold).mean())],
            "f1_cosine": sklearn.metrics.f1_score(gold, nearest, average="weighted", zero_division=0)}


def clustering():
    classes = random.integers(0, 5, 120)
    clusters = np.where(random.random(120) < 0.7, classes, random.integers(0, 7, 120))
    homogeneity, completeness, v = sklearn.metrics.homogeneity_completeness_v_measure(classes, clusters)
    centres = vectors(6, 8) * 3
    rows = centres[random.integers(0, 6, 400)] + random.integers(-9, 10, (400, 8))
    inertias = [sklearn.cluster.MiniBatchKMeans(6, batch_size=100, n_init=1, random_state=s).fit(rows.astype(np.float32)).inertia_
                for s in range(20)]
    best = sklearn.cluster.KMeans(6, n_init=30, random_state=0).fit(rows.astype(np.float64))
    return {"classes": classes.tolist(), "clusters": clusters.tolist(), "homogeneity": homogeneity, "completeness": completeness,
            "v_measure": v, "rows": rows.tolist(), "inertia": best.inertia_, "mini_batch_inertia": sorted(inertias)}


def classification():
    sets = {}
    for name, classes in (("binary", 2), ("five", 5)):
        middle = vectors(classes, 6)
        labels = random.integers(0, classes, 220)
        rows = middle[labels] + random.integers(-7, 8, (220, 6))
        model = sklearn.linear_model.LogisticRegression(solver="liblinear")
        if classes > 2:  # one against the rest, as liblinear does by itself; sklearn's accepts only two classes
            model = sklearn.multiclass.OneVsRestClassifier(model)
        predicted = model.fit(rows[:120], labels[:120]).predict(rows[120:])
        sets[name] = {"rows": rows.tolist(), "labels": labels.tolist(), "train": 120, "predicted": predicted.tolist(),
                      "accuracy": sklearn.metrics.accuracy_score(labels[120:], predicted),
                      "macro_f1": sklearn.metrics.f1_score(labels[120:], predicted, average="macro")}
    return sets


def pairs():
    same = random.integers(0, 2, 150)
    # No ties, since the evaluator may choose a threshold between equal values.
    distinct = np.round(same * 0.3 + random.normal(0, 0.4, 150), 6)
    similarity = np.round(distinct, 2)
    evaluator = BinaryClassificationEvaluator(["a", "b"], ["a", "b"], [0, 1])
    accuracy, accuracy_threshold = evaluator.find_best_acc_and_threshold(distinct, same, True)
    f1, precision, recall, f1_threshold = evaluator.find_best_f1_and_threshold(distinct, same, True)
    return {"similarity": similarity.tolist(), "distinct": distinct.tolist(), "same": same.tolist(),
            "average_precision": sklearn.metrics.average_precision_score(same, similarity),
            "best_accuracy": accuracy, "best_f1": f1}


def plain(value):
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    return value.item() if isinstance(value, np.generic) else value


measures = {f.__name__: f() for f in (correlation, retrieval, bitext, clustering, classification, pairs)}
pathlib.Path(sys.argv[1]).write_text(json.dumps(plain(measures), separators=(",", ":")) + "\n", encoding="utf-8")
