"""A proxy that stands between clients and a server and damages connections: it delays bytes, cuts messages short, closes one
direction, and resets. What it does to each connection is drawn from a seed."""

import contextlib
import random
import socket
import struct
import threading
import time

FAULTS = ("none", "delay", "drip", "cut_request", "cut_reply", "half_close", "reset", "never_read")


def end(source, target, how=socket.SHUT_RDWR):
    """Ends both connections, so that the threads of both directions return and the connections are closed."""
    for connection in (source, target):
        with contextlib.suppress(OSError):
            connection.shutdown(how)


class FaultProxy:
    """Listens on a free port of 127.0.0.1 and passes connections on to a server; counts the faults that it caused."""

    def __init__(self, host, port, seed=1, faults=FAULTS):
        self.target, self.rng, self.faults = (host, port), random.Random(seed), faults
        self.counts = dict.fromkeys(faults, 0)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        self.threads = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.listener.close()
        for thread in self.threads:
            thread.join(5)

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            fault = self.rng.choice(self.faults)
            self.counts[fault] += 1
            thread = threading.Thread(target=self._serve, args=(client, fault, self.rng.random()), daemon=True)
            thread.start()
            self.threads.append(thread)

    def _serve(self, client, fault, draw):
        try:
            server = socket.create_connection(self.target, 10)
        except OSError:
            client.close()
            return
        server.settimeout(10)
        client.settimeout(10)
        back = threading.Thread(target=self._pass_on, args=(server, client, fault, draw, False), daemon=True)
        back.start()
        self._pass_on(client, server, fault, draw, True)
        back.join(10)
        client.close()
        server.close()

    def _pass_on(self, source, target, fault, draw, is_request):
        """Copies bytes until the end, with the fault."""
        try:
            while True:
                if fault == "never_read" and not is_request:
                    time.sleep(draw)
                    end(source, target)
                    return
                data = source.recv(65536)
                if not data:
                    if fault == "reset":
                        return
                    target.shutdown(socket.SHUT_WR)
                    return
                if fault == "delay":
                    time.sleep(draw * 0.2)
                if fault == "drip" and is_request:
                    for i in range(0, min(len(data), 40)):
                        target.sendall(data[i:i + 1])
                        time.sleep(0.002)
                    data = data[40:]
                if (fault == "cut_request" and is_request) or (fault == "cut_reply" and not is_request):
                    target.sendall(data[:int(draw * len(data))])
                    end(source, target)
                    return
                if fault == "half_close" and is_request:
                    target.sendall(data)
                    target.shutdown(socket.SHUT_WR)
                    return
                if fault == "reset" and is_request:
                    target.sendall(data[:1 + int(draw * len(data))])
                    for connection in (target, source):
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    end(source, target, socket.SHUT_RD)  # says nothing to the other side, so that the close resets
                    return
                target.sendall(data)
        except OSError:
            return
