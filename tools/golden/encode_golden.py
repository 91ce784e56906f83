"""Makes the goldens of the forward pass: ids, hidden states after every block, and vectors of all six poolings."""

import pathlib

import torch
from safetensors.torch import save_file
from sentence_transformers.sentence_transformer.modules import Pooling

import tiny_bloom
import tiny_texts

# Maps lacos's names of poolings to those of sentence-transformers.
POOLINGS = {
    "mean": "mean", "weighted_mean": "weightedmean", "last": "lasttoken", "cls": "cls", "max": "max",
    "mean_sqrt_len": "mean_sqrt_len_tokens",
}


def pool(hidden: torch.Tensor, pooling: str) -> torch.Tensor:
    """Pools the hidden states [T, D] of one text into a vector [D] with sentence-transformers' own module."""
    module = Pooling(hidden.shape[-1], pooling_mode=POOLINGS[pooling])
    mask = torch.ones(1, hidden.shape[0], dtype=torch.int64)
    return module({"token_embeddings": hidden[None], "attention_mask": mask})["sentence_embedding"][0]


def relative(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a.double() - b.double()).abs().max() / b.double().abs().max())


def encode(model, ids: list[list[int]]) -> dict[str, torch.Tensor]:
    """Encodes every text alone, so that there is no padding, and concatenates the results."""
    out: dict[str, list[torch.Tensor]] = {}
    with torch.no_grad():
        for text in ids:
            result = model(torch.tensor([text]), output_hidden_states=True)
            out.setdefault("hidden", []).append(result.last_hidden_state[0])
            for layer, states in enumerate(block_states(model, text)):
                out.setdefault(f"layers.{layer}", []).append(states)
            for pooling in POOLINGS:
                out.setdefault(f"pooled.{pooling}", []).append(pool(result.last_hidden_state[0], pooling)[None])
    return {name: torch.cat(parts).contiguous() for name, parts in out.items()}


def block_states(model, text: list[int]) -> list[torch.Tensor]:
    """The input of block 0 and each block's output before ln_f, recorded with hooks."""
    states: list[torch.Tensor] = []
    hooks = [model.h[0].register_forward_pre_hook(lambda _, args: states.append(args[0][0].clone()))]
    for block in model.h:
        hooks.append(block.register_forward_hook(lambda _, __, output: states.append(output[0][0].clone())))
    model(torch.tensor([text]))
    for hook in hooks:
        hook.remove()
    return states


def write(root: pathlib.Path, name: str) -> None:
    folder = root / name
    tokenizer = tiny_bloom.load_tokenizer(folder)
    ids = [tokenizer.encode(text, add_special_tokens=True).ids for text in tiny_texts.ENCODE_TEXTS]
    assert len(ids[0]) == 1 and 50 <= len(ids[-1]) <= 80, [len(text) for text in ids]
    tensors = encode(tiny_bloom.load_model(folder), ids)
    exact = encode(tiny_bloom.load_model(folder, torch.float64), ids)
    distance = {key: relative(tensors[key], exact[key]) for key in tensors}
    assert max(distance.values()) < 1e-5, distance
    offsets = torch.tensor([0] + [len(text) for text in ids]).cumsum(0)
    tensors |= {"ids": torch.tensor(sum(ids, [])), "offsets": offsets}
    save_file(tensors, root / f"{name}.encode.safetensors")
    tiny_bloom.write_json(root / f"{name}.encode.json", {"model": name, "ids": ids, "f64_relative_difference": distance})
