#!/usr/bin/env python3
"""Writes tests/golden/folders.json: what transformers and sentence-transformers give for folders with settings files.

Each case is the model tests/golden/models/a with other files beside it. "tokens" has the ids that AutoTokenizer gives,
"vectors" the vectors that SentenceTransformer gives.

Run from the repository root in an environment with tools/interop/requirements.txt:
    HF_HUB_OFFLINE=1 python tools/golden/make_folder_golden.py [--output tests/golden/folders.json]
"""

import argparse
import json
import os
import pathlib
import shutil
import tempfile
import warnings

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from sentence_transformers import SentenceTransformer
from transformers import AutoTokenizer
from transformers.utils import logging

MODEL = pathlib.Path("tests/golden/models/a")
TEXTS = [
    "[Q]a guitar[/Q]", " a [Q] b  [/Q] c", "a[Q]b[Q]]c <s> the<s>the </s>", "[Q", "", "x[Q", "The the THE [q]",
    "one two three four five six seven eight nine ten eleven twelve",
]


def token(content: str, **flags):
    return {"content": content, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True} | flags


def typed(content: str, **flags):
    return {"__type": "AddedToken", "content": content} | flags


def config(**changes):
    """tokenizer_config.json of the model with changes."""
    return {"tokenizer_config.json": json.loads((MODEL / "tokenizer_config.json").read_text()) | changes}


def without_named(**changes):
    return {"tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast"} | changes}


# A template, and a side in tokenizer.json itself.
TEMPLATE = {
    "type": "TemplateProcessing",
    "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
               {"SpecialToken": {"id": "</s>", "type_id": 0}}],
    "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
    "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}, "</s>": {"id": "</s>", "ids": [2], "tokens": ["</s>"]}},
}
LEFT = {"direction": "Left", "max_length": 3, "strategy": "LongestFirst", "stride": 0}
MAP = "special_tokens_map.json"
ADDED = "added_tokens.json"

# {name: (files, keys of tokenizer.json, length of texts)}
TOKENS = {
    "as it is": (config(), {}, 512),
    "added_tokens_decoder": (config(added_tokens_decoder={"360": token("[Q]"), "361": token("[/Q]")}), {}, 512),
    "added_tokens_decoder, order of ids": (config(added_tokens_decoder={"361": token("[/Q]"), "360": token("[Q]")}), {}, 512),
    "added_tokens_decoder, lstrip of a known token": (config(added_tokens_decoder={"1": token("<s>", lstrip=True, rstrip=True)}), {}, 512),
    "added_tokens_decoder, not special, whole words": (
        config(added_tokens_decoder={"360": token("the", special=False, single_word=True, normalized=True)}), {}, 512),
    "added_tokens_decoder hides the other files": (
        config(added_tokens_decoder={"360": token("[Q]")}) | {MAP: {"pad_token": "[/Q]"}, ADDED: {"[/Q]": 361}}, {}, 512),
    "pad_token": (config(pad_token="[Q]"), {}, 512),
    "pad_token with flags": (config(pad_token=typed("[Q]", lstrip=True, rstrip=True)), {}, 512),
    "pad_token of the vocabulary": (config(pad_token="the"), {}, 512),
    "a name of the model's own": (config(question_token="[Q]", answer_token=typed("[/Q]", rstrip=True)), {}, 512),
    "extra_special_tokens": (config(extra_special_tokens=["[Q]", typed("[/Q]", lstrip=True)]), {}, 512),
    "extra_special_tokens, named": (config(extra_special_tokens={"question": "[Q]", "end": "[/Q]"}), {}, 512),
    "additional_special_tokens": (config(additional_special_tokens=["[Q]", "[/Q]"]), {}, 512),
    "additional and extra": (config(additional_special_tokens=["[Q]"], extra_special_tokens=["[/Q]"]), {}, 512),
    "the same token twice, other flags": (config(pad_token=typed("[Q]", lstrip=True), extra_special_tokens=[typed("[Q]", rstrip=True)]), {}, 512),
    "special_tokens_map": (config() | {MAP: {"pad_token": "[Q]", "extra_special_tokens": ["[/Q]"]}}, {}, 512),
    "special_tokens_map, object": (config() | {MAP: {"eos_token": token("[Q]", lstrip=True), "end_token": "[/Q]"}}, {}, 512),
    "special_tokens_map, additional": (config() | {MAP: {"additional_special_tokens": ["[Q]", "[/Q]"]}}, {}, 512),
    "special_tokens_map beside additional": (
        config(additional_special_tokens=["[/Q]"]) | {MAP: {"extra_special_tokens": ["[Q]"], "additional_special_tokens": ["x"]}}, {}, 512),
    "special_tokens_map, extra and additional": (
        config() | {MAP: {"additional_special_tokens": ["[/Q]"], "extra_special_tokens": ["[Q]"]}}, {}, 512),
    "special_tokens_map, no extra but additional": (
        config() | {MAP: {"additional_special_tokens": ["[/Q]"], "extra_special_tokens": []}}, {}, 512),
    "special_tokens_map has truncation_side": (config() | {MAP: {"truncation_side": "left"}}, {}, 5),
    "added_tokens": (config() | {ADDED: {"[Q]": 360, "[/Q]": 361}}, {}, 512),
    "added_tokens, one of them special": (config(pad_token="[/Q]") | {ADDED: {"[/Q]": 361, "[Q]": 360}}, {}, 512),
    "split_special_tokens": (config(split_special_tokens=True, extra_special_tokens=["[Q]"]), {}, 512),
    "split_special_tokens, a token that is not special": (config(split_special_tokens=True) | {ADDED: {"[Q]": 360}}, {}, 512),
    "truncation_side left": (config(truncation_side="left"), {}, 5),
    "truncation_side right": (config(truncation_side="right"), {"truncation": LEFT}, 5),
    "side of tokenizer.json": (config(), {"truncation": LEFT}, 5),
    "a template, end lost": (config(), {"post_processor": TEMPLATE}, 6),
    "a template, beginning lost": (config(truncation_side="left"), {"post_processor": TEMPLATE}, 6),
    "add_bos_token has no effect": (config(add_bos_token=True, add_eos_token=True), {}, 512),
    "no names": (without_named(), {}, 512),
    "model_max_length": (config(model_max_length=7), {}, None),
    "max_len": (config(max_len=4), {}, None),
}


