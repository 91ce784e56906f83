#!/usr/bin/env python3
"""Sends the recorded requests of published clients to `lacos serve` and compares the vectors with `lacos embed`.

The files in requests/ are the bytes that each client sent, with HOST in place of the address; `clients.py --record` makes them.
A request whose name ends in -refused.http must get an error.
"""

import base64
import json
import pathlib
import struct
import tempfile
import unittest

from recorder import body_of
from server import Server, vectors_of_program

REQUESTS = sorted((pathlib.Path(__file__).resolve().parent / "requests").glob("*.http"))


def bits(vector):
    return base64.b64decode(vector) if isinstance(vector, str) else struct.pack(f"<{len(vector)}f", *vector)


def exchange(server, data):
    """Sends bytes; returns the status, the headers and the body of the reply."""
    with server.connect(60) as connection:
        connection.sendall(data)
        with connection.makefile("rb") as reply:
            status = int(reply.readline().split()[1])
            headers = {}
            while line := reply.readline().strip():
                name, value = line.split(b":", 1)
                headers[name.decode().lower()] = value.strip().decode()
            return status, headers, reply.read(int(headers.get("content-length", 0)))


class ReplayTest(unittest.TestCase):
    def expected(self, body, texts):
        flags = ["--truncate-dim", str(body["dimensions"])] if body.get("dimensions") else []
        with tempfile.TemporaryDirectory() as folder:
            return vectors_of_program(texts, folder, *flags, normalize=body.get("normalize") is not False)

    def check(self, server, path):
        request = path.read_bytes()
        status, headers, reply = exchange(server, request.replace(b"HOST", f"127.0.0.1:{server.port}".encode(), 1))
        self.assertTrue(headers["content-type"].startswith("application/json"), headers)
        self.assertTrue(headers["x-request-id"])
        reply = json.loads(reply)
        if path.stem.endswith("-refused"):
            self.assertEqual(status, 400, reply)
            self.assertTrue(reply["error"])
            return
        self.assertEqual(status, 200, reply)
        body = body_of(request)
        texts = body.get("input", body.get("inputs"))
        if isinstance(texts, dict):
            self.assertEqual(len(reply), len(texts["sentences"]))
            return
        found = [item["embedding"] for item in reply["data"]] if isinstance(reply, dict) else reply
        expected = self.expected(body, [texts] if isinstance(texts, str) else texts)
        self.assertEqual([bits(vector) for vector in found], expected)

    def test_recorded_requests_get_the_vectors_of_embed(self):
        self.assertGreater(len(REQUESTS), 10)
        with Server() as server:
            for path in REQUESTS:
                with self.subTest(path.stem):
                    self.check(server, path)


if __name__ == "__main__":
    unittest.main()
