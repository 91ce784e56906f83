#!/usr/bin/env python3
"""Compares every row of the table of keys in docs/interop.md with the installed packages.

A key that is followed gives the package's vectors, and other ones than without it; a refused key is named by the
program's error; a key without effect changes the vectors of neither side and is not warned about.
"""

import copy
import json
import logging
import pathlib
import re
import shutil
import subprocess

import numpy
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from sentence_transformers import SentenceTransformer
from transformers import AutoModel

import peers
import report

EAGER = {"attn_implementation": "eager", "dtype": "float32"}
LIMIT = 1e-5
CONFIG, MAP, ADDED, BERT = "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "sentence_bert_config.json"
MODEL, MODULES, POOLING, NORMALIZE = "config_sentence_transformers.json", "modules.json", "1_Pooling/config.json", "2_Normalize/config.json"
ADAPTER = "adapter_config.json"
# Objects inside sentence_bert_config.json.
ARGUMENTS = {"tokenizer_args": "processor_kwargs", "model_args": "model_kwargs", "config_args": "config_kwargs"}
TEXTS = ["[Q]a guitar[/Q]", " a [Q] b  [/Q] c", "a[Q]b[Q]]c <s> the<s>the </s>", "x[Q", "one two three four five six seven eight nine ten eleven twelve"]


def token(content: str, **flags):
    return {"content": content, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True} | flags


