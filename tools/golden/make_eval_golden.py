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
import torch
from sentence_transformers.sentence_transformer.evaluation import (
    BinaryClassificationEvaluator,
    InformationRetrievalEvaluator,
)
from sentence_transformers.util import SimilarityFunction
from sentence_transformers.util.quantization import quantize_embeddings

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


def identical_ids():
    """BEIR's rule: a document with the query's id is taken out of the results, relevant or not, and stays in the qrels."""
    documents = vectors(60, 6)
    queries = noisy(documents[:30], 3)
    name = [f"d{999 - i:03d}" for i in range(len(documents))]
    scores = np.round(cosines(queries, documents), 12)
    own = [q if q % 3 < 2 else -1 for q in range(len(queries))]  # two of three queries are documents themselves
    relevant, run, judgements = {}, {}, []
    for q in range(len(queries)):
        near = [int(d) for d in np.argsort(-scores[q], kind="stable")[:10] if d != q]
        chosen = [int(d) for d in random.choice(near, 3, replace=False)] + ([q] if q % 6 == 0 else [])
        grades = [int(g) for g in random.integers(1, 4, len(chosen))]
        judgements.append([[d, g] for d, g in zip(chosen, grades)])
        relevant[f"q{q}"] = {name[d]: g for d, g in zip(chosen, grades)}
        run[f"q{q}"] = {name[d]: float(scores[q, d]) for d in range(len(documents))}
        run[f"q{q}"].pop(name[own[q]] if own[q] >= 0 else "", None)
    evaluator = pytrec_eval.RelevanceEvaluator(relevant, {"ndcg_cut.10", "map", "recip_rank", "recall.1,10,100"})
    found = evaluator.evaluate(run)
    each = []
    for q in range(len(queries)):
        m = found[f"q{q}"]
        each.append({"ndcg10": m["ndcg_cut_10"], "map": m["map"], "mrr10": m["recip_rank"] if m["recip_rank"] >= 0.0999 else 0.0,
                     "recall1": m["recall_1"], "recall10": m["recall_10"], "recall100": m["recall_100"]})
    return {"queries": queries.tolist(), "documents": documents.tolist(), "own": own, "judgements": judgements, "each": each}


class VectorsByName:
    """A stand-in for a SentenceTransformer, whose texts are the numbers of rows."""

    def __init__(self, similarity, queries, documents):
        self.similarity_fn_name, self.queries, self.documents = similarity, queries, documents
        self.similarity = SimilarityFunction.to_similarity_fn(similarity)

    def encode_query(self, texts, **_):
        return self.queries[[int(text) for text in texts]]

    def encode_document(self, texts, **_):
        return self.documents[[int(text) for text in texts]]


def similarities():
    """What the similarity functions and the evaluators of sentence-transformers make of the same vectors."""
    draw = lambda n: torch.tensor(np.round(random.normal(0, 1, (n, 7)), 3), dtype=torch.float32)
    documents = draw(80)
    queries = documents[:20] + 0.7 * draw(20)
    relevant = {str(q): {str(q), str(int(random.integers(20, 80)))} for q in range(20)}
    gold = random.integers(0, 50, 20) / 10
    result = {"queries": queries.tolist(), "documents": documents.tolist(),
              "relevant": [sorted(int(d) for d in relevant[str(q)]) for q in range(20)], "gold": gold.tolist(), "by": {}}
    for name in ("cosine", "dot", "euclidean", "manhattan"):
        pairs = SimilarityFunction.to_similarity_pairwise_fn(name)(queries.double(), documents[:20].double())
        evaluator = InformationRetrievalEvaluator(
            {str(q): str(q) for q in range(20)}, {str(d): str(d) for d in range(80)}, relevant, map_at_k=[80],
            precision_recall_at_k=[1, 10], write_csv=False)
        model = VectorsByName(name, queries, documents)
        evaluator.score_functions = {name: model.similarity}
        measured = evaluator.compute_all_metrics(model)[name]
        result["by"][name] = {
            "pairs": pairs.tolist(), "spearman": scipy.stats.spearmanr(pairs.numpy(), gold)[0],
            "ndcg10": measured["ndcg@k"][10], "mrr10": measured["mrr@k"][10], "map": measured["map@k"][80],
            "recall10": measured["recall@k"][10]}
    return result


def precisions():
    """quantize_embeddings with ranges and with calibration embeddings; the first dimension has an empty range."""
    draw = lambda n: np.round(random.normal(0, 1, (n, 5)), 3).astype(np.float32)
    calibration, embeddings = draw(12), draw(9)
    calibration[:, 0] = 0.25
    ranges = np.stack([calibration.min(0), calibration.max(0)])
    codes = {p: quantize_embeddings(embeddings, p, ranges=ranges) for p in ("int8", "uint8")}
    for p, values in codes.items():
        assert (values == quantize_embeddings(embeddings, p, calibration_embeddings=calibration)).all()
    outside = int(((embeddings < ranges[0]) | (embeddings > ranges[1])).sum())
    return {"calibration": calibration.tolist(), "embeddings": embeddings.tolist(), "ranges": ranges.tolist(),
            "outside": outside, **{p: values.tolist() for p, values in codes.items()}}


def plain(value):
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    return value.item() if isinstance(value, np.generic) else value


measures = {f.__name__: f() for f in (correlation, retrieval, bitext, clustering, classification, pairs, identical_ids,
                                          similarities, precisions)}
pathlib.Path(sys.argv[1]).write_text(json.dumps(plain(measures), separators=(",", ":")) + "\n", encoding="utf-8")
