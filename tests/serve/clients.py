#!/usr/bin/env python3
"""Runs published clients of embedding servers, unchanged, against `lacos serve`: `make serve-clients`.

    tests/serve/clients.py [--model FOLDER] [--only NAME,...] [--require NAME,...]

Each client's vectors must be those of `lacos embed`, bit for bit where the client keeps float32. A client that is not
installed is skipped, unless --require names it. Prints one line a client; exit status 1 if one fails.
"""

import argparse
import base64
import http.client
import importlib.metadata
import json
import math
import os
import pathlib
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import traceback

import numpy
import recorder
from server import MODEL, PROGRAM, Server

TEXTS = ["How do I get my money back?", "Wie bekomme ich mein Geld zurück?", "मुझे अपना पैसा वापस कैसे मिलेगा?",
         "The weather is fine today.", "今天天气很好。", "line one\nline two", "x" * 300]
# Clients that replace line breaks by blanks send this instead.
FLAT = [text.replace("\n", " ") for text in TEXTS]


class Setting:
    def __init__(self, model, work, mixed):
        self.model, self.work, self.mixed = model, work, mixed

    def embed(self, texts, *flags):
        """The vectors of `lacos embed`."""
        path = self.work / "texts.jsonl"
        path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
        output = self.work / "vectors.npy"
        subprocess.run([PROGRAM, "embed", "--model", self.model, "--input", path, "--output", output,
                        "--overwrite", "--quiet", *flags], check=True, stdout=subprocess.DEVNULL)
        return numpy.load(output)

    def unit(self, texts):
        return self.embed(texts, "--normalize")


def same(found, expected, what=""):
    found = numpy.asarray(found, numpy.float32)
    assert found.shape == expected.shape, f"{what}: shape {found.shape}, expected {expected.shape}"
    assert found.tobytes() == expected.tobytes(), f"{what}: differs by up to {abs(found - expected).max()}"


def raises(kind, call, *words):
    try:
        call()
    except kind as error:
        for word in words:
            assert word in str(error), f"{word!r} is not in {error}"
        return error
    raise AssertionError(f"no {kind.__name__}")


# --- the clients ------------------------------------------------------------------------------------------------------


def check_openai(setting, url):
    import openai

    client = openai.OpenAI(base_url=url + "/v1", api_key="none", max_retries=0)
    expected = setting.unit(TEXTS)
    reply = client.embeddings.create(model="any", input=TEXTS)  # base64
    same([item.embedding for item in reply.data], expected, "base64")
    assert reply.usage.prompt_tokens > len(TEXTS) and reply.usage.total_tokens == reply.usage.prompt_tokens
    reply = client.embeddings.create(model="any", input=TEXTS, encoding_format="float")
    same([item.embedding for item in reply.data], expected, "float")
    same(client.embeddings.create(model="any", input=TEXTS[0]).data[0].embedding, expected[0], "one text")
    reply = client.embeddings.create(model="any", input=TEXTS, dimensions=16)
    same([item.embedding for item in reply.data], setting.embed(TEXTS, "--normalize", "--truncate-dim", "16"), "dimensions")
    many = [f"text {i}" for i in range(2048)]
    same([item.embedding for item in client.embeddings.create(model="any", input=many).data], setting.unit(many), "2,048 texts")
    names = [model.id for model in client.models.list()]
    assert len(names) == 1 and client.models.retrieve(names[0]).id == names[0]
    error = raises(openai.BadRequestError, lambda: client.embeddings.create(model="any", input=["a", ""]), "input[1]")
    assert error.code == "empty_text" and error.type == "invalid_request_error", error.body
    raises(openai.BadRequestError, lambda: client.embeddings.create(model="any", input="a", dimensions=10**6), "dimensions")
    raises(openai.APIStatusError, lambda: client.embeddings.create(model="any", input=["a"] * 2049), "found 2049 texts")
    # What langchain-openai sends by default: ids of OpenAI's tokenizer.
    raises(openai.BadRequestError, lambda: client.embeddings.create(model="any", input=[[57668, 53901]]),
           "check_embedding_ctx_length=False")


def check_langchain_openai(setting, url):
    import openai
    from langchain_openai import OpenAIEmbeddings

    right = OpenAIEmbeddings(model="any", base_url=url + "/v1", api_key="none", check_embedding_ctx_length=False)
    expected = setting.unit(TEXTS)
    same(right.embed_documents(TEXTS), expected, "documents")
    same(right.embed_query(TEXTS[2]), expected[2], "query")
    # Its default setting, with the ids that it makes: its table of tokens comes from the net.
    class Recorded(OpenAIEmbeddings):
        def _tokenize(self, texts, chunk_size):
            return range(0, len(texts), chunk_size), [[57668, 53901]] * len(texts), list(range(len(texts))), [2] * len(texts)

    wrong = Recorded(model="any", base_url=url + "/v1", api_key="none", max_retries=0)
    raises(openai.BadRequestError, lambda: wrong.embed_documents(TEXTS[:2]), "check_embedding_ctx_length=False")


