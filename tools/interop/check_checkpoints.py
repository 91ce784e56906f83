#!/usr/bin/env python3
"""Compares the program with transformers in float32 for every form in which BLOOM weights are published."""

import copy
import json
import pathlib
import shutil

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoModelForCausalLM, AutoModelForSequenceClassification, BitsAndBytesConfig

import peers
import report

LIMIT = 1e-5
SIDE_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
TYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "F64": torch.float64}


def original(check: report.Check) -> pathlib.Path:
    folder = check.work / "original"
    if not folder.exists():
        peers.write_random_bloom(folder, layers=3, heads=6, head_dim=16, seed=77)
    return folder


def derived(check: report.Check, name: str, dtype=torch.float32) -> tuple[pathlib.Path, dict[str, torch.Tensor], dict]:
    """Makes a folder with the original's side files. Returns it, the tensors in another type, and the configuration."""
    folder = check.work / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for file in SIDE_FILES:
        shutil.copy(original(check) / file, folder)
    tensors = {key: tensor.to(dtype) for key, tensor in load_file(original(check) / "model.safetensors").items()}
    config = json.loads((original(check) / "config.json").read_text()) | {"dtype": str(dtype).removeprefix("torch.")}
    return folder, tensors, config


def write_config(folder: pathlib.Path, config: dict) -> None:
    (folder / "config.json").write_text(json.dumps(config, indent=2))


def write_sharded(folder: pathlib.Path, tensors: dict, shard_names: list[str], index: str, save) -> None:
    keys, weight_map = sorted(tensors), {}
    for i, shard in enumerate(shard_names):
        part = {key: tensors[key] for key in keys[i :: len(shard_names)]}
        save(part, folder / shard)
        weight_map |= dict.fromkeys(part, shard)
    (folder / index).write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))


def save_safetensors(tensors, path) -> None:
    save_file({key: tensor.contiguous().clone() for key, tensor in tensors.items()}, path, metadata={"format": "pt"})


def vectors(check: report.Check, model, folder: pathlib.Path):
    texts = report.sentences()[:20]
    return peers.pooled(peers.hidden_states(model, peers.token_ids(folder, texts, 64)), "mean")


def compare(check: report.Check, what: str, folder: pathlib.Path, expected=None) -> None:
    """Compares the program's vectors for the folder with those of transformers in float32."""
    ours = check.embed(folder, report.sentences()[:20], "--pooling", "mean", "--max-length", 64, "--no-normalize")
    theirs = vectors(check, peers.load_bloom(folder), folder) if expected is None else expected
    check.row(f"{what}: transformers", len(ours), report.relative_difference(ours, theirs), LIMIT)


def types(check: report.Check) -> None:
    for name, dtype in TYPES.items():
        folder, tensors, config = derived(check, f"safetensors-{name}", dtype)
        save_safetensors(tensors, folder / "model.safetensors")
        write_config(folder, config)
        compare(check, f"model.safetensors, {name}", folder)
        folder, tensors, config = derived(check, f"bin-{name}", dtype)
        torch.save(tensors, folder / "pytorch_model.bin")
        write_config(folder, config)
        compare(check, f"pytorch_model.bin, {name}", folder)


def shards(check: report.Check) -> None:
    for what, names, form, save in (
        ("safetensors shards", "model-{:05}-of-00003.safetensors", "model.safetensors", save_safetensors),
        ("safetensors shards with underscores", "model_{:05}-of-00003.safetensors", "model.safetensors", save_safetensors),
        (".bin shards", "pytorch_model-{:05}-of-00003.bin", "pytorch_model.bin", torch.save),
        (".bin shards with underscores", "pytorch_model_{:05}-of-00003.bin", "pytorch_model.bin", torch.save),
    ):
        folder, tensors, config = derived(check, what.replace(" ", "-").strip("."))
        write_sharded(folder, tensors, [names.format(i + 1) for i in range(3)], f"{form}.index.json", save)
        write_config(folder, config)
        compare(check, what, folder)


