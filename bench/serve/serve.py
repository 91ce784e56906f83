#!/usr/bin/env python3
"""What serving over HTTP costs, and how a server behaves when it gets more than it can do.

    bench/serve/serve.py [--computes int8,f32] [--bases nano,560m] [--peers st,infinity [--load-of infinity]] [--json RESULT.json]

All servers of a base run at once, and are measured in turns, several times, since the speed of a shared machine changes. So a
ratio or a difference is the median over the rounds. Measured are requests of many texts, and then one short text at a time on an
idle server, both beside `lacos bench embed` on the same texts; and single texts at random times at half the capacity and at twice
of it. This capacity is that of single texts, sent over many connections, measured before and after each load. With --load-of, all
servers get the same loads. The share of the time that lacos computed during a load comes from its /metrics. With --words, all of
this is measured for texts of these lengths.

The driver sends by the clock (load.py) on the same cores; its share of a core is reported, how late its requests left, and how
many cores other programs took. Peak memory is VmHWM of the server. The peers:

    st, st-int8   sentence-transformers behind FastAPI (st_server.py), in f32 and with PyTorch's dynamic int8
    infinity      infinity-emb (--infinity FILE) with its torch engine
    llama         llama-server (--llama-server FILE) with Q8_0 weights, which `lacos merge --format gguf` writes
"""

import contextlib
import itertools
import json
import os
import pathlib
import re
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

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
    parser.add_argument("--words", default="", help="lengths of texts, which are made by joining sentences; empty: sentences as they are")
    parser.add_argument("--rounds", type=int, default=3, help="of the measurements of throughput and of one text on an idle server")
    parser.add_argument("--seconds", type=float, default=60, help="of each open loop; 0: none")
    parser.add_argument("--factors", default="0.5,2", help="loads, as shares of the capacity")
    parser.add_argument("--load-of", default="", metavar="PEER",
                        help="the loads are shares of this peer's capacity, so that all servers get the same; empty: of each server's own")
    parser.add_argument("--single-texts", type=int, default=100, help="short texts, one at a time; 0: none")
    parser.add_argument("--batch-ms", type=float, default=100, help="of lacos")
    parser.add_argument("--max-wait", type=float, default=10, help="of lacos")
    parser.add_argument("--peers", default="", help="st, st-int8, infinity, llama")
    parser.add_argument("--infinity", type=pathlib.Path, default=pathlib.Path(sys.executable).parent / "infinity_emb",
                        help="its program; infinity 0.0.78 needs transformers 4, the other peers 5")
    parser.add_argument("--llama-server", type=pathlib.Path, default="llama-server")
    options = parser.parse_args()
    if options.load_of and options.load_of not in options.peers.split(","):
        parser.error(f"--load-of {options.load_of}: expected one of --peers ({options.peers or 'there is none'})")
    return options


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def memory_bytes(process, name):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(rf"^{name}:\s*(\d+)", status, re.M)[1]) * 1024


def peak_bytes(process):
    return memory_bytes(process, "VmHWM")


def current_bytes(process):
    return memory_bytes(process, "VmRSS")


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
def running(command, port, seconds=180, ready=None, environment=None, is_silent=False):
    """A server that answers, and its process. `ready` says whether it answers; without it, a request without a key does."""
    ready = ready or (lambda: not load.saturate(port, ["ready?"], 1, 1)["failed"])
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL if is_silent else None,
                               env={**os.environ, **(environment or {})})
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


def lacos_command(options, base, compute, port):
    return [options.lacos, "serve", "--model", base, "--compute", compute, "--threads", options.threads, "--listen", f"127.0.0.1:{port}",
            "--batch-ms", options.batch_ms, "--max-wait", options.max_wait, "--max-connections", 16384, "--quiet"]


def peer_command(options, peer, model, port, work):
    """The command of a peer for an original BLOOM folder, and what it needs in its environment."""
    offline = {"HF_HUB_OFFLINE": "1", "DO_NOT_TRACK": "1", "OMP_NUM_THREADS": str(options.threads)}
    if peer in ("st", "st-int8"):
        command = [sys.executable, HERE / "st_server.py", "--model", model, "--port", port, "--threads", options.threads]
        return command + (["--dynamic-int8"] if peer == "st-int8" else []), offline
    if peer == "infinity":
        # Its "bettertransformer" does not know BLOOM.
        return [options.infinity, "v2", "--model-id", model, "--engine", "torch", "--device", "cpu", "--port", port,
                "--host", "127.0.0.1", "--url-prefix", "/v1", "--batch-size", 32, "--dtype", "float32"], {**offline, "INFINITY_BETTERTRANSFORMER": "false", "INFINITY_MODEL_WARMUP": "false"}
    if peer == "llama":
        file = work / "base-q8_0.gguf"
        if not file.exists():
            subprocess.run([options.lacos, "merge", "--model", model, "--output", file, "--format", "gguf", "--gguf-type", "q8_0", "--quiet"], check=True,
                           stdout=subprocess.DEVNULL)
        return [options.llama_server, "-m", file, "--embeddings", "--pooling", "mean", "-c", 8192, "-b", 2048, "-ub", 2048, "-np", 16,
                "-t", options.threads, "--host", "127.0.0.1", "--port", port], offline
    sys.exit(f"no peer is named {peer}; expected some of st, st-int8, infinity, llama")


