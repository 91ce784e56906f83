#!/usr/bin/env python3
"""Compares every value of the folder that `lacos merge` writes with PEFT's merge_and_unload, and loads it elsewhere."""

import json
import pathlib
import shutil

import numpy
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, safe_open, save_file
from sentence_transformers import SentenceTransformer
from transformers import AutoModel, BloomConfig, BloomForCausalLM, BloomModel

import peers  # noqa: F401  imported because it adds tools/golden to the path
import report
import tiny_bloom

MODEL = report.REPOSITORY / "examples/bloom-nano"
PAIRS = report.REPOSITORY / "examples/data/snli-cad-train.tsv.gz"
ALL = ["query_key_value", "dense", "dense_h_to_4h", "dense_4h_to_h"]
DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "F64": torch.float64}
INTEGERS = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
EAGER = {"attn_implementation": "eager"}


def write_base(folder: pathlib.Path, dtype: torch.dtype, kind=BloomModel, seed: int = 7, **save) -> pathlib.Path:
    """Writes a random BLOOM with 2 layers and hidden size 96 whose weights use every bit of their type."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    tiny_bloom.write_tokenizer(folder)
    config = BloomConfig(vocab_size=tiny_bloom.ROWS, hidden_size=96, n_head=6, n_layer=2, bos_token_id=1, eos_token_id=2,
                         pad_token_id=3, use_cache=False)
    model = kind(config).eval()
    tiny_bloom.randomise(model, seed)
    model.to(dtype).save_pretrained(folder, **save)
    return folder


def write_adapter(folder: pathlib.Path, base: pathlib.Path, dtype: torch.dtype, kind=BloomModel, seed: int = 11, **lora):
    """Writes a PEFT adapter for the base with random matrices (and biases, if it trains them)."""
    shutil.rmtree(folder, ignore_errors=True)
    torch.manual_seed(seed)
    config = LoraConfig(**({"target_modules": ALL, "lora_alpha": 16, "init_lora_weights": False} | lora))
    model = get_peft_model(kind.from_pretrained(base, dtype=dtype, **EAGER), config)
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and "lora_A" not in name and "lora_B.default.weight" not in name:
            parameter.data += 0.1 * torch.randn(parameter.shape).to(parameter.dtype)
    model.save_pretrained(folder)
    return folder


def stored(folder: pathlib.Path) -> dict[str, dict[str, torch.Tensor]]:
    return {file.name: load_file(file) for file in sorted(folder.glob("*.safetensors"))}


def ulps(ours: torch.Tensor, theirs: torch.Tensor) -> int:
    """The largest distance in representable numbers; -0 and 0 count as the same number."""
    assert ours.dtype == theirs.dtype and ours.shape == theirs.shape, (ours.dtype, theirs.dtype, ours.shape, theirs.shape)
    integer = INTEGERS[ours.element_size()]

    def ordered(tensor):
        bits = tensor.contiguous().view(integer).numpy().astype(numpy.int64)
        smallest = -(1 << (8 * tensor.element_size() - 1))
        return numpy.where(bits < 0, smallest - bits, bits)

    return int(numpy.abs(ordered(ours) - ordered(theirs)).max())


def difference(check: report.Check, base: pathlib.Path, adapter: pathlib.Path, dtype: torch.dtype, kind=BloomModel) -> tuple[int, int]:
    """Merges into work/merged. Returns the number of compared values, and their largest distance from PEFT's in
    representable numbers."""
    output = check.work / "merged"
    summary = check.run_json("merge", "--model", base, "--adapter", adapter, "--output", output, "--overwrite", compute=None)
    model = PeftModel.from_pretrained(kind.from_pretrained(base, dtype=dtype, **EAGER), adapter)
    theirs = model.merge_and_unload().state_dict()
    original = kind.from_pretrained(base, dtype=dtype, **EAGER).state_dict()
    ours = {name: tensor for tensors in stored(output).values() for name, tensor in tensors.items()}
    changed = {name for name in theirs if not torch.equal(theirs[name], original[name])}
    assert changed, "the adapter changes nothing"
    assert summary["merged"] >= len(changed) and summary["tensors"] == len(ours), summary
    worst = 0
    for name, expected in theirs.items():
        if name == "lm_head.weight" and name not in ours:
            continue  # tied to the word embedding
        worst = max(worst, ulps(ours[name], expected))
    return sum(t.numel() for t in ours.values()), worst


def compare(check: report.Check, what: str, base: pathlib.Path, adapter: pathlib.Path, dtype: torch.dtype, kind=BloomModel) -> pathlib.Path:
    values, worst = difference(check, base, adapter, dtype, kind)
    check.row(f"merge {what}: units in the last place: PEFT", values, worst, 0)
    return check.work / "merged"


def kinds_of_adapters(check: report.Check) -> None:
    adapters = {
        "r 1": {"r": 1}, "r 8, rslora": {"r": 8, "use_rslora": True}, "r 64": {"r": 64},
        "patterns": {"r": 4, "rank_pattern": {"dense": 7, "h.1.mlp.dense_h_to_4h": 33}, "alpha_pattern": {"query_key_value": 3}},
        "bias all": {"r": 3, "bias": "all"}, "bias lora_only": {"r": 5, "bias": "lora_only"}, "lora_bias": {"r": 6, "lora_bias": True},
        "one layer": {"r": 2, "target_modules": ["h.1.self_attention.dense"]},
    }
    for type_name, dtype in DTYPES.items():
        base = write_base(check.work / f"base-{type_name}", dtype)
        results = []
        for lora in adapters.values():
            adapter = write_adapter(check.work / "adapter", base, dtype, **lora)
            if type_name == "F64":
                narrow(adapter)
            results.append(difference(check, base, adapter, dtype))
        values, worst = map(max, zip(*results, strict=True))
        what = f"merge {type_name}, {len(adapters)} kinds of adapters: units in the last place: PEFT"
        check.row(what, values * len(results), worst, 0)


def narrow(adapter: pathlib.Path) -> None:
    """Converts the adapter to float32, as published adapters are: PEFT writes float64 for a float64 base."""
    file = adapter / "adapter_model.safetensors"
    save_file({name: tensor.float() for name, tensor in load_file(file).items()}, file, metadata={"format": "pt"})


def wide_matrices(check: report.Check) -> None:
    """Compares a layer of real width, where MKL's blocks of the product could sum in another order."""
    for type_name, rank in (("F32", 16), ("BF16", 64)):
        folder = check.work / "wide"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        tiny_bloom.write_tokenizer(folder)
        config = BloomConfig(vocab_size=tiny_bloom.ROWS, hidden_size=1024, n_head=16, n_layer=1, use_cache=False)
        torch.manual_seed(3)
        BloomModel(config).to(DTYPES[type_name]).save_pretrained(folder)
        adapter = write_adapter(check.work / "adapter", folder, DTYPES[type_name], r=rank)
        compare(check, f"{type_name}, hidden 1024, r {rank}", folder, adapter, DTYPES[type_name])


