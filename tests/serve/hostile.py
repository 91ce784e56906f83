"""Requests that no decent client sends: damaged heads, bodies and JSON, drawn from a seed."""

import gzip
import json
import random

GOOD = {"model": "x", "input": "A man plays a guitar."}


def _head(rng, length, method="POST", path="/v1/embeddings"):
    return f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n".encode()


_TEXT = json.dumps(GOOD)


def _good_but(**members):
    return json.dumps({**GOOD, **members})


# Bodies that are JSON of a wrong form, or nearly JSON. They are functions, so that only the one that is drawn is made.
_BODIES = [lambda rng, text=text: text for text in (
    "", "{", _TEXT + "}", _TEXT.replace("x", "\\ud800"), _TEXT.replace("A", "\x00"), '{"input": "a", "input": "b"}', '{"input": null}', '{"input": 1e999}',
    '{"input": [[1, 2, 3]]}', '{"input": [1, 2, 3]}', '{"input": [], "model": "x"}', '{"input": ["", ""]}', '{"input": {"a": 1}}', "\ufeff" + _TEXT,
    "null", "true", "[]", "\"a\"", "NaN")] + [
    lambda rng: "[" * rng.randrange(1, 100000),
    lambda rng: '{"a":' * rng.randrange(1, 20000),
    lambda rng: _TEXT[:rng.randrange(len(_TEXT))],
    lambda rng: _good_but(dimensions=rng.choice([-1, 0, 1e18, "3", None, 2**63, 10**30])),
    lambda rng: _good_but(encoding_format=rng.choice(["base32", 3, None, ["float"]])),
    lambda rng: _good_but(input=["a"] * rng.randrange(2049, 4000)),
    lambda rng: _good_but(input="word " * rng.randrange(5000, 30000)),
    lambda rng: _good_but(input="\u202e\u0000\ufeff" * rng.randrange(1, 1000)),
    lambda rng: json.dumps({"inputs": rng.choice(["", [], [[]], {"source_sentence": 1}, 3.5])}),
]
_BOMB = gzip.compress(b"0" * 10_000_000, mtime=0)


def _json(rng):
    return rng.choice(_BODIES)(rng).encode("utf-8", "surrogatepass")


def request(rng):
    """Bytes to send."""
    kind = rng.randrange(12)
    path = rng.choice(["/v1/embeddings", "/embed", "/", "/similarity", "/tokenize", "/decode", "/embed_all", "/v1/adapters"])
    body = _json(rng)
    whole = _head(rng, len(body), path=path) + b"\r\n" + body
    if kind <= 3:
        return whole
    if kind == 4:  # a bit of the request is flipped
        data = bytearray(_head(rng, 60) + b"\r\n" + json.dumps(GOOD).encode())
        for _ in range(rng.randrange(1, 6)):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        return bytes(data)
    if kind == 5:
        return rng.randbytes(rng.randrange(1, 3000))
    if kind == 6:
        return whole[:rng.randrange(len(whole) + 1)]
    if kind == 7:  # chunks with wrong sizes
        chunks = b"".join(f"{rng.choice([len(body), 0, -1, 2**64, len(body) + 1]):x}".encode() + rng.choice([b"\r\n", b"\n", b";" + b"x" * 3000 + b"\r\n"]) + body[:2000]
                          + b"\r\n" for _ in range(rng.randrange(1, 4)))
        return f"POST {path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n".encode() + chunks + b"0\r\n\r\n"
    if kind == 8:
        packed = rng.choice([lambda: gzip.compress(body, 1, mtime=0), lambda: _BOMB, lambda: gzip.compress(rng.randbytes(1000), 1, mtime=0)])()
        if rng.random() < 0.3:
            packed = packed[:rng.randrange(len(packed))]
        return _head(rng, len(packed), path=path) + b"Content-Encoding: gzip\r\n\r\n" + packed
    if kind == 9:
        fields = b"".join(b"%s: %s\r\n" % (rng.randbytes(rng.randrange(0, 20)), rng.randbytes(rng.randrange(0, 50))) for _ in range(rng.randrange(1, 150)))
        return _head(rng, len(body)) + fields + b"\r\n" + body
    if kind == 10:
        method = rng.choice(["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PATCH", "get", "A" * 1000])
        target = rng.choice(["/v1/embeddings", "*", "//", "/../../etc/passwd", "/%00", "/" + "a" * 9000, "http://evil.example/", "/v1/adapters/%2e%2e", "/health?" + "x" * 100])
        return _head(rng, len(body), method, target) + b"\r\n" + body
    return whole * rng.randrange(2, 20)  # pipelined


def stream(seed):
    rng = random.Random(seed)
    while True:
        yield request(rng)
