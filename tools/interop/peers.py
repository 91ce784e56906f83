"""Runs BLOOM in transformers and sentence-transformers (float32, eager attention), and makes random BLOOM folders."""

import pathlib
import sys

import torch
from transformers import BloomConfig, BloomModel

from report import REPOSITORY

sys.path.insert(0, str(REPOSITORY / "tools/golden"))
import encode_golden  # noqa: E402  shares the goldens' pooling and tokenizer
import tiny_bloom  # noqa: E402

POOLINGS = encode_golden.POOLINGS


def write_random_bloom(folder: pathlib.Path, layers: int, heads: int, head_dim: int, seed: int, **options) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    tiny_bloom.write_tokenizer(folder)
    hidden = heads * head_dim
    config = BloomConfig(
        vocab_size=tiny_bloom.ROWS, hidden_size=hidden, n_head=heads, n_layer=layers, bos_token_id=1, eos_token_id=2,
        pad_token_id=3, hidden_dropout=0.0, attention_dropout=0.0, use_cache=False, **options,
    )
    model = BloomModel(config).eval()
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in sorted(model.named_parameters()):
        values = torch.randn(parameter.shape, generator=generator)
        if "layernorm.weight" in name or "ln_f.weight" in name:
            values = 1 + 0.2 * values
        elif "word_embeddings.weight" not in name:
            # Every product has results of unit variance, so that no part dominates the others at any width.
            values = values * (1.2 / parameter.shape[1] ** 0.5 if parameter.dim() == 2 else 0.2)
        parameter.data.copy_(values)
    model.save_pretrained(folder)


def token_ids(folder: pathlib.Path, texts: list[str], max_length: int) -> list[list[int]]:
    tokenizer = tiny_bloom.load_tokenizer(folder)
    return [tokenizer.encode(text).ids[:max_length] for text in texts]


def hidden_states(model, ids: list[list[int]]) -> list[torch.Tensor]:
    with torch.no_grad():
        return [model(torch.tensor([text])).last_hidden_state[0] for text in ids]


def pooled(states: list[torch.Tensor], pooling: str):
    return torch.stack([encode_golden.pool(state, pooling) for state in states]).numpy()


def load_bloom(folder: pathlib.Path):
    return tiny_bloom.load_model(folder)
