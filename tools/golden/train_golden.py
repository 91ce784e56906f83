"""Makes the goldens of training: loss, every gradient and ten 8-bit Adam steps, for LoRA and for biases alone."""

import json
import pathlib

import bitsandbytes
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

import encode_golden
import tiny_bloom
import tiny_texts

ALL = ["query_key_value", "dense", "dense_h_to_4h", "dense_4h_to_h"]
QKV = ["query_key_value"]
CASES = {
    "a_all": dict(model="a", rank=4, alpha=8, targets=ALL, pooling="mean"),
    "a_qkv": dict(model="a", rank=4, alpha=8, targets=QKV, pooling="weighted_mean"),
    "a_bitfit": dict(model="a", pooling="mean"),
    "b_all": dict(model="b", rank=4, alpha=8, targets=ALL, pooling="last"),
    "b_qkv_r32": dict(model="b", rank=32, alpha=64, targets=QKV, pooling="mean"),
    "c_all": dict(model="c", rank=4, alpha=8, targets=ALL, pooling="weighted_mean"),
    "c_max": dict(model="c", rank=4, alpha=8, targets=QKV, pooling="max"),
    "c_cls": dict(model="c", rank=4, alpha=8, targets=QKV, pooling="cls"),
    "c_mean_sqrt_len": dict(model="c", rank=4, alpha=8, targets=QKV, pooling="mean_sqrt_len"),
}
STEPS = 10
LEARNING_RATE = 1e-3
MAX_GRAD_NORM = 1.0


def write_adapter(root: pathlib.Path, case: dict, folder: pathlib.Path, seed: int) -> None:
    config = LoraConfig(
        r=case["rank"], lora_alpha=case["alpha"], target_modules=case["targets"], task_type="FEATURE_EXTRACTION"
    )
    peft_model = get_peft_model(tiny_bloom.load_model(root / case["model"]), config)
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in sorted(peft_model.named_parameters()):
        if "lora_" in name:
            scale = 0.2 if "lora_A" in name else 0.1
            parameter.data.copy_(scale * torch.randn(parameter.shape, generator=generator))
    peft_model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    # The path is relative to the repository's root. Targets are sorted, because PEFT writes a set.
    config_path = folder / "adapter_config.json"
    config_json = json.loads(config_path.read_text())
    config_json["base_model_name_or_path"] = f"tests/golden/models/{case['model']}"
    config_json["target_modules"] = sorted(case["targets"])
    config_path.write_text(json.dumps(config_json, indent=2, sort_keys=True) + "\n")


def load_trainable(root: pathlib.Path, case: dict, folder: pathlib.Path, dtype):
    """The model, and its trainable tensors by their names in the golden files."""
    model = tiny_bloom.load_model(root / case["model"], dtype)
    if "rank" not in case:
        model.requires_grad_(False)
        chosen = {name: p.requires_grad_() for name, p in model.named_parameters() if name.endswith(".bias")}
        return model, chosen
    peft_model = PeftModel.from_pretrained(model, folder, is_trainable=True, autocast_adapter_dtype=False).to(dtype)
    chosen = {name.replace(".default.", "."): p for name, p in peft_model.named_parameters() if p.requires_grad}
    assert set(chosen) == set(load_file(folder / "adapter_model.safetensors"))
    return peft_model, chosen


def mnr(model, pooling: str, ids: list[list[int]]) -> torch.Tensor:
    vectors = torch.stack(
        [encode_golden.pool(model(input_ids=torch.tensor([text])).last_hidden_state[0], pooling) for text in ids]
    )
    half = len(ids) // 2
    loss = MultipleNegativesRankingLoss(model=None, scale=20.0)
    return loss.compute_loss_from_embeddings([vectors[:half], vectors[half:]], None)


def gradients(model, chosen, pooling, ids):
    model.zero_grad(set_to_none=True)
    loss = mnr(model, pooling, ids)
    loss.backward()
    # With cls pooling only the first token counts, and it sees only itself, so its softmax is constant. A tensor
    # without influence gets a gradient of zeros.
    return loss.item(), {n: torch.zeros_like(p) if p.grad is None else p.grad.clone() for n, p in chosen.items()}


