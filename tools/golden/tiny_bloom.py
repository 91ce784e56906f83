"""Writes tiny random BLOOM folders with transformers, which are the inputs of the model goldens."""

import json
import pathlib
import re

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import BloomConfig, BloomForCausalLM, BloomModel

import tiny_texts

SPECIALS = ["<unk>", "<s>", "</s>", "<pad>"]
VOCABULARY = 360
# The embedding matrix has more rows than the tokenizer has tokens, as in BLOOM itself.
ROWS = 368

SHAPES = {
    "a": dict(hidden_size=48, n_head=6, n_layer=2),
    "b": dict(hidden_size=72, n_head=3, n_layer=2),
    "c": dict(hidden_size=40, n_head=5, n_layer=1, apply_residual_connection_post_layernorm=True),
}
SEEDS = {"a": 101, "b": 102, "c": 103}


def write_tokenizer(folder: pathlib.Path) -> None:
    """Writes a byte-level BPE tokenizer like BLOOM's: its split pattern, no normalizer, ids 0-3 for special tokens."""
    tokenizer = Tokenizer(models.BPE())
    split = Regex(r" ?[^(\s|[.,!?…。，、।۔،])]+")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(split, behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=True, use_regex=False),
        ]
    )
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=SPECIALS,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(tiny_texts.TOKENIZER_LINES, trainer)
    assert tokenizer.get_vocab_size() == VOCABULARY
    tokenizer.save(str(folder / "tokenizer.json"))
    named = dict(zip(["unk_token", "bos_token", "eos_token", "pad_token"], SPECIALS))
    write_json(folder / "special_tokens_map.json", named)
    write_json(
        folder / "tokenizer_config.json",
        named | {"add_prefix_space": False, "tokenizer_class": "BloomTokenizerFast", "padding_side": "left"},
    )


def write_json(path: pathlib.Path, value) -> None:
    """Writes indented JSON with lists of numbers on one line."""
    text = json.dumps(value, indent=1, ensure_ascii=False)
    text = re.sub(r"\[[\s\d.eE,+-]+\]", lambda match: " ".join(match.group().split()), text)
    path.write_text(text + "\n", encoding="utf-8")


def randomise(model: torch.nn.Module, seed: int) -> None:
    """Sets random weights so large that attention, ALiBi, GELU, every bias and every LayerNorm change the result."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in sorted(model.named_parameters()):
        values = torch.randn(parameter.shape, generator=generator)
        if "layernorm.weight" in name or "ln_f.weight" in name:
            values = 1 + 0.2 * values
        elif "word_embeddings.weight" not in name:
            values = 0.2 * values
        with torch.no_grad():
            parameter.copy_(values)


def write_model(name: str, folder: pathlib.Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_tokenizer(folder)
    config = BloomConfig(
        vocab_size=ROWS, bos_token_id=1, eos_token_id=2, pad_token_id=3, hidden_dropout=0.0, attention_dropout=0.0,
        use_cache=False, **SHAPES[name],
    )
    model = (BloomForCausalLM if name == "c" else BloomModel)(config).eval()
    randomise(model, SEEDS[name])
    if name == "b":
        model = model.to(torch.bfloat16)
        model.save_pretrained(folder, max_shard_size="150KB")
        underscore_shards(folder)
    else:
        model.save_pretrained(folder)
    if name == "c":
        # transformers does not save the tied head, but files with it exist and must load.
        tensors = load_file(folder / "model.safetensors")
        assert all(key.startswith("transformer.") for key in tensors)
        tensors["lm_head.weight"] = tensors["transformer.word_embeddings.weight"].clone()
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "generation_config.json").unlink(missing_ok=True)


def underscore_shards(folder: pathlib.Path) -> None:
    """Renames shards like those of bigscience/bloom (176B), model_000NN-of-00072, which only the index can find."""
    index_path = folder / "model.safetensors.index.json"
    index = json.loads(index_path.read_text())
    renamed = {shard: shard.replace("model-", "model_") for shard in set(index["weight_map"].values())}
    for old, new in renamed.items():
        (folder / old).rename(folder / new)
    index["weight_map"] = {key: renamed[shard] for key, shard in sorted(index["weight_map"].items())}
    write_json(index_path, index)


def load_model(folder: pathlib.Path, dtype=torch.float32) -> BloomModel:
    return BloomModel.from_pretrained(folder, dtype=dtype, attn_implementation="eager").eval()


def load_tokenizer(folder: pathlib.Path) -> Tokenizer:
    return Tokenizer.from_file(str(folder / "tokenizer.json"))


class DoubleSoftmax:
    """torch.nn.functional with softmax in the type of its input, because BLOOM's eager attention forces float32."""

    def __getattr__(self, name):
        return getattr(torch.nn.functional, name)

    @staticmethod
    def softmax(scores, dim, dtype=None):
        return torch.softmax(scores, dim, dtype=scores.dtype if scores.dtype == torch.float64 else dtype)
