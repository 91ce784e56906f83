#!/usr/bin/env python3
"""What adapters cost a server, and what it gains that their texts share batches.

    bench/serve/adapters.py [--bases nano,560m] [--model FOLDER] [--compute int8] [--adapters 8] [--json RESULT.json]

For each base, with random LoRA adapters (rank 8, query_key_value):

- memory: resident bytes that --many adapters add, which may be their own size and 1 MB;
- traffic: the latency of single texts while another client loads and unloads adapters all the time, beside that without it. Every
  vector is compared with `lacos embed --adapter`;
- sharing: texts/s of --clients clients that send single texts, each with the next of --adapters adapters; beside the same requests
  grouped by adapter, where the clients of one adapter run by themselves (clients/adapters of them), as on a server that cannot
  mix adapters in a batch; and beside the same requests to the base alone.

--model is the 560m base, quantized already (`lacos init --quantized`, say); without it one is made.
"""

import array
import asyncio
import base64
import contextlib
import hashlib
import http.client
import json
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[0] = str(HERE.parent / "peers")
from measured import comparison_arguments, read_lines  # noqa: E402

sys.path[0] = str(HERE)
import load  # noqa: E402

from serve import NANO, Others, free_port, running  # noqa: E402

ADMIN = {"Authorization": "Bearer boss", "Content-Type": "application/json"}


def arguments():
    parser = comparison_arguments(__doc__)
    parser.set_defaults(compute="int8")
    parser.add_argument("--bases", default="nano,560m")
    parser.add_argument("--adapters", type=int, default=8, help="that share a base")
    parser.add_argument("--clients", type=int, default=16, help="each sends single texts, one after the other")
    parser.add_argument("--many", type=int, default=32, help="adapters of the measurement of memory")
    parser.add_argument("--texts", type=int, default=400, help="of each measurement of throughput")
    parser.add_argument("--seconds", type=float, default=8, help="of traffic, without and with loads")
    parser.add_argument("--rank", type=int, default=8)
    return parser.parse_args()


def write_adapter(folder, config, rank, seed, pool):
    """A PEFT adapter with random matrices. `pool` has values that all adapters take theirs from, since drawing takes time."""
    d, chance, tensors, data, at = config["hidden_size"], random.Random(seed), {}, [], 0
    for layer in range(config["n_layer"]):
        for part, shape in (("A", [rank, d]), ("B", [3 * d, rank])):
            begin = chance.randrange(len(pool) - shape[0] * shape[1])
            values = pool[begin:begin + shape[0] * shape[1]].tobytes()
            name = f"base_model.model.h.{layer}.self_attention.query_key_value.lora_{part}.weight"
            tensors[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + len(values)]}
            data.append(values)
            at += len(values)
    folder.mkdir(parents=True)
    header = json.dumps(tensors).encode()
    header += b" " * (-len(header) % 8)
    (folder / "adapter_model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + b"".join(data))
    (folder / "adapter_config.json").write_text(json.dumps({
        "peft_type": "LORA", "task_type": "FEATURE_EXTRACTION", "base_model_name_or_path": "", "r": rank, "lora_alpha": 2 * rank,
        "lora_dropout": 0.0, "bias": "none", "fan_in_fan_out": False, "target_modules": ["query_key_value"]}))
    return at


def memory(process):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024


class Admin:
    """Loads and unloads adapters."""

    def __init__(self, port):
        self.port = port

    def ask(self, method, path, body=None):
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)) as client:
            client.request(method, path, None if body is None else json.dumps(body), ADMIN)
            reply = client.getresponse()
            text = reply.read()
            assert reply.status == 200, (reply.status, text)

    def load(self, name, folder=None):
        self.ask("POST", "/v1/adapters", {"name": name, "folder": folder or name})

    def unload(self, name):
        self.ask("DELETE", f"/v1/adapters/{name}")


def request(model, text):
    return json.dumps({"model": model, "input": [text], "encoding_format": "base64"}).encode()


class Connection(load.Connection):
    headers = "Authorization: Bearer user\r\n"


