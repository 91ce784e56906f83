#!/usr/bin/env python3
"""Compares the Python package with SentenceTransformer in one process: the usage examples of its documentation, with only
the import changed, and training on a datasets.Dataset."""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import warnings

import datasets
import numpy
import torch
from sentence_transformers import SentenceTransformer, util
from sentence_transformers.util.quantization import quantize_embeddings

import check_trained
import report


def package(check: report.Check):
    """Builds the package with pip in a folder of this run and imports it, or uses the one that LACOS_PYTHON names."""
    folder = pathlib.Path(os.environ.get("LACOS_PYTHON", check.work.parent / "package"))
    if not (folder / "lacos").is_dir():
        # Uses the compiler's name that CMake finds by itself, so that ccache finds the objects of `make build`.
        environment = {"CC": "cc", "CXX": "c++", **os.environ}
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--upgrade", "--target", folder,
                        report.REPOSITORY], check=True, env=environment)
    sys.path.insert(0, str(folder))
    import lacos

    assert pathlib.Path(lacos.__file__).is_relative_to(folder), lacos.__file__
    return lacos


def set_prompts(folder: pathlib.Path, prompts: dict[str, str]) -> None:
    """Gives a trained folder prompts, and takes the changed file out of the folder's list of hashes."""
    path, manifest = folder / "config_sentence_transformers.json", folder / "lacos.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**config, "prompts": prompts}), encoding="utf-8")
    listed = json.loads(manifest.read_text(encoding="utf-8"))
    del listed["files"][path.name]
    manifest.write_text(json.dumps(listed), encoding="utf-8")


@contextlib.contextmanager
def both(check: report.Check, **options):
    """A trained folder with prompts, opened by both packages with the same arguments."""
    lacos = package(check)
    folder = check.work / "trained"
    if not folder.is_dir():
        check_trained.train(check, "trained", "--pooling", "weighted_mean", "--normalize")
        set_prompts(folder, {"query": "Question: ", "document": "Text: ", "clustering": "Topic: "})
    theirs = SentenceTransformer(str(folder), device="cpu", model_kwargs=check_trained.EAGER, **options)
    with lacos.SentenceEncoder(str(folder), device="cpu", compute="f32", threads=check.threads, **options) as ours:
        yield ours, theirs


def as_numpy(value):
    if isinstance(value, (list, tuple)):
        return numpy.stack([numpy.asarray(element) for element in value])
    return numpy.asarray(value)


def same_kind(ours, theirs) -> None:
    """Both results have one type, shape and type of values."""
    assert type(ours) is type(theirs), (type(ours), type(theirs))
    if isinstance(ours, list):
        assert len(ours) == len(theirs)
        for a, b in zip(ours, theirs):
            same_kind(a, b)
    elif isinstance(ours, dict):
        for key in ours:
            same_kind(ours[key], theirs[key])
    else:
        assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype), (ours.shape, theirs.shape, ours.dtype, theirs.dtype)