def check_llama_index_tei(setting, url):
    from llama_index.embeddings.text_embeddings_inference import TextEmbeddingsInference

    model = TextEmbeddingsInference(model_name="any", base_url=url, timeout=60)
    same(model.get_text_embedding_batch(TEXTS), setting.unit(TEXTS), "texts")
    same(model.get_query_embedding(TEXTS[0]), setting.unit(TEXTS)[0], "query")


def check_llama_index_openai_like(setting, url):
    from llama_index.embeddings.openai_like import OpenAILikeEmbedding

    model = OpenAILikeEmbedding(model_name="any", api_base=url + "/v1", api_key="none")
    same(model.get_text_embedding_batch(TEXTS), setting.unit(FLAT), "texts")
    same(model.get_query_embedding(TEXTS[0]), setting.unit(TEXTS)[0], "query")


def check_haystack_openai(setting, url):
    from haystack import Document
    from haystack.components.embedders import OpenAIDocumentEmbedder, OpenAITextEmbedder
    from haystack.utils import Secret

    options = {"api_key": Secret.from_token("none"), "api_base_url": url + "/v1", "model": "any"}
    same(OpenAITextEmbedder(**options).run(text=TEXTS[1])["embedding"], setting.unit(TEXTS)[1], "text")
    documents = OpenAIDocumentEmbedder(progress_bar=False, **options).run(documents=[Document(content=text) for text in TEXTS])
    same([document.embedding for document in documents["documents"]], setting.unit(TEXTS), "documents")


def check_haystack_tei(setting, url):
    try:
        from haystack_integrations.components.embedders import huggingface_api as embedders
    except ImportError:
        from haystack.components import embedders
    from haystack import Document

    options = {"api_type": "text_embeddings_inference", "api_params": {"url": url}, "token": None}
    same(embedders.HuggingFaceAPITextEmbedder(normalize=True, **options).run(text=TEXTS[1])["embedding"], setting.unit(TEXTS)[1], "text")
    embedder = embedders.HuggingFaceAPIDocumentEmbedder(normalize=False, progress_bar=False, **options)
    documents = embedder.run(documents=[Document(content=text) for text in TEXTS])["documents"]
    same([document.embedding for document in documents], setting.embed(TEXTS), "documents that are not scaled")


def check_huggingface_hub(setting, url):
    from huggingface_hub import InferenceClient

    expected = setting.unit(TEXTS)
    for address in (url, url + "/embed"):
        client = InferenceClient(model=address)
        same(client.feature_extraction(TEXTS[0])[0], expected[0], "one text")
        same(client.feature_extraction(TEXTS), expected, "texts")
        same(client.feature_extraction(TEXTS, normalize=False, truncate=True, truncation_direction="Right"), setting.embed(TEXTS),
             "texts that are not scaled")
    client = InferenceClient(model=url + "/similarity")
    found = client.sentence_similarity(TEXTS[0], other_sentences=TEXTS[1:])
    for value, vector in zip(found, expected[1:]):
        assert math.isclose(value, float(expected[0].astype(float) @ vector), abs_tol=1e-6)


def check_chroma(setting, url):
    from chromadb.utils.embedding_functions import HuggingFaceEmbeddingServer

    same(HuggingFaceEmbeddingServer(url=url + "/embed")(TEXTS), setting.unit(TEXTS), "documents")


def check_prometheus(setting, url):
    import urllib.request

    from prometheus_client.parser import text_string_to_metric_families

    def counters():
        with urllib.request.urlopen(url + "/metrics") as reply:
            return {(sample.name, *sorted(sample.labels.items())): sample.value
                    for family in text_string_to_metric_families(reply.read().decode()) for sample in family.samples}

    before = counters()
    for _ in range(3):
        raw(url, "POST", "/embed", {"inputs": ["a", "b"]})
    after = counters()
    # The parser gives counters the ending of OpenMetrics.
    for key, change in {("te_request_count_total", ("method", "batch")): 3, ("te_embed_success_total",): 6,
                        ("te_request_duration_count",): 3}.items():
        assert after[key] - before[key] == change, (key, after[key] - before[key])


# --- raw requests -----------------------------------------------------------------------------------------------------


