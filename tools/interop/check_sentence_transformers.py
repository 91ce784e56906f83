#!/usr/bin/env python3
"""Compares sentence-transformers folders in both directions, and folders like those of published BLOOM embedders."""

import json
import logging
import pathlib
import shutil

import numpy
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer import modules
from transformers import AutoModel, AutoTokenizer

import peers
import report

EAGER = {"attn_implementation": "eager", "dtype": "float32"}
LIMIT = 1e-5
PROMPTS = {"query": "Represent the question: ", "document": "Represent the passage (a text): "}


def base_folder(check: report.Check) -> pathlib.Path:
    folder = check.work / "base"
    if not (folder / "config.json").exists():
        peers.write_random_bloom(folder, 2, 5, 16, 901)
    return folder


def build(base: pathlib.Path, pooling: str, normalize: bool, include_prompt: bool = True, length: int = 24, **arguments):
    transformer = modules.Transformer(str(base), model_kwargs=EAGER, max_seq_length=length)
    parts = [transformer, modules.Pooling(transformer.get_embedding_dimension(), peers.POOLINGS[pooling], include_prompt=include_prompt)]
    if normalize:
        parts.append(modules.Normalize())
    return SentenceTransformer(modules=parts, device="cpu", **arguments)


def save(model, folder: pathlib.Path) -> pathlib.Path:
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(str(folder), create_model_card=False)
    return folder


def texts_for(count: int) -> list[str]:
    return ["a", " two", "three  blanks   "] + report.sentences()[: count - 3]