def encode(check: report.Check) -> None:
    texts = report.sentences()
    few = texts[:7]
    # The arguments of encode, by position and by name.
    calls = {
        "encode(texts)": ("encode", (texts,), {}),
        "encode(text)": ("encode", (texts[0],), {}),
        "encode(array of texts)": ("encode", (numpy.array(few),), {}),
        "encode(texts, 'clustering')": ("encode", (few, "clustering"), {}),
        "encode(texts, None, 'So: ', 2, False)": ("encode", (few, None, "So: ", 2, False), {}),
        "prompt and prompt_name": ("encode", (few,), {"prompt": "So: ", "prompt_name": "query"}),
        "normalize_embeddings=True": ("encode", (texts,), {"normalize_embeddings": True}),
        "normalize_embeddings=False": ("encode", (texts,), {"normalize_embeddings": False}),
        "convert_to_tensor=True": ("encode", (few,), {"convert_to_tensor": True}),
        "convert_to_tensor=True, one text": ("encode", (few[0],), {"convert_to_tensor": True}),
        "convert_to_numpy=False": ("encode", (few,), {"convert_to_numpy": False}),
        "convert_to_numpy=False, one text": ("encode", (few[0],), {"convert_to_numpy": False}),
        "truncate_dim=64, normalized": ("encode", (texts,), {"truncate_dim": 64, "normalize_embeddings": True}),
        "output_value='token_embeddings'": ("encode", (few,), {"output_value": "token_embeddings"}),
        "output_value='token_embeddings', one text": ("encode", (few[0],), {"output_value": "token_embeddings"}),
        "device='cpu', batch_size=3, show_progress_bar=False": (
            "encode", (few,), {"device": "cpu", "batch_size": 3, "show_progress_bar": False}),
        "encode_query": ("encode_query", (few,), {}),
        "encode_document": ("encode_document", (few,), {"convert_to_tensor": True}),
        "encode_query(prompt_name='clustering')": ("encode_query", (few,), {"prompt_name": "clustering"}),
    }
    with both(check) as (ours, theirs):
        assert ours.dimension == theirs.get_embedding_dimension() == ours.get_embedding_dimension()
        assert ours.max_seq_length == theirs.max_seq_length and ours.similarity_fn_name == theirs.similarity_fn_name
        assert ours.prompts == {name: text for name, text in theirs.prompts.items() if text}
        worst_cosine = worst = 0.0
        for name, (method, arguments, options) in calls.items():
            a, b = (getattr(model, method)(*arguments, **options) for model in (ours, theirs))
            if "token" in name and isinstance(a, list):
                # BLOOM's tokenizer pads on the left, and the other package leaves these rows in.
                b = [vectors[-len(mine):] for mine, vectors in zip(a, b)]
            same_kind(a, b)
            if "token" in name and isinstance(a, list):
                a, b = torch.cat(a), torch.cat(b)
            a, b = (numpy.atleast_2d(as_numpy(value)) for value in (a, b))
            worst_cosine = max(worst_cosine, report.cosine_distance(a, b))
            difference = report.relative_difference(a, b)
            assert difference <= 1e-5, (name, difference)
            worst = max(worst, difference)
        check.row("Python package, every argument of encode: largest 1 - cosine", len(calls), worst_cosine, 1e-4)
        check.row("Python package, every argument of encode: relative", len(calls), worst, 1e-5)
        everything = [model.encode(few, output_value=None) for model in (ours, theirs)]
        assert all(set(mine) <= set(other) for mine, other in zip(*everything))
        worst = max(report.relative_difference(mine[key].numpy(), other[key].numpy()[-len(mine[key]):])
                    for mine, other in zip(*everything) for key in ("sentence_embedding", "token_embeddings"))
        check.row("Python package, output_value=None: relative", len(few), worst, 1e-5)
        assert all(mine["input_ids"].tolist() == other["input_ids"].tolist()[-len(mine["input_ids"]):]
                   for mine, other in zip(*everything))
        program = check.embed(check.work / "trained", texts)
        check.row("Python package: differs from `lacos embed` in (bytes)", len(texts),
                  float(numpy.count_nonzero(ours.encode(texts).view(numpy.uint32) != program.view(numpy.uint32))), 0)
        with ours.truncate_sentence_embeddings(16), theirs.truncate_sentence_embeddings(16):
            assert ours.encode(few).shape == theirs.encode(few).shape == (7, 16)
    with both(check, truncate_dim=32, prompts={"ask": "Ask: "}, default_prompt_name="ask") as (ours, theirs):
        a, b = ours.encode(few, normalize_embeddings=True), theirs.encode(few, normalize_embeddings=True)
        check.row("Python package, truncate_dim, prompts and default_prompt_name: relative", len(few),
                  report.relative_difference(a, b), 1e-5)


def precisions(check: report.Check) -> None:
    lacos = package(check)
    with both(check) as (_, theirs):
        vectors, queries = theirs.encode(report.sentences()), theirs.encode(report.sentences()[:5], prompt="Q: ")
    ranges = numpy.stack([vectors.min(axis=0), vectors.max(axis=0)])
    cases = [(vectors, {}), (vectors, {"ranges": ranges}), (queries, {"ranges": ranges}),
             (queries, {"calibration_embeddings": vectors}), (torch.from_numpy(vectors), {}), (list(vectors), {})]
    differing = compared = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for precision in ("float32", "int8", "uint8", "binary", "ubinary"):
            for given, options in cases:
                a = lacos.quantize_embeddings(given, precision, **options)
                b = quantize_embeddings(given, precision, **options)
                same_kind(a, b)
                differing += int(numpy.count_nonzero(a != b))
                compared += a.size
        with both(check) as (ours, theirs):
            for precision in ("int8", "binary"):
                same_kind(ours.encode(report.sentences(), precision=precision),
                          theirs.encode(report.sentences(), precision=precision))
    check.row("Python package, quantize_embeddings with ranges: differing values", compared, differing, 0)


