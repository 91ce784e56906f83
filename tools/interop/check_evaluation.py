#!/usr/bin/env python3
"""Compares `lacos eval` with scikit-learn, scipy and trec_eval on the same vectors."""

import json

import numpy
import pytrec_eval
import scipy.stats
import sklearn.linear_model
import sklearn.metrics
import sklearn.multiclass

import report

MODEL = report.REPOSITORY / "examples/bloom-nano"
STS = report.REPOSITORY / "examples/data/stsb-captions-test.tsv"
LIMIT = 1e-6  # for scores x 100, which are sums of some hundred terms in another order


def cosines(a, b):
    a, b = a.astype(numpy.float64), b.astype(numpy.float64)
    return (a @ b.T) / numpy.linalg.norm(a, axis=1)[:, None] / numpy.linalg.norm(b, axis=1)[None]


def pair_cosines(a, b):
    """Cosines of rows with equal indices. All three sums have the same order, so that two equal rows give exactly 1."""
    a, b = a.astype(numpy.float64), b.astype(numpy.float64)
    dot, aa, bb = (numpy.einsum("id,id->i", x, y) for x, y in ((a, b), (a, a), (b, b)))
    return dot / numpy.sqrt(aa * bb)


def pairs(check, rows=None):
    rows = rows or report.read_table(STS)
    return rows, *(check.embed(MODEL, [row[name] for row in rows], "--pooling", "weighted_mean") for name in ("sentence1", "sentence2"))


def evaluate(check, task, data, *flags):
    return check.run_json("eval", "--model", MODEL, "--pooling", "weighted_mean", "--task", task, "--data", data, *flags)["tasks"][0]


def compare(check, what, found, expected, limit=LIMIT):
    check.row(what, len(expected), max(abs(found[name] - 100 * value) for name, value in expected.items()), limit)


def pair_classification(check):
    rows, first, second = pairs(check)
    same = [1 if float(row["score"]) >= 3 else 0 for row in rows]
    path = check.work / "pairs.tsv"
    report.write_lines(path, ["sentence1\tsentence2\tlabel"] + [f"{r['sentence1']}\t{r['sentence2']}\t{s}" for r, s in zip(rows, same)])
    similarity = pair_cosines(first, second)
    precision, recall, _ = sklearn.metrics.precision_recall_curve(same, similarity)
    f1 = 2 * precision * recall / numpy.maximum(precision + recall, 1e-300)
    compare(check, "eval --task pair_classification x100: scikit-learn", evaluate(check, "pair_classification", path),
            {"average_precision": sklearn.metrics.average_precision_score(same, similarity), "best_f1": f1.max()})


def ties(check):
    """Makes every second pair of one text twice, with any label and score, so that these cosines tie."""
    table = report.read_table(STS)
    rows, first, second = pairs(check, [{**row, "sentence2": row["sentence1"]} if i % 2 else row for i, row in enumerate(table)])
    gold = numpy.array([float(row["score"]) for row in rows])
    same = (gold >= 3).astype(int)
    similarity = pair_cosines(first, second)
    assert (similarity[1::2] == 1).all()
    path = check.work / "ties.tsv"
    report.write_lines(path, ["sentence1\tsentence2\tscore\tlabel"]
                       + [f"{r['sentence1']}\t{r['sentence2']}\t{r['score']}\t{s}" for r, s in zip(rows, same)])
    compare(check, "eval --task pair_classification, equal pairs, x100: scikit-learn", evaluate(check, "pair_classification", path),
            {"average_precision": sklearn.metrics.average_precision_score(same, similarity)})
    compare(check, "eval --task sts, equal pairs, x100: scipy", evaluate(check, "sts", path),
            {"spearman": scipy.stats.spearmanr(similarity, gold)[0], "pearson": scipy.stats.pearsonr(similarity, gold)[0]})


def bitext(check):
    rows, first, second = pairs(check)
    path = check.work / "bitext.tsv"
    report.write_lines(path, ["sentence1\tsentence2"] + [f"{r['sentence1']}\t{r['sentence2']}" for r in rows])
    scores, gold = cosines(first, second), numpy.arange(len(rows))
    forward, backward = scores.argmax(1), scores.argmax(0)
    compare(check, "eval --task bitext x100: scikit-learn, as MTEB", evaluate(check, "bitext", path),
            {"accuracy_forward": (forward == gold).mean(), "accuracy_backward": (backward == gold).mean(),
             "f1": sklearn.metrics.f1_score(gold, forward, average="weighted", zero_division=0)})


def retrieval(check):
    rows, first, second = pairs(check)
    folder = check.work / "beir"
    folder.mkdir(exist_ok=True)
    report.write_lines(folder / "corpus.jsonl", [json.dumps({"_id": f"d{9999 - i}", "title": "", "text": r["sentence2"]}) for i, r in enumerate(rows)])
    report.write_lines(folder / "queries.jsonl", [json.dumps({"_id": f"q{i}", "text": r["sentence1"]}) for i, r in enumerate(rows)])
    grades = {f"q{i}": {f"d{9999 - i}": int(float(r["score"]))} for i, r in enumerate(rows)}
    report.write_lines(folder / "qrels.tsv", ["query-id\tcorpus-id\tscore"] + [f"{q}\t{d}\t{g}" for q, judged in grades.items() for d, g in judged.items()])
    scores = cosines(first, second)
    run = {f"q{i}": {f"d{9999 - j}": float(scores[i, j]) for j in range(len(rows))} for i in range(len(rows))}
    found = pytrec_eval.RelevanceEvaluator(grades, {"ndcg_cut.10", "map", "recall.10"}).evaluate(run)
    scored = [q for q, judged in grades.items() if any(g > 0 for g in judged.values())]
    mean = {ours: float(numpy.mean([found[q][theirs] for q in scored]))
            for ours, theirs in (("ndcg_at_10", "ndcg_cut_10"), ("map", "map"), ("recall_at_10", "recall_10"))}
    # trec_eval has scores in single precision, so neighbors closer than 1e-7 may change places.
    compare(check, "eval --task retrieval x100: trec_eval", evaluate(check, "retrieval", folder), mean, limit=0.05)


def classification(check):
    rows, first, second = pairs(check)
    texts, vectors = [row["sentence1"] for row in rows], first
    labels = [["low", "middle", "high"][min(int(float(row["score"]) / 2), 2)] for row in rows]
    path = check.work / "classes.tsv"
    split = ["train" if i % 3 else "test" for i in range(len(rows))]
    report.write_lines(path, ["split\ttext\tlabel"] + [f"{s}\t{t}\t{c}" for s, t, c in zip(split, texts, labels)])
    train, test = ([i for i, s in enumerate(split) if s == name] for name in ("train", "test"))
    model = sklearn.multiclass.OneVsRestClassifier(sklearn.linear_model.LogisticRegression(solver="liblinear"))
    gold = [labels[i] for i in test]
    predicted = model.fit(vectors[train], [labels[i] for i in train]).predict(vectors[test])
    # One text may get another class if its two best classes are within the solver's tolerance.
    compare(check, "eval --task classification x100: scikit-learn's liblinear", evaluate(check, "classification", path),
            {"accuracy": sklearn.metrics.accuracy_score(gold, predicted)}, limit=100 / len(test) + 1e-9)


if __name__ == "__main__":
    report.main([("eval --task pair_classification", pair_classification), ("eval with equal pairs", ties), ("eval --task bitext", bitext),
                 ("eval --task retrieval", retrieval), ("eval --task classification", classification)])
