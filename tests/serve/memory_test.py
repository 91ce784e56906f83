#!/usr/bin/env python3
"""`lacos serve` while allocations fail: a request gets 503 or its right reply, and the server lives.

The library of tests/faults (LACOS_FAULT_LIBRARY) makes them fail inside the server, at numbers that the test sets while it runs: a sample
of the allocations of each route, and with LACOS_SERVE_FULL=1 each of them. A second test lets the system refuse memory (RLIMIT_AS).
"""

import base64
import collections
import concurrent.futures
import contextlib
import http.client
import json
import mmap
import os
import pathlib
import random
import re
import resource
import struct
import subprocess
import tempfile
import unittest

from server import FULL, MODEL, PROGRAM, Server, some_texts, vectors_of_program

LIBRARY = os.environ.get("LACOS_FAULT_LIBRARY", str(pathlib.Path(PROGRAM).parent.parent / "tests/faults/libfault_injection.so"))
ENOMEM = "12"


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

    def fail(self, number):
        """The call with this number fails, counted from 1 from now on; 0: none."""
        struct.pack_into("<Q", self.memory, 24, 0)
        place = self.calls() + number if number > 0 else 0
        struct.pack_into("<Q", self.memory, 16, place)
        struct.pack_into("<Q", self.memory, 24, place)


SAMPLES = 40  # allocations of a route that fail in the short form
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
    def server(self):
        allocations = Allocations(self.folder)
        # The library counts in the first program only, and `lacos` would start lacos-serve as a second one.
        with Server(model=self.model, program=[str(pathlib.Path(PROGRAM).with_name("lacos-serve"))], environment=allocations.environment()) as server:
            yield server, allocations

    def ask(self, server, name):
        """(status, body) of a request on a connection of its own; status 0 if the server closed it without a reply."""
        try:
            status, _, body = server.ask(*REQUESTS[name], client=(client := server.client()))
        except (ConnectionError, http.client.HTTPException):
            return 0, b""
        finally:
            client.close()
        return status, body

    def check(self, server, expected):
        status, body = self.ask(server, "embeddings")
        self.assertEqual(status, 200, (body, server.messages()))
        self.assertEqual([base64.b64decode(item["embedding"]) for item in body["data"]], expected)

    def places(self, server, allocations, name):
        """The numbers of the allocations during such a request, or in the short form a sample of them."""
        before = allocations.calls()
        self.ask(server, name)
        numbers = range(1, allocations.calls() - before + 1)
        return numbers if FULL else random.Random(name).sample(numbers, min(SAMPLES, len(numbers)))

    def test_any_allocation_may_fail(self):
        expected = vectors_of_program(TEXTS, self.folder, model=self.model)
        outcomes = collections.Counter()
        with self.server() as (server, allocations):
            for name in REQUESTS:
                good = [self.ask(server, name) for _ in range(5)][-1]
                for number in self.places(server, allocations, name):
                    allocations.fail(number)
                    status, body = self.ask(server, name)
                    allocations.fail(0)
                    outcomes[f"{name} {status}"] += 1
                    self.assertIsNone(server.process.poll(), (name, number, server.messages()))
                    self.assertIn(status, (good[0], 503, 0), (name, number, body))
                    if status == good[0] and name not in ("metrics", "info"):
                        self.assertEqual(body, good[1], (name, number))
                    self.check(server, expected)
            self.assertGreater(allocations.faults(), 0)
        print("allocations that failed during a request, by its route and status (0: closed without a reply):", json.dumps(outcomes))
        self.assertGreater(sum(count for name, count in outcomes.items() if name.endswith("503")), 0)

    def test_the_system_may_refuse_all_memory(self):
        texts = some_texts(400)
        expected = vectors_of_program(texts[:5], self.folder)
        bodies = (("/embed_all", {"inputs": texts}), ("/v1/embeddings", {"model": "x", "input": texts}), ("/embed", {"inputs": "a b " * 2_000_000}))
        statuses = collections.Counter()
        with Server() as server:
            self.assertEqual(server.embed(texts[:5]), expected)

            def ask(path, body):
                try:
                    return server.ask("POST", path, body)[0]
                except (ConnectionError, http.client.HTTPException):
                    return 0

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