def exchange(url, data):
    """Sends bytes and returns the status, the headers and the body of the reply."""
    host, port = url.removeprefix("http://").rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(data)
        with connection.makefile("rb") as reply:
            status = int(reply.readline().split()[1])
            headers = {}
            while (line := reply.readline().strip()):
                name, value = line.split(b":", 1)
                headers[name.decode().lower()] = value.strip().decode()
            return status, headers, reply.read(int(headers.get("content-length", 0)))


def raw(url, method, target, body, headers=(), chunked=False, content_type=True):
    data = json.dumps(body).encode()
    host = url.removeprefix("http://")
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *headers]
    if content_type:
        lines.append("Content-Type: application/json")
    if chunked:
        lines.append("Transfer-Encoding: chunked")
        middle = len(data) // 2
        parts = [data[:middle], data[middle:], b""]
        data = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
    else:
        lines.append(f"Content-Length: {len(data)}")
    return exchange(url, "\r\n".join([*lines, "", ""]).encode() + data)


def check_raw(setting, url):
    expected = setting.unit(TEXTS)
    upgrade = ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA",
               "User-Agent: Java-http-client/21"]
    for chunked in (False, True):
        status, _, body = raw(url, "POST", "/v1/embeddings", {"input": TEXTS, "model": "m"}, upgrade, chunked)
        assert status == 200, body
        same([item["embedding"] for item in json.loads(body)["data"]], expected, "JDK, h2c upgrade")
    # open-webui without a key; it adds a field of its own.
    status, _, body = raw(url, "POST", "/embeddings", {"input": TEXTS, "model": "m", "prefix": ""}, ["Authorization: Bearer "])
    assert status == 200, body
    # Milvus leaves `truncate` out, Weaviate sends no Content-Type.
    status, headers, body = raw(url, "POST", "/embed", {"inputs": TEXTS}, content_type=False)
    assert status == 200 and headers["x-request-id"], body
    same(json.loads(body), expected, "no Content-Type")
    # LiteLLM and mem0.
    status, _, body = raw(url, "POST", "/", {"inputs": FLAT}, ["Authorization: Bearer sk-none"])
    assert status == 200, body
    status, headers, body = raw(url, "POST", "/v1/embeddings", {"input": "a", "model": "m", "user": None, "dimensions": None,
                                                               "encoding_format": "base64"}, ["X-Request-Id: my-id-7"])
    assert status == 200 and headers["x-request-id"] == "my-id-7", (headers, body)


def check_node(setting, url):
    """The official Node client, where it is installed."""
    script = """const OpenAI = require('openai'); const c = new OpenAI({baseURL: process.argv[1] + '/v1', apiKey: 'none'});
c.embeddings.create({model: 'any', input: JSON.parse(process.argv[2])}).then(r => console.log(JSON.stringify(r.data.map(d => d.embedding))));"""
    if shutil.which("node") is None:
        raise ImportError("node")
    run = subprocess.run(["node", "-e", script, url, json.dumps(TEXTS)], capture_output=True, text=True)
    if "Cannot find module" in run.stderr:
        raise ImportError("openai for node")
    same(json.loads(run.stdout), setting.unit(TEXTS), "base64")