def similarities(check: report.Check) -> None:
    """The examples of the pages "Quickstart", "Computing embeddings", "Semantic textual similarity" and "Semantic search"."""
    largest, compared = 0.0, 0
    with both(check) as (ours, theirs):
        for name in ("cosine", "dot", "euclidean", "manhattan"):
            results = []
            for model in (ours, theirs):
                model.similarity_fn_name = name
                sentences = ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."]
                embeddings = model.encode(sentences)
                tensors = model.encode(sentences, convert_to_tensor=True)
                results.append([as_numpy(model.similarity(embeddings, embeddings)),
                                as_numpy(model.similarity_pairwise(embeddings[:2], embeddings[1:])),
                                model.similarity(tensors[0], tensors).numpy()])
            for a, b in zip(*results):
                assert a.shape == b.shape
                # Theirs are summed in float32: distances of vectors of length 1 in D values.
                largest, compared = max(largest, float(numpy.abs(a - b).max())), compared + a.size
            ours.similarity_fn_name = theirs.similarity_fn_name = None
        check.row("Python package, similarity and similarity_pairwise: largest difference", compared, largest, 1e-5)

        corpus = report.sentences()[:60]
        found = []
        for model in (ours, theirs):
            corpus_embeddings = model.encode_document(corpus, convert_to_tensor=True)
            query = model.encode_query("A man is eating pasta.", convert_to_tensor=True)
            scores = model.similarity(query, corpus_embeddings)[0]
            _, indices = torch.topk(scores, k=5)
            hits = util.semantic_search(query, corpus_embeddings, top_k=5)[0]
            assert [hit["corpus_id"] for hit in hits] == indices.tolist()
            pairs = util.paraphrase_mining(model, corpus, top_k=3)
            clusters = util.community_detection(corpus_embeddings, min_community_size=2, threshold=0.7)
            found.append((indices.tolist(), [tuple(pair[1:]) for pair in pairs[:10]], clusters))
        check.row("Python package, examples of search, mining and clusters: differing results", 3,
                  sum(a != b for a, b in zip(*found)), 0)


def training(check: report.Check) -> None:
    """A datasets.Dataset trains like the program on the same rows, and labels keep their meaning."""
    lacos = package(check)
    rows = [{"premise": f"A man plays song {i}.", "hypothesis": f"Music number {i}." if i % 2 else f"A dog sleeps {i} hours.",
             "label": 2 if i % 2 else 0} for i in range(40)]
    # The numbers of the labels are in another order than usual; their names tell what they mean.
    names = ["contradiction", "neutral", "entailment"]
    features = datasets.Features({"premise": datasets.Value("string"), "hypothesis": datasets.Value("string"),
                                  "label": datasets.ClassLabel(names=names)})
    dataset = datasets.Dataset.from_list(rows, features=features)
    source = check.work / "rows.jsonl"
    source.write_text("".join(json.dumps({**row, "label": names[row["label"]]}) + "\n" for row in rows), encoding="utf-8")
    check.run("train", "--model", check_trained.MODEL, "--train", source, "--output", check.work / "by-program", "--overwrite",
              "--max-steps", 3, "--batch-size", 8)
    expected = (check.work / "by-program/adapter_model.safetensors").read_bytes()
    forms = {"Dataset": dataset, "list of Datasets": [dataset], "DatasetDict": datasets.DatasetDict({"train": dataset}),
             "IterableDataset": dataset.to_iterable_dataset(), "Dataset of numpy arrays": dataset.with_format("numpy")}
    for form, given in forms.items():
        lacos.train(model=check_trained.MODEL, train=given, output=check.work / "by-python", overwrite=True, max_steps=3,
                    batch_size=8, compute="f32", threads=check.threads, show_progress_bar=False)
        written = (check.work / "by-python/adapter_model.safetensors").read_bytes()
        check.row(f"lacos.train on a {form}: adapter differs from the program's", 1, float(written != expected), 0)
    with contextlib.suppress(lacos.Error):
        lacos.train(model=check_trained.MODEL, train=datasets.DatasetDict({"other": dataset}), output=check.work / "never")
        raise AssertionError("a DatasetDict without the split is refused")


def tables(check: report.Check) -> None:
    """Parquet and Arrow, which only the package reads, against the datasets package."""
    lacos = package(check)
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


def hub(check: report.Check) -> None:
    """A name on the hub, in a cache as huggingface_hub makes it, without a network."""
    lacos = package(check)
    snapshot = check.work / "hub/models--someone--nano/snapshots/0123456789012345678901234567890123456789"
    snapshot.mkdir(parents=True, exist_ok=True)
    for file in check_trained.MODEL.iterdir():
        if not (snapshot / file.name).exists():
            (snapshot / file.name).symlink_to(file)
    refs = snapshot.parents[1] / "refs"
    refs.mkdir(exist_ok=True)
    (refs / "main").write_text(snapshot.name, encoding="utf-8")
    with lacos.SentenceEncoder("someone/nano", cache_folder=str(check.work / "hub"), compute="f32") as encoder:
        ours = encoder.encode(report.sentences()[:3])
    expected = check.embed(check_trained.MODEL, report.sentences()[:3])
    check.row("lacos.SentenceEncoder('someone/nano') from the hub's cache: differing values", ours.size,
              float(numpy.count_nonzero(ours != expected)), 0)
    try:
        lacos.SentenceEncoder("someone/absent", cache_folder=str(check.work / "hub"))
        raise AssertionError("an absent model is an error")
    except lacos.Error as error:
        assert "could not fetch it" in str(error) and "HF_HUB_OFFLINE" in str(error), error


if __name__ == "__main__":
    report.main([("Python package: encode", encode), ("Python package: precisions", precisions),
                 ("Python package: similarity and search", similarities), ("Python package: training", training),
                 ("Python package: tables", tables),
                 ("Python package: names on the hub", hub)])
