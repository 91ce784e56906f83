#!/usr/bin/env python3
"""Runs small local tasks of the package `mteb` with lacos.mteb.Encoder and with SentenceTransformer, on one folder."""

import importlib
import logging
import os
import pathlib
import warnings

os.environ["HF_HUB_OFFLINE"] = "1"

import datasets
import mteb
from mteb.abstasks.retrieval import AbsTaskRetrieval
from mteb.abstasks.sts import AbsTaskSTS
from mteb.abstasks.task_metadata import TaskMetadata
from mteb.models import EncoderProtocol
from sentence_transformers import SentenceTransformer

import check_python
import check_trained
import report

# Scores of both sides come from vectors that agree to some 1e-6; a rank may change only where cosines nearly tie.
LIMIT = 1e-4
LANGUAGES = ["eng-Latn"]


def metadata(name: str, kind: str, main_score: str) -> TaskMetadata:
    return TaskMetadata(
        name=name, dataset={"path": "local/none", "revision": "1"}, description="A local task.", reference=None, type=kind,
        category="t2t", modalities=["text"], eval_splits=["test"], eval_langs=LANGUAGES, main_score=main_score, date=None,
        domains=None, task_subtypes=None, license=None, annotations_creators=None, dialect=None, sample_creation=None,
        bibtex_citation="")


class LocalSts(AbsTaskSTS):
    metadata = metadata("LacosLocalSTS", "STS", "cosine_spearman")

    def load_data(self, **_: object) -> None:
        rows = report.read_table(report.REPOSITORY / "examples/data/stsb-captions-test.tsv")[:120]
        columns = {"sentence1": [row["sentence1"] for row in rows], "sentence2": [row["sentence2"] for row in rows],
                   "score": [float(row["score"]) for row in rows]}
        self.dataset = datasets.DatasetDict({"test": datasets.Dataset.from_dict(columns)})
        self.data_loaded = True


class LocalRetrieval(AbsTaskRetrieval):
    metadata = metadata("LacosLocalRetrieval", "Retrieval", "ndcg_at_10")

    def load_data(self, **_: object) -> None:
        rows = report.read_table(report.REPOSITORY / "examples/data/stsb-captions-test.tsv")
        rows = [row for row in rows if float(row["score"]) >= 4][:60]
        corpus = datasets.Dataset.from_dict({"id": [f"d{i}" for i in range(len(rows))], "title": [""] * len(rows),
                                             "text": [row["sentence2"] for row in rows]})
        queries = datasets.Dataset.from_dict({"id": [f"q{i}" for i in range(len(rows))],
                                              "text": [row["sentence1"] for row in rows]})
        relevant = {f"q{i}": {f"d{i}": 1} for i in range(len(rows))}
        self.dataset = {"default": {"test": {"corpus": corpus, "queries": queries, "relevant_docs": relevant,
                                             "top_ranked": None}}}
        self.data_loaded = True


def folder_with_prompts(check: report.Check) -> pathlib.Path:
    folder = check_trained.train(check, "trained", "--pooling", "weighted_mean", "--normalize")
    check_python.set_prompts(folder, {"query": "Question: ", "document": "Text: ", "STS": "Compare: "})
    return folder


def scores(result) -> dict[str, float]:
    found = {}
    for values in result[0].scores.values():
        for subset in values:
            found |= {key: value for key, value in subset.items() if isinstance(value, float)}
    return found


def tasks(check: report.Check) -> None:
    lacos = check_python.package(check)
    adapter = importlib.import_module("lacos.mteb")
    folder = folder_with_prompts(check)
    logging.getLogger("mteb").setLevel("ERROR")
    datasets.disable_progress_bars()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours = adapter.Encoder(folder, compute="f32", threads=check.threads, name="local/lacos")
        assert isinstance(ours, EncoderProtocol), "an encoder of mteb"
        assert ours.mteb_model_meta.embed_dim == ours.model.dimension and ours.mteb_model_meta.name == "local/lacos"
        theirs = SentenceTransformer(str(folder), device="cpu", model_kwargs=check_trained.EAGER)
        for kind in (LocalSts, LocalRetrieval):
            results = [mteb.evaluate(model, [kind()], cache=None, show_progress_bar=False) for model in (ours, theirs)]
            name = kind.metadata.name
            a, b = (scores(result) for result in results)
            assert a and sorted(a) == sorted(b), (sorted(a), sorted(b))
            check.row(f"mteb.evaluate, {name}: lacos.mteb, sentence-transformers", len(a),
                      max(abs(a[key] - b[key]) for key in a), LIMIT)
        # The prompts decide: without them the score is another one.
        with lacos.SentenceEncoder(folder, compute="f32", prompts={}) as plain:
            bare = mteb.evaluate(adapter.Encoder(plain, name="local/bare"), [LocalRetrieval()], cache=None,
                                 show_progress_bar=False)
        assert scores(bare) != a, "prompts change scores"


if __name__ == "__main__":
    report.main([("mteb", tasks)])