def prefixes_and_heads(check: report.Check) -> None:
    causal = AutoModelForCausalLM.from_pretrained(original(check))
    expected = vectors(check, peers.load_bloom(original(check)), original(check))

    def folder_of(model, name, **options):
        folder, _, config = derived(check, name)
        write_config(folder, config)
        model.save_pretrained(folder, **options)
        return folder

    compare(check, "BloomForCausalLM.save_pretrained", folder_of(causal, "causal"))
    compare(check, "BloomForCausalLM.save_pretrained, shards", folder_of(causal, "causal-shards", max_shard_size="200KB"))
    compare(check, "BloomModel.save_pretrained, bfloat16",
            folder_of(AutoModel.from_pretrained(original(check), dtype=torch.bfloat16), "model-bf16"))
    classifier = AutoModelForSequenceClassification.from_pretrained(original(check), num_labels=3)
    compare(check, "BloomForSequenceClassification: its head ignored", folder_of(classifier, "classifier"))
    for what, options in (("tied lm_head in .bin", {}), ("form before torch 1.6", {"_use_new_zipfile_serialization": False}),
                          ("pickle protocol 4", {"pickle_protocol": 4})):
        folder, _, config = derived(check, what.replace(" ", "-"))
        state = causal.state_dict()
        assert state["lm_head.weight"].data_ptr() == state["transformer.word_embeddings.weight"].data_ptr()
        torch.save(state, folder / "pytorch_model.bin", **options)
        write_config(folder, config | {"architectures": ["BloomForCausalLM"]})
        compare(check, f"BloomForCausalLM state dict: {what}", folder, expected)
    folder, tensors, config = derived(check, "parameters")
    torch.save({key: torch.nn.Parameter(tensor) for key, tensor in tensors.items()}, folder / "pytorch_model.bin")
    write_config(folder, config)
    compare(check, "parameters rather than tensors in .bin", folder, expected)


def configurations(check: report.Check) -> None:
    expected = vectors(check, peers.load_bloom(original(check)), original(check))
    _, _, base = derived(check, "unused")

    def renamed(names: dict, **extra):
        config = copy.deepcopy(base)
        return {names.get(key, key): value for key, value in config.items()} | extra

    variants = [
        renamed({"hidden_size": "n_embed"}), renamed({"n_head": "num_attention_heads"}),
        renamed({"n_layer": "num_hidden_layers"}), renamed({"hidden_size": "n_embed", "n_head": "num_attention_heads"}, seq_length=2048),
        renamed({}, n_embed=base["hidden_size"], num_attention_heads=base["n_head"], n_inner=None, seq_length=4096),
        renamed({"dtype": "torch_dtype"}), renamed({}, dtype="float64"), {k: v for k, v in base.items() if k != "dtype"},
        renamed({}, architectures=["BloomForCausalLM"], pretraining_tp=4),
        renamed({}, bos_token_id=50256, eos_token_id=50256, masked_bias=None),
    ]
    largest = 0.0
    for i, config in enumerate(variants):
        folder, tensors, _ = derived(check, f"config-{i}")
        save_safetensors(tensors, folder / "model.safetensors")
        write_config(folder, config)
        ours = check.embed(folder, report.sentences()[:20], "--pooling", "mean", "--max-length", 64, "--no-normalize")
        largest = max(largest, report.relative_difference(ours, expected))
        model = AutoModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
        assert report.relative_difference(vectors(check, model, folder), expected) < LIMIT, config
    # transformers then ignores two biases of every block, so the same weights give other vectors.
    folder, tensors, _ = derived(check, "slow-but-exact")
    save_safetensors(tensors, folder / "model.safetensors")
    write_config(folder, renamed({}, pretraining_tp=4, slow_but_exact=True))
    assert report.relative_difference(vectors(check, peers.load_bloom(folder), folder), expected) > 0.01
    compare(check, "slow_but_exact with pretraining_tp 4", folder)
    check.row(f"{len(variants)} spellings of config.json: transformers", len(variants) * 20, largest, LIMIT)


def own_folders(check: report.Check) -> None:
    """Checks that transformers reads each tensor of the folder that the program writes from a .bin folder."""
    folder, tensors, config = derived(check, "own-bin", torch.bfloat16)
    write_sharded(folder, tensors, ["pytorch_model_00001-of-00002.bin", "pytorch_model_00002-of-00002.bin"],
                  "pytorch_model.bin.index.json", torch.save)
    write_config(folder, config)
    output = check.work / "own-bitsandbytes"
    check.run("quantize", "--model", folder, "--output", output, "--overwrite", "--layout", "bitsandbytes", compute=None)
    check.run("verify", output, compute=None)
    ours = {}
    for file in output.glob("*.safetensors"):
        ours |= load_file(file)
    model = AutoModel.from_pretrained(folder, quantization_config=BitsAndBytesConfig(load_in_8bit=True), dtype=torch.bfloat16)
    theirs = model.state_dict()
    wrong = [key for key in theirs if key not in ours or not torch.equal(ours[key], theirs[key])]
    check.row("quantize --layout bitsandbytes of .bin shards: differing tensors", len(theirs), len(wrong), 0)


if __name__ == "__main__":
    report.main([("types", types), ("shards", shards), ("prefixes and heads", prefixes_and_heads),
                 ("config.json", configurations), ("own folders", own_folders)])
