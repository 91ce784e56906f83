#!/usr/bin/env python3
"""The limit of connections of one address, with clients that are not on the server's machine: they have a network of their own.

The test starts itself again in new namespaces of users and of the network, so that it needs no rights and changes nothing outside.
There the server stays in the first network, and the test goes on to a second one; a pair of virtual Ethernet devices joins the two.
"""

import ctypes
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import unittest

from server import Server, read_reply, request_bytes, wait_until

INSIDE = "LACOS_TEST_INSIDE"  # the name of the network that the test is to make
NEW_NETWORK = 0x40000000  # CLONE_NEWNET of unshare(2)
LIMIT = 4
# What the server listens on, its address, addresses that are limited together, and another one. The first 64 bits of an IPv6 address
# are what is limited, since one client may have all addresses that begin with them.
NETWORKS = {
    "ipv4": ("0.0.0.0:0", "10.77.0.1", ("10.77.0.2",), "10.77.0.3", "24"),
    "ipv6": ("[::]:0", "fd77::1", ("fd77::2", "fd77::3"), "fd77:0:0:1::2", "32"),
}


def ip(*words, of=None):
    command = ["ip", *words] if of is None else ["nsenter", f"--net=/proc/{of}/ns/net", "ip", *words]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def what_is_missing(name):
    """Why the networks cannot be made, or nothing."""
    for program in ("unshare", "nsenter", "ip"):
        if shutil.which(program) is None:
            return f"there is no program {program}"
    if name == "ipv6" and not pathlib.Path("/proc/net/if_inet6").exists():
        return "this system has no IPv6"
    made = subprocess.run(["unshare", "--map-root-user", "--net", "ip", "link", "add", "first", "type", "veth", "peer", "name", "second"],
                          capture_output=True, text=True)
    return "" if made.returncode == 0 else f"no namespace of the network can be made here: {made.stderr.strip()}"


class AddressLimitTest(unittest.TestCase):
    @unittest.skipIf(INSIDE in os.environ, "the other test runs here")
    def test_addresses_are_limited(self):
        for name in NETWORKS:
            missing = what_is_missing(name)
            if missing:
                self.skipTest(missing)
            result = subprocess.run(["unshare", "--map-root-user", "--net", sys.executable, __file__, "AddressLimitTest.test_inside"],
                                    env={**os.environ, INSIDE: name}, capture_output=True, text=True)
            self.assertEqual(result.returncode, 0, f"{name}: {result.stderr}")

    @unittest.skipUnless(INSIDE in os.environ, "the other test starts it in a network of its own")
    def test_inside(self):
        listen, to, limited, other, bits = NETWORKS[os.environ[INSIDE]]
        # Without DAD, which asks for some seconds whether an IPv6 address is in use.
        more = ("nodad",) if ":" in to else ()
        ip("link", "set", "lo", "up")
        with Server("--no-auth", "--max-connections-per-address", str(LIMIT), listen=listen) as server:
            if ctypes.CDLL(None).unshare(NEW_NETWORK) != 0:
                raise OSError("unshare: no second network")
            ip("link", "add", "here", "type", "veth", "peer", "name", "there", "netns", str(server.process.pid))
            ip("addr", "add", f"{to}/{bits}", "dev", "there", *more, of=server.process.pid)
            ip("link", "set", "there", "up", of=server.process.pid)
            for address in (*limited, other):
                ip("addr", "add", f"{address}/{bits}", "dev", "here", *more)
            ip("link", "set", "here", "up")
            self.check(lambda source: socket.create_connection((to, server.port), 30, source_address=(source, 0)), limited, other)

    def check(self, connect, limited, other):
        def embed(connection):
            connection.sendall(request_bytes({"inputs": "a"}))
            return read_reply(connection)

        good = [connect(limited[i % len(limited)]) for i in range(LIMIT)]
        for connection in good:
            self.assertEqual(embed(connection), 200)
        for _ in range(3):
            for source in limited:
                with connect(source) as refused:  # it is accepted, told why, and closed
                    self.assertEqual(embed(refused), 503)
                    self.assertEqual(refused.recv(100), b"")
        # Clients of other addresses are served, and so are those that came first.
        for connection in (another := connect(other), *good):
            self.assertEqual(embed(connection), 200)
        good.pop().close()

        def is_free():
            with connect(limited[0]) as connection:
                return embed(connection) == 200

        self.assertTrue(wait_until(is_free))
        for connection in (another, *good):
            connection.close()


if __name__ == "__main__":
    unittest.main()
