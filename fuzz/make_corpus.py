#!/usr/bin/env python3
"""Writes the seed inputs of the fuzz targets: small valid files of each form and a few damaged ones.

Seeds go into fuzz/corpus/TARGET.zip, where inputs that the fuzzer found are kept. Inputs that failed once and can be
described in code go into fuzz/regressions/TARGET. The bytes are the same on every machine, and only Python's standard
library is needed.

    fuzz/make_corpus.py [FOLDER]
"""

import gzip
import json
import pathlib
import struct
import sys

import corpus
import seeds_of_runs


def dump(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


# --- safetensors -----------------------------------------------------------------------------------------------------

WIDTH = {"F64": 8, "I64": 8, "F32": 4, "I32": 4, "F16": 2, "BF16": 2, "I8": 1, "U8": 1}


def safetensors(tensors, metadata=None, with_length=True):
    """A safetensors file. tensors: {name: (type, shape, bytes or None for zeros)}."""
    header, data = {}, b""
    if metadata:
        header["__metadata__"] = metadata
    for name, (kind, shape, contents) in tensors.items():
        size = WIDTH[kind]
        for dim in shape:
            size *= dim
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [len(data), len(data) + size]}
        data += contents if contents is not None else bytes(size)
    text = dump(header)
    return struct.pack("<Q", len(text)) + text + data if with_length else text + b"\0" + data


# --- torch -----------------------------------------------------------------------------------------------------------


def text(value):
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def number(value):
    return b"\x8a\x08" + struct.pack("<q", value)


def numbers(values):
    return b"(" + b"".join(number(v) for v in values) + b"t"


def storage(kind, key, elements, old=False):
    tail = b"N" if old else b""
    return b"(" + text("storage") + f"ctorch\n{kind}\n".encode() + text(key) + text("cpu") + number(elements) + tail + b"tQ"


def tensor(kind="FloatStorage", key="0", elements=6, offset=0, shape=(2, 3), strides=(3, 1), old=False, rebuild="_rebuild_tensor_v2"):
    rest = b"" if rebuild == "_rebuild_tensor" else b"\x89ccollections\nOrderedDict\n)R"
    return (f"ctorch._utils\n{rebuild}\n(".encode() + storage(kind, key, elements, old) + number(offset) + numbers(shape)
            + numbers(strides) + rest + b"tR")


def state_dict(items, ordered=False):
    start = b"\x80\x02ccollections\nOrderedDict\n)R(" if ordered else b"\x80\x02}("
    return start + b"".join(text(name) + value for name, value in items) + b"u."