def check_node_fetch(setting, url):
    """What OpenAI's Node client does, by a program of ours over Node's fetch, which needs no package."""
    if shutil.which("node") is None:
        raise ImportError("node")
    major = int(subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.lstrip("v").split(".")[0])
    if major < 18:
        raise ImportError(f"node 18, which has fetch; found {major}")
    program = pathlib.Path(__file__).with_name("node_client.mjs")
    run = subprocess.run(["node", program, url, json.dumps(TEXTS)], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    expected = [vector.tobytes().hex() for vector in setting.unit(TEXTS)]
    for what in ("base64", "float", "together"):
        assert found[what] == expected, what
    assert found["cut"] == setting.embed(TEXTS[:1], "--normalize", "--truncate-dim", "16")[0].tobytes().hex(), "dimensions"
    assert found["usage"]["total_tokens"] == found["usage"]["prompt_tokens"] > len(TEXTS) and found["requestId"]
    assert (found["error"]["status"], found["error"]["code"]) == (400, "empty_text") and "input[1]" in found["error"]["message"]


def check_mixed(setting, url):
    """Many requests of all kinds at once: every vector has the bytes of `lacos embed`."""
    texts = [f"{TEXTS[i % len(TEXTS)]} {i}" for i in range(150)]
    expected = {True: setting.unit(texts), False: setting.embed(texts)}
    host = url.removeprefix("http://")
    wrong = []

    def client(number):
        chance = random.Random(number)
        connection = http.client.HTTPConnection(host, timeout=120)
        for _ in range(setting.mixed // 32):
            chosen = [chance.randrange(len(texts)) for _ in range(chance.choice((1, 1, 2, 5, 12)))]
            kind = chance.choice(("float", "base64", "unit", "raw"))
            if kind in ("float", "base64"):
                target, body = "/v1/embeddings", {"input": [texts[i] for i in chosen], "encoding_format": kind}
            else:
                target, body = "/embed", {"inputs": [texts[i] for i in chosen], "normalize": kind == "unit"}
            connection.request("POST", target, json.dumps(body), {"Content-Type": "application/json"})
            reply = connection.getresponse()
            data = json.loads(reply.read())
            if reply.status != 200:
                wrong.append((reply.status, data))
                continue
            vectors = [item["embedding"] for item in data["data"]] if "data" in data else data
            for i, vector in zip(chosen, vectors):
                found = base64.b64decode(vector) if kind == "base64" else numpy.asarray(vector, numpy.float32).tobytes()
                if found != expected[kind != "raw"][i].tobytes():
                    wrong.append((kind, texts[i]))

    threads = [threading.Thread(target=client, args=(number,)) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong, f"{len(wrong)} of {setting.mixed} requests are wrong, such as {wrong[0]}"


def check_docs(setting, url):
    """The programs of docs/serving-clients.md."""
    text = (pathlib.Path(__file__).resolve().parents[2] / "docs" / "serving-clients.md").read_text()
    programs = re.findall(r"^```python\n(.*?)^```", text, re.S | re.M)
    assert len(programs) >= 4, "docs/serving-clients.md has its programs"
    for program in programs:
        assert "http://127.0.0.1:8080" in program
        assert len(program.strip().splitlines()) <= 13, f"short programs:\n{program}"
        run = subprocess.run([sys.executable, "-c", program.replace("http://127.0.0.1:8080", url)], capture_output=True, text=True)
        assert run.returncode == 0 and run.stdout.strip(), f"{program}\n{run.stderr}"


CLIENTS = {  # name: (package whose version is shown, check)
    "openai": ("openai", check_openai),
    "langchain-openai": ("langchain-openai", check_langchain_openai),
    "llama-index-tei": ("llama-index-embeddings-text-embeddings-inference", check_llama_index_tei),
    "llama-index-openai-like": ("llama-index-embeddings-openai-like", check_llama_index_openai_like),
    "haystack-openai": ("haystack-ai", check_haystack_openai),
    "haystack-tei": ("huggingface-api-haystack", check_haystack_tei),
    "huggingface_hub": ("huggingface_hub", check_huggingface_hub),
    "chroma": ("chromadb", check_chroma),
    "prometheus": ("prometheus-client", check_prometheus),
    "raw": (None, check_raw),
    "node": (None, check_node),
    "node-fetch": (None, check_node_fetch),
    "mixed": (None, check_mixed),
    "docs/serving-clients.md": (None, check_docs),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=str(MODEL))
    parser.add_argument("--only", default="", help="names of clients, separated by commas")
    parser.add_argument("--mixed", type=int, default=10_000, help="requests of the check of that name")
    parser.add_argument("--record", help="write the bytes that clients send into this folder")
    parser.add_argument("--require", default="", help="clients that must be installed; 'all' for every one but those of Node")
    arguments = parser.parse_args()
    chosen = arguments.only.split(",") if arguments.only else list(CLIENTS)
    required = [name for name in CLIENTS if not name.startswith("node")] if arguments.require == "all" else arguments.require.split(",")
    os.environ.pop("HF_HUB_OFFLINE", None)  # huggingface_hub would refuse even this machine
    os.environ["ANONYMIZED_TELEMETRY"] = "false"
    failed = False
    with tempfile.TemporaryDirectory(prefix="lacos-clients.") as work, Server(model=arguments.model) as server:
        setting = Setting(arguments.model, pathlib.Path(work), arguments.mixed)
        for name in chosen:
            package, check = CLIENTS[name]
            try:
                version = importlib.metadata.version(package) if package else ""
                if arguments.record:
                    with recorder.Recorder(server.port) as proxy:
                        check(setting, proxy.url)
                    recorder.write(proxy.sent(), arguments.record, name)
                else:
                    check(setting, server.url)
                result = "ok"
            except (ImportError, importlib.metadata.PackageNotFoundError) as error:
                version, result = "", f"not installed ({error})"
                failed |= name in required
            except Exception:  # whatever a client raises is its finding
                traceback.print_exc()
                result, failed = "FAILED", True
            print(f"{name:26} {version:10} {result}", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