def stored_forms(check: report.Check) -> None:
    """Compares bases with a prefix, with lm_head, with underscores in the names of shards, and in .bin files."""
    dtype = torch.bfloat16
    causal = write_base(check.work / "causal", dtype, BloomForCausalLM)
    file = causal / "model.safetensors"
    tensors = load_file(file)
    tensors["lm_head.weight"] = tensors["transformer.word_embeddings.weight"].clone()
    save_file(tensors, file, metadata={"format": "pt"})
    adapter = write_adapter(check.work / "adapter", causal, dtype, BloomForCausalLM, r=4)
    output = compare(check, "BF16, transformer. prefix and lm_head", causal, adapter, dtype, BloomForCausalLM)
    same_files(check, "prefix and lm_head", causal, output)

    sharded = write_base(check.work / "sharded", dtype, max_shard_size="100KB")
    tiny_bloom.underscore_shards(sharded)
    adapter = write_adapter(check.work / "adapter", sharded, dtype, r=4)
    output = compare(check, "BF16, shards with underscores", sharded, adapter, dtype)
    same_files(check, "shards with underscores", sharded, output)

    for shards, names in ((1, ["pytorch_model.bin"]), (2, ["pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin"])):
        plain = write_base(check.work / "plain", dtype)
        tensors = load_file(plain / "model.safetensors")
        binary = check.work / "bin"
        shutil.rmtree(binary, ignore_errors=True)
        shutil.copytree(plain, binary, ignore=shutil.ignore_patterns("*.safetensors"))
        keys = sorted(tensors)
        for i, name in enumerate(names):
            torch.save({key: tensors[key] for key in keys[i::shards]}, binary / name)
        if shards > 1:
            weight_map = {key: names[i % shards] for i, key in enumerate(keys)}
            index = {"metadata": {"total_size": sum(t.numel() * 2 for t in tensors.values())}, "weight_map": weight_map}
            (binary / "pytorch_model.bin.index.json").write_text(json.dumps(index))
        adapter = write_adapter(check.work / "adapter", plain, dtype, r=4)
        output = compare(check, f"BF16, .bin in {shards} files", binary, adapter, dtype)
        found = sorted(path.name for path in output.glob("model*.safetensors"))
        expected = [name.replace("pytorch_", "").replace(".bin", ".safetensors") for name in names]
        check.row(f"merge .bin in {shards} files: names of the files written (0: as expected)", shards, float(found != expected), 0)


