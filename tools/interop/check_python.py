#!/usr/bin/env python3
"""Compares the Python package with SentenceTransformer in one process: the same calls for a trained folder."""

import os
import pathlib
import subprocess
import sys

import numpy
from sentence_transformers import SentenceTransformer

import check_trained
import report


def package(check: report.Check):
    """Builds the package with pip in a folder of this run and imports it."""
    folder = check.work / "package"
    # Uses the compiler's name that CMake finds by itself, so that ccache finds the objects of `make build`.
    environment = {"CC": "cc", "CXX": "c++", **os.environ}
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--upgrade", "--target", folder,
                    report.REPOSITORY], check=True, env=environment)
    sys.path.insert(0, str(folder))
    import lacos

    assert pathlib.Path(lacos.__file__).is_relative_to(folder), lacos.__file__
    return lacos


def encode(check: report.Check) -> None:
    lacos = package(check)
    texts = report.sentences()
    folder = check_trained.train(check, "trained", "--pooling", "weighted_mean", "--normalize")
    peer = SentenceTransformer(str(folder), device="cpu", model_kwargs=check_trained.EAGER)
    with lacos.SentenceEncoder(folder, compute="f32", threads=check.threads) as encoder:
        assert encoder.dimension == peer.get_sentence_embedding_dimension()
        calls = {
            "encode(texts)": (texts, {}),
            "normalize_embeddings=True": (texts, {"normalize_embeddings": True}),
            "prompt=...": (texts, {"prompt": "Represent this: "}),
            "truncate_dim=64": (texts, {"truncate_dim": 64, "normalize_embeddings": True}),
        }
        for name, (given, options) in calls.items():
            ours, theirs = encoder.encode(given, **options), peer.encode(given, batch_size=16, **options)
            check.row(f"Python package, {name}: largest 1 - cosine", len(given), report.cosine_distance(ours, theirs), 1e-4)
            check.row(f"Python package, {name}: relative", len(given), report.relative_difference(ours, theirs), 1e-5)
        one, theirs = encoder.encode(texts[0]), peer.encode(texts[0])
        assert one.shape == theirs.shape and one.dtype == theirs.dtype
        vectors = peer.encode(texts)
        ours, theirs = encoder.similarity(vectors, vectors), peer.similarity(vectors, vectors).numpy()
        # SentenceTransformer's cosines are in float32: each is a sum of D products of values below 1.
        check.row("Python package, similarity(a, b): largest difference", ours.size, float(numpy.abs(ours - theirs).max()), 1e-6)
        program = check.embed(folder, texts)
        check.row("Python package: differs from `lacos embed` in (bytes)", len(texts),
                  float(numpy.count_nonzero(encoder.encode(texts).view(numpy.uint32) != program.view(numpy.uint32))), 0)


def tables(check: report.Check) -> None:
    """Parquet and Arrow, which only the package reads, against the datasets package."""
    import datasets

    import lacos

    datasets.disable_progress_bars()
    rows = [{"anchor": f"{i} é\r\n", "negatives": ["", f"\t{i}"], "label": i % 3, "score": i / 7, "other": None} for i in range(50)]
    folder = check.work / "tables"
    datasets.Dataset.from_list(rows).to_parquet(str(folder / "rows.parquet"))
    datasets.Dataset.from_list(rows).save_to_disk(str(folder / "arrow"))
    peer = list(datasets.load_dataset("parquet", data_files=str(folder / "rows.parquet"), split="train", cache_dir=str(check.work / "cache")))
    for name in ("rows.parquet", "arrow"):
        ours = list(lacos.read_rows(folder / name))
        check.row(f"read_rows, {name}: rows that differ", len(peer),
                  abs(len(ours) - len(peer)) + sum(a != b for a, b in zip(ours, peer, strict=False)), 0)


if __name__ == "__main__":
    report.main([("Python package", encode), ("tables", tables)])
