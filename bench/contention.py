#!/usr/bin/env python3
"""How much of its speed lacos keeps beside busy processes, and PyTorch under the same neighbours.

    bench/contention.py [--neighbours 1,2,4] [--seconds 8] [--rounds 3] [--peers f32] [--json RESULT.json]

A neighbour is a process that computes without pause. Rounds of all numbers of neighbours follow each other, so that a
machine that others use too disturbs all alike; the median of the rounds counts. The fair share of N neighbours on C cores
is what C threads get when the system gives every thread the same time: C / (C + N), or 1 if there is room for all.
"One text": texts of 12 tokens, one at a time, in int8 on a random base of --config's shape.
--peers needs an interpreter with PyTorch, sentence-transformers, PEFT and bitsandbytes, and takes many minutes: beside
four neighbours a step of PyTorch is very slow.
"""

import argparse
import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
# In place of this folder, whose tokenize.py would hide the standard library's module.
sys.path[0] = str(HERE / "peers")
from measured import REPOSITORY, comparison_arguments, cpu_name, quantize, run_json  # noqa: E402

NANO = REPOSITORY / "examples/bloom-nano"
ROW = "{what:<44} {neighbours:>10} {value:>14} {share:>8} {fair:>6}"


def arguments() -> argparse.Namespace:
    parser = comparison_arguments(__doc__)
    parser.set_defaults(compute="int8")
    parser.add_argument("--neighbours", default="1,2,4", help="numbers of busy processes")
    parser.add_argument("--seconds", type=float, default=8, help="of one measurement, about")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--single-texts", type=int, default=300, help="texts of 12 tokens; 0: none")
    parser.add_argument("--peers", default="", help="configurations of peers/peer_step.py, for example f32")
    return parser.parse_args()


@contextlib.contextmanager
def busy(count: int):
    """`count` processes that compute without pause."""
    loop = f"import os\nwhile os.getppid() == {os.getpid()}: pass"  # they end with this process in any case
    processes = [subprocess.Popen([sys.executable, "-c", loop]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def train_rate(options, model: pathlib.Path, compute: str, steps: int) -> dict:
    return run_json([options.lacos, "bench", "train", "--model", model, "--compute", compute, "--steps", steps,
                     "--threads", options.threads, "--json", "--quiet"])


def single_text(options, model: pathlib.Path, texts: pathlib.Path) -> dict:
    return run_json([options.lacos, "bench", "embed", "--model", model, "--input", texts, "--texts", 0,
                     "--batch-tokens", 1, "--compute", "int8", "--threads", options.threads, "--json", "--quiet"])


def peer_rate(options, name: str, pairs: pathlib.Path) -> float:
    result = run_json([sys.executable, HERE / "peers/peer_step.py", "--configuration", name, "--model", NANO,
                       "--pairs", pairs, "--batch-size", 64, "--max-length", 75, "--lora-rank", 8,
                       "--threads", options.threads])
    return sum(result["tokens"][1:]) / sum(result["seconds"][1:])


def twelve_tokens(options, base: pathlib.Path, work: pathlib.Path) -> pathlib.Path:
    """Texts of 12 tokens: sentences of --data, as the tokenizer of the base counts them."""
    from bench_embed import choose_single, distinct_sentences
    texts = choose_single(options, base, distinct_sentences(options.data), work)
    repeated = [texts[i % len(texts)] for i in range(options.single_texts)]
    file = work / "single.txt"
    file.write_text("\n".join(repeated) + "\n", encoding="utf-8")
    return file


def main() -> None:
    options = arguments()
    if not options.lacos.is_file():
        sys.exit(f"contention.py: no program at {options.lacos}; build it, or pass --lacos")
    counts = [0] + [int(count) for count in options.neighbours.split(",")]
    with tempfile.TemporaryDirectory(prefix="lacos-contention-") as folder:
        work = pathlib.Path(folder)
        nano = quantize(options, NANO, work)
        values: dict[str, dict[int, list[float]]] = {}

        def note(what: str, count: int, value: float) -> None:
            values.setdefault(what, {}).setdefault(count, []).append(value)

        steps = {}
        for compute in options.compute.split(","):
            quick = train_rate(options, nano, compute, 4)
            steps[compute] = max(4, round(options.seconds / quick["fastest_step_seconds"]))
        if options.single_texts:
            large = work / "large"
            subprocess.run([str(part) for part in (options.lacos, "init", "--config", options.config, "--output", large,
                                                   "--tokenizer", options.tokenizer, "--quantized", "--quiet")], check=True)
            single = twelve_tokens(options, large, work)
        if options.peers:
            from bench_train import choose_pairs
            chosen = choose_pairs(options.data, 6 * 64, 64)
            pairs = work / "pairs.tsv"
            pairs.write_text("sentence1\tsentence2\n" + "".join(f"{a}\t{b}\n" for a, b in chosen), encoding="utf-8")

        for _ in range(options.rounds):
            for count in counts:
                with busy(count):
                    for compute in steps:
                        rate = train_rate(options, nano, compute, steps[compute])
                        note(f"lacos train bloom-nano {compute}, tokens/s", count, rate["tokens_per_second"])
                    if options.single_texts:
                        one = single_text(options, large, single)
                        note("lacos one text int8, median seconds", count, one["median_batch_seconds"])
                        note("lacos one text int8, p99 seconds", count, one["p99_batch_seconds"])
                    for name in filter(None, options.peers.split(",")):
                        note(f"PyTorch train bloom-nano {name}, tokens/s", count, peer_rate(options, name, pairs))

        print(f"{cpu_name()}, {options.threads} threads; medians of {options.rounds} rounds")
        print(ROW.format(what="", neighbours="neighbours", value="", share="share", fair="fair"))
        for what, by_count in values.items():
            quiet = statistics.median(by_count[0])
            if what.endswith("p99 seconds"):  # compared with the quiet median
                quiet = statistics.median(values[what.replace("p99", "median")][0])
            for count, measured in by_count.items():
                value = statistics.median(measured)
                fair = min(1.0, options.threads / (options.threads + count))
                print(ROW.format(what=what, neighbours=count, value=f"{value:.4g}", share=f"{value / quiet:.2f}",
                                 fair=f"{fair:.2f}" if what.endswith("tokens/s") else "-"))
        if options.json:
            options.json.write_text(json.dumps({"cpu": cpu_name(), "threads": options.threads, "values": values}, indent=1) + "\n")


if __name__ == "__main__":
    main()