def send(port, jobs, clients, expected=None):
    """Sends (model, text) pairs one by one over so many connections. Returns the seconds and the number of wrong vectors."""

    async def run():
        left, wrong = list(reversed(jobs)), []

        async def client():
            connection = Connection(port)
            while left:
                model, text = left.pop()
                status, body = await connection.post("/v1/embeddings", request(model, text))
                assert status == 200, (status, body)
                if expected and base64.b64decode(json.loads(body)["data"][0]["embedding"]) != expected[model, text]:
                    wrong.append((model, text))
            connection.close()

        begin = time.monotonic()
        await asyncio.gather(*(client() for _ in range(clients)))
        return time.monotonic() - begin, len(wrong)

    return asyncio.run(run())


def embedded(options, base, adapter, texts, work):
    """What `lacos embed` writes, as bytes."""
    source, target = work / "texts.txt", work / "vectors.npy"
    source.write_text("\n".join(texts) + "\n", encoding="utf-8")
    subprocess.run([options.lacos, "embed", "--model", base, "--input", source, "--output", target, "--normalize", "--quiet", "--overwrite",
                    "--compute", options.compute, *(["--adapter", adapter] if adapter else [])], check=True, stdout=subprocess.DEVNULL)
    data = target.read_bytes()
    begin = 10 + struct.unpack("<H", data[8:10])[0]
    size = (len(data) - begin) // len(texts)
    return [data[begin + i * size:begin + (i + 1) * size] for i in range(len(texts))]


def measure_memory(server, port, options, adapter_bytes, text):
    """Resident bytes for --many adapters that have all been used, beside those of a server that has answered as many requests."""
    admin = Admin(port)
    for _ in range(2 * options.many):
        send(port, [("base", text)], 1)
    before = memory(server)
    for i in range(options.many):
        admin.load(f"m{i}", f"a{i % options.adapters}")
        send(port, [(f"m{i}", text)], 1)
    loaded = memory(server)
    for i in range(options.many):
        admin.unload(f"m{i}")
    return {"adapters": options.many, "adapter_bytes": adapter_bytes, "resident_bytes": loaded - before,
            "beyond_bytes": loaded - before - options.many * adapter_bytes, "left_bytes": memory(server) - before}


def measure_traffic(port, options, expected):
    """Milliseconds of single texts of the first two adapters and the base, without and with loads at the same time."""
    admin = Admin(port)
    for name in ("a0", "a1"):
        admin.load(name)
    jobs = [pair for pair in expected if pair[0] in ("base", "a0", "a1")]
    random.Random(1).shuffle(jobs)

    def phase(loads):
        stop, counts, times, wrong = threading.Event(), [0], [], 0

        def come_and_go():
            own = Admin(port)
            while not stop.is_set():
                own.load("goes", "a2")
                own.unload("goes")
                counts[0] += 1

        thread = threading.Thread(target=come_and_go)
        if loads:
            thread.start()
        end, i = time.monotonic() + options.seconds, 0
        while time.monotonic() < end:
            pair = jobs[i % len(jobs)]
            i += 1
            seconds, bad = send(port, [pair], 1, expected)
            times.append(1000 * seconds)
            wrong += bad
        stop.set()
        if loads:
            thread.join()
        return {"loads": counts[0], "texts": len(times), "wrong": wrong, "p50_ms": load.quantile(times, 0.5),
                "p99_ms": load.quantile(times, 0.99), "max_ms": max(times)}

    phase(False)  # warm-up
    result = {"without": phase(False), "with": phase(True)}
    for name in ("a0", "a1"):
        admin.unload(name)
    return result


