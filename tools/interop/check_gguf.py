#!/usr/bin/env python3
"""Compares files of `lacos merge --format gguf` with the gguf package, and vectors and token ids with llama.cpp."""

import contextlib
import json
import os
import pathlib
import shutil

import gguf
import numpy
import torch
from peft import PeftModel
from transformers import BloomConfig, BloomModel

import check_merge
import peers
import report
import tiny_bloom

MODEL = report.REPOSITORY / "examples/bloom-nano"
TYPES = {"f32": gguf.GGMLQuantizationType.F32, "f16": gguf.GGMLQuantizationType.F16, "bf16": gguf.GGMLQuantizationType.BF16,
         "q8_0": gguf.GGMLQuantizationType.Q8_0}
EAGER = {"attn_implementation": "eager"}
# Punctuation after words, runs of spaces, several scripts, an emoji of several code points, and special tokens.
TEXTS = [
    "Hello world!!", "a   b\t\tc\n\nd", "(one), two... three?", "Él dijo: «¿qué?»", "数据，模型。", "नमस्ते दुनिया।", "مرحبا، كيف",
    "👩‍👩‍👧 family", "x</s>y <s>", "  leading and trailing  ", "no-break\u00a0space\u2003em\u3000wide", "don't you're 3.14", "",
]


def write_base(folder: pathlib.Path, heads: int, head_dim: int, layers: int = 2) -> pathlib.Path:
    shutil.rmtree(folder, ignore_errors=True)
    peers.write_random_bloom(folder, layers, heads, head_dim, seed=5)
    return folder


def export(check: report.Check, base: pathlib.Path, adapter: pathlib.Path | None, kind: str, *arguments) -> pathlib.Path:
    file = check.work / f"{kind}.gguf"
    adapters = [] if adapter is None else ["--adapter", adapter]
    check.run("merge", "--model", base, *adapters, "--output", file, "--format", "gguf", "--gguf-type", kind, "--overwrite", *arguments,
              compute=None)
    return file


def merged_state(base: pathlib.Path, adapter: pathlib.Path | None) -> dict[str, torch.Tensor]:
    model = BloomModel.from_pretrained(base, dtype="auto", **EAGER)
    if adapter is not None:
        model = PeftModel.from_pretrained(model, adapter).merge_and_unload()
    return model.state_dict()


def to_gguf_order(name: str, values: numpy.ndarray, heads: int) -> numpy.ndarray:
    """Reorders heads of (q, k, v) into all of Q, all of K and all of V."""
    if "query_key_value" not in name:
        return values
    parts = values.reshape(heads, 3, -1, *values.shape[1:])
    return numpy.concatenate([parts[:, part].reshape(-1, *values.shape[1:]) for part in range(3)])


def tensors(check: report.Check) -> None:
    """Compares the bytes of every tensor with PEFT's merged weights in gguf's own quantization and map of names."""
    wide = write_base(check.work / "wide", heads=3, head_dim=32)
    narrow = write_base(check.work / "narrow", heads=5, head_dim=8)  # rows of 40 values are not whole Q8_0 blocks
    for label, base in (("hidden 96", wide), ("hidden 40", narrow), ("bloom-nano", MODEL)):
        config = json.loads((base / "config.json").read_text())
        adapter = check_merge.write_adapter(check.work / f"adapter-{base.name}", base, torch.float32, r=4)
        state = merged_state(base, adapter)
        names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.BLOOM, config["n_layer"])
        for kind, qtype in TYPES.items():
            reader = gguf.GGUFReader(export(check, base, adapter, kind))
            found = {tensor.name: tensor for tensor in reader.tensors}
            wrong, elements = abs(len(found) - len(state)), 0
            for name, tensor in state.items():
                theirs = names.get_name(name, try_suffixes=(".weight", ".bias"))
                ours = found[theirs]
                values = to_gguf_order(name, tensor.float().numpy(), config["n_head"])
                expected_type = gguf.GGMLQuantizationType.F32 if values.ndim == 1 else qtype
                if expected_type is gguf.GGMLQuantizationType.Q8_0 and values.shape[-1] % 32:
                    expected_type = gguf.GGMLQuantizationType.F16
                expected = gguf.quants.quantize(values, expected_type)
                wrong += ours.tensor_type != expected_type or list(ours.shape) != list(reversed(values.shape))
                wrong += int((numpy.ascontiguousarray(ours.data).view(numpy.uint8).reshape(-1)
                              != numpy.ascontiguousarray(expected).view(numpy.uint8).reshape(-1)).sum())
                elements += values.size
            check.row(f"gguf {kind}, {label}: differing bytes: PEFT, gguf.quants", elements, wrong, 0)