# Values of followed keys that change the vectors: {(file, key): value or list of changes}. A change is
# {file: {key: value}} for several files at once.
TYPED = {"__type": "AddedToken", "content": "[Q]", "lstrip": True}
FOLLOWED = {
    (CONFIG, "truncation_side"): "left", (CONFIG, "model_max_length"): {BERT: {}, CONFIG: {"model_max_length": 3}},
    (CONFIG, "max_len"): {BERT: {}, CONFIG: {"max_len": 3}},
    (CONFIG, "added_tokens_decoder"): {"360": token("[Q]", rstrip=True)}, (CONFIG, "split_special_tokens"): {BERT: {}, CONFIG: {"split_special_tokens": True}},
    **{(CONFIG, f"{name}_token"): TYPED for name in ("bos", "eos", "unk", "sep", "pad", "cls", "mask")},
    (CONFIG, "*_token"): {CONFIG: {"question_token": "[Q]"}},
    (CONFIG, "additional_special_tokens"): ["[Q]"], (CONFIG, "extra_special_tokens"): ["[Q]", "[/Q]"],
    (CONFIG, "model_specific_special_tokens"): {"question": "[Q]"},
    (MAP, "*"): {MAP: {"pad_token": "[Q]", "end_token": token("[/Q]", lstrip=True), "truncation_side": "left"}},
    (ADDED, "*"): {ADDED: {"[Q]": 360, "[/Q]": 361}},
    (BERT, "max_seq_length"): 4, (BERT, "tokenizer_args"): {"truncation_side": "left", "pad_token": "[Q]"},
    (BERT, "processor_kwargs"): {"model_max_length": 4, "extra_special_tokens": ["[Q]"]},
    (MODEL, "prompts"): {MODEL: {"prompts": {"a": "one two "}, "default_prompt_name": "a"}},
    (MODEL, "default_prompt_name"): {MODEL: {"prompts": {"a": "one", "b": "two"}, "default_prompt_name": "b"}},
    (MODEL, "truncate_dim"): 5,
    (POOLING, "include_prompt"): {POOLING: {"include_prompt": False}, MODEL: {"prompts": {"a": "the <s>"}, "default_prompt_name": "a"}},
    **{(POOLING, f"pooling_mode_{mode}"): {POOLING: {"pooling_mode_mean_tokens": False, f"pooling_mode_{mode}": True}}
       for mode in ("cls_token", "max_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken")},
    (POOLING, "pooling_mode"): "lasttoken",
    ("tokenizer.json", "truncation"): {"direction": "Left", "max_length": 2, "strategy": "LongestFirst", "stride": 0},
    ("config.json", "max_position_embeddings"): {BERT: {}, "config.json": {"max_position_embeddings": 3}},
}
# Rows that other scripts compare, and the default where it is no change.
ELSEWHERE = {
    ("tokenizer.json", "added_tokens"): "check_tokenizer.py", ("tokenizer.json", "model"): "check_tokenizer.py",
    (BERT, "model_args"): "check_folder_keys.py", (MODEL, "__version__"): "check_sentence_transformers.py",
    (MODEL, "similarity_fn_name"): "check_sentence_transformers.py", (MODULES, "type"): "check_sentence_transformers.py",
    (MODULES, "name"): "check_folder_keys.py", (POOLING, "pooling_mode_mean_tokens"): "check_sentence_transformers.py",
    ("config.json", "model_type"): "check_checkpoints.py", ("config.json", "n_inner"): "check_checkpoints.py",
    ("config.json", "quantization_config"): "check_quantized.py",
    **{(ADAPTER, key): "check_adapters.py" for key in
       ("peft_type", "r", "base_model_name_or_path", "lora_dropout", "init_lora_weights", "modules_to_save")},
}
# Values that are refused, where "odd" would not be.
REFUSED = {
    (CONFIG, "model_input_names"): ["input_ids"], (CONFIG, "fast_tokenizer_files"): ["tokenizer.4.0.json"],
    (CONFIG, "tokenizer_truncation"): {"direction": "left", "max_length": 3, "stride": 0, "strategy": "longest_first"},
    (CONFIG, "tokenizer_class"): "GPT2Tokenizer", ("config.json", "tokenizer_class"): "Qwen2Tokenizer",
    (BERT, "do_lower_case"): True, ("config.json", "is_causal"): False, ("config.json", "pruned_heads"): {"0": [1]},
    (MAP, "add_bos_token"): True, (MAP, "add_eos_token"): False, ("tokenizer_args", "add_bos_token"): True,
}
# Values without effect, where "odd" would not do for the packages.
UNUSED = {
    ("tokenizer.json", "padding"): {"direction": "Left", "pad_id": 3, "pad_token": "<pad>", "pad_type_id": 0, "pad_to_multiple_of": 8,
                                    "strategy": {"Fixed": 12}},
    (CONFIG, "add_bos_token"): True, (CONFIG, "add_eos_token"): True, (CONFIG, "add_prefix_space"): True,
    (CONFIG, "chat_control_tokens"): ["[Q]"], (CONFIG, "trust_remote_code"): False, (CONFIG, "do_lower_case"): True,
    (CONFIG, "local_files_only"): True, (CONFIG, "fix_mistral_regex"): True, (CONFIG, "pad_to_multiple_of"): 8, (CONFIG, "max_length"): 2,
    (CONFIG, "pad_token_type_id"): 0, (CONFIG, "stride"): 1, (CONFIG, "padding"): True, (CONFIG, "truncation"): True,
    (BERT, "unpad_inputs"): False, (BERT, "backend"): "torch", (MODEL, "requirements"): None, (MODULES, "kwargs"): [], (MODULES, "idx"): 7,
    (POOLING, "word_embedding_dimension"): 5, (POOLING, "embedding_dimension"): 5,
    **{("config.json", key): value for key, value in {
        "architectures": ["BloomForCausalLM"], "auto_map": {"AutoModel": "modeling.Other"}, "attention_dropout": 0.5, "hidden_dropout": 0.5,
        "initializer_range": 0.5, "use_cache": True, "torch_dtype": "bfloat16", "dtype": "bfloat16", "attn_implementation": "sdpa",
        "chunk_size_feed_forward": 2, "tie_word_embeddings": False, "transformers_version": "4.20.0", "bos_token_id": 7, "eos_token_id": 7,
        "pad_token_id": 7, "output_attentions": False, "output_hidden_states": True, "return_dict": True, "is_encoder_decoder": False,
        "is_decoder": True, "id2label": {"0": "a"}, "label2id": {"a": 0}, "num_labels": 1, "problem_type": "regression",
        "use_bidirectional_attention": True, "keys_to_ignore_at_inference": ["a"], "_attn_implementation": "eager", "torchscript": False,
        "_commit_hash": None, "gradient_checkpointing": False, "name_or_path": "odd", "_name_or_path": "odd",
        "add_cross_attention": False, "tie_encoder_decoder": False, "task_specific_params": {}}.items()},
    **{(ADAPTER, key): value for key, value in {
        "fan_in_fan_out": True, "loftq_config": {}, "eva_config": None, "corda_config": None, "lora_ga_config": None,
        "ensure_weight_tying": False, "qalora_group_size": 8, "task_type": "FEATURE_EXTRACTION", "auto_mapping": None,
        "peft_version": "0.1", "revision": None, "inference_mode": True, "megatron_core": "odd",
        "runtime_config": {"ephemeral_gpu_offload": False}, "merge_weights": True}.items()},
    **{("model_args", key): value for key, value in {
        "torch_dtype": "float32", "dtype": "float32", "attn_implementation": "sdpa", "device_map": None, "low_cpu_mem_usage": True,
        "use_safetensors": True, "unpad_inputs": None, "use_memory_efficient_attention": None}.items()},
    **{(file, key): value for file in ARGUMENTS for key, value in {
        "trust_remote_code": False, "token": None, "use_auth_token": None, "revision": "main", "code_revision": "main", "cache_dir": None,
        "subfolder": "", "local_files_only": True, "force_download": False, "proxies": None, "use_fast": True, "use_cache": True}.items()},
    **{("config_args", key): value for key, value in {"torch_dtype": "float32", "dtype": "float32", "attn_implementation": "eager"}.items()},
}