def zip_file(members, zip64=False):
    out, directory = b"", b""
    for name, data in members:
        at, size, raw = len(out), len(data), name.encode()
        out += b"PK\3\4" + struct.pack("<HHH8xIIHH", 20, 0, 0, size, size, len(raw), 0) + raw + data
        extra = struct.pack("<HHQQQ", 1, 24, size, size, at) if zip64 else b""
        narrow = [0xFFFFFFFF] * 3 if zip64 else [size, size, at]
        directory += (b"PK\1\2" + struct.pack("<HHHH8xIIHH10xI", 20, 20, 0, 0, narrow[0], narrow[1], len(raw), len(extra), narrow[2])
                      + raw + extra)
    begin, count = len(out), len(members)
    out += directory
    if zip64:
        end = len(out)
        out += b"PK\6\6" + struct.pack("<QIQQQQQ", 44, 0, 0, count, count, len(directory), begin)
        out += b"PK\6\7" + struct.pack("<IQI", 0, end, 1)
        return out + b"PK\5\6" + struct.pack("<IHHIIH", 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return out + b"PK\5\6" + struct.pack("<IHHIIH", 0, count, count, len(directory), begin, 0)


def archive(pickle, storages=None, zip64=False):
    members = [("m/data.pkl", pickle), ("m/byteorder", b"little")]
    members += [(f"m/data/{key}", data) for key, data in (storages or {"0": bytes(24)}).items()]
    return zip_file(members + [("m/version", b"3\n")], zip64)


def old_form(pickle, keys, storages):
    magic = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
    version = b"\x80\x02M\xe9\x03."
    machine = b"\x80\x02}(" + text("protocol_version") + b"M\xe9\x03" + text("little_endian") + b"\x88u."
    listed = b"\x80\x02](" + b"".join(text(key) for key in keys) + b"e."
    return magic + version + machine + pickle + listed + b"".join(struct.pack("<q", n) + data for n, data in storages)


PICKLES = {
    "flat": state_dict([("w", tensor())]),
    "ordered": state_dict([("w", tensor()), ("b", tensor(shape=(3,), strides=(1,), offset=3))], ordered=True),
    "half": state_dict([("w", tensor("HalfStorage", elements=12, shape=(12,), strides=(1,)))]),
    "bytes": state_dict([("w", tensor("ByteStorage", elements=24, shape=(4, 6), strides=(6, 1)))]),
    "rebuild1": state_dict([("w", tensor(rebuild="_rebuild_tensor"))]),
    "parameter": state_dict([("w", b"ctorch._utils\n_rebuild_parameter\n(" + tensor() + b"\x88ccollections\nOrderedDict\n)RtR")]),
    "untyped": state_dict([("w", b"ctorch._utils\n_rebuild_tensor_v3\n((" + text("storage") + b"ctorch.storage\nUntypedStorage\n"
                            + text("0") + text("cpu") + number(24) + b"tQ" + number(0) + numbers([3, 2]) + numbers([2, 1])
                            + b"\x89ccollections\nOrderedDict\n)Rctorch\nfloat32\n}tR")]),
    "texts": state_dict([("weight_format", text("row")), ("w", tensor())]),
    "memo": b"\x80\x02}q\0(" + text("w") + b"q\1" + tensor() + b"q\2h\1h\2u.",
    "strides": state_dict([("w", tensor(strides=(1, 2)))]),
    "scalar": state_dict([("w", tensor(shape=(), strides=(), elements=1))]),
    "protocol4": b"\x80\x04\x95\x20\0\0\0\0\0\0\0}\x94(\x8c\x01w\x94" + tensor() + b"\x94u.",
    "foreign": b"\x80\x02cos\nsystem\n" + text("true") + b"\x85R.",
    "nested": state_dict([("state", b"}(" + text("w") + tensor() + b"u")]),
    "list": b"\x80\x02](K\1K\2J\1\0\0\0G\0\0\0\0\0\0\0\0e.",
}

# --- tokenizer.json --------------------------------------------------------------------------------------------------

BLOOM_PATTERN = " ?[^(\\s|[.,!?…。，、।۔،])]+"
GPT2_PATTERN = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"


def byte_level(**changes):
    return {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False, **changes}


def split(pattern, behavior="Isolated", invert=False, kind="Regex"):
    return {"type": "Split", "pattern": {kind: pattern}, "behavior": behavior, "invert": invert}


def tokenizer(pre, model=None, post=None, decoder="ByteLevel", added=None):
    symbols = ["<s>", "<unk>", "a", "b", "e", "h", "l", "o", "Ġ", "1", "2", "Ã", "©", "ab", "he", "ll", "hell", "Ġa", "Ċ"]
    base = {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None, "end_of_word_suffix": None,
            "fuse_unk": False, "byte_fallback": False, "vocab": {s: i for i, s in enumerate(symbols)},
            "merges": ["a b", "h e", "l l", "he ll", "Ġ a"]}
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return {"version": "1.0", "truncation": None, "padding": None,
            "added_tokens": [{"id": 0, "content": "<s>", **flags}] + (added or []), "normalizer": None, "pre_tokenizer": pre,
            "post_processor": post, "decoder": byte_level() if decoder else None, "model": {**base, **(model or {})}}


def sequence(*steps):
    return {"type": "Sequence", "pretokenizers": list(steps)}


def tokenizers():
    flags = {"single_word": True, "lstrip": True, "rstrip": True, "normalized": True, "special": False}
    template = {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
                "pair": [], "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]}}}
    yield "bloom", tokenizer(sequence(split(BLOOM_PATTERN), byte_level()), post=byte_level()), "hello <s> ab é\n"
    yield "gpt2", tokenizer(byte_level(use_regex=True, add_prefix_space=True)), "I'll hell 12  ab "
    yield "pairs", tokenizer(sequence(split(GPT2_PATTERN), byte_level()), {"merges": [["a", "b"], ["h", "e"]]}), "abab he"
    yield "regex", tokenizer(sequence(split("(?i:[a-f]+)|\\d{1,3}|[\\p{L}&&[^h]]*", "MergedWithPrevious"), byte_level())), "hello12345 ABC"
    yield "behaviors", tokenizer(sequence(split("l", "MergedWithNext", kind="String"), split("\\s", "Removed"), split("o", "Contiguous", True), byte_level())), "hello oo"
    yield "steps", tokenizer(sequence({"type": "Digits", "individual_digits": True}, {"type": "Punctuation", "behavior": "Isolated"},
                                      {"type": "WhitespaceSplit"}, {"type": "CharDelimiterSplit", "delimiter": "h"}, byte_level(),
                                      split("Ġ", kind="String"))), "1, h hello!?"
    yield "template", tokenizer(byte_level(use_regex=True), post=template, added=[{"id": 19, "content": "ab cd", **flags}]), " ab cd <s> "
    yield "roberta", tokenizer(byte_level(use_regex=True), post={"type": "RobertaProcessing", "sep": ["<s>", 0], "cls": ["<unk>", 1],
                                                                 "trim_offsets": True, "add_prefix_space": True}), "  ab  ll"
    yield "ignore_merges", tokenizer(sequence({"type": "Whitespace"}, byte_level()), {"ignore_merges": True, "fuse_unk": True}), "hell zz ab"
    yield "normalizer", {**tokenizer(byte_level()), "normalizer": {"type": "NFC"}}, ""


def tokenizer_files():
    """Folders of a tokenizer's files."""
    plain = tokenizer(sequence(split(BLOOM_PATTERN), byte_level()), post=byte_level())
    flags = {"single_word": False, "lstrip": True, "rstrip": False, "normalized": False, "special": True}
    typed = {"__type": "AddedToken", "content": "[Q]", "rstrip": True}
    template = {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
                "pair": [], "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]}}}
    yield "decoder", {"tokenizer.json": plain, "tokenizer_config.json": {"added_tokens_decoder": {
        "19": {"content": "[Q]", **flags}, "0": {"content": "<s>", **flags}}, "model_max_length": 4, "truncation_side": "left"}}
    yield "named", {"tokenizer.json": plain, "tokenizer_config.json": {"bos_token": "<s>", "pad_token": typed, "end_token": "[E]",
        "extra_special_tokens": ["[X]", typed], "split_special_tokens": False, "tokenizer_class": "BloomTokenizerFast"}}
    yield "extra", {"tokenizer.json": plain, "tokenizer_config.json": {"extra_special_tokens": {"a": "[Q]"}, "max_len": 3, "max_length": 2}}
    yield "additional", {"tokenizer.json": plain, "tokenizer_config.json": {"additional_special_tokens": ["[Q]"], "model_max_length": 1e30}}
    yield "legacy", {"tokenizer.json": plain, "tokenizer_config.json": {"pad_token": "[Q]", "padding_side": "left"},
        "special_tokens_map.json": {"eos_token": {"content": "ab", **flags}, "extra_special_tokens": ["[Q]"], "truncation_side": "left"},
        "added_tokens.json": {"[Q]": 19, "zz": 20}}
    yield "template", {"tokenizer.json": {**plain, "post_processor": template, "truncation": {"direction": "Left", "max_length": 2,
        "strategy": "LongestFirst", "stride": 0}}, "tokenizer_config.json": {"split_special_tokens": True, "unknown_key": 1}}
    yield "beyond", {"tokenizer.json": plain, "tokenizer_config.json": {"extra_special_tokens": [f"[{i}]" for i in range(50)] + ["[Q]"]}}
    yield "ids", {"tokenizer.json": plain, "added_tokens.json": {"[Q]": 1}}
    yield "class", {"tokenizer.json": plain, "tokenizer_config.json": {"tokenizer_class": "GPT2Tokenizer", "add_bos_token": True}}


# --- folders ---------------------------------------------------------------------------------------------------------


def folder(files):
    return b"".join(b"\n=== " + name.encode() + b"\n" + (data if isinstance(data, bytes) else dump(data)) for name, data in files.items())


BLOOM = {"model_type": "bloom", "hidden_size": 4, "n_head": 2, "n_layer": 1, "vocab_size": 5, "layer_norm_epsilon": 1e-5}
PEFT = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "lora_dropout": 0.1, "bias": "none", "target_modules": ["query_key_value"],
        "base_model_name_or_path": "base", "task_type": "FEATURE_EXTRACTION"}
MODULES = [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
           {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
           {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"}]


def configs():
    yield "bloom", {"config.json": BLOOM, "tokenizer.json": b"{}"}
    yield "spellings", {"config.json": {"n_embed": 8, "num_attention_heads": 2, "num_hidden_layers": 2, "vocab_size": 300, "n_inner": 32,
                                        "slow_but_exact": True, "pretraining_tp": 4, "apply_residual_connection_post_layernorm": True}}
    yield "quantized", {"config.json": {**BLOOM, "quantization": {"scheme": "linear", "block_size": "row", "lacos_version": "0.1.0"}},
                        "tokenizer.json": b"{}", "lacos.json": {"base_name": "bigscience/bloom", "files": {
                            "config.json": {"bytes": 10, "sha256": "00"}, "tokenizer.json": {"bytes": 2, "sha256":
                            "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}}}}
    yield "trained", {"modules.json": MODULES, "1_Pooling/config.json": {"word_embedding_dimension": 4, "pooling_mode_mean_tokens": True,
                      "include_prompt": False}, "sentence_bert_config.json": {"max_seq_length": 75, "do_lower_case": False},
                      "config_sentence_transformers.json": {"__version__": {"sentence_transformers": "5.3.0"}, "prompts": {"query": "Q: "},
                      "default_prompt_name": "query"}, "adapter_config.json": PEFT, "tokenizer.json": b"{}",
                      "lacos.json": {"strip": True, "base": {"path": "../base", "config_sha256": "00"}, "files": {}}}
    yield "pooling", {"modules.json": MODULES[:2], "1_Pooling/config.json": {"pooling_mode": "weightedmean"}, "config.json": BLOOM,
                      "tokenizer_config.json": {"model_max_length": 1e30}, "tokenizer.json": b"{}"}
    yield "peft", {"adapter_config.json": {**PEFT, "target_modules": ".*\\.(dense|query_key_value)$", "rank_pattern": {"h.0.*": 4},
                   "alpha_pattern": {"dense": 8.5}, "use_rslora": True, "exclude_modules": "h\\.[0-3]\\..*", "base_model_name_or_path": None}}
    yield "peft_layers", {"adapter_config.json": {**PEFT, "layers_to_transform": [0, 1], "layers_pattern": "h", "lora_bias": True}}
    yield "merged_linear", {"adapter_config.json": {**PEFT, "enable_lora": [True, False, True]}}
    yield "indexes", {"config.json": BLOOM, "model.safetensors.index.json": {"metadata": {"total_size": 1}, "weight_map": {
                      "word_embeddings.weight": "model-1.safetensors", "ln_f.bias": "sub/model-2.safetensors"}},
                      "pytorch_model.bin.index.json": {"weight_map": {"ln_f.bias": "../pytorch_model.bin"}}}
    yield "escapes", {"modules.json": [{**MODULES[0], "path": "../../etc"}, MODULES[1]], "lacos.json": {"files": {
                      "../../etc/passwd": {"bytes": 1, "sha256": ""}}}}
    arguments = {"max_seq_length": 9, "tokenizer_args": {"model_max_length": 5, "truncation_side": "left"}, "model_args": {"torch_dtype": "float16"},
                 "config_args": {"use_cache": False}, "modality_config": {"text": {"method": "forward", "method_output_name": "last_hidden_state"}}}
    yield "side_files", {"modules.json": MODULES, "1_Pooling/config.json": {"pooling_mode": "mean"}, "config.json": {**BLOOM, "max_position_embeddings": 7},
                         "sentence_bert_config.json": arguments, "config_sentence_transformers.json": {"truncate_dim": 2, "similarity_fn_name": "dot"},
                         "2_Normalize/config.json": {"module_input_name": "sentence_embedding"}, "tokenizer.json": b"{}",
                         "tokenizer_config.json": {"pad_token": "[Q]", "chat_template": "a"}, "special_tokens_map.json": {"eos_token": "</s>"},
                         "added_tokens.json": {"[Q]": 3}}
    yield "bitsandbytes", {"config.json": {**BLOOM, "quantization_config": {"quant_method": "bitsandbytes", "load_in_8bit": True}}}


def bloom_tensors(kind="F32"):
    d, v = 4, 5
    shapes = {"word_embeddings.weight": [v, d], "word_embeddings_layernorm.weight": [d], "word_embeddings_layernorm.bias": [d],
              "ln_f.weight": [d], "ln_f.bias": [d]}
    for norm in ("input_layernorm", "post_attention_layernorm"):
        shapes |= {f"h.0.{norm}.weight": [d], f"h.0.{norm}.bias": [d]}
    for name, out, into in (("self_attention.query_key_value", 3 * d, d), ("self_attention.dense", d, d),
                            ("mlp.dense_h_to_4h", 4 * d, d), ("mlp.dense_4h_to_h", d, 4 * d)):
        shapes |= {f"h.0.{name}.weight": [out, into], f"h.0.{name}.bias": [out]}
    return {name: (kind, shape, None) for name, shape in shapes.items()}


def quantized_tensors(dynamic, rows):
    tensors = {}
    for name, (kind, shape, data) in bloom_tensors().items():
        matrix = len(shape) == 2
        tensors[name] = ("U8" if dynamic else "I8", shape, None) if matrix else (kind, shape, data)
        if matrix:
            blocks = shape[0] if rows else -(-shape[0] * shape[1] // 64)
            tensors[name + ".absmax"] = ("F32", [blocks], struct.pack("<f", 1) * blocks)
            if dynamic:
                tensors[name + ".quant_map"] = ("F32", [256], None)
    return tensors


def torch_tensors(tensors):
    items, storages = [], {}
    for i, (name, (_, shape, _)) in enumerate(tensors.items()):
        count, strides = 1, []
        for dim in reversed(shape):
            strides.insert(0, count)
            count *= dim
        items.append((name, tensor(key=str(i), elements=count, shape=shape, strides=strides)))
        storages[str(i)] = bytes(4 * count)
    return archive(state_dict(items), storages)


def checkpoints():
    yield "f32", {"config.json": BLOOM, "model.safetensors": safetensors(bloom_tensors())}
    yield "f16_prefixed", {"config.json": BLOOM, "model.safetensors": safetensors({"transformer." + n: t for n, t in bloom_tensors("F16").items()})}
    yield "bin", {"config.json": BLOOM, "pytorch_model.bin": torch_tensors(bloom_tensors())}
    yield "linear", {"config.json": {**BLOOM, "quantization": {"scheme": "linear", "block_size": 64}},
                     "model.safetensors": safetensors(quantized_tensors(False, False))}
    yield "dynamic", {"config.json": {**BLOOM, "quantization": {"scheme": "dynamic", "block_size": "row"}},
                      "model.safetensors": safetensors(quantized_tensors(True, True))}
    names = sorted(bloom_tensors())
    first = {n: t for n, t in bloom_tensors().items() if n in names[:9]}
    second = {n: t for n, t in bloom_tensors().items() if n not in first}
    yield "sharded", {"config.json": BLOOM, "model.safetensors.index.json": {"weight_map": {
        **{n: "model-1.safetensors" for n in first}, **{n: "model-2.safetensors" for n in second}}},
        "model-1.safetensors": safetensors(first), "model-2.safetensors": safetensors(second)}
    root = "base_model.model.h.0.self_attention.query_key_value."
    lora = {root + "lora_A.weight": ("F32", [2, 4], None), root + "lora_B.weight": ("F32", [12, 2], None)}
    base = {"config.json": BLOOM, "model.safetensors": safetensors(bloom_tensors())}
    yield "adapter", {**base, "adapter_config.json": PEFT, "adapter_model.safetensors": safetensors(lora)}
    merged = {root + "lora_A.weight": ("F32", [4, 4], None), root + "lora_B.weight": ("F32", [8, 2, 1], None)}
    yield "merged_linear", {**base, "adapter_config.json": {**PEFT, "enable_lora": [True, False, True]},
                            "adapter_model.safetensors": safetensors(merged)}


# --- the rest --------------------------------------------------------------------------------------------------------


def npy(descr, shape, data, version=1, order="False"):
    header = f"{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}".encode()
    length = struct.pack("<H" if version == 1 else "<I", len(header) + 1)
    return b"\x93NUMPY" + bytes([version, 0]) + length + header + b"\n" + data


def zstd(data):
    """One frame with one raw block (RFC 8878)."""
    return b"\x28\xb5\x2f\xfd\x20" + bytes([len(data)]) + struct.pack("<I", 1 | len(data) << 3)[:3] + data


def table(form, choice, data):
    return bytes([form, choice]) + data


def serve_requests():
    """Yields a name, the byte that chooses route and settings, and the body of a request to the server."""
    routes = ["v1", "embed", "embed_all", "similarity", "tokenize", "decode", "adapters"]
    bodies = {
        "v1": [{"input": "a", "model": "m", "encoding_format": "base64", "dimensions": 4, "user": "u", "input_type": "query"},
               {"input": ["a", "b"]}, {"input": [[1, 2], [3]]}, {"input": [1, 2]}, {"input": ["a", ""]}, {"input": ["a"] * 6}],
        "embed": [{"inputs": "a", "normalize": False, "truncate": True, "truncation_direction": "Left", "prompt_name": "query"},
                  {"inputs": ["a", None]}, {"inputs": ["a"], "dimensions": 17}],
        "embed_all": [{"inputs": ["a"], "truncate": False}],
        "similarity": [{"inputs": {"source_sentence": "a", "sentences": ["b", "c"]}, "parameters": {"truncate": True}},
                       {"inputs": {"source_sentence": "a", "sentences": ["b", ""]}, "parameters": {}}],
        "tokenize": [{"inputs": ["a", ""], "add_special_tokens": False}],
        "decode": [{"ids": [[1, 2], [3]], "skip_special_tokens": True}, {"ids": [5]}, {"ids": [300]}],
        "adapters": [{"name": "n", "folder": "f"}],
    }
    for number, route in enumerate(routes):
        for i, body in enumerate(bodies[route]):
            yield f"{route}{i}", 16 * number + i, dump(body)
    yield "surrogate", 0, b'{"input": ["a", "\\ud800"]}'
    yield "broken", 16, b'{"inputs": ["a", NaN]}'
    yield "ids", 2, dump({"input": [[1, 299]]})
    yield "blank", 4, dump({"input": [" "]})
    yield "prompt", 8, dump({"input": "a", "prompt_name": "query"})


def seeds():
    for name, choice, body in serve_requests():
        yield "serve_request", name, bytes([choice]) + body
    for name, value in {"scalars": [0, -1, 1.5, 1e300, 10**30, "\u00e9\n\ud83d\ude00", True, None], "object": {"a": {"b": [1, {"c": {}}]}, "": []},
                        "many": {str(i): i for i in range(20)}}.items():
        yield "json", name, json.dumps(value).encode()
    yield "json", "deep", b"[" * 65 + b"]" * 65
    yield "json", "twice", b'{"a":1,"a":2}'
    yield "json", "number", b" 9223372036854775808 "
    small = {"a": ("F32", [2, 3], None), "b": ("BF16", [4], None), "c": ("I8", [3], None), "e": ("F64", [0, 9], None), "s": ("I64", [], None)}
    yield "safetensors", "file", safetensors(small, {"format": "pt"})
    yield "safetensors", "header", safetensors(small, {"format": "pt"}, with_length=False)
    yield "safetensors", "one", safetensors({"w": ("F16", [1, 2], None)}, with_length=False)
    yield "safetensors", "long", struct.pack("<Q", 1 << 40) + b"{}"
    yield "safetensors", "lfs", b"version https://git-lfs.github.com/spec/v1\n"
    for name, value, sample in tokenizers():
        yield "tokenizer", name, dump(value) + (b"\0" + sample.encode() if sample else b"")
    for name, files in tokenizer_files():
        yield "tokenizer_files", name, folder(files)
    for name, files in configs():
        yield "config", name, folder(files)
    for name, files in checkpoints():
        yield "checkpoint", name, folder(files)
    for name, pickle in PICKLES.items():
        yield "torch_pickle", name, pickle
    yield "torch_file", "zip", archive(PICKLES["flat"])
    yield "torch_file", "zip64", archive(PICKLES["ordered"], zip64=True)
    yield "torch_file", "truncated", archive(PICKLES["flat"])[:-30]
    yield "torch_file", "old", old_form(state_dict([("w", tensor(old=True))]), ["0"], [(6, bytes(24))])
    yield "torch_file", "two", archive(state_dict([("a", tensor()), ("b", tensor("LongStorage", "1", 2, 0, (2,), (1,)))]), {"0": bytes(24), "1": bytes(16)})
    yield "npy", "f4", npy("<f4", "(2, 3)", bytes(24))
    yield "npy", "f2v2", npy("<f2", "(4,)", bytes(8), version=2)
    yield "npy", "u1", npy("|u1", "()", b"\7")
    yield "npy", "fortran", npy("<i8", "(1, 1)", bytes(8), order="True")
    yield "npy", "header", b"{'descr': '<f8', 'fortran_order': False, 'shape': (2, 1), }\0" + bytes(16)
    pairs = "sentence1\tsentence2\tlabel\nEin Hund\tA dog\tentailment\nEin Hund\tA cat\tcontradiction\nx\ty\t-\n".encode()
    csv = 'premise,hypothesis,label,split\r\n"a ""b""\nc",d,0,train\r\ne,"f,g",2,dev\r\n'.encode()
    lines = b'{"anchor":"a","positive":"b","negative":"c"}\n{"anchor":"d","positive":"e","n":1.5}\n'
    scored = b"sentence1\tsentence2\tscore\na\tb\t4.5\nc\td\t0\ne\tf\t\n"
    sts = b"main\tMSR\t2012\t1\t2.5\ta b\tc d\nmain\tMSR\t2012\t2\t5\te\tf\n"
    classes = b"text\tlabel\na\tx\nb\tx\nc\ty\nd\ty\n"
    for reader in (0, 4, 8):
        yield "table", f"pairs{reader}", table(reader, 0, pairs)
        yield "table", f"csv{reader}", table(reader | 1, 0, csv)
        yield "table", f"jsonl{reader}", table(reader | 2, 0, lines)
    yield "table", "hard", table(8, 2, pairs)
    yield "table", "labelled", table(8, 4, pairs)
    yield "table", "split", table(9, 1, csv)
    yield "table", "scored", table(4, 0, scored)
    yield "table", "examples_scored", table(8, 0, scored)
    yield "table", "sts", table(4, 0, sts)
    yield "table", "classes", table(8, 0, classes)
    yield "table", "texts", table(8, 0, b"text\none\ntwo\n")
    yield "table", "columns", table(8 | 32, 0, b"a\tb\t0\nc\td\t1\n")
    yield "table", "ragged", table(64 | 3, 32, b"a;b\nc\nd;e;f\n")
    yield "table", "quotes", table(0, 16, b'a\tb\n"x\ty"\tz\n')
    json_forms = {
        "array": b'[\n {"anchor": "a",\n "positive": "b"},\n {"anchor": "c", "positive": "d"}]\n',
        "texts": b'["a b", "c d"]', "columns": b'{"text": ["a", "b"], "label": [0, 1]}',
        "pandas": b'{"text":{"0":"a","1":"b"}}', "index": b'{"0":{"text":"a"},"1":{"text":"b"}}',
        "split": b'{"columns":["text"],"index":[0],"data":[["a"]]}', "records": b'[{"text": "a"},{"text": "b"}]',
        "objects": b'{\n "text": "a"\n}\n{\n "text": "b"\n}\n',
        "flag": b'{"query": "a", "pos": ["b", "c"], "neg": ["d"]}\n{"query": "e", "pos": [], "neg": [1, {}]}\n',
        "sets": b'{"set": ["a", "b", "c"]}\n{"set": ["d"]}\n',
        "translation": b'{"translation": {"en": "a", "fr": "b"}}\n',
        "paraphrases": b'{"text1": "a", "text2": "b", "label": true}\n{"text1": "c", "text2": "d", "label": false}\n',
    }
    for name, value in json_forms.items():
        for reader in (0, 8, 12):
            yield "table", f"json_{name}{reader}", table(reader | 128, 0, value)
    binary = b"sentence1\tsentence2\tlabel\na b\tc d\t1\ne f\tg h\t0\n"
    for scheme in (0, 64, 128):
        yield "table", f"scheme{scheme}", table(8, scheme, binary)
    yield "table", "open", table(12, 0, binary)
    yield "table", "stsb", table(12, 0, b"sentence1\tsentence2\tlabel\na b\tc d\t3.8\ne f\tg h\t\n")
    for reader in (8, 12):
        lists = b"query,pos,neg\na b,['c d'],\"['e f', \"\"g's\"\"]\"\nh,['i'],[]\n"
        yield "table", f"lists{reader}", table(reader | 1, 0, lists)
        yield "table", f"licences{reader}", table(reader, 0, b"a b\tc d\tCC-BY 2.0 (France) 1\ne f\tg h\tCC-BY 2.0 (France) 2\n")
        yield "table", f"named{reader}", table(reader | 1, 0, b"sep=;\nsentence1;sentence2\na;b\n")
    yield "table", "nan", table(8 | 2, 0, b'{"sentence1":"a","sentence2":"b","score":NaN}\n{"sentence1":"c","sentence2":"d","score":1}\n')
    yield "table", "headerless", table(12, 0, b"a b\tc d\te f\ng h\ti j\tk l\n")
    yield "table", "parallel", table(8, 0, b"en\tde\ndog\tHund\n")
    yield "table", "lines", table(15, 0, b"a b c\nd e f\n")
    words = "one\ntwo é\r\n\n你好".encode()
    packed = gzip.compress(words, mtime=0)
    yield "lines", "plain", b"\4" + b"\xef\xbb\xbf" + words
    yield "lines", "gz", b"\x0a" + packed
    yield "lines", "gz_two", b"\x0b" + packed + packed + bytes(3)
    yield "lines", "gz_cut", b"\x0a" + packed[:-6]
    yield "lines", "gz_zeros", b"\x08" + gzip.compress(bytes(100000), mtime=0)
    yield "lines", "zst", b"\x02" + zstd(words)
    yield "lines", "zst_two", b"\x03" + zstd(words) + b"\x50\x2a\x4d\x18\x01\0\0\0x" + zstd(b"end")
    yield "lines", "invalid", b"\3a\xffb\xc3\n\xed\xa0\x80\n\xf4\x90\x80\x80"
    for name, start in {"parquet": b"PAR1\x15\x04", "arrow": b"ARROW1\0\0", "stream": b"\xff\xff\xff\xff", "xlsx": b"PK\3\4" + bytes(26) + b"xl/",
                        "bz2": b"BZh91AY&SY", "xz": b"\xfd7zXZ\0", "tar": b"a" + bytes(256) + b"ustar", "pickle": b"\x80\4\x95"}.items():
        yield "lines", name, b"\2" + start + bytes(8)
    yield "lines", "utf16", b"\2\xff\xfea\0"

    head = b"POST /v1/embeddings HTTP/1.1\r\nHost: localhost:8080\r\n"
    for name, fields in {"length": b"Content-Length: 3\r\n", "chunked": b"Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n",
                         "both": b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "folded": b"A: b\r\n c\r\n", "bare": b"A: b\n",
                         "key": b"Authorization: Bearer \r\napi-key: k\r\nX-Request-Id: a.b\r\n", "control": b"A: \0\r\n",
                         "many": b"a: b\r\n" * 120, "hosts": b"Host: evil.example\r\n"}.items():
        yield "serve_head", name, b"\0" + head + fields + b"\r\nabc"
    yield "serve_head", "short_limit", b"\x08" + head + b"A: " + b"a" * 300 + b"\r\n\r\n"
    yield "serve_head", "absolute", b"\4GET http://[::1]:80/a?b HTTP/1.0\r\n\r\n"
    yield "serve_head", "h2", b"\4PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    yield "serve_head", "tls", b"\0\x16\x03\x01\0\x01"
    yield "serve_head", "trace", b"\0" + b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    yield "serve_head", "keys", b"\1# keys\n\nalice " + b"0f" * 32 + b" texts/s=1.5 tokens/min=1e3 admin\r\nbob " + b"AB" * 32 + b"\n"
    yield "serve_head", "no_hash", b"\1alice key\n"
    for name, address in {"v4": b"127.0.0.1:80", "v6": b"[::1]:0", "unix": b"unix:/run/a", "port": b"8080", "bad": b"a b:80"}.items():
        yield "serve_head", f"address_{name}", b"\2" + address
    yield "serve_head", "gzip", b"\3" + gzip.compress(b"hello hello", mtime=0) * 2
    yield "serve_head", "gzip_cut", b"\3" + gzip.compress(b"hello hello", mtime=0)[:-4]
    yield "serve_head", "gzip_zeros", b"\3" + gzip.compress(bytes(900_000), mtime=0)


def regressions():
    """Inputs that failed once and can be described in code. fuzz/regressions also has files from the fuzzer itself."""
    long = "a" * 5000
    yield "config", "name_too_long", folder({"modules.json": [{**MODULES[0], "path": long}, MODULES[1]]})  # std::filesystem threw an exception
    yield "config", "base_too_long", folder({"adapter_config.json": {**PEFT, "base_model_name_or_path": long}})
    yield "config", "nul_in_path", folder({"modules.json": [{**MODULES[0], "path": "a\0/../.."}, MODULES[1]]})
    yield "config", "terminal_codes", folder({"config.json": {**BLOOM, "model_type": "\x1b[2Jbloom\n"}})
    yield "table", "terminal_codes", table(0, 0, b"a\x1b[2J\tb\nc\n")
    calls = "".join(f"(?<n{i}>\\g<n{i + 1}>\\g<n{i + 1}>)" for i in range(60)) + "(?<n60>a)"
    yield "tokenizer", "nested_calls", dump(tokenizer(sequence(split(calls), byte_level())))  # took 2^60 steps in Oniguruma


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent)
    made = [*seeds(), *seeds_of_runs.seeds()]
    for target in sorted({target for target, _, _ in made}):
        path = root / "corpus" / f"{target}.zip"
        # Only inputs whose name is their hash come from the fuzzer; any other is a seed, which may no longer be made.
        kept = {name: data for name, data in corpus.read(path).items() if name == corpus.found_name(data)}
        corpus.write(path, kept | {name: data for of, name, data in made if of == target})
    failed = [*regressions(), *seeds_of_runs.regressions()]
    for target, name, data in failed:
        path = root / "regressions" / target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    print(f"{len(made)} seeds and {len(failed)} regressions in {root}")


if __name__ == "__main__":
    main()
