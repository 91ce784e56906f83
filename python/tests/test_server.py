"""Server: it answers with the bytes of an encoder, stops, and names mistakes."""

import base64
import json
import unittest
import urllib.error
import urllib.request

import numpy as np

import lacos
from fixtures import MODEL


def post(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as reply:
        return json.load(reply)


class ServerTest(unittest.TestCase):
    def test_vectors_are_those_of_an_encoder(self):
        texts = ["A man plays a guitar.", "Someone makes music.", "ಕನ್ನಡ"]
        with lacos.SentenceEncoder(MODEL) as encoder:
            expected = encoder.encode(texts, normalize_embeddings=True)
        with lacos.Server(MODEL) as server:
            reply = post(f"{server.url}/v1/embeddings", {"model": "any", "input": texts, "encoding_format": "base64"})
        vectors = [np.frombuffer(base64.b64decode(item["embedding"]), "<f4") for item in reply["data"]]
        self.assertEqual(np.stack(vectors).tobytes(), expected.tobytes())

    def test_it_stops_once(self):
        server = lacos.Server(MODEL)
        url = server.url
        self.assertEqual(server.stop(), 0)
        self.assertEqual(server.stop(), 0)
        with self.assertRaises(urllib.error.URLError):
            urllib.request.urlopen(f"{url}/health", timeout=5)
        with self.assertRaises(lacos.Error):
            server.url  # noqa: B018

    def test_mistakes_are_named(self):
        for arguments, part in [({"listen": "nowhere"}, r"\[listen nowhere\]"), ({"listen": "0.0.0.0:0"}, "no_auth"),
                                ({"max_wait": -1}, r"\[max_wait\]"), ({"adapters": {"": "a"}}, "NAME=FOLDER"),
                                ({"api_keys": "/no/such/file"}, "/no/such/file"), ({"device": "tpu"}, r"\[options.device\]")]:
            with self.assertRaisesRegex(lacos.Error, part):
                lacos.Server(MODEL, **arguments)
        with self.assertRaises(lacos.Error):
            lacos.Server("/no/such/model")


if __name__ == "__main__":
    unittest.main()
