#!/usr/bin/env python3
"""Pre-trains a small base of BLOOM's architecture with the recipe of examples/bloom-nano, for the study of growth with size.

    tools/gpu_pretrain.py --size 8m --seconds 100 --output bases/bloom-8m

Next-token prediction with PyTorch and AdamW over windows of 128 tokens, five passes or as many as the seconds allow. The texts are
those that examples/bloom-nano/README.md names, from the folder that LACOS_SHARED names (default: ../shared); no test split is among
them. The tokenizer is that of examples/bloom-nano. Prints one JSON object. A base larger than --most-bytes is deleted when its
figures have been printed.
"""

import argparse
import csv
import gzip
import io
import json
import math
import os
import pathlib
import random
import shutil
import tarfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
NANO = ROOT / "examples/bloom-nano"
# layers, width, heads, learning rate
SIZES = {"tiny": (1, 32, 1, 2e-3), "2m": (3, 128, 4, 2e-3), "8m": (6, 256, 8, 1e-3), "40m": (11, 512, 16, 6e-4)}
WINDOW, WINDOWS, PASSES = 128, 64, 5


def opened(path):
    """The text of a file, which may be compressed."""
    data = gzip.open(path).read() if path.suffix == ".gz" else path.read_bytes()
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def table(text, columns, delimiter="\t"):
    for row in csv.DictReader(io.StringIO(text), delimiter=delimiter, quoting=csv.QUOTE_NONE):
        yield from (row[column] for column in columns if row.get(column))


def sentences(data):
    """The training texts below the folder `data`; files that are missing are left out."""
    nli, tasks, sts = data / "nli", data / "tasks/classification_senteval_like", data / "sts"
    for path in sorted(nli.rglob("mnli_train.tsv*")):
        yield from table(opened(path), ("sentence1", "sentence2"))
    for path in sorted((nli / "snli_cad").rglob("*train*.tsv*")):
        yield from table(opened(path), ("sentence1", "sentence2"))
    for path in sorted((nli / "olora_cl").rglob("*train*.json*")):
        for row in json.loads(opened(path)):
            yield from (part.split(": ", 1)[-1] for part in row["sentence"].split("\n"))
    for path in sorted((nli / "indonli").rglob("train*.jsonl*")):
        for line in opened(path).splitlines():
            row = json.loads(line)
            yield from (row["premise"], row["hypothesis"])
    for name in ("custrev.all", "mpqa.all", "rt-polarity.all", "subj.all", "TREC.train.all", "stsa.binary.train"):
        for path in sorted(tasks.glob(name + "*")):
            yield from (line.split(" ", 1)[1] for line in opened(path).splitlines() if " " in line)
    for path in sorted(sts.rglob("Stsbenchmark.tar.gz")):
        with tarfile.open(path) as archive:
            for member in archive:
                if member.name.endswith("sts-train.csv"):
                    for line in archive.extractfile(member).read().decode("utf-8").splitlines():
                        yield from line.split("\t")[5:7]
    for path in sorted(sts.rglob("stsb-multi-mt*.tar.gz")):
        with tarfile.open(path) as archive:
            for member in archive:
                if member.name.endswith("-train.csv"):
                    for row in csv.reader(io.StringIO(archive.extractfile(member).read().decode("utf-8"))):
                        yield from row[:2]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=SIZES, required=True)
    parser.add_argument("--seconds", type=float, required=True, help="the time for everything")
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument("--most-bytes", type=int, default=16_000_000)
    parser.add_argument("--ids", type=pathlib.Path, help="where the ids of the texts are kept for the other sizes of the family "
                                                         "(default: token-ids.pt beside --output)")
    parser.add_argument("--device", default="cuda")
    options = parser.parse_args()
    began = time.monotonic()

    import torch
    from safetensors.torch import save_file
    from tokenizers import Tokenizer
    from transformers import BloomConfig, BloomForCausalLM

    shared = pathlib.Path(os.environ.get("LACOS_SHARED", ROOT.parent / "shared"))
    # The sizes of a family share the ids of the texts.
    ids_file = options.ids or options.output.parent / "token-ids.pt"
    if ids_file.is_file():
        ids = torch.load(ids_file)
    else:
        texts = sorted({text.strip() for text in sentences(shared / "data") if text.strip()})
        if not texts:
            raise SystemExit(f"gpu_pretrain.py: {shared}/data has no texts; expected those that {NANO}/README.md names; set LACOS_SHARED")
        random.Random(1).shuffle(texts)
        tokenizer = Tokenizer.from_file(str(NANO / "tokenizer.json"))
        end = tokenizer.token_to_id("</s>")
        ids = torch.tensor([i for one in tokenizer.encode_batch(texts) for i in (*one.ids, end)], dtype=torch.int32)
        ids_file.parent.mkdir(parents=True, exist_ok=True)
        torch.save(ids, ids_file)
    windows = len(ids) // WINDOW
    ids = ids[: windows * WINDOW].view(windows, WINDOW).to(options.device)

    layers, width, heads, rate = SIZES[options.size]
    config = json.loads((NANO / "config.json").read_text(encoding="utf-8"))
    config.update(n_layer=layers, hidden_size=width, n_head=heads)
    torch.manual_seed(1)
    model = BloomForCausalLM(BloomConfig(**config)).to(options.device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.95), weight_decay=0.1)
    steps = PASSES * windows // WINDOWS
    training_began, tokens = time.monotonic(), 0
    available = options.seconds - (training_began - began)
    order, losses = [], []
    for step in range(max(1, steps)):
        # The rate falls with the steps or with the time, whichever ends first.
        progress = max(step / max(1, steps), (time.monotonic() - training_began) / max(available, 1e-9))
        if progress >= 1:
            break
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1, (step + 1) / 100) * 0.5 * (1 + math.cos(math.pi * progress))
        if len(order) < WINDOWS:
            order = torch.randperm(windows).tolist()
        batch = ids[order[:WINDOWS]].long()
        del order[:WINDOWS]
        with torch.autocast(options.device.split(":")[0], torch.bfloat16):
            loss = model(input_ids=batch, labels=batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        tokens += batch.numel()
        losses = [*losses[-99:], loss.detach()]

    if not losses:
        raise SystemExit("gpu_pretrain.py: the texts took all the time; expected some for training; raise --seconds")
    options.output.mkdir(parents=True, exist_ok=True)
    state = {name: value.detach().to(torch.bfloat16).contiguous().cpu() for name, value in model.transformer.state_dict().items()}
    save_file(state, options.output / "model.safetensors", metadata={"format": "pt"})
    (options.output / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        shutil.copy(NANO / name, options.output / name)
    size = (options.output / "model.safetensors").stat().st_size
    print(json.dumps({
        "parameters": sum(value.numel() for value in model.parameters()), "layers": layers, "hidden_size": width, "heads": heads,
        "tokens_in_texts": int(ids.numel()), "tokens_seen": tokens, "final_loss_nats": float(sum(losses) / len(losses)),
        "seconds": time.monotonic() - training_began, "bytes": size, "kept": size < options.most_bytes}))
    if size >= options.most_bytes:
        shutil.rmtree(options.output)


if __name__ == "__main__":
    main()