def train(model, chosen, pooling, ids):
    """Makes ten updates of float32 masters. `model` may be float64, which shows the effect of rounding alone."""
    masters = {name: torch.nn.Parameter(p.detach().float().clone()) for name, p in chosen.items()}
    optimizer = bitsandbytes.optim.Adam8bit(list(masters.values()), lr=LEARNING_RATE)
    losses, norms = [], []
    for _ in range(STEPS):
        loss, grads = gradients(model, chosen, pooling, ids)
        for name, master in masters.items():
            master.grad = grads[name].float()
        norms.append(float(torch.nn.utils.clip_grad_norm_(masters.values(), MAX_GRAD_NORM)))
        optimizer.step()
        losses.append(loss)
        with torch.no_grad():
            for name, parameter in chosen.items():
                parameter.copy_(masters[name])
    eight_bit = [n for n, m in masters.items() if optimizer.state[m]["state1"].dtype == torch.uint8]
    return losses, norms, mnr(model, pooling, ids).item(), {n: m.detach() for n, m in masters.items()}, eight_bit


def write(root: pathlib.Path, name: str, seed: int) -> None:
    case = CASES[name]
    folder = root / "train" / name
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = tiny_bloom.load_tokenizer(root / case["model"])
    ids = [tokenizer.encode(text).ids for text in tiny_texts.ANCHORS + tiny_texts.POSITIVES]
    if "rank" in case:
        write_adapter(root, case, folder, seed)

    model, chosen = load_trainable(root, case, folder, torch.float32)
    loss, grads = gradients(model, chosen, case["pooling"], ids)
    save_file({n: g.contiguous() for n, g in grads.items()}, folder / "gradients.safetensors")
    losses, norms, loss_after, final, eight_bit = train(model, chosen, case["pooling"], ids)
    save_file({n: p.contiguous() for n, p in final.items()}, folder / "final.safetensors")

    exact_model, exact_chosen = load_trainable(root, case, folder, torch.float64)
    exact_loss, exact_grads = gradients(exact_model, exact_chosen, case["pooling"], ids)
    exact_losses, exact_norms, exact_after, exact_final, _ = train(exact_model, exact_chosen, case["pooling"], ids)
    largest = max(float(g.abs().max()) for g in exact_grads.values())
    distance = {
        "loss": abs(loss - exact_loss) / abs(exact_loss),
        # Relative to the largest element of all tensors, since tiny gradients have rounding noise from larger ones.
        "gradients": max(float((grads[n].double() - exact_grads[n]).abs().max()) for n in grads) / largest,
        "losses": max(abs(x - y) / abs(y) for x, y in zip(losses + [loss_after], exact_losses + [exact_after])),
        "final": max(encode_golden.relative(final[n], exact_final[n]) for n in final),
        # The share of rounding in the movement of the ten steps: |final - final_f64| / |final - initial| in the 2-norm.
        "final_of_movement": movement_share(root, case, folder, final, exact_final),
    }
    if "rank" not in case:
        heads = model.config.n_head
        distance["final_without_key_bias"] = max(
            encode_golden.relative(without_keys(n, final[n], heads), without_keys(n, exact_final[n], heads)) for n in final
        )
    assert distance["loss"] < 1e-5 and distance["gradients"] < 1e-4, distance
    golden = {
        key: case[key] for key in ("model", "pooling", "rank", "alpha", "targets") if key in case
    } | {
        "loss": "mnr", "scale": 20, "ids": ids, "loss_value": loss,
        "optimizer": "adam8", "learning_rate": LEARNING_RATE, "betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0,
        "min_8bit_size": 4096, "block_size": 256, "max_grad_norm": MAX_GRAD_NORM,
        "losses": losses, "grad_norms": norms, "loss_after": loss_after, "eight_bit": eight_bit,
        "losses_f64": exact_losses, "f64_relative_difference": distance,
    }
    tiny_bloom.write_json(folder / "golden.json", golden)


def without_keys(name: str, values: torch.Tensor, heads: int) -> torch.Tensor:
    """The values without the bias of the keys, which has no gradient: adding a constant to all keys of a head does not
    change its softmax."""
    return values.view(heads, 3, -1)[:, [0, 2]] if "query_key_value" in name else values


def movement_share(root, case, folder, final, exact_final) -> float:
    _, start = load_trainable(root, case, folder, torch.float32)
    moved = sum(float((final[n] - start[n].detach()).double().square().sum()) for n in final)
    apart = sum(float((final[n].double() - exact_final[n].double()).square().sum()) for n in final)
    return (apart / moved) ** 0.5