def measure_sharing(port, options, expected, texts):
    admin, names = Admin(port), [f"a{i}" for i in range(options.adapters)]
    for name in names:
        admin.load(name)
    jobs = [(names[i % len(names)], text) for i, text in enumerate(texts)]
    base = [("base", text) for text in texts]
    figures = {}
    for what in ("warm-up", "first", "second"):  # the better of two runs: other programs only slow down
        seconds = {"mixed": send(port, jobs, options.clients)[0],
                   "grouped": sum(send(port, [job for job in jobs if job[0] == name], max(1, options.clients // len(names)))[0] for name in names),
                   "base": send(port, base, options.clients)[0]}
        if what != "warm-up":
            for name, value in seconds.items():
                figures[name] = max(figures.get(name, 0), len(texts) / value)
    known = [job for job in jobs if job in expected]
    figures["wrong"], figures["compared"] = send(port, known, options.clients, expected)[1], len(known)
    for name in names:
        admin.unload(name)
    return figures


def measure_base(options, name, base, texts, work):
    others, root = Others(), work / f"{name}-adapters"
    config = json.loads((base / "config.json").read_text())
    chance = random.Random(5)
    pool = array.array("f", (chance.gauss(0, 0.05) for _ in range(200_000)))
    for i in range(options.adapters):
        adapter_bytes = write_adapter(root / f"a{i}", config, options.rank, i, pool)
    some = texts[:16]
    expected = {("base", text): vector for text, vector in zip(some, embedded(options, base, None, some, work))}
    for i in range(options.adapters):
        expected.update({(f"a{i}", text): vector for text, vector in zip(some, embedded(options, base, root / f"a{i}", some, work))})
    keys = work / "keys"
    keys.write_text("".join(f"{who} {hashlib.sha256(who.encode()).hexdigest()}{more}\n" for who, more in (("boss", " admin"), ("user", ""))))
    port = free_port()
    command = [options.lacos, "serve", "--model", base, "--model-name", "base", "--compute", options.compute, "--threads", options.threads,
               "--listen", f"127.0.0.1:{port}", "--api-keys", keys, "--adapter-root", root, "--quiet"]
    with running(command, port, ready=lambda: send_or_fail(port)) as server:
        figures = {"memory": measure_memory(server, port, options, adapter_bytes, texts[0]),
                   "traffic": measure_traffic(port, options, expected),
                   "sharing": measure_sharing(port, options, expected, texts)}
    figures["others_cores"] = others.cores()
    return figures


def send_or_fail(port):
    """Whether a request is answered."""
    try:
        send(port, [("base", "ready?")], 1)
    except AssertionError:
        return False
    return True


def show(name, figures):
    m, t, s = figures["memory"], figures["traffic"], figures["sharing"]
    print(f"{name}: {m['adapters']} adapters of {m['adapter_bytes'] / 1e6:.2f} MB take {m['resident_bytes'] / 1e6:.2f} MB: "
          f"{m['beyond_bytes'] / 1e6:+.2f} MB beyond their size; {m['left_bytes'] / 1e6:.2f} MB stay when they are gone")
    for phase in ("without", "with"):
        p = t[phase]
        print(f"  {phase} loads ({p['loads']}): {p['texts']} single texts, {p['wrong']} wrong, p50 {p['p50_ms']:.1f} ms, "
              f"p99 {p['p99_ms']:.1f} ms, max {p['max_ms']:.1f} ms")
    print(f"  {s['mixed']:.1f} texts/s mixed, {s['grouped']:.1f} grouped by adapter ({s['mixed'] / s['grouped']:.2f} x), "
          f"{s['base']:.1f} of the base alone; {s['compared']} vectors compared, {s['wrong']} wrong; "
          f"other programs used {figures['others_cores']:.2f} cores", flush=True)


def main():
    options = arguments()
    sentences = [sentence for line in read_lines(options.data)[1:] for sentence in line.split("\t")[:2]]
    texts = list(dict.fromkeys(sentences))[: options.texts]
    figures = {}
    with tempfile.TemporaryDirectory(prefix="lacos-serve-adapters.") as folder:
        work = pathlib.Path(folder)
        for name in options.bases.split(","):
            base = NANO if name == "nano" else options.model
            if base is None:
                base = work / "base"
                subprocess.run([options.lacos, "init", "--config", options.config, "--tokenizer", options.tokenizer, "--quantized",
                                "--output", base, "--quiet"], check=True, stdout=subprocess.DEVNULL)
            figures[name] = measure_base(options, name, base, texts, work)
            show(f"{name} {options.compute}", figures[name])
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
