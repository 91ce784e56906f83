#!/usr/bin/env python3
"""Follows examples/serve/Dockerfile in a minimal Debian system, without docker: `make docker-test`. Needs root.

    tools/test_dockerfile.py [DOCKERFILE]

Every instruction is read from the file: COPY copies, RUN runs in the new system, ENTRYPOINT is started there as USER, in a network
of its own, with the arguments of the `docker run` line in the file's comment. Then the server is asked for a vector, which must have
the bytes of `lacos embed`, and ends by STOPSIGNAL. An instruction that this script does not know is an error.
"""

import base64
import contextlib
import glob
import hashlib
import http.client
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[1]
PROGRAM = os.environ.get("LACOS", REPOSITORY / "build/release/bin/lacos")
MODEL = REPOSITORY / "examples/bloom-nano"
TEXT = "How do I get a refund?"
KEY = "the key of the test"


def instructions(text):
    """(name, arguments) of each instruction. A backslash at the end of a line goes on in the next one."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for line in re.sub(r"\\\n", "", "\n".join(lines)).splitlines():
        if line.strip():
            name, _, arguments = line.strip().partition(" ")
            yield name.upper(), arguments.strip()


class Image:
    """A system in a folder that follows the instructions of a Dockerfile."""

    def __init__(self, root):
        self.root, self.user, self.stop_signal, self.entrypoint, self.port = root, "root", signal.SIGTERM, None, None
        # As docker build does: the settings of a proxy are passed on, and the host's resolver is used.
        self.environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root",
                            **{name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}}
        for name in ("etc/resolv.conf", "etc/hosts"):
            shutil.copy(f"/{name}", root / name)

    def inside(self, command, user="root"):
        """The command in the system, as this user, with /proc and without new rights."""
        words = ["chroot", f"--userspec={user}", str(self.root), "env", "-i", *(f"{name}={value}" for name, value in self.environment.items())]
        return ["unshare", "--mount", "--pid", "--fork", "--kill-child", f"--mount-proc={self.root}/proc", *words, *command]

    def follow(self, name, arguments):
        if name == "FROM":
            assert arguments == "debian:12-slim", f"FROM {arguments}: this script makes Debian 12"
        elif name == "COPY":
            *sources, target = arguments.split()
            files = [file for source in sources for file in glob.glob(str(REPOSITORY / source))]
            assert files, f"COPY {arguments}: there is no such file; run 'make deb'"
            for file in files:
                shutil.copy(file, f"{self.root}{target}")
        elif name == "RUN":
            print(f"RUN {arguments}", flush=True)
            subprocess.run(self.inside(["/bin/sh", "-c", arguments], self.user), check=True, stdout=subprocess.DEVNULL)
        elif name == "USER":
            self.user = arguments
        elif name == "EXPOSE":
            self.port = int(arguments)
        elif name == "STOPSIGNAL":
            self.stop_signal = signal.Signals[arguments]
        elif name == "ENTRYPOINT":
            self.entrypoint = json.loads(arguments)
        else:
            raise AssertionError(f"{name}: this script does not know the instruction")


def run_arguments(text):
    """The words behind the image's name in the comment's `docker run`."""
    line = re.search(r"^#\s+(docker run .*)$", text, re.M)
    assert line, "the Dockerfile's comment has a line with docker run"
    words = shlex.split(line[1])
    return words[words.index("lacos") + 1:]


def expected_vector(folder):
    source, target = folder / "text.txt", folder / "vector.npy"
    source.write_text(TEXT + "\n", encoding="utf-8")
    subprocess.run([PROGRAM, "embed", "--model", MODEL, "--input", source, "--output", target, "--normalize", "--quiet"],
                   check=True, stdout=subprocess.DEVNULL)
    data = target.read_bytes()
    return data[10 + struct.unpack("<H", data[8:10])[0]:]


def ask(port, key):
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    client.request("POST", "/v1/embeddings", json.dumps({"model": "any", "input": TEXT, "encoding_format": "base64"}),
                   {"Content-Type": "application/json", "Authorization": f"Bearer {key}"})
    reply = client.getresponse()
    return reply.status, json.loads(reply.read())


def serve_and_ask(image, arguments, expected):
    """Starts the entry point in the network of this process and asks it."""
    process = subprocess.Popen(image.inside([*image.entrypoint, *arguments], image.user), stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        assert line.startswith("lacos serving"), f"found {line!r}; expected the server's line"
        status, body = ask(image.port, KEY)
        assert status == 200, (status, body)
        assert base64.b64decode(body["data"][0]["embedding"]) == expected, "the vector differs from lacos embed"
        assert ask(image.port, "another key")[0] == 401
        # The process that unshare waits for is the first of its own process numbers; its child is the server.
        pids = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(int(pids[0]), image.stop_signal)
        assert process.wait(60) == 0, f"found status {process.returncode} after {image.stop_signal.name}; expected 0"
    finally:
        process.kill()


def inner(root, dockerfile, expected):
    """The part that runs in a network of its own."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    image = Image(root)
    text = dockerfile.read_text()
    for name, argument in instructions(text):
        if name not in ("COPY", "RUN"):
            image.follow(name, argument)
    serve_and_ask(image, run_arguments(text), bytes.fromhex(expected))


def main():
    if sys.argv[1:2] == ["--inner"]:
        return inner(pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]), sys.argv[4])
    dockerfile = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else REPOSITORY / "examples/serve/Dockerfile"
    text, began = dockerfile.read_text(), time.monotonic()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="lacos-docker."))
    with contextlib.ExitStack() as stack:
        stack.callback(subprocess.run, ["rm", "-rf", "--one-file-system", str(folder)], check=True)
        folder.chmod(0o755)
        root = folder / "root"
        subprocess.run([REPOSITORY / "tools/clean_root.sh", root], check=True)
        image = Image(root)
        for name, arguments in instructions(text):
            image.follow(name, arguments)
        assert image.user != "root" and image.entrypoint and image.port, "the image has a user, an entry point and a port"
        shutil.copytree(MODEL, root / "models/trained")
        (root / "models/keys").write_text(f"test {hashlib.sha256(KEY.encode()).hexdigest()}\n")
        subprocess.run(["unshare", "--net", sys.executable, __file__, "--inner", root, dockerfile.resolve(), expected_vector(folder).hex()], check=True)
    print(f"the image of {dockerfile.name} was made, served a vector and ended, in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
