"""What bench_train.py and bench_embed.py share: running one measured process, options, data, the random model, the machine's name."""

import argparse
import gzip
import importlib.util
import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]


def comparison_arguments(description: str) -> argparse.ArgumentParser:
    """The options of every comparison; the caller adds its own."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lacos", type=pathlib.Path, default=REPOSITORY / "build/release/bin/lacos")
    parser.add_argument("--model", type=pathlib.Path, help="an original BLOOM folder; default: random, of --config's shape")
    parser.add_argument("--config", type=pathlib.Path, default=HERE / "bloom-560m.json")
    parser.add_argument("--tokenizer", type=pathlib.Path, default=REPOSITORY / "examples/bloom-nano/tokenizer.json")
    parser.add_argument("--data", type=pathlib.Path, default=REPOSITORY / "examples/data/snli-cad-train.tsv.gz")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--compute", default="f32,bf16,int8", help="lacos' modes; empty: none")
    parser.add_argument("--json", type=pathlib.Path, help="also write every figure to this file")
    return parser


def chosen_peers(options, packages: dict[str, tuple[str, ...]]) -> list[str]:
    """The names in --peers, each a key of `packages`. A missing package ends the program before anything is measured."""
    chosen = [name for name in options.peers.split(",") if name]
    unknown = [name for name in chosen if name not in packages]
    if unknown:
        sys.exit(f"no peer is named {', '.join(unknown)}; expected some of {', '.join(packages)}")
    needing = {name: [package for package in packages[name] if importlib.util.find_spec(package) is None] for name in chosen}
    missing = sorted(set(sum(needing.values(), [])))
    if missing:
        sys.exit(f"{', '.join(name for name in chosen if needing[name])} need Python packages that are not installed: {', '.join(missing)}; "
                 "install bench/peers/requirements.txt (bench/README.md says how), or name other peers with --peers")
    return chosen


def read_lines(path: pathlib.Path) -> list[str]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", newline="\n") as file:
        return file.read().rstrip("\n").split("\n")


def run_json(command: list) -> dict:
    result = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, text=True)
    if result.returncode != 0:
        raise RuntimeError(f"status {result.returncode}: {' '.join(str(part) for part in command)}")
    lines = result.stdout.strip().splitlines()
    start = max(i for i, line in enumerate(lines) if line.startswith("{"))  # lacos prints its object on several lines
    return json.loads("\n".join(lines[start:]))


def random_model(options, work: pathlib.Path) -> pathlib.Path:
    """A model of --config's shape with random weights, in bf16, as an original BLOOM folder."""
    if not options.lacos.is_file():
        sys.exit("without the program there is no random model; pass --model")
    model = work / "random"
    subprocess.run([str(part) for part in (options.lacos, "init", "--config", options.config, "--output", model,
                                           "--tokenizer", options.tokenizer)], check=True)
    return model


def quantize(options, model: pathlib.Path, work: pathlib.Path) -> pathlib.Path:
    base = work / "quantized"
    subprocess.run([str(options.lacos), "quantize", "--model", str(model), "--output", str(base), "--quiet"], check=True)
    return base


def cpu_name() -> str:
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return "unknown CPU"
