#!/usr/bin/env python3
"""Compares --preset with the usage of the models' cards, in transformers, on random BLOOMs with the cards' tokens."""

import json
import pathlib

import numpy
import torch
from transformers import AutoTokenizer, BloomModel

import peers
import report

# The texts are longer and shorter than the most tokens of the presets.
LONG = " ".join(report.sentences()[:60])
TEXTS = [*report.sentences()[:12], LONG, "naïve 😀 [text] {with} brackets", "今天天气很好"]
LIMIT = 1e-5


def model_with(check: report.Check, name: str, tokens: list[str]) -> pathlib.Path:
    folder = check.work / name
    peers.write_random_bloom(folder, 3, 4, 16, seed=5)
    path = folder / "tokenizer.json"
    tokenizer = json.loads(path.read_text(encoding="utf-8"))
    first = 1 + max([*tokenizer["model"]["vocab"].values(), *(token["id"] for token in tokenizer["added_tokens"])])
    for i, token in enumerate(tokens):
        tokenizer["added_tokens"].append({"id": first + i, "content": token, "single_word": False, "lstrip": False,
                                          "rstrip": False, "normalized": False, "special": True})
    path.write_text(json.dumps(tokenizer), encoding="utf-8")
    return folder


def states(folder: pathlib.Path, ids: list[list[int]]) -> list[torch.Tensor]:
    model = BloomModel.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32).eval()
    return peers.hidden_states(model, ids)


def brackets(check: report.Check) -> None:
    """Section "asymmetric" of github.com/Muennighoff/sgpt: bracket ids around the text's ids, then the weighted mean."""
    folder = model_with(check, "sgpt", [])
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for role, before, after in (("query", "[", "]"), ("document", "{", "}")):
        around = [tokenizer.encode(bracket, add_special_tokens=False) for bracket in (before, after)]
        assert [len(ids) for ids in around] == [1, 1]
        # Training cuts at 300 tokens, brackets included.
        ids = [around[0] + tokenizer(text)["input_ids"][:298] + around[1] for text in TEXTS]
        assert max(map(len, ids)) == 300
        expected = peers.pooled(states(folder, ids), "weighted_mean")
        ours = check.embed(folder, TEXTS, "--preset", "sgpt-bloom", "--prompt-name", role)
        check.row(f"--preset sgpt-bloom, texts as {role}, f32: the usage that the card names", len(TEXTS),
                  report.relative_difference(ours, expected), LIMIT)


def added_tokens(check: report.Check) -> None:
    """encode() of the cards of izhx/udever-bloom-*: [BOQ] text [EOQ], the last token's state."""
    names = ["[BOQ]", "[EOQ]", "[BOD]", "[EOD]"]
    folder = model_with(check, "udever", names)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for role, begin, end in (("query", *names[:2]), ("document", *names[2:])):
        last = tokenizer.convert_tokens_to_ids(end)
        ids = [tokenizer(begin + text, truncation=True, max_length=299)["input_ids"] + [last] for text in TEXTS]
        expected = numpy.stack([state[-1].numpy() for state in states(folder, ids)])
        for arguments in (["--prompt-name", role], [] if role == "query" else None):
            if arguments is None:
                continue
            ours = check.embed(folder, TEXTS, "--preset", "udever", *arguments)
            what = f"texts as {role}" if arguments else "texts without a role"
            check.row(f"--preset udever, {what}, f32: encode() of the card", len(TEXTS),
                      report.relative_difference(ours, expected), LIMIT)


def last_tokens(check: report.Check) -> None:
    """infer() of the cards of cmarkea/bloomz-*-retriever: the last token's state; distances of version 1 are L2."""
    folder = model_with(check, "retriever", [])
    tokenizer = AutoTokenizer.from_pretrained(folder)
    texts = [text for text in TEXTS if text != LONG]
    expected = numpy.stack([state[-1].numpy() for state in states(folder, [tokenizer(text)["input_ids"] for text in texts])])
    for version in ("bloomz-retriever", "bloomz-retriever-v2"):
        ours = check.embed(folder, texts, "--preset", version)
        check.row(f"--preset {version}, f32: infer() of the card", len(texts), report.relative_difference(ours, expected), LIMIT)
    source = check.work / "found.txt"
    report.write_lines(source, texts)
    found = check.run_json("similarity", "--model", folder, "--query", texts[0], "--input", source, "--top-k", len(texts),
                           "--preset", "bloomz-retriever")["results"]
    ours = numpy.array([hit["euclidean"] for hit in sorted(found, key=lambda hit: hit["line"])])
    theirs = -numpy.linalg.norm(expected.astype(numpy.float64) - expected[0], axis=1)
    check.row("--preset bloomz-retriever: L2 distances", len(texts), float(numpy.abs(ours - theirs).max() / numpy.abs(theirs).max()),
              LIMIT)


if __name__ == "__main__":
    report.main([("preset sgpt-bloom", brackets), ("preset udever", added_tokens), ("preset bloomz-retriever", last_tokens)])
