#!/usr/bin/env python3
"""`lacos serve` while allocations fail: a request gets 503 or its right reply, and the server lives.

The library of tests/faults (LACOS_FAULT_LIBRARY) makes them fail inside the server, at numbers that the test sets while it runs: one,
several in a row, or all until the request has ended, from a sample of the allocations of each route, and with LACOS_SERVE_FULL=1 from
each of them. Another test lets the system refuse memory (RLIMIT_AS).
"""

import base64
import collections
import concurrent.futures
import contextlib
import hashlib
import http.client
import json
import mmap
import os
import pathlib
import random
import re
import resource
import signal
import struct
import subprocess
import tempfile
import time
import unittest

from server import FULL, MODEL, PROGRAM, Server, some_texts, vectors_of_program

LIBRARY = os.environ.get("LACOS_FAULT_LIBRARY", str(pathlib.Path(PROGRAM).parent.parent / "tests/faults/libfault_injection.so"))
ENOMEM = "12"
PATIENCE = 600  # seconds; a batch that finds no memory is computed text by text, on a machine that may be busy


class Allocations:
    """The numbers that the library counts and reads."""

    def __init__(self, folder):
        self.path = pathlib.Path(folder) / "report"
        self.path.write_bytes(bytes(32))
        with open(self.path, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 32)

    def environment(self):
        return {"LD_PRELOAD": LIBRARY, "LACOS_FAULT_KINDS": "alloc", "LACOS_FAULT_ACTION": ENOMEM, "LACOS_FAULT_REPORT": str(self.path)}

    def calls(self):
        return struct.unpack_from("<Q", self.memory)[0]

    def faults(self):
        return struct.unpack_from("<Q", self.memory, 8)[0]

    def fail(self, number, count):
        """So many calls fail from this number on, counted from 1 from now on."""
        first = self.calls() + number
        struct.pack_into("<Q", self.memory, 16, first)
        struct.pack_into("<Q", self.memory, 24, first + count - 1)

    def fail_none(self):
        """Returns when what has failed has had its consequences, such as a queue whose requests all end."""
        struct.pack_into("<Q", self.memory, 24, 0)
        calls = -1
        while calls < self.calls():
            calls = self.calls()
            time.sleep(0.005)


ALL = 1 << 40  # allocations in a row, so that all fail until the request has ended
SAMPLES = {1: 40, 2: 15, 3: 15, 5: 15, ALL: 15}  # by how many fail in a row: the places of a route in the short form
TEXTS = ["A man plays a guitar.", "Музыка", "one two three four five six seven eight nine ten"]
REQUESTS = {
    "embeddings": ("POST", "/v1/embeddings", {"model": "x", "input": TEXTS, "encoding_format": "base64"}),
    "health": ("GET", "/health", None),
    "metrics": ("GET", "/metrics", None),
    "embed": ("POST", "/embed", {"inputs": TEXTS}),
    "embed_all": ("POST", "/embed_all", {"inputs": TEXTS}),
    "similarity": ("POST", "/similarity", {"inputs": {"source_sentence": TEXTS[0], "sentences": TEXTS}}),
    "tokenize": ("POST", "/tokenize", {"inputs": TEXTS}),
    "wrong": ("POST", "/v1/embeddings", {"input": 3}),
    "info": ("GET", "/info", None),
}


class MemoryTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        # A request allocates some 200 times with an 8-bit base.
        self.model = pathlib.Path(self.folder) / "base"
        subprocess.run([PROGRAM, "quantize", "--model", str(MODEL), "--output", str(self.model), "--quiet"], check=True, stdout=subprocess.DEVNULL)

    @contextlib.contextmanager
    def server(self, *flags):
        allocations = Allocations(self.folder)
        # The library counts in the first program only, and `lacos` would start lacos-serve as a second one.
        with Server(*flags, model=self.model, program=[str(pathlib.Path(PROGRAM).with_name("lacos-serve"))], environment=allocations.environment()) as server:
            yield server, allocations

    def ask(self, server, name):
        """(status, body) of a request on a connection of its own; status 0 if the server closed it without a reply."""
        try:
            status, _, body = server.ask(*REQUESTS[name], client=(client := server.client(PATIENCE)))
        except (ConnectionError, http.client.HTTPException):
            return 0, b""
        finally:
            client.close()
        return status, body

    def check(self, server, expected):
        status, body = self.ask(server, "embeddings")
        self.assertEqual(status, 200, (body, server.messages()))
        self.assertEqual([base64.b64decode(item["embedding"]) for item in body["data"]], expected)

    def places(self, server, allocations, name, samples):
        """The numbers of the allocations during such a request, or in the short form a sample of them."""
        before = allocations.calls()
        self.ask(server, name)
        numbers = range(1, allocations.calls() - before + 1)
        return numbers if FULL else random.Random(name).sample(numbers, min(samples, len(numbers)))

    def test_any_allocations_may_fail(self):
        expected = vectors_of_program(TEXTS, self.folder, model=self.model)
        for count, samples in SAMPLES.items():
            outcomes = collections.Counter()
            with self.subTest(in_a_row=count), self.server() as (server, allocations):
                for name in REQUESTS:
                    good = [self.ask(server, name) for _ in range(5)][-1]
                    for number in self.places(server, allocations, name, samples):
                        allocations.fail(number, count)
                        status, body = self.ask(server, name)
                        allocations.fail_none()
                        outcomes[f"{name} {status}"] += 1
                        self.assertIsNone(server.process.poll(), (name, number, server.messages()))
                        self.assertIn(status, (good[0], 503, 0), (name, number, body))
                        if status == good[0] and name not in ("metrics", "info"):
                            self.assertEqual(body, good[1], (name, number))
                        self.check(server, expected)
                self.assertGreater(allocations.faults(), 0)
            print(f"{'all' if count == ALL else count} failed in a row during a request, by its route and status (0: closed without a reply):",
                  json.dumps(outcomes))
            self.assertTrue(any(name.endswith((" 503", " 0")) for name in outcomes))

    def test_a_server_without_memory_reads_signals_and_stops(self):
        keys = pathlib.Path(self.folder) / "keys"
        keys.write_text(f"alice {hashlib.sha256(b'alice').hexdigest()}\n", encoding="utf-8")
        for _ in range(20 if FULL else 3):
            with self.server("--api-keys", str(keys), "--access-log", f"{self.folder}/log") as (server, allocations):
                with contextlib.ExitStack() as idle:
                    for _ in range(20):
                        idle.enter_context(server.connect())
                    self.assertEqual(server.ask("GET", "/health")[0], 200)
                    allocations.fail(1, ALL)
                    for signal_ in (signal.SIGHUP, signal.SIGUSR1, signal.SIGHUP):
                        server.process.send_signal(signal_)
                        time.sleep(0.05)
                    self.assertIsNone(server.process.poll(), server.messages())
                    self.assertEqual(server.stop(), 0, server.messages())

    def test_the_system_may_refuse_all_memory(self):
        texts = some_texts(400)
        expected = vectors_of_program(texts[:5], self.folder)
        bodies = (("/embed_all", {"inputs": texts}), ("/v1/embeddings", {"model": "x", "input": texts}), ("/embed", {"inputs": "a b " * 2_000_000}))
        statuses = collections.Counter()
        with Server() as server:
            self.assertEqual(server.embed(texts[:5]), expected)

            def ask(path, body):
                try:
                    return server.ask("POST", path, body, client=(client := server.client(PATIENCE)))[0]
                except (ConnectionError, http.client.HTTPException):
                    return 0
                finally:
                    client.close()

            for more in (0, 1 << 16, 1 << 20, 4 << 20, 16 << 20) * (10 if FULL else 1):
                status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text(encoding="ascii")
                limit = 1024 * int(re.search(r"^VmSize:\s*(\d+)", status, re.M)[1]) + more
                resource.prlimit(server.process.pid, resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
                with concurrent.futures.ThreadPoolExecutor(12) as pool:
                    statuses.update(pool.map(lambda request: ask(*request), bodies * 8))
                self.assertIsNone(server.process.poll(), server.messages())
                resource.prlimit(server.process.pid, resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
                self.assertEqual(server.embed(texts[:5]), expected)
        print("requests under a limit of memory, by their status:", dict(sorted(statuses.items())))
        self.assertLessEqual(set(statuses), {200, 413, 429, 503, 0})
        self.assertGreater(statuses[503], 0)


if __name__ == "__main__":
    unittest.main()
