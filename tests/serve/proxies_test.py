#!/usr/bin/env python3
"""The files of examples/serve: the configurations of nginx and caddy in front of a server (TLS, the vectors, limits, and an end of
the server), the systemd unit and its file of flags. A test is skipped where its program is not installed (Debian: nginx, caddy,
systemd). tools/test_dockerfile.py follows the Dockerfile."""

import base64
import contextlib
import http.client
import json
import os
import pathlib
import re
import shlex
import shutil
import socket
import ssl
import subprocess
import tempfile
import unittest

from server import REPOSITORY, Server, vectors_of_program, wait_until

EXAMPLES = REPOSITORY / "examples/serve"
PATH = os.environ["PATH"] + ":/usr/sbin"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


class ProxyTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder, self.port = pathlib.Path(folder.name), free_port()

    def post(self, body, path="/v1/embeddings"):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection("localhost", self.port, timeout=30, context=context)
        try:
            connection.request("POST", path, body, {"Content-Type": "application/json"})
            reply = connection.getresponse()
            return reply.status, reply.headers, reply.read()
        finally:
            connection.close()

    @contextlib.contextmanager
    def proxy(self, command, environment=None):
        log = (self.folder / "proxy.log").open("wb")
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "PATH": PATH, **(environment or {})})
        try:
            def listens():
                with contextlib.suppress(OSError), socket.create_connection(("localhost", self.port), 1):
                    return True
                return False
            self.assertTrue(wait_until(listens), (self.folder / "proxy.log").read_text(errors="replace"))
            yield
        finally:
            process.terminate()
            process.wait(20)
            log.close()

    def check(self):
        texts = ["A man plays a guitar.", "今天天气"]
        body = json.dumps({"model": "x", "input": texts, "encoding_format": "base64"})
        status, headers, reply = self.post(body)
        self.assertEqual(status, 200, reply)
        found = [base64.b64decode(item["embedding"]) for item in json.loads(reply)["data"]]
        self.assertEqual(found, vectors_of_program(texts, self.folder))
        self.assertTrue(headers["x-request-id"])
        self.assertEqual(self.post("{")[0], 400)
        self.assertEqual(json.loads(self.post("{")[2])["error"]["type"], "invalid_request_error")
        # The proxy refuses a body that is too large, and may close while the client still sends.
        with contextlib.suppress(ssl.SSLError, ConnectionError):
            self.assertEqual(self.post("x" * (33 << 20))[0], 413)

    @unittest.skipUnless(shutil.which("nginx", path=PATH), "nginx is not installed")
    def test_nginx(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout",
                        self.folder / "tls.key", "-out", self.folder / "tls.crt"], check=True, capture_output=True)
        site = (EXAMPLES / "nginx.conf").read_text(encoding="utf-8")
        for old, new in (("/run/lacos/lacos.sock", f"{self.folder}/s"), ("/etc/lacos", str(self.folder)), ("8443", str(self.port))):
            self.assertIn(old, site)
            site = site.replace(old, new)
        paths = "".join(f"{name}_temp_path {self.folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        user = "user root;\n" if os.geteuid() == 0 else ""
        (self.folder / "nginx.conf").write_text(
            f"{user}daemon off;\npid {self.folder}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n{paths}{site}}}\n", encoding="utf-8")
        with Server(listen=f"unix:{self.folder}/s"), self.proxy(["nginx", "-p", str(self.folder), "-c", f"{self.folder}/nginx.conf", "-e", "stderr"]):
            self.check()

    @unittest.skipUnless(shutil.which("caddy"), "caddy is not installed")
    def test_caddy(self):
        site = (EXAMPLES / "Caddyfile").read_text(encoding="utf-8")
        for old, new in (("/run/lacos/lacos.sock", f"{self.folder}/s"), ("8443", str(self.port))):
            self.assertIn(old, site)
            site = site.replace(old, new)
        # The test leaves the machine's certificates and caddy's own ports alone.
        (self.folder / "Caddyfile").write_text("{\n\tskip_install_trust\n\tadmin off\n\tauto_https disable_redirects\n}\n" + site, encoding="utf-8")
        home = {"HOME": str(self.folder), "XDG_DATA_HOME": str(self.folder / "data"), "XDG_CONFIG_HOME": str(self.folder / "config")}
        with Server(listen=f"unix:{self.folder}/s"), self.proxy(["caddy", "run", "--adapter", "caddyfile", "--config", f"{self.folder}/Caddyfile"], home):
            self.check()


class UnitTest(unittest.TestCase):
    @unittest.skipUnless(shutil.which("systemd-analyze"), "systemd is not installed")
    def test_the_units_exposure_is_that_of_the_docs(self):
        run = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", EXAMPLES / "lacos.service"], capture_output=True, text=True)
        if "offline" in run.stderr:
            self.skipTest("systemd is older than 250")
        found = re.search(r"Overall exposure level for lacos.service: ([\d.]+) SAFE", run.stdout)
        self.assertTrue(found, run.stdout + run.stderr)
        docs = (REPOSITORY / "docs/serving.md").read_text(encoding="utf-8")
        self.assertIn(f"rates its exposure at {found[1]} of 10", docs)

    def test_the_group_that_owns_the_keys_is_made_before(self):
        unit = (EXAMPLES / "lacos.service").read_text(encoding="utf-8")
        commands = re.findall(r"^#   (\w.*)$", unit, re.M)
        names = [shlex.split(command, comments=True) for command in commands]
        self.assertEqual([words[0] for words in names], ["useradd", "install", "install", "install"])
        self.assertEqual(names[0][-1], "lacos")
        self.assertIn("--user-group", names[0])
        self.assertEqual(names[3][names[3].index("-g") + 1], "lacos")
        for line in ("User=lacos", "Group=lacos"):
            self.assertIn(f"\n{line}\n", unit)

    def test_the_file_of_flags_is_read(self):
        with Server("--config", str(EXAMPLES / "lacos.toml")) as server:
            self.assertEqual(server.ask("GET", "/info")[2]["model_dtype"], "cpu+int8")


if __name__ == "__main__":
    unittest.main()
