#!/usr/bin/env python3
"""An hour of mixed load on one server: connects, disconnects, hostile requests, faults of the network, adapters. `make serve-soak`.

    tests/serve/soak.py [--seconds 3600] [--cores 0.5]

After the first sixth of the time, memory may grow by 1 %, no descriptor may be lost, and the last vector must have the bytes of the
first. Memory is the least of one sample a second, in the second and in the last sixth of the time, because single large requests
take several megabytes for a moment; the medians are given, too.
--cores is what server and clients together may take of the processor; clients pause to keep to it.
A stop of all processes (SIGSTOP), which ends connections and requests by their time limits, is noticed, forgiven and not counted as
time. SIGTERM ends the load early. Prints one line of JSON, and one a minute to stderr.
"""

import argparse
import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import hostile
from fault_proxy import FaultProxy
from server import MODEL, PROGRAM, REPOSITORY, Server, some_texts, vectors_of_program, wait_until

TICK = 0.2
STOPPED = 2.0  # seconds without a tick that mean that this process was stopped
KEY = {"Authorization": "Bearer boss"}


class Pace:
    """Keeps the processor time of the server and this process below a number of cores, and notices when both are stopped."""

    def __init__(self, server, cores):
        self.server, self.cores = server, cores
        self.allowed, self.used = 0.0, self._spent()
        self.first_used = self.used
        self.ticked = self.began = time.monotonic()
        self.stops = []

    def _spent(self):
        fields = pathlib.Path(f"/proc/{self.server.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") + time.process_time()

    def tick(self):
        """To be called every TICK seconds."""
        now, used = time.monotonic(), self._spent()
        if now - self.ticked > STOPPED:
            self.stops.append((self.ticked, now))
        # What was not used for a second is not saved up.
        self.allowed = min(self.allowed + self.cores * min(now - self.ticked, STOPPED) - (used - self.used), self.cores)
        self.ticked, self.used = now, used

    def wait(self):
        while self.allowed < 0:
            time.sleep(TICK)

    def was_stopped_since(self, begin):
        # A stop ends before it is noticed, and what it broke is seen up to a second later.
        return time.monotonic() - self.ticked > STOPPED or any(end + 1 > begin for _, end in self.stops)

    def seconds(self):
        """The time since the beginning, without stops."""
        return self.ticked - self.began - sum(end - begin for begin, end in self.stops)

    def used_cores(self):
        return (self.used - self.first_used) / self.seconds()


