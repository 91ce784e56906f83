#!/usr/bin/env python3
"""Records what transformers predicts for the token ids of a text: the log-probability of each id but the first.

Usage: make_log_probability_golden.py MODELS   (needs torch and transformers; MODELS is tests/golden/models)

Writes MODELS/log_probabilities.json: by model the ids and their values in float64.
"""

import json
import pathlib
import sys

import torch
import transformers

models = pathlib.Path(sys.argv[1])
recorded = {}
for name in ("a", "b", "c"):
    ids = max(json.loads((models / f"{name}.encode.json").read_text())["ids"], key=len)[:40]
    model = transformers.BloomForCausalLM.from_pretrained(models / name, dtype=torch.float64).eval()
    with torch.no_grad():
        predicted = torch.log_softmax(model(torch.tensor([ids])).logits[0], dim=-1)
    recorded[name] = {"ids": ids, "log_probabilities": [predicted[i, ids[i + 1]].item() for i in range(len(ids) - 1)]}
(models / "log_probabilities.json").write_text(json.dumps(recorded, indent=1) + "\n")
