#!/usr/bin/env python3
"""Measures training side by side: the PyTorch stack and lacos, on the same model, pairs, machine and run.

    python bench/peers/bench_train.py [--model DIR] [--data FILE] [--steps 5] [--json RESULT.json]

Without --model a random model of bloom-560m's shape is made by `lacos init`. Every configuration is a fresh process, one after
the other; memory is its VmHWM. "Real" tokens are those of texts; "computed" ones include the padding, which lacos does not need.
The peers make one more step, their first, which is not counted (memory and first-use costs); lacos' rate covers all of its steps.
A peer's name with -by-length trains on the same pairs in batches of like lengths.
"""

import argparse
import json
import pathlib
import platform
import sys
import tempfile

import peer_step
from measured import HERE, chosen_peers, comparison_arguments, cpu_name, quantize, random_model, read_lines, run_json

ROW = "{what:<76} {pairs:>8} {rate:>10} {computed:>10} {memory:>8} {loss:>7} {ratio:>7}"
BY_LENGTH = "-by-length"


def arguments() -> argparse.Namespace:
    parser = comparison_arguments(__doc__)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=64, help="pairs")
    parser.add_argument("--max-length", type=int, default=75, help="tokens a text")
    parser.add_argument("--lora-rank", type=int, default=8)
    parser.add_argument("--peers", default="f32,f32-by-length,bf16-autocast,bf16-autocast-by-length,bf16-weights,bf16-weights-by-length",
                        help="of " + ", ".join(peer_step.CONFIGURATIONS) + f", each also with {BY_LENGTH}; empty: none")
    return parser.parse_args()


def choose_pairs(path: pathlib.Path, count: int, batch_size: int) -> list[tuple[str, str]]:
    """Entailment pairs in the file's order, no text twice in a batch."""
    lines = read_lines(path)
    names = lines[0].split("\t")
    rows = [dict(zip(names, line.split("\t"))) for line in lines[1:]]
    label = next((name for name in ("gold_label", "label") if name in names), None)
    pairs = [(row["sentence1"], row["sentence2"]) for row in rows if label is None or row[label] == "entailment"]
    chosen: list[tuple[str, str]] = []
    seen: set[str] = set()
    for pair in (pair for pair in pairs if pair[0] != pair[1]):
        if len(chosen) % batch_size == 0:
            seen.clear()
        if seen.isdisjoint(pair):
            chosen.append(pair)
            seen.update(pair)
        if len(chosen) == count:
            return chosen
    sys.exit(f"bench_train.py: {path} has {len(chosen)} usable pairs; {count} are needed; use fewer --steps or a smaller --batch-size")


def measure_peer(name: str, options, model: pathlib.Path, pairs: pathlib.Path) -> dict:
    configuration = name.removesuffix(BY_LENGTH)
    result = run_json([
        sys.executable, HERE / "peer_step.py", "--configuration", configuration, "--model", model, "--pairs", pairs,
        "--batch-size", options.batch_size, "--max-length", options.max_length, "--lora-rank", options.lora_rank,
        "--threads", options.threads, *(["--group-by-length"] if name != configuration else []),
    ])
    seconds = sum(result["seconds"])
    return result | {
        "what": f"{result['stack']}, {peer_step.CONFIGURATIONS[configuration]}" + (", batches by length" if name != configuration else ""),
        "tokens_per_second": sum(result["tokens"]) / seconds,
        "computed_tokens_per_second": sum(result["padded_tokens"]) / seconds,
        "pairs_per_second": options.steps * options.batch_size / seconds,
    }


def measure_lacos(compute: str, options, model: pathlib.Path, pairs: pathlib.Path, work: pathlib.Path) -> dict:
    common = ["--compute", compute, "--threads", options.threads, "--json", "--quiet"]
    output = work / f"trained-{compute}"
    result = run_json([
        options.lacos, "train", "--model", model, "--train", pairs, "--output", output, "--overwrite",
        "--max-steps", options.steps, "--batch-size", options.batch_size, "--max-length", options.max_length,
        "--lora-rank", options.lora_rank, "--lora-alpha", 2 * options.lora_rank, *common,
    ])
    result["computed_tokens_per_second"] = result["tokens_per_second"]
    result["pairs_per_second"] = options.steps * options.batch_size / result["seconds"]
    try:  # the share of the machine's measured ceiling, where this version offers it
        result["bench"] = run_json([options.lacos, "bench", "train", "--model", model, *common])
    except (RuntimeError, ValueError, OSError) as error:
        print(f"bench_train.py: lacos bench train --compute {compute}: {error}", file=sys.stderr)
    return result


def main() -> None:
    options = arguments()
    names = [name + suffix for name in peer_step.CONFIGURATIONS for suffix in ("", BY_LENGTH)]
    chosen = chosen_peers(options, dict.fromkeys(names, peer_step.PACKAGES))
    with tempfile.TemporaryDirectory(prefix="lacos-bench-") as folder:
        work = pathlib.Path(folder)
        have_lacos = options.lacos.is_file()
        if not have_lacos:
            print(f"bench_train.py: no program at {options.lacos}: only the peers are measured", file=sys.stderr)
        model = options.model or random_model(options, work)
        pairs = work / "pairs.tsv"
        rows = choose_pairs(options.data, options.steps * options.batch_size, options.batch_size)
        pairs.write_text("sentence1\tsentence2\n" + "".join(f"{a}\t{b}\n" for a, b in rows), encoding="utf-8", newline="\n")

        print(f"{platform.processor() or platform.machine()}, {cpu_name()}, {options.threads} threads; {model.name}; "
              f"{options.steps} steps of {options.batch_size} pairs of {options.data.name}, cap {options.max_length}, LoRA r={options.lora_rank}")
        print(ROW.format(what="", pairs="pairs/s", rate="real tok/s", computed="computed", memory="peak GB", loss="loss", ratio="ratio"))
        peers: dict[str, dict] = {}
        for name in chosen:
            try:
                peers[name] = measure_peer(name, options, model, pairs)
            except RuntimeError as error:  # the others are measured all the same
                print(f"bench_train.py: {name} failed: {error}", file=sys.stderr)
                continue
            show(peers[name]["what"], peers[name], None)
        best = max((result["tokens_per_second"] for result in peers.values()), default=None)
        ours: dict[str, dict] = {}
        if have_lacos and options.compute:
            base = quantize(options, model, work)
            for compute in options.compute.split(","):
                ours[compute] = measure_lacos(compute, options, base, pairs, work)
                show(f"lacos, 8-bit base, --compute {compute}", ours[compute], best)
            print("loss: that of the first batch (lacos shuffles the pairs and -by-length sorts them: other batches); ratio: real tokens a second of lacos over the best peer above")
        if options.json:
            options.json.write_text(json.dumps({"cpu": cpu_name(), "threads": options.threads, "peers": peers, "lacos": ours}, indent=1) + "\n")


def show(what: str, result: dict, against: float | None) -> None:
    share = result.get("bench", {}).get("ceiling_share")
    what += f", {100 * share:.0f} % of the ceiling" if share is not None else ""
    print(ROW.format(
        what=what, pairs=f"{result['pairs_per_second']:.2f}", rate=f"{result['tokens_per_second']:.1f}",
        computed=f"{result['computed_tokens_per_second']:.1f}", memory=f"{result['peak_rss_bytes'] / 1e9:.2f}",
        loss=f"{result['loss_first']:.3f}", ratio=f"{result['tokens_per_second'] / against:.2f}" if against else "-",
    ), flush=True)


if __name__ == "__main__":
    main()