def bench_embed(options, base, compute, texts, work, *flags):
    file = work / "texts.txt"
    file.write_text("\n".join(texts) + "\n", encoding="utf-8")
    return run_json([options.lacos, "bench", "embed", "--model", base, "--compute", compute, "--threads", options.threads, "--json", "--quiet",
                     "--input", file, "--texts", 0, *flags])


def throughput(options, base, servers, texts, work):
    """Texts a second of each server in each round, and of `bench embed` after it for those of lacos."""
    rates = {name: {"texts_per_second": [], "embed_texts_per_second": []} for name in servers}
    for _, port in servers.values():
        load.saturate(port, texts[: len(texts) // 4], 16, 32)  # warm-up
    for _ in range(options.rounds):
        for name, (_, port) in servers.items():
            full = load.saturate(port, texts, 16, 32)
            if full["failed"]:
                sys.exit(f"{name} failed: status {full['failed'][0]}")
            rates[name]["texts_per_second"].append(len(texts) / full["seconds"])
            if name.startswith("lacos"):
                process = bench_embed(options, base, name.split()[2], texts, work)
                rates[name]["embed_texts_per_second"].append(len(texts) * process["tokens_per_second"] / process["tokens"])
    return rates


def idle_times(options, name, base, port, single, work):
    """The times of one text at a time on an idle server, in rounds, each followed by `bench embed` for those of lacos."""
    rounds = {"one_text": [], "embed_one_text": []}
    for _ in range(options.rounds):
        times = load.one_by_one(port, single)
        rounds["one_text"].append({"p50_ms": load.quantile(times, 0.5), "p99_ms": load.quantile(times, 0.99)})
        if name.startswith("lacos"):
            alone = bench_embed(options, base, name.split()[2], single, work, "--batch-tokens", 1)
            rounds["embed_one_text"].append({"p50_ms": 1000 * alone["median_batch_seconds"], "p99_ms": 1000 * alone["p99_batch_seconds"]})
    figures = {what: {key: statistics.median(at[key] for at in several) for key in several[0]} for what, several in rounds.items() if several}
    if rounds["embed_one_text"]:
        figures["over_embed"] = {key: statistics.median(this[key] - that[key] for this, that in zip(*rounds.values())) for key in ("p50_ms", "p99_ms")}
    return figures


def median_ratio(these, those):
    return statistics.median(this / that for this, that in zip(these, those))


def behaviour(options, name, base, server, texts, single, work, common_capacity):
    """One text at a time, and open loops, whose loads are shares of the common capacity or, without one, of the server's."""
    process, port = server
    figures = {"loads": []}
    if single:
        figures |= idle_times(options, name, base, port, single, work)
    def capacity_now():
        return common_capacity or single_texts_per_second(port, texts)

    if options.seconds > 0:
        capacity = capacity_now()
        for factor in (float(f) for f in options.factors.split(",")):
            memory, computed, begin = current_bytes(process), computed_seconds(name, port), time.monotonic()
            loop = load.by_clock(port, texts, factor * capacity, options.seconds)
            busy = (computed_seconds(name, port) - computed) / (time.monotonic() - begin)
            time.sleep(3)  # until its memory is given back
            growth = current_bytes(process) / memory - 1
            before, capacity = capacity, capacity_now()
            figures["loads"].append({"factor": factor, **loop, "capacity": [before, capacity], "busy": busy, "memory_growth": growth,
                                     "share_of_capacity": 2 * loop["goodput_per_second"] / (before + capacity)})
    return figures


def single_texts_per_second(port, texts):
    full = load.saturate(port, texts, 1, 256)
    return (len(texts) - len(full["failed"])) / full["seconds"]  # a slow server refuses some of so many at once


def computed_seconds(name, port):
    if not name.startswith("lacos"):
        return 0
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as reply:
        return float(re.search(r"^lacos_batch_ms_sum (\S+)$", reply.read().decode(), re.M)[1]) / 1000


def show(name, figures):
    words = [f"{statistics.median(figures['texts_per_second']):.1f} texts/s"]
    if figures["embed_texts_per_second"]:
        words.append(f"{figures['share_of_embed']:.3f} of bench embed")
    words += [f"{value:.2f} times {peer}" for peer, value in figures["times"].items()]
    if "one_text" in figures:
        words.append(f"one text p50 {figures['one_text']['p50_ms']:.1f} ms, p99 {figures['one_text']['p99_ms']:.1f} ms")
    if "embed_one_text" in figures:
        words.append(f"in process {figures['embed_one_text']['p50_ms']:.1f} and {figures['embed_one_text']['p99_ms']:.1f} ms")
        words.append(f"more by {figures['over_embed']['p50_ms']:+.1f} and {figures['over_embed']['p99_ms']:+.1f} ms in the median round")
    words.append(f"peak {figures['peak_bytes'] / 1e6:.0f} MB")
    print(f"{name}: {'; '.join(words)}", flush=True)
    for at in figures["loads"]:
        print(f"  {at['factor']:>4} x {at['capacity'][0]:.1f}/s (after it {at['capacity'][1]:.1f}/s): {at['goodput_per_second']:.1f} good texts/s "
              f"({at['share_of_capacity']:.3f}), busy {at['busy']:.3f}, "
              f"{at['refused']:5} refused, other {at['other']}, p50 {at['p50_ms']:8.1f} ms, p99 {at['p99_ms']:8.1f} ms "
              f"(sent late: {at['late_p99_ms']:.1f} ms; from sending on: {at['from_sent_p99_ms']:.1f} ms), "
              f"driver {at['driver_cpu_share']:.2f} of a core, memory {100 * at['memory_growth']:+.1f} %", flush=True)


def of_length(sentences, words, count):
    """So many different texts of so many words each."""
    stream = itertools.cycle([word for sentence in sentences for word in sentence.split()])
    return [" ".join(itertools.islice(stream, words)) for _ in range(count)]


def measure(options, label, name, model, base, texts, single, work):
    """The figures of all servers over one base. The label is the end of their names."""
    others, figures = Others(), {}
    with contextlib.ExitStack() as stack:
        servers = {}
        for compute in options.computes.split(","):
            port = free_port()
            command = lacos_command(options, base, compute, port)
            servers[f"lacos {name} {compute}{label}"] = stack.enter_context(running(command, port)), port
        for peer in [peer for peer in options.peers.split(",") if peer]:
            port = free_port()
            command, environment = peer_command(options, peer, model, port, work)
            servers[f"{peer} {name}{label}"] = stack.enter_context(running(command, port, environment=environment, is_silent=True)), port
        rounds = throughput(options, base, servers, texts, work)
        common_capacity = options.load_of and single_texts_per_second(servers[f"{options.load_of} {name}{label}"][1], texts)
        tokens = bench_embed(options, base, options.computes.split(",")[0], texts[:100], work)["tokens"] / len(texts[:100])
        for key, rates in rounds.items():
            figures[key] = {**rates, "tokens_per_text": tokens, "times": {}, **behaviour(options, key, base, servers[key], texts, single, work, common_capacity),
                            "peak_bytes": peak_bytes(servers[key][0])}
    used = others.cores()
    for key, here in figures.items():
        here["others_cores"] = used
        if here["embed_texts_per_second"]:
            here["share_of_embed"] = median_ratio(here["texts_per_second"], here["embed_texts_per_second"])
            here["times"] = {peer: median_ratio(here["texts_per_second"], there["texts_per_second"]) for peer, there in figures.items()
                             if not peer.startswith("lacos")}
        show(key, here)
    print(f"other programs used {used:.2f} cores", flush=True)
    return figures


def main():
    options = arguments()
    sentences = [sentence for line in read_lines(options.data)[1:] for sentence in line.split("\t")[:2]]
    texts = {"": list(dict.fromkeys(sentences))[: options.texts]}
    if options.words:
        texts = {f" with {words} words": of_length(sentences, int(words), options.texts) for words in options.words.split(",")}
    figures = {}
    with tempfile.TemporaryDirectory(prefix="lacos-serve-bench.") as folder:
        work = pathlib.Path(folder)
        for name in options.bases.split(","):
            model = NANO if name == "nano" else options.model or random_model(options, work)
            # A folder that is quantized already is served as it is.
            base = model if name == "nano" or "quantization" in (model / "config.json").read_text() else quantize(options, model, work)
            for label, of_label in texts.items():
                most = 9 if not label else None  # of the words of a sentence
                single = [f"{' '.join(text.split()[:most])} {i}" for i, text in enumerate(of_label[: options.single_texts])]
                figures |= measure(options, label, name, model, base, of_label, single, work)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