def rows():
    """(file, keys, effect) of every row of the table."""
    page = (report.REPOSITORY / "docs/interop.md").read_text(encoding="utf-8")
    table = page.split("<!-- keys: made by settings_files -->\n")[1].split("<!-- end of keys -->")[0]
    for line in table.rstrip("\n").split("\n")[2:]:
        file, keys, text = line.strip("| ").split(" | ", 2)
        yield file, re.findall(r"`([^`]+)`", keys), re.match(r"followed|refused|no effect", text).group()


class Folders:
    """Makes folders of one model with changed settings files, and compares both sides on them."""

    def __init__(self, check: report.Check):
        self.check, self.base = check, check.work / "base"
        shutil.rmtree(self.base, ignore_errors=True)
        peers.write_random_bloom(self.base, 2, 3, 16, 77)
        (self.base / MAP).unlink()
        self.plain = {
            CONFIG: json.loads((self.base / CONFIG).read_text()), "config.json": json.loads((self.base / "config.json").read_text()),
            "tokenizer.json": json.loads((self.base / "tokenizer.json").read_text()), BERT: {"max_seq_length": 6},
            MODEL: {"__version__": {"sentence_transformers": "6.2.0", "transformers": "5.23.0", "pytorch": "2.9.0"}},
            POOLING: {"word_embedding_dimension": 48, "pooling_mode_mean_tokens": True},
            NORMALIZE: {},
            MODULES: [{"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
                      for i, (path, kind) in enumerate([("", "Transformer"), ("1_Pooling", "Pooling")])],
        }
        self.adapter = None

    def write(self, changes) -> pathlib.Path:
        """The folder with the keys of `changes` ({file: {key: value}}) set. A file with {} is written without keys."""
        folder = self.check.work / "folder"
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "1_Pooling").mkdir(parents=True)
        (folder / "2_Normalize").mkdir()
        shutil.copy(self.base / "model.safetensors", folder)
        files = copy.deepcopy(self.plain)
        for file, keys in changes.items():
            if file in ARGUMENTS:
                files[BERT][file] = keys
            elif file == MODULES:
                files[MODULES][1] |= keys
            elif file == BERT and not keys:
                files[BERT] = {}
            else:
                files[file] = files.get(file, {}) | keys
        if NORMALIZE in changes:
            files[MODULES].append({"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"})
        for file, value in files.items():
            (folder / file).write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
        return folder

    def write_adapter(self, changes) -> pathlib.Path:
        if self.adapter is None:
            torch.manual_seed(3)
            self.adapter = self.check.work / "adapter"
            model = get_peft_model(peers.load_bloom(self.base), LoraConfig(target_modules=["dense"], init_lora_weights=False))
            model.save_pretrained(self.adapter)
        path = self.adapter / ADAPTER
        plain = json.loads(path.read_text())
        folder = self.check.work / "changed-adapter"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.adapter, folder)
        (folder / ADAPTER).write_text(json.dumps(plain | changes))
        return folder

    def theirs(self, changes):
        if ADAPTER in changes:
            folder = self.write_adapter(changes[ADAPTER])
            model = PeftModel.from_pretrained(AutoModel.from_pretrained(self.base, **EAGER), folder).eval()
            return peers.pooled(peers.hidden_states(model, peers.token_ids(self.base, TEXTS, 6)), "mean")
        model = SentenceTransformer(str(self.write(changes)), device="cpu", model_kwargs=dict(EAGER))
        return model.encode(TEXTS, batch_size=2)

    def ours(self, changes) -> tuple[numpy.ndarray, str]:
        """The vectors of `lacos embed` and what it logs. Raises RuntimeError with its error."""
        source, output = self.check.work / "texts.txt", self.check.work / "vectors.npy"
        report.write_lines(source, TEXTS)
        output.unlink(missing_ok=True)
        command = [str(self.check.lacos), "embed", "--input", source, "--output", output, "--overwrite", "--quiet", "--compute", "f32"]
        if ADAPTER in changes:
            command += ["--model", self.base, "--adapter", self.write_adapter(changes[ADAPTER]), "--max-length", 6]
        else:
            command += ["--model", self.write(changes)]
        result = subprocess.run([*map(str, command), "--threads", str(self.check.threads)], capture_output=True, text=True)
        if result.returncode != 0:
            raise RuntimeError(result.stderr)
        return numpy.load(output), result.stderr