def new_form(check: report.Check) -> None:
    """Compares folders that sentence-transformers 6 saves: every pooling, with and without Normalize, with prompts that
    pooling includes or excludes."""
    base, texts = base_folder(check), texts_for(16)
    worst = {True: 0.0, False: 0.0}
    cases = 0
    for number, pooling in enumerate(peers.POOLINGS):
        for include in (True, False):
            model = build(base, pooling, number % 2 == 0, include, 96, prompts=PROMPTS, default_prompt_name="document")
            folder = save(model, check.work / "new-form")
            for ours, theirs in (([], {}), (["--prompt-name", "query"], {"prompt_name": "query"}), (["--prompt", ""], {"prompt": ""}),
                                 (["--prompt", "Q: "], {"prompt": "Q: "})):
                expected = model.encode(texts, batch_size=1, **theirs)
                # If the prompt covers all tokens of a text, max pooling has no tokens: it gives -inf there and 0 here.
                expected = numpy.nan_to_num(expected, nan=0.0, neginf=0.0)
                got = check.embed(folder, texts, *ours)
                worst[include] = max(worst[include], report.relative_difference(got, expected))
                cases += 1
    check.row("SentenceTransformer's own folders, six poolings x four prompts: relative", cases // 2 * len(texts), worst[True], LIMIT)
    check.row("the same with include_prompt false: relative", cases // 2 * len(texts), worst[False], LIMIT)


def legacy_form(check: report.Check) -> None:
    """Compares folders saved by versions before 5.4, which stripped whitespace at both ends of a text."""
    base, worst, strip = base_folder(check), 0.0, 0.0
    texts = texts_for(16)
    for pooling in peers.POOLINGS:
        folder = write_legacy(base, check.work / "legacy", pooling, "2.2.2")
        model = SentenceTransformer(str(folder), device="cpu", model_kwargs=EAGER)
        stripped = [text.strip() for text in texts]
        worst = max(worst, report.relative_difference(check.embed(folder, texts), model.encode(stripped, batch_size=4)))
        strip = max(strip, report.relative_difference(check.embed(folder, texts, "--no-strip"), model.encode(texts, batch_size=4)))
    check.row("legacy folders (2.2.2), six poolings, texts stripped: relative", 6 * len(texts), worst, LIMIT)
    check.row("the same with --no-strip, as 6.2 reads them: relative", 6 * len(texts), strip, LIMIT)
    folder = write_legacy(base, check.work / "legacy", "mean", "5.4.0")
    model = SentenceTransformer(str(folder), device="cpu", model_kwargs=EAGER)
    difference = report.relative_difference(check.embed(folder, texts), model.encode(texts, batch_size=4))
    check.row("a folder of 5.4.0, which strips no more: relative", len(texts), difference, LIMIT)


def write_legacy(base: pathlib.Path, folder: pathlib.Path, pooling: str, version: str, length: int = 24) -> pathlib.Path:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(base, folder)
    (folder / "1_Pooling").mkdir()
    names = {"mean": "mean_tokens", "weighted_mean": "weightedmean_tokens", "last": "lasttoken", "cls": "cls_token", "max": "max_tokens",
             "mean_sqrt_len": "mean_sqrt_len_tokens"}
    hidden = json.loads((folder / "config.json").read_text())["hidden_size"]
    flags = {f"pooling_mode_{name}": key == pooling for key, name in names.items()}
    write(folder / "1_Pooling/config.json", {"word_embedding_dimension": hidden} | flags)
    write(folder / "modules.json", [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}])
    write(folder / "sentence_bert_config.json", {"max_seq_length": length, "do_lower_case": False})
    write(folder / "config_sentence_transformers.json", {"__version__": {"sentence_transformers": version, "transformers": "4.20.0"}})
    return folder


def write(path: pathlib.Path, value) -> None:
    path.write_text(json.dumps(value, indent=2))


def refusals(check: report.Check) -> None:
    """Checks that lacos refuses features that it does not support, by name."""
    base, texts, wrong = base_folder(check), ["a"], 0
    cases = [
        ([modules.Dense(80, 8)], "mean", "Dense"), ([modules.LayerNorm(80)], "mean", "LayerNorm"),
        ([modules.Dropout()], "mean", "Dropout"), ([], ("mean", "max"), "2 pooling modes"),
    ]
    for extra, mode, name in cases:
        transformer = modules.Transformer(str(base), model_kwargs=EAGER, max_seq_length=24)
        pooling = modules.Pooling(80, mode)
        folder = save(SentenceTransformer(modules=[transformer, pooling, *extra], device="cpu"), check.work / "refused")
        wrong += int(name not in refusal(check, folder, texts))
    folder = write_legacy(base, check.work / "refused", "mean", "3.0.0")
    write(folder / "sentence_bert_config.json", {"max_seq_length": 24, "do_lower_case": True})
    wrong += int("do_lower_case" not in refusal(check, folder, texts))
    check.row("Dense, LayerNorm, Dropout, two poolings, do_lower_case: not refused by name", len(cases) + 1, wrong, 0)


def refusal(check: report.Check, folder: pathlib.Path, texts: list[str]) -> str:
    try:
        check.embed(folder, texts)
    except RuntimeError as error:
        return str(error)
    return ""


def ours(check: report.Check) -> None:
    """Compares the folders that train writes, for every pooling, with SentenceTransformer.encode."""
    base, texts = base_folder(check), texts_for(16)
    pairs = report.REPOSITORY / "examples/data/snli-cad-train.tsv.gz"
    cosine, relative = 0.0, 0.0
    for number, pooling in enumerate(peers.POOLINGS):
        folder = check.work / "trained"
        check.run("train", "--model", base, "--train", pairs, "--output", folder, "--overwrite", "--max-steps", 2, "--batch-size", 8,
                  "--learning-rate", "1e-2", "--warmup-steps", 0, "--schedule", "constant", "--pooling", pooling,
                  "--normalize" if number % 2 else "--no-normalize", "--max-length", 20)
        model = SentenceTransformer(str(folder), device="cpu", model_kwargs=EAGER)
        for prompt in ("", "Q: "):
            theirs = model.encode(texts, batch_size=16, prompt=prompt)
            got = check.embed(folder, texts, "--prompt", prompt)
            cosine = max(cosine, report.cosine_distance(got, theirs))
            relative = max(relative, report.relative_difference(got, theirs))
    check.row("SentenceTransformer(what train wrote), six poolings x two prompts: largest 1 - cosine", 12 * len(texts), cosine, 1e-4)
    check.row("the same: relative", 12 * len(texts), relative, LIMIT)


def add_tokens(base: pathlib.Path, folder: pathlib.Path, tokens: list[str], special: bool, dtype=torch.float32) -> None:
    """Copies the base with more tokens in its tokenizer and exactly as many rows in its matrix."""
    shutil.rmtree(folder, ignore_errors=True)
    tokenizer = AutoTokenizer.from_pretrained(base)
    tokenizer.add_tokens(tokens, special_tokens=special)
    torch.manual_seed(7)
    model = AutoModel.from_pretrained(base, dtype=torch.float32)
    model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    model.get_input_embeddings().weight.data[-len(tokens):] = torch.randn(len(tokens), model.config.hidden_size)
    model.to(dtype).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def comparisons(check: report.Check) -> None:
    """Compares what two sides of a search get: the prompts of queries and documents, and the similarity of the folder."""
    base, texts = base_folder(check), texts_for(12)
    input_file, worst = check.work / "documents.txt", {}
    report.write_lines(input_file, texts)
    folders = [{"similarity_fn_name": name, "prompts": PROMPTS} for name in ("cosine", "dot", "euclidean", "manhattan")]
    folders += [{"prompts": {"passage": "passage: "}}, {"prompts": {"other": "x "}, "default_prompt_name": "other"},
                {"prompts": {"query": "q: "}, "default_prompt_name": "query"}]
    for settings in folders:
        model = build(base, "mean", False, **settings)
        folder = save(model, check.work / "comparisons")
        name = settings.get("similarity_fn_name", "cosine")
        query = "what is it?"
        theirs = model.similarity(model.encode_query(query), model.encode_document(texts, batch_size=1))[0].numpy()
        found = check.run_json("similarity", "--model", folder, "--query", query, "--input", input_file, "--top-k", len(texts))
        assert found["similarity"] == name == model.similarity_fn_name, found["similarity"]
        ours = numpy.zeros(len(texts))
        for result in found["results"]:
            ours[result["line"] - 1] = result[name]
        key = f"similarity {name}" if "similarity_fn_name" in settings else "other prompts"
        worst[key] = max(worst.get(key, 0.0), report.relative_difference(ours, theirs))
    for key, difference in worst.items():
        check.row(f"encode_query, encode_document, {key}: relative", len(texts), difference, LIMIT)


def sgpt(check: report.Check) -> None:
    """Compares a folder like sgpt-bloom: weighted mean, and brackets around queries and passages, which must not merge
    with the first characters of the text."""
    base, texts, folder = base_folder(check), texts_for(16), check.work / "sgpt"
    add_tokens(base, check.work / "sgpt-plain", ["[SOS]", "{SOS}"], True)
    write_legacy(check.work / "sgpt-plain", folder, "weighted_mean", "2.1.0", length=300)
    config = json.loads((folder / "config.json").read_text())
    write(folder / "config.json", config | {"bos_token_id": 50256, "eos_token_id": 50256})
    model = SentenceTransformer(str(folder), device="cpu", model_kwargs=EAGER)
    stripped = [text.strip() for text in texts]
    difference = report.relative_difference(check.embed(folder, texts), model.encode(stripped, batch_size=8))
    check.row("layout of sgpt-bloom: relative to sentence-transformers", len(texts), difference, LIMIT)
    tokenizer, bloom = AutoTokenizer.from_pretrained(folder), peers.load_bloom(folder)
    worst = 0.0
    for opening, closing in ("[]", "{}"):
        ends = [tokenizer(end)["input_ids"] for end in (opening, closing)]
        ids = [ends[0] + tokenizer(text)["input_ids"] + ends[1] for text in stripped]
        theirs = peers.pooled(peers.hidden_states(bloom, ids), "weighted_mean")
        got = check.embed(folder, texts, "--prefix", opening, "--suffix", closing)
        worst = max(worst, report.relative_difference(got, theirs))
    check.row("the same with --prefix [ --suffix ] and { }: relative to transformers", 2 * len(texts), worst, LIMIT)


def udever(check: report.Check) -> None:
    """Compares a folder like udever-bloom: a token is added on each side after truncation, and the vector is that of
    the last one."""
    base, texts, folder = base_folder(check), texts_for(16), check.work / "udever"
    add_tokens(base, folder, ["[BOQ]", "[EOQ]", "[BOD]", "[EOD]"], False)
    tokenizer, bloom = AutoTokenizer.from_pretrained(folder, padding_side="left"), peers.load_bloom(folder)
    worst = 0.0
    for opening, closing in (("[BOQ]", "[EOQ]"), ("[BOD]", "[EOD]")):
        for length in (300, 9):
            encoding = tokenizer([opening + text for text in texts], truncation=True, max_length=length - 1)
            for row, mask in zip(encoding["input_ids"], encoding["attention_mask"]):
                row.append(tokenizer.convert_tokens_to_ids(closing))
                mask.append(1)
            inputs = tokenizer.pad(encoding, return_tensors="pt")
            with torch.inference_mode():
                theirs = bloom(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"]).last_hidden_state[:, -1].numpy()
            got = check.embed(folder, texts, "--prefix", opening, "--suffix", closing, "--pooling", "last", "--max-length", length)
            worst = max(worst, report.relative_difference(got, theirs))
    check.row("layout of udever-bloom: relative to transformers, padded and truncated as its card says", 4 * len(texts), worst, LIMIT)


def cmarkea(check: report.Check) -> None:
    """Compares a folder like cmarkea's retrievers: a plain BloomModel in bfloat16 and the last token's vector."""
    base, texts, folder = base_folder(check), texts_for(16), check.work / "cmarkea"
    shutil.rmtree(folder, ignore_errors=True)
    AutoModel.from_pretrained(base, dtype=torch.bfloat16).save_pretrained(folder)
    AutoTokenizer.from_pretrained(base).save_pretrained(folder)
    tokenizer, bloom = AutoTokenizer.from_pretrained(folder, padding_side="left"), peers.load_bloom(folder)
    inputs = tokenizer(texts, padding=True, return_tensors="pt")
    with torch.inference_mode():
        theirs = bloom(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"]).last_hidden_state[:, -1].numpy()
    got = check.embed(folder, texts, "--pooling", "last")
    check.row("layout of cmarkea's retrievers: relative to transformers, padded as the card says", len(texts), report.relative_difference(got, theirs), LIMIT)
    control = report.relative_difference(got, check.embed(folder, texts, "--pooling", "mean"))
    check.row("control: the pooling matters (0.01 / relative change)", len(texts), 1e-2 / max(control, 1e-30), 1)


if __name__ == "__main__":
    logging.getLogger("sentence_transformers").setLevel(logging.ERROR)
    report.main([
        ("folders of sentence-transformers 6", new_form), ("legacy folders", legacy_form), ("refusals", refusals),
        ("folders that train wrote", ours), ("queries and documents", comparisons), ("sgpt-bloom", sgpt), ("udever-bloom", udever), ("cmarkea", cmarkea),
    ])
