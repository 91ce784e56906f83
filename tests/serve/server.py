"""Starts `lacos serve` for tests and asks it over plain sockets. Only Python's standard library is used."""

import base64
import http.client
import json
import os
import pathlib
import random
import re
import signal
import socket
import struct
import subprocess
import tempfile
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
MODEL = REPOSITORY / "examples/bloom-nano"
PROGRAM = os.environ.get("LACOS", str(REPOSITORY / "build/release/bin/lacos"))
FULL = os.environ.get("LACOS_SERVE_FULL") == "1"  # the long forms of the tests, see docs/reliability.md
# A program that was built with sanitizers is slow, and most of its memory belongs to them.
SANITIZED = os.environ.get("LACOS_SANITIZED") == "1"
PATIENT = ("--max-wait", "600", "--request-timeout", "900")  # of a server that refuses nothing because it is slow


class Server:
    """A server on a free port. It is stopped at the end of the `with` block, and must then end with status 0."""

    def __init__(self, *flags, model=MODEL, listen="127.0.0.1:0", environment=None, program=(PROGRAM, "serve")):
        self.stderr = tempfile.TemporaryFile()
        patient = PATIENT if SANITIZED and "--max-wait" not in flags else ()
        command = [*program, "--model", str(model), "--listen", listen, *patient, *flags]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.stderr, text=True,
                                        env={**os.environ, **(environment or {})})
        self.line = self.process.stdout.readline().strip()
        if not self.line:
            raise AssertionError(f"the server ended with {self.process.wait()}: {self.messages()}")
        self.url = re.fullmatch(r"lacos serving (\S+) on (\S+)", self.line)[2]
        self.host, _, port = self.url.removeprefix("http://").rpartition(":") if self.url.startswith("http") else ("", "", 0)
        self.port = int(port)

    def messages(self):
        self.stderr.seek(0)
        return self.stderr.read().decode(errors="replace")

    def connect(self, timeout=30):
        if self.url.startswith("unix:"):
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(timeout)
            connection.connect(self.url.removeprefix("unix:"))
            return connection
        connection = socket.create_connection((self.host.strip("[]"), self.port), timeout)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def client(self, timeout=600 if SANITIZED else 60):
        return http.client.HTTPConnection(self.host.strip("[]"), self.port, timeout=timeout)

    def ask(self, method, path, body=None, headers=None, client=None):
        """Returns (status, headers, parsed body or bytes)."""
        own = client or self.client()
        data = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
        own.request(method, path, data, {"Content-Type": "application/json", **(headers or {})})
        reply = own.getresponse()
        content = reply.read()
        if client is None:
            own.close()
        is_json = (reply.headers.get("Content-Type") or "").startswith("application/json")
        return reply.status, reply.headers, json.loads(content) if is_json and content else content

    def embed(self, texts, client=None, headers=None):
        """The vectors of texts as bytes."""
        return self.vectors(self.ask("POST", "/v1/embeddings", {"model": "any", "input": texts, "encoding_format": "base64"}, headers, client))

    @staticmethod
    def vectors(reply):
        """The vectors in what ask() returned for base64, as bytes."""
        status, _, body = reply
        if status != 200:
            raise AssertionError(f"{status}: {body}")
        return [base64.b64decode(item["embedding"]) for item in body["data"]]

    def metric(self, name):
        """The value of a counter or gauge without labels in /metrics."""
        text = self.ask("GET", "/metrics")[2].decode()
        return float(re.search(rf"^{name} (\S+)$", text, re.M)[1])

    def memory(self):
        """Resident bytes. /proc/PID/status would be off by what the kernel has not added up yet."""
        text = pathlib.Path(f"/proc/{self.process.pid}/smaps_rollup").read_text(encoding="ascii")
        return int(re.search(r"^Rss:\s*(\d+)", text, re.M)[1]) * 1024

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def stop(self, timeout=60):
        """Sends SIGTERM and returns the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        try:
            status = self.stop()
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            self.process.stdout.close()
            text = self.messages()
            self.stderr.close()
        if kind is None and status != 0:
            raise AssertionError(f"the server ended with status {status}: {text}")


def request_bytes(body, path="/embed", headers=""):
    """A POST as it is sent."""
    data = json.dumps(body).encode()
    return f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{headers}Content-Length: {len(data)}\r\n\r\n".encode() + data


def read_reply(connection):
    """Reads one reply from a socket, drops its body, and returns its status."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            raise ConnectionError("the server closed the connection")
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    left = int(re.search(rb"^content-length: *(\d+)", head, re.M | re.I)[1]) - len(body)
    while left > 0:
        more = connection.recv(1 << 20)
        if not more:
            raise ConnectionError("the server closed the connection")
        left -= len(more)
    return int(head.split()[1])


def vectors_of_program(texts, folder, *flags, model=MODEL, normalize=True):
    """What `lacos embed` writes for the texts, as bytes."""
    source, target = pathlib.Path(folder) / "texts.jsonl", pathlib.Path(folder) / "vectors.npy"
    source.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    subprocess.run([PROGRAM, "embed", "--model", str(model), "--input", str(source), "--output", str(target), "--overwrite", "--quiet",
                    "--normalize" if normalize else "--no-normalize", *flags], check=True, stdout=subprocess.DEVNULL)
    data = target.read_bytes()
    begin = 10 + struct.unpack("<H", data[8:10])[0]
    size = (len(data) - begin) // len(texts)
    return [data[begin + i * size:begin + (i + 1) * size] for i in range(len(texts))]


def trained_folder(path, *flags):
    """Trains an adapter for a moment and returns its folder."""
    path.parent.mkdir(exist_ok=True)
    subprocess.run([PROGRAM, "train", "--model", str(MODEL), "--train", str(REPOSITORY / "examples/data/snli-cad-train.tsv.gz"), "--output", str(path),
                    "--max-steps", "3", "--batch-size", "8", "--learning-rate", "0.01", "--quiet", *flags], check=True, stdout=subprocess.DEVNULL)
    return path


def some_texts(count, seed=1):
    """Texts of many lengths in several scripts."""
    rng = random.Random(seed)
    words = ("a the music guitar Музыка 音乐 संगीत ಸಂಗೀತ موسيقى plays in rain 42 naïve 😀 \n tab\t \"quoted\" "
             "backslash\\ end.").split(" ")
    return [" ".join(rng.choice(words) for _ in range(rng.choice((1, 2, 5, 9, 30, 80)))) + f" {i}" for i in range(count)]


def wait_until(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False