def changes_of(file: str, key: str, value):
    """The changes that a value of the tables above stands for."""
    if isinstance(value, dict) and any(name.endswith(".json") for name in value):
        return value
    return {file: {key: value}}


def followed(check: report.Check, folders: Folders) -> None:
    worst, cases, idle, missing = 0.0, 0, [], []
    plain = folders.theirs({})
    for file, keys, effect in rows():
        if effect != "followed":
            continue
        if any((file, key) in ELSEWHERE for key in keys):
            script = next(ELSEWHERE[file, key] for key in keys if (file, key) in ELSEWHERE)
            assert (report.REPOSITORY / "tools/interop" / script).exists(), script
            keys = [key for key in keys if (file, key) in FOLLOWED]
        for key in keys:
            if (file, key) not in FOLLOWED:
                missing.append(f"{file}: {key}")
                continue
            changes = changes_of(file, key, FOLLOWED[file, key])
            expected, (got, log) = folders.theirs(changes), folders.ours(changes)
            if got.shape != expected.shape or report.relative_difference(got, expected) > LIMIT or "does not know" in log:
                print(f"  {file}: {key}: {got.shape}, {expected.shape}, {log[-200:]}", flush=True)
                worst = 1.0
            else:
                worst = max(worst, report.relative_difference(got, expected))
            if expected.shape == plain.shape and report.relative_difference(expected, plain) < 1e-3:
                idle.append(f"{file}: {key}")
            cases += 1
    check.row("followed keys: relative to the package", cases, worst, LIMIT)
    named("followed keys whose value changed nothing in the package", check, cases, idle)
    named("followed keys that no script compares", check, cases, missing)


def named(what: str, check: report.Check, cases: int, names: list[str]) -> None:
    for name in names:
        print(f"  {what}: {name}", flush=True)
    check.row(what, cases, len(names), 0)


def refused(check: report.Check, folders: Folders) -> None:
    wrong, cases = [], 0
    for file, keys, effect in rows():
        for key in keys if effect == "refused" else []:
            name = key.replace("*", "odd_key")
            changes = {file: {name: REFUSED.get((file, key), "odd")}}
            try:
                folders.ours(changes)
                wrong.append(f"{file}: {key} (accepted)")
            except RuntimeError as error:
                place = BERT if file in ARGUMENTS else MODULES if file == MODULES else file
                if name not in str(error) or place not in str(error):
                    wrong.append(f"{file}: {key} ({report.last_line(error)})")
            cases += 1
    named("refused keys that are accepted, or whose error names another place", check, cases, wrong)