def write_folder(folder: pathlib.Path, files, tokenizer) -> None:
    shutil.copytree(MODEL, folder, ignore=shutil.ignore_patterns(MAP))
    if tokenizer:
        path = folder / "tokenizer.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | tokenizer, ensure_ascii=False))
    for name, value in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(value, ensure_ascii=False))


def tokens(name: str, folder: pathlib.Path):
    files, tokenizer, length = TOKENS[name]
    write_folder(folder, files, tokenizer)
    loaded = AutoTokenizer.from_pretrained(folder)
    ids = [loaded(text, truncation=True, max_length=length)["input_ids"] for text in TEXTS]
    return {"name": name, "files": files, "tokenizer": tokenizer, "max_length": length, "ids": ids, "special": sorted(loaded.all_special_ids)}


def modules(*kinds: str):
    places = {"Transformer": "", "Pooling": "1_Pooling", "Normalize": "2_Normalize"}
    return [{"idx": i, "name": str(i), "path": places[kind], "type": f"sentence_transformers.models.{kind}"} for i, kind in enumerate(kinds)]


def sentence_folder(bert=None, pooling=None, prompt=None, tokenizer=None, **model):
    return {
        "modules.json": modules("Transformer", "Pooling"),
        "1_Pooling/config.json": {"word_embedding_dimension": 48, "pooling_mode_mean_tokens": True} | (pooling or {}),
        "sentence_bert_config.json": {"max_seq_length": 6} if bert is None else bert,
        "config_sentence_transformers.json": {"__version__": {"sentence_transformers": "6.2.0"}} | model,
    } | config(**(tokenizer or {}))


PROMPTS = {"prompts": {"query": "the <s>"}, "default_prompt_name": "query"}
# {name: files}
VECTORS = {
    "truncate_dim": sentence_folder(truncate_dim=5),
    "truncate_dim beyond the width": sentence_folder(truncate_dim=500),
    "truncation_side left": sentence_folder(tokenizer={"truncation_side": "left"}),
    "tokenizer_args": sentence_folder(
        {"max_seq_length": 6, "tokenizer_args": {"truncation_side": "left", "pad_token": "[Q]", "padding_side": "right"}}),
    "processor_kwargs with a limit": sentence_folder({"max_seq_length": 6, "processor_kwargs": {"model_max_length": 4}}),
    "the tokenizer's limit": sentence_folder({}, tokenizer={"model_max_length": 3}),
    "a prompt that ends in a special token": sentence_folder({}, {"include_prompt": False}, **PROMPTS),
    "a prompt that ends in a token without a name": sentence_folder(
        {}, {"include_prompt": False}, tokenizer={"bos_token": None}, **PROMPTS),
}


def vectors(name: str, folder: pathlib.Path):
    write_folder(folder, VECTORS[name], {})
    model = SentenceTransformer(str(folder), device="cpu", model_kwargs={"attn_implementation": "eager", "dtype": "float32"})
    # A text without tokens has no vector of its own in every version.
    rows = model.encode([text for text in TEXTS if text], batch_size=1)
    return {"name": name, "files": VECTORS[name], "vectors": [[float(f"{value:.8g}") for value in row] for row in rows]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("tests/golden/folders.json"))
    output = parser.parse_args().output
    warnings.simplefilter("ignore")
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as work:
        root = pathlib.Path(work)
        lines = [json.dumps(tokens(name, root / f"t{i}"), ensure_ascii=False) for i, name in enumerate(TOKENS)]
        rows = [json.dumps(vectors(name, root / f"v{i}"), ensure_ascii=False) for i, name in enumerate(VECTORS)]
    text = json.dumps(TEXTS, ensure_ascii=False)
    output.write_text(f'{{"texts": {text},\n"tokens": [\n' + ",\n".join(lines) + '\n],\n"vectors": [\n' + ",\n".join(rows) + "\n]}\n")


if __name__ == "__main__":
    main()
