#!/usr/bin/env python3
"""What serving over HTTP costs, and how a server behaves when it gets more than it can do.

    bench/serve/serve.py [--computes int8,f32] [--bases nano,560m] [--seconds 20] [--peers st,st-int8] [--json RESULT.json]

For each base and mode: the throughput over HTTP as a share of `lacos bench embed` on the same texts; the latency of one short text
on an idle server beside that of `bench embed`; and single texts at random times at half the capacity, at the capacity and at twice
of it. The driver sends by the clock (load.py) on the same cores; its share of a core is reported, how late its requests left,
and how many cores other programs took. A peer gets the same texts and loads. Peak memory is VmHWM of the server.
"""

import contextlib
import json
import os
import pathlib
import re
import resource
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[0] = str(HERE.parent / "peers")
from measured import REPOSITORY, comparison_arguments, quantize, random_model, read_lines, run_json  # noqa: E402

sys.path[0] = str(HERE)
import load  # noqa: E402

NANO = REPOSITORY / "examples/bloom-nano"


def arguments():
    parser = comparison_arguments(__doc__)
    parser.add_argument("--computes", default="int8,f32")
    parser.add_argument("--bases", default="nano,560m")
    parser.add_argument("--texts", type=int, default=600, help="of the measurement of throughput")
    parser.add_argument("--seconds", type=float, default=20, help="of each open loop")
    parser.add_argument("--factors", default="0.5,1,2", help="loads, as shares of the capacity")
    parser.add_argument("--single-texts", type=int, default=100, help="short texts, one at a time")
    parser.add_argument("--max-wait", type=float, default=1,
                        help="of lacos; so many seconds of requests wait at once, each on a connection of its own")
    parser.add_argument("--peers", default="", help="st, st-int8")
    return parser.parse_args()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def peak_bytes(process):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"^VmHWM:\s*(\d+)", status, re.M)[1]) * 1024


class Others:
    """How many cores other programs used since it was made. Figures of a machine that is shared say little."""

    def __init__(self):
        self.begin, self.used = time.monotonic(), self._used()

    @staticmethod
    def _used():
        user, nice, system, _, _, irq, softirq, steal = (int(word) for word in pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[1:9])
        own = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK") - sum(use.ru_utime + use.ru_stime for use in own)

    def cores(self):
        return max(self._used() - self.used, 0.0) / (time.monotonic() - self.begin)


@contextlib.contextmanager
def running(command, port, seconds=180, ready=None):
    """A server that answers, and its process. `ready` says whether it answers; without it, a request without a key does."""
    ready = ready or (lambda: not load.saturate(port, ["ready?"], 1, 1)["failed"])
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL)
    try:
        end = time.monotonic() + seconds
        while not ready():
            if process.poll() is not None or time.monotonic() > end:
                sys.exit(f"the server did not start: {' '.join(str(word) for word in command)}")
            time.sleep(0.3)
        yield process
    finally:
        process.terminate()
        process.wait()