def without_effect(check: report.Check, folders: Folders) -> None:
    wrong, cases, refusals = [], 0, 0
    for file, keys, effect in rows():
        if effect != "no effect":
            continue
        if (file, keys[0]) == (CONFIG, "chat_template"):
            values = {"chat_template": "odd {{ messages[0]['content'] }}", "chat_control_tokens": ["[Q]"], "response_template": None}
            values = {key: values.get(key, "odd") for key in keys}
        else:
            values = {key: UNUSED.get((file, key), "odd") for key in keys}
        alone = {ADAPTER: {}} if file == ADAPTER else {}
        plain, (ours, _) = folders.theirs(alone), folders.ours(alone)
        got, log = folders.ours({file: values})
        cases += len(values)
        if not numpy.array_equal(got, ours) or "does not know" in log:
            wrong.append(f"{file}: {', '.join(keys)} (lacos: {report.last_line(log)})")
        # All keys of a row at once; if the package refuses that, each one alone.
        groups = [values]
        try:
            folders.theirs({file: values})
        except Exception:
            groups = [{key: value} for key, value in values.items()]
        for group in groups:
            try:
                theirs = folders.theirs({file: group})
            except Exception:  # the package refuses the key's value, so it gives no other vectors
                refusals += len(group)
                continue
            if report.relative_difference(theirs, plain) > LIMIT:
                wrong.append(f"{file}: {', '.join(group)} (the package)")
    named("keys without effect that change vectors or are warned about", check, cases, wrong)
    check.row("the same: share of values that the package refuses", cases, refusals / max(cases, 1), 0.2)


def unknown(check: report.Check, folders: Folders) -> None:
    """A key that no table has is a warning that names it."""
    wrong, cases = [], 0
    files = [CONFIG, BERT, MODEL, MODULES, POOLING, NORMALIZE, "config.json", ADAPTER, "tokenizer_args"]
    for file in files:
        _, log = folders.ours({file: {"what_is_this": 1}})
        wrong += [] if "what_is_this" in log else [file]
        cases += 1
    named("unknown keys without a warning", check, cases, wrong)


def tokens_without_row(check: report.Check, folders: Folders) -> None:
    """Tokens beyond the word embedding: said when the folder is opened, and refused in a text."""
    count = len(folders.plain["tokenizer.json"]["model"]["vocab"])
    names = [f"[T{i}]" for i in range(folders.plain["config.json"]["vocab_size"] - count)]
    _, log = folders.ours({CONFIG: {"extra_special_tokens": [*names, "[beyond]"]}})
    wrong = [] if "[beyond]" in log else ["not said"]
    try:
        folders.ours({CONFIG: {"extra_special_tokens": [*names, "[Q]"]}})
        wrong.append("used")
    except RuntimeError as error:
        wrong += [] if "[Q]" in str(error) else [report.last_line(error)]
    named("tokens without a row that are not said or not refused", check, 2, wrong)


def limits(check: report.Check, folders: Folders) -> None:
    """A template's tokens are kept by truncation, on both sides."""
    template = {
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                   {"SpecialToken": {"id": "</s>", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {name: {"id": name, "ids": [i], "tokens": [name]} for i, name in ((1, "<s>"), (2, "</s>"))},
    }
    worst, cases = 0.0, 0
    for side in ("left", "right"):
        for length in (3, 4, 6):
            for prompt in ({}, {"prompts": {"a": "the "}, "default_prompt_name": "a"}):
                changes = {"tokenizer.json": {"post_processor": template}, CONFIG: {"truncation_side": side}, BERT: {"max_seq_length": length},
                           MODEL: prompt, POOLING: {"include_prompt": not prompt}}
                if prompt and length == 3:
                    continue  # the prompt covers all tokens that are left
                got, _ = folders.ours(changes)
                worst = max(worst, report.relative_difference(got, folders.theirs(changes)))
                cases += len(TEXTS)
    check.row("truncation with a template of special tokens: relative", cases, worst, LIMIT)


def compare(comparison):
    def run(check: report.Check) -> None:
        if not hasattr(check, "folders"):
            check.folders = Folders(check)
        comparison(check, check.folders)

    return run


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)  # the packages print whole configurations about values that they do not expect
    report.main([(comparison.__name__, compare(comparison)) for comparison in
                 (followed, refused, without_effect, unknown, tokens_without_row, limits)])
