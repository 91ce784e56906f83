"""Checks that sentence-transformers' padded path and GradCache give equal losses and gradients for the goldens."""

import json
import pathlib

import torch
from peft import PeftModel
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import (
    CachedMultipleNegativesRankingLoss,
    MultipleNegativesRankingLoss,
)
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

import encode_golden
import tiny_texts


def run(root: pathlib.Path) -> None:
    for name in ("a_all", "a_qkv", "b_all", "c_all"):
        golden = json.loads((root / "train" / name / "golden.json").read_text())
        expected = load_file(root / "train" / name / "gradients.safetensors")
        for make in (MultipleNegativesRankingLoss, lambda m: CachedMultipleNegativesRankingLoss(m, mini_batch_size=4)):
            loss, gradients = padded(root, name, golden, make)
            largest = max(float(g.abs().max()) for g in expected.values())
            distance = max(float((gradients[key] - expected[key]).abs().max()) for key in expected) / largest
            assert abs(loss - golden["loss_value"]) < 1e-5 * abs(golden["loss_value"]), (name, loss)
            assert distance < 1e-4, (name, distance)
            print(f"train/{name}: padded batch differs by {abs(loss - golden['loss_value']):.1e} (loss), "
                  f"{distance:.1e} (gradients, of the largest)")


def padded(root, name, golden, make):
    folder = root / golden["model"]
    transformer = Transformer(str(folder), model_kwargs={"attn_implementation": "eager", "dtype": torch.float32})
    pooling = Pooling(transformer.get_embedding_dimension(), pooling_mode=encode_golden.POOLINGS[golden["pooling"]])
    transformer.model = PeftModel.from_pretrained(transformer.model, root / "train" / name, is_trainable=True)
    model = SentenceTransformer(modules=[transformer, pooling], device="cpu").eval()
    features = [model.preprocess(texts) for texts in (tiny_texts.ANCHORS, tiny_texts.POSITIVES)]
    loss = make(model)(features, None)
    loss.backward()
    # Names below the sentence-transformers module: 0.model.base_model.model....
    gradients = {
        key[key.index("base_model."):].replace(".default.", "."): p.grad
        for key, p in model.named_parameters() if p.requires_grad
    }
    return loss.item(), gradients