def measure(port, texts, single, options):
    """The figures of one server."""
    load.saturate(port, texts[: len(texts) // 4], 32, 16)  # warmup
    full = load.saturate(port, texts, 32, 16)
    capacity = len(texts) / full["seconds"]
    times = load.one_by_one(port, single)
    figures = {"texts_per_second": capacity, "failed": full["failed"],
               "one_text": {"p50_ms": load.quantile(times, 0.5), "p99_ms": load.quantile(times, 0.99)}, "loads": []}
    for factor in (float(f) for f in options.factors.split(",")):
        figures["loads"].append({"factor": factor, **load.by_clock(port, texts, factor * capacity, options.seconds)})
    return figures


def lacos_figures(options, base, compute, texts, single, work):
    others = Others()
    file = work / "texts.txt"
    file.write_text("\n".join(texts) + "\n", encoding="utf-8")
    bench = [options.lacos, "bench", "embed", "--model", base, "--compute", compute, "--threads", options.threads, "--json", "--quiet"]
    process = run_json([*bench, "--input", file, "--texts", 0])
    file.write_text("\n".join(single) + "\n", encoding="utf-8")
    alone = run_json([*bench, "--input", file, "--texts", 0, "--batch-tokens", 1])
    port = free_port()
    with running([options.lacos, "serve", "--model", base, "--compute", compute, "--threads", options.threads,
                  "--listen", f"127.0.0.1:{port}", "--max-wait", options.max_wait, "--quiet"], port) as server:
        figures = measure(port, texts, single, options)
        figures["peak_bytes"] = peak_bytes(server)
    figures["embed_texts_per_second"] = len(texts) * process["tokens_per_second"] / process["tokens"]
    figures["share_of_embed"] = figures["texts_per_second"] / figures["embed_texts_per_second"]
    figures["others_cores"] = others.cores()
    figures["embed_one_text"] = {"p50_ms": 1000 * alone["median_batch_seconds"], "p99_ms": 1000 * alone["p99_batch_seconds"]}
    return figures


def peer_figures(options, name, model, texts, single):
    port, others = free_port(), Others()
    command = [sys.executable, HERE / "st_server.py", "--model", model, "--port", port, "--threads", options.threads]
    with running(command + (["--dynamic-int8"] if name == "st-int8" else []), port) as server:
        figures = measure(port, texts, single, options)
        figures["peak_bytes"] = peak_bytes(server)
    figures["others_cores"] = others.cores()
    return figures


def show(name, figures):
    share = f", {figures['share_of_embed']:.3f} of bench embed" if "share_of_embed" in figures else ""
    alone = figures.get("embed_one_text")
    beside = f" (in process {alone['p50_ms']:.1f} and {alone['p99_ms']:.1f})" if alone else ""
    print(f"{name}: {figures['texts_per_second']:.1f} texts/s{share}; one text p50 {figures['one_text']['p50_ms']:.1f} ms, "
          f"p99 {figures['one_text']['p99_ms']:.1f} ms{beside}; peak {figures['peak_bytes'] / 1e6:.0f} MB; "
          f"other programs used {figures['others_cores']:.2f} cores", flush=True)
    for at in figures["loads"]:
        print(f"  {at['factor']:>4} x capacity: {at['goodput_per_second']:7.1f} good texts/s, {at['refused']:5} refused, other {at['other']}, "
              f"p50 {at['p50_ms']:8.1f} ms, p99 {at['p99_ms']:8.1f} ms (sent late: {at['late_p99_ms']:.1f} ms; from sending on: {at['from_sent_p99_ms']:.1f} ms), "
              f"driver {at['driver_cpu_share']:.2f} of a core", flush=True)


def main():
    options = arguments()
    sentences = [sentence for line in read_lines(options.data)[1:] for sentence in line.split("\t")[:2]]
    texts = list(dict.fromkeys(sentences))[: options.texts]
    single = [f"{' '.join(text.split()[:9])} {i}" for i, text in enumerate(texts[: options.single_texts])]
    figures = {}
    with tempfile.TemporaryDirectory(prefix="lacos-serve-bench.") as folder:
        work = pathlib.Path(folder)
        for name in options.bases.split(","):
            model = NANO if name == "nano" else options.model or random_model(options, work)
            # A folder that is quantized already is served as it is.
            base = model if name == "nano" or "quantization" in (model / "config.json").read_text() else quantize(options, model, work)
            for compute in options.computes.split(","):
                figures[f"lacos {name} {compute}"] = lacos_figures(options, base, compute, texts, single, work)
                show(f"lacos {name} {compute}", figures[f"lacos {name} {compute}"])
            for peer in [peer for peer in options.peers.split(",") if peer]:
                figures[f"{peer} {name}"] = peer_figures(options, peer, model, texts, single)
                show(f"{peer} {name}", figures[f"{peer} {name}"])
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
