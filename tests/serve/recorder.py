"""A proxy that writes down what clients send, so that replay_test.py can send it again without them."""

import json
import pathlib
import re
import socket
import threading


class Recorder:
    """with Recorder(port of the server) as recorder: recorder.url, then recorder.sent()"""

    def __init__(self, port):
        self.server = port
        self.records = []  # what each connection has sent

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            upstream = socket.create_connection(("127.0.0.1", self.server))
            record = bytearray()
            self.records.append(record)
            threading.Thread(target=self.copy, args=(client, upstream, record), daemon=True).start()
            threading.Thread(target=self.copy, args=(upstream, client, None), daemon=True).start()

    def copy(self, source, target, record):
        try:
            while data := source.recv(65536):
                if record is not None:
                    record += data
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def sent(self):
        """Every request, with HOST in place of the address."""
        for record in self.records:
            rest = bytes(record)
            while b"\r\n\r\n" in rest:
                head, _, rest = rest.partition(b"\r\n\r\n")
                length = re.search(rb"(?im)^content-length: *(\d+)\r?$", head)
                size = int(length[1]) if length else rest.find(b"0\r\n\r\n") + 5 if b"chunked" in head.lower() else 0
                yield (head + b"\r\n\r\n" + rest[:size]).replace(f"127.0.0.1:{self.port}".encode(), b"HOST")
                rest = rest[size:]


def body_of(request):
    """The JSON of a request, whose body may be chunked."""
    head, _, data = request.partition(b"\r\n\r\n")
    if b"chunked" in head.lower():
        parts, data = data, b""
        while parts:
            size, _, parts = parts.partition(b"\r\n")
            data, parts = data + parts[:int(size, 16)], parts[int(size, 16) + 2:]
    return json.loads(data)


def is_refused(body):
    """Whether the server refuses it: token ids, or an empty text."""
    texts = body.get("input", body.get("inputs"))
    return isinstance(texts, list) and (not isinstance(texts[0], str) or "" in texts)


def write(requests, folder, name):
    """Writes the requests for vectors, each shape once."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    shapes = set()
    for request in requests:
        if not request.startswith(b"POST") or len(request) > 8000:
            continue
        body = body_of(request)
        texts = body.get("input", body.get("inputs"))
        shape = (request.split(b"\r\n")[0], b"chunked" in request.lower(), type(texts), is_refused(body),
                 *sorted((key, str(value)) for key, value in body.items() if key not in ("input", "inputs")))
        if shape in shapes or (body.get("dimensions") or 0) > 100_000:
            continue
        shapes.add(shape)
        (folder / f"{name}-{len(shapes)}{'-refused' if is_refused(body) else ''}.http").write_bytes(request)