def metadata(check: report.Check) -> None:
    reader = gguf.GGUFReader(export(check, MODEL, None, "q8_0", "--pooling", "last"))
    config = json.loads((MODEL / "config.json").read_text())
    tokenizer = json.loads((MODEL / "tokenizer.json").read_text())
    keys = gguf.Keys
    rows, hidden = config["vocab_size"], config["hidden_size"]
    tokens = {id: token for token, id in tokenizer["model"]["vocab"].items()}
    added = {token["id"]: token for token in tokenizer["added_tokens"]}
    tokens |= {id: token["content"] for id, token in added.items()}
    token_type = gguf.TokenType
    kind = lambda id: (token_type.CONTROL if added[id]["special"] else token_type.USER_DEFINED) if id in added else (  # noqa: E731
        token_type.NORMAL if id in tokens else token_type.UNUSED)
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in tokenizer["model"]["merges"]]
    arch = "bloom"
    expected = {
        keys.General.ARCHITECTURE: arch, keys.General.TYPE: "model", keys.General.FILE_TYPE: int(gguf.LlamaFileType.MOSTLY_Q8_0),
        keys.General.QUANTIZATION_VERSION: gguf.GGML_QUANT_VERSION,
        keys.LLM.EMBEDDING_LENGTH.format(arch=arch): hidden, keys.LLM.FEED_FORWARD_LENGTH.format(arch=arch): 4 * hidden,
        keys.LLM.BLOCK_COUNT.format(arch=arch): config["n_layer"], keys.LLM.CONTEXT_LENGTH.format(arch=arch): config.get("seq_length", 2048),
        keys.Attention.HEAD_COUNT.format(arch=arch): config["n_head"], keys.Attention.HEAD_COUNT_KV.format(arch=arch): config["n_head"],
        keys.Attention.LAYERNORM_EPS.format(arch=arch): float(numpy.float32(config["layer_norm_epsilon"])),
        keys.LLM.POOLING_TYPE.format(arch=arch): int(gguf.PoolingType.LAST),
        keys.Tokenizer.MODEL: "gpt2", keys.Tokenizer.PRE: "bloom", keys.Tokenizer.MERGES: merges,
        keys.Tokenizer.LIST: [tokens.get(i, f"[PAD{i}]") for i in range(rows)],
        keys.Tokenizer.TOKEN_TYPE: [int(kind(i)) for i in range(rows)],
        keys.Tokenizer.UNK_ID: 0, keys.Tokenizer.BOS_ID: 1, keys.Tokenizer.EOS_ID: 2, keys.Tokenizer.PAD_ID: 3,
        keys.Tokenizer.ADD_BOS: False, keys.Tokenizer.ADD_EOS: False,
    }
    wrong = [key for key, value in expected.items() if key not in reader.fields or reader.fields[key].contents() != value]
    assert not wrong, wrong
    check.row("gguf metadata and tokenizer: differing keys: the gguf package's reader", len(expected), len(wrong), 0)


@contextlib.contextmanager
def silence():
    """Silences stderr at the C level, where llama.cpp's kernels print."""
    saved, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(null)


def open_llama(file: pathlib.Path):
    from llama_cpp import GGML_TYPE_F32, Llama

    with silence():
        # Keys and values stay in float32: F16, the default, would round the values that are compared.
        return Llama(str(file), embedding=True, n_ctx=512, n_batch=512, n_ubatch=512, type_k=GGML_TYPE_F32, type_v=GGML_TYPE_F32,
                     flash_attn=False, n_threads=2, n_threads_batch=2, verbose=False)


def llama_vectors(llama, texts: list[str]) -> numpy.ndarray:
    with silence():
        return numpy.array([llama.embed(text, normalize=False) for text in texts], numpy.float32)


# lacos cuts texts at a trained folder's maximum length, but llama.cpp has no such setting.
WHOLE = ["--max-length", 2048, "--no-normalize"]
# The largest 1 - cosine, and the largest relative difference from lacos in float32 on the merged folder. For every
# file, ggml's GELU on a CPU is a table with F16 arguments and results, each with an error of 2^-11 of its value, so
# even F32 differs by a few 1e-4. For F16 and BF16, activations are rounded to the type of the weights before each
# product (2^-11, 2^-9). For Q8_0, weights and activations are rounded to 1/254 of the largest of 32 values.
LIMITS = {"f32": (1e-6, 1e-3), "f16": (1e-5, 4e-3), "bf16": (1e-3, 4e-2), "q8_0": (1e-3, 6e-2)}