class Soak:
    def __init__(self, server, cores, plain, adapted, texts):
        self.server, self.plain, self.adapted, self.texts = server, plain, adapted, texts
        self.pace = Pace(server, cores)
        self.counts, self.lock, self.stop = {}, threading.Lock(), threading.Event()
        self.proxy = FaultProxy("127.0.0.1", server.port, seed=5)

    def count(self, what):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1

    def ask(self, good, call, *wrong_replies):
        """Counts how a call went that must go well."""
        begin = time.monotonic()
        try:
            result = call()
            self.count(good if result is True else "WRONG")
        except AssertionError as error:  # a status other than 200
            status = str(error)[:3]
            self.count(status if status in ("429", *wrong_replies) or self.pace.was_stopped_since(begin) else "FAILED " + status)
        except (OSError, http.client.HTTPException) as error:
            self.count("lost in a stop" if self.pace.was_stopped_since(begin) else f"LOST {type(error).__name__}")

    def good(self, seed):
        rng, client, stops = random.Random(seed), self.server.client(900), 0
        while not self.stop.is_set():
            self.pace.wait()
            if len(self.pace.stops) > stops or rng.random() < 0.05:
                stops = len(self.pace.stops)
                client.close()
            rows = [rng.randrange(len(self.texts)) for _ in range(rng.choice((1, 1, 2, 50)))]
            body = {"model": "bloom-nano", "input": [self.texts[row] for row in rows], "encoding_format": "base64"}
            self.ask("good", lambda body=body, rows=rows: self.server.vectors(self.server.ask("POST", "/v1/embeddings", body, KEY, client))
                     == [self.plain[row] for row in rows])
            time.sleep(rng.random() * 0.05)

    def answered(self, path):
        status = self.server.ask("GET", path, None, KEY)[0]
        if status != 200:
            raise AssertionError(f"{status} from {path}")
        return True

    def health(self):
        while not self.stop.is_set():
            for path in ("/health", "/metrics"):
                self.ask(path, lambda path=path: self.answered(path))
            time.sleep(1)

    def faulty(self, seed):
        rng = random.Random(seed)
        while not self.stop.is_set():
            self.pace.wait()
            client = http.client.HTTPConnection("127.0.0.1", self.proxy.port, timeout=3)
            with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
                self.server.ask("POST", "/embed", {"inputs": self.texts[rng.randrange(len(self.texts))]}, KEY, client=client)
            client.close()
            self.count("through the proxy")
            time.sleep(0.05)

    def hostile(self):
        for data in hostile.stream(9):
            if self.stop.is_set():
                return
            self.pace.wait()
            with contextlib.suppress(OSError), self.server.connect(3) as connection:
                connection.sendall(data.replace(b"Host: localhost\r\n", b"Host: localhost\r\nX-Api-Key: boss\r\n"))
                connection.recv(1000)
            self.count("hostile")
            time.sleep(0.02)

    def adapters(self):
        model = {"model": "small", "input": self.texts[:3], "encoding_format": "base64"}

        def unload():
            return self.server.ask("DELETE", "/v1/adapters/small", None, KEY)

        def cycle():
            unload()  # where a stop has ended the last cycle in its middle
            loaded = self.server.ask("POST", "/v1/adapters", {"name": "small", "folder": "small"}, KEY)
            found = self.server.vectors(self.server.ask("POST", "/v1/embeddings", model, KEY))
            gone = unload()
            if loaded[0] not in (200, 201) or gone[0] not in (200, 204):
                raise AssertionError(f"{loaded[0]} and {gone[0]}")
            return found == self.adapted[:3]

        while not self.stop.is_set():
            self.pace.wait()
            self.ask("adapter loaded and unloaded", cycle)
            time.sleep(2)

    def run(self, seconds):
        """Returns the samples of memory as (second, bytes)."""
        jobs = [lambda seed=seed: self.good(seed) for seed in range(4)] + [lambda seed=seed: self.faulty(seed) for seed in range(2)]
        threads = [threading.Thread(target=job) for job in (*jobs, self.hostile, self.health, self.adapters)]
        for thread in threads:
            thread.start()
        samples, minute, now = [], 0, 0.0
        signal.signal(signal.SIGTERM, lambda *_: self.stop.set())
        while now < seconds and not self.stop.is_set():
            time.sleep(TICK)
            self.pace.tick()
            now = self.pace.seconds()
            if not samples or now - samples[-1][0] >= 1:
                samples.append((now, self.server.memory()))
            if now >= 60 * (minute + 1):
                minute = int(now // 60)
                last = between(samples, now - 60, now)
                print(f"minute {minute}: least {min(last) / 1e6:.2f} MB, median {statistics.median(last) / 1e6:.2f} MB, most {max(last) / 1e6:.2f} MB, "
                      f"{self.server.descriptors()} descriptors, {self.pace.used_cores():.2f} cores, {self.counts}", file=sys.stderr, flush=True)
        self.stop.set()
        self.pace.allowed = 1e9
        for thread in threads:
            thread.join(900)
        self.proxy.close()
        return samples


def between(samples, begin, end):
    return [size for second, size in samples if begin <= second <= end] or [0]


def train_adapter(folder):
    subprocess.run([PROGRAM, "train", "--model", str(MODEL), "--train", str(REPOSITORY / "examples/data/snli-cad-train.tsv.gz"), "--output", str(folder),
                    "--max-steps", "3", "--batch-size", "8", "--learning-rate", "0.01", "--quiet"], check=True, stdout=subprocess.DEVNULL)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--cores", type=float, default=float("inf"), help="default: no limit")
    options = parser.parse_args()
    texts = some_texts(300)
    with tempfile.TemporaryDirectory() as work:
        root, keys = pathlib.Path(work) / "root", pathlib.Path(work) / "keys"
        root.mkdir()
        train_adapter(root / "small")
        keys.write_text(f"boss {hashlib.sha256(b'boss').hexdigest()} admin\n", encoding="utf-8")
        adapted = vectors_of_program(texts, work, model=root / "small")
        with Server("--max-wait", "20", "--cache", "1", "--adapter-root", str(root), "--api-keys", str(keys), "--access-log", f"{work}/log") as server:
            first = server.embed(texts, headers=KEY)
            right = first == vectors_of_program(texts, work)
            for i in range(0, 4000, 1000):  # fills the cache, which would grow otherwise until it is full
                server.embed([f"text number {j}" for j in range(i, i + 1000)], headers=KEY)
            soak = Soak(server, options.cores, first, adapted, texts)
            before = server.descriptors()
            samples = soak.run(options.seconds)
            wait_until(lambda: server.descriptors() <= before, 100)
            after = server.descriptors()
            same = right and server.embed(texts, headers=KEY) == first
    seconds = samples[-1][0]
    sixth = seconds / 6
    early, late = between(samples, sixth, 2 * sixth), between(samples, 5 * sixth, float("inf"))
    growth = min(late) / min(early) - 1
    result = {"seconds": seconds, "requests": soak.counts, "memory_bytes_second_sixth": [min(early), statistics.median(early), max(early)],
              "memory_bytes_last_sixth": [min(late), statistics.median(late), max(late)], "memory_growth": growth,
              "descriptors_before": before, "descriptors_at_the_end": after, "last_vectors_equal_the_first": same, "cores": soak.pace.used_cores(),
              "stopped_seconds": [end - begin for begin, end in soak.pace.stops]}
    print(json.dumps(result))
    bad = [what for what in soak.counts if what.startswith(("WRONG", "LOST", "FAILED"))]
    return 0 if same and growth <= 0.01 and after <= before and not bad else 1


if __name__ == "__main__":
    sys.exit(main())