def same_files(check: report.Check, what: str, base: pathlib.Path, output: pathlib.Path) -> None:
    """Checks that shards, keys, types and index are those of the original, and that transformers misses nothing."""
    ours, theirs = stored(output), stored(base)
    shape = lambda files: {n: {k: (t.dtype, tuple(t.shape)) for k, t in tensors.items()} for n, tensors in files.items()}  # noqa: E731
    differing = int(shape(ours) != shape(theirs))
    index = "model.safetensors.index.json"
    if (base / index).exists():
        differing += json.loads((base / index).read_text())["weight_map"] != json.loads((output / index).read_text())["weight_map"]
    differing += json.loads((base / "config.json").read_text()) != json.loads((output / "config.json").read_text())
    check.row(f"merge {what}: files, keys, types, index, config.json that differ", len(ours) + 2, differing, 0)
    _, info = AutoModel.from_pretrained(output, output_loading_info=True)
    unexpected = [key for key in info["unexpected_keys"] if key != "lm_head.weight"]
    check.row(f"merge {what}: transformers: missing or unexpected keys", sum(map(len, ours.values())),
              len(info["missing_keys"]) + len(unexpected), 0)


def trained_folder(check: report.Check) -> None:
    """Checks that a merged folder that lacos trained gives the same vectors in sentence-transformers and lacos."""
    folder, output = check.work / "trained", check.work / "trained-merged"
    recipe = ["--max-steps", 12, "--batch-size", 16, "--learning-rate", "5e-3", "--schedule", "constant", "--warmup-steps", 0]
    texts = report.sentences()
    for name, arguments in (("LoRA", ["--lora-target", ",".join(ALL), "--lora-rank", 4]), ("BitFit", ["--train-biases"])):
        check.run("train", "--model", MODEL, "--train", PAIRS, "--output", folder, "--overwrite", "--pooling", "weighted_mean",
                  *recipe, *arguments)
        check.run("merge", "--model", MODEL, "--adapter", folder, "--output", output, "--overwrite", compute=None)
        check.run("verify", output, compute=None)
        with safe_open(MODEL / "model.safetensors", "pt") as file:
            dtype = file.get_tensor("word_embeddings.weight").dtype
        theirs = PeftModel.from_pretrained(BloomModel.from_pretrained(MODEL, dtype=dtype), folder).merge_and_unload().state_dict()
        ours = load_file(output / "model.safetensors")
        worst = max(ulps(tensor, theirs[key.removeprefix("transformer.")]) for key, tensor in ours.items())
        check.row(f"merge a trained folder, {name}: units in the last place: PEFT", sum(t.numel() for t in ours.values()), worst, 0)
        vectors = check.embed(output, texts)
        kwargs = EAGER | {"dtype": "float32"}
        theirs = SentenceTransformer(str(output), device="cpu", model_kwargs=kwargs).encode(texts, batch_size=16)
        what = f"SentenceTransformer(merged folder), {name}: "
        check.row(what + "relative difference", len(texts), report.relative_difference(vectors, theirs), 1e-5)
        # bloom-nano is BF16: merged weights are rounded to 8 significant bits, unlike base and adapter.
        unmerged = check.embed(folder, texts)
        check.row(f"lacos on the merged folder and on base + adapter, {name}: 1 - cosine", len(texts),
                  report.cosine_distance(vectors, unmerged), 1e-4)


def memory(check: report.Check) -> None:
    """Compares the private memory of merging with the size of the largest tensor in float32."""
    config = check.work / "memory.json"
    config.write_text(json.dumps({"model_type": "bloom", "hidden_size": 1024, "n_head": 16, "n_layer": 2, "vocab_size": 60000}))
    base = check.work / "memory-base"
    check.run("init", "--config", config, "--output", base, "--dtype", "bf16", "--overwrite", compute=None)
    adapter = write_adapter(check.work / "adapter", base, torch.bfloat16, r=8, target_modules=["query_key_value"])
    summary = check.run_json("merge", "--model", base, "--adapter", adapter, "--output", check.work / "memory-merged", "--overwrite",
                             compute=None)
    largest = 60000 * 1024 * 4
    check.row("merge: private memory / largest tensor as float32", summary["tensors"], summary["rss_anon_bytes"] / largest, 1)


if __name__ == "__main__":
    report.main([
        ("merge: kinds of adapters", kinds_of_adapters), ("merge: wide matrices", wide_matrices), ("merge: stored forms", stored_forms),
        ("merge: a trained folder", trained_folder), ("merge: memory", memory),
    ])