class GgmlGelu(torch.nn.Module):
    """GELU like ggml's table: argument and result are rounded to F16."""

    def forward(self, x):
        rounded = x.half().float()
        table = (0.5 * rounded * (1 + torch.tanh(0.79788456080286535587989211986876 * rounded * (1 + 0.044715 * rounded * rounded)))).half()
        return torch.where(x <= -10, 0.0, torch.where(x >= 10, x, table.float()))


def ggml_states(folder: pathlib.Path, texts: list[str], pooling: str) -> numpy.ndarray:
    model = peers.load_bloom(folder)
    for block in model.h:
        block.mlp.gelu_impl = GgmlGelu()
    return peers.pooled(peers.hidden_states(model, peers.token_ids(folder, texts, 2048)), pooling)


def llama_cpp(check: report.Check) -> None:
    nano = check.work / "nano-adapter"
    check.run("train", "--model", MODEL, "--train", check_merge.PAIRS, "--output", nano, "--overwrite", "--max-steps", 8, "--batch-size", 16,
              "--learning-rate", "5e-3", "--schedule", "constant", "--warmup-steps", 0, "--pooling", "mean")
    # With three heads, ALiBi's slopes are those for a count that is not a power of two.
    tiny = write_base(check.work / "tiny", heads=3, head_dim=32)
    adapter = check_merge.write_adapter(check.work / "tiny-adapter", tiny, torch.float32, r=4)
    texts = [text for text in report.sentences() if text][:24]
    for label, base, added in (("random, 3 heads", tiny, adapter), ("bloom-nano, trained", MODEL, nano)):
        merged = check.work / "merged"
        check.run("merge", "--model", base, "--adapter", added, "--output", merged, "--overwrite", compute=None)
        for kind in TYPES:
            ours = check.embed(merged, texts, "--pooling", "mean", *WHOLE)
            theirs = llama_vectors(open_llama(export(check, base, added, kind)), texts)
            cosine, relative = LIMITS[kind]
            check.row(f"llama.cpp, {kind}, mean, {label}: largest 1 - cosine", len(texts), report.cosine_distance(theirs, ours), cosine)
            check.row(f"llama.cpp, {kind}, mean, {label}: relative difference", len(texts), report.relative_difference(theirs, ours), relative)
        for pooling in ("mean", "last", "cls"):
            theirs = llama_vectors(open_llama(export(check, base, added, "f32", "--pooling", pooling)), texts)
            if pooling == "mean":
                # A GELU between two F16 values may be rounded to either; the vector of a single token shows that most.
                difference = report.relative_difference(theirs, ggml_states(merged, texts, pooling))
                check.row(f"llama.cpp, f32, mean, {label}: transformers with ggml's GELU: relative", len(texts), difference, 1e-4)
                continue
            ours = check.embed(merged, texts, "--pooling", pooling, *WHOLE)
            check.row(f"llama.cpp, f32, {pooling}, {label}: relative difference", len(texts), report.relative_difference(theirs, ours), LIMITS["f32"][1])


def token_ids(check: report.Check) -> None:
    gpt2 = write_gpt2_base(check.work / "gpt2")
    for label, base in (("BLOOM's pattern", MODEL), ("GPT-2's pattern", gpt2)):
        llama = open_llama(export(check, base, None, "f16"))
        texts = [text for text in report.sentences() + TEXTS if "\n" not in text]
        source = check.work / "ids.txt"
        report.write_lines(source, texts)
        ours = [json.loads(line) for line in check.run("tokenize", "--model", base, "--input", source, compute=None).splitlines()]
        assert len(ours) == len(texts)
        theirs = [llama.tokenize(text.encode(), add_bos=True, special=True) for text in texts]
        different = [text for text, a, b in zip(texts, ours, theirs, strict=True) if a != b]
        if different and os.environ.get("INTEROP_TRACE"):
            print(different)
        check.row(f"llama.cpp tokenizes alike, {label}: texts with other ids", len(texts), len(different), 0)


def write_gpt2_base(folder: pathlib.Path) -> pathlib.Path:
    """Writes a base with a newly trained tokenizer that splits words by ByteLevel's own regular expression."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=500, special_tokens=["<|endoftext|>"], show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(report.sentences(), trainer)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = BloomConfig(vocab_size=512, hidden_size=64, n_head=2, n_layer=1, use_cache=False)
    model = BloomModel(config)
    tiny_bloom.randomise(model, 3)
    model.save_pretrained(folder)
    return folder


if __name__ == "__main__":
    report.main([
        ("gguf: tensors", tensors), ("gguf: metadata", metadata), ("llama.cpp: vectors", llama_cpp), ("llama.cpp: token ids", token_ids),
    ])
