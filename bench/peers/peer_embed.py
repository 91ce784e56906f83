#!/usr/bin/env python3
"""One configuration of one peer in its own process: encodes texts and prints one JSON object; bench_embed.py calls it.

Every peer gets texts and returns mean-pooled vectors. "Computed" tokens are those that it multiplies: the texts' own and padding.
"""

import contextlib
import dataclasses
import importlib.metadata
import json
import os
import pathlib
import time

import peer_step  # first: it keeps the peers offline


class SentenceTransformers:
    """PyTorch as most users run it; sorts texts by length and pads each batch to its longest text."""

    packages = ("torch", "transformers", "sentence_transformers")

    def __init__(self, options, setting: dict[str, str]):
        import torch

        peer_step.quiet_torch(options.threads)
        self.name = f"PyTorch {peer_step.version('torch')} + sentence-transformers {peer_step.version('sentence-transformers')}"
        transformer = peer_step.load_transformer(options)
        transformer.register_forward_pre_hook(self.count)
        if options.configuration.endswith("-compiled"):
            import torch._inductor.config

            torch._inductor.config.freezing = True  # puts weights into oneDNN's layout: f32 runs twice as fast
            transformer.model = torch.compile(transformer.model, dynamic=True)
        elif options.configuration == "int8-dynamic":
            torch.backends.quantized.engine = "onednn"
            transformer.model = torch.ao.quantization.quantize_dynamic(transformer.model, {torch.nn.Linear}, dtype=torch.qint8)
        self.model = peer_step.sentence_model(transformer)
        self.autocast = torch.autocast("cpu", torch.bfloat16, enabled=options.configuration == "bf16-autocast")
        self.batch_size, self.computed = int(setting["batch"]), 0

    def count(self, module, arguments):
        self.computed += arguments[0]["input_ids"].numel()

    def encode(self, texts: list[str]):
        with self.autocast:
            return self.model.encode(texts, batch_size=self.batch_size)


class PaddedBatches:
    """For the runtimes that take a graph: texts sorted by tokens, in batches that are padded to their longest text."""

    def __init__(self, options, setting: dict[str, str]):
        from tokenizers import Tokenizer

        self.tokenizer = Tokenizer.from_file(str(options.model / "tokenizer.json"))  # without PyTorch, which would take memory here
        self.tokenizer.enable_truncation(options.max_length)
        self.batch_size, self.computed = int(setting["batch"]), 0

    def batches(self, texts: list[str]):
        """The places of a batch's texts, and the graph's inputs, of shape [N, T]."""
        import numpy

        ids = [encoding.ids for encoding in self.tokenizer.encode_batch(texts)]
        order = sorted(range(len(texts)), key=lambda place: -len(ids[place]))
        for begin in range(0, len(order), self.batch_size):
            places = order[begin : begin + self.batch_size]
            tokens = numpy.zeros((len(places), len(ids[places[0]])), numpy.int64)
            mask = numpy.zeros_like(tokens)
            for row, place in enumerate(places):
                tokens[row, : len(ids[place])] = ids[place]
                mask[row, : len(ids[place])] = 1
            self.computed += tokens.size
            yield places, {"input_ids": tokens, "attention_mask": mask}


class OpenVino(PaddedBatches):
    """With hint=latency one batch at a time uses all threads; with hint=throughput several run at once."""

    packages = ("openvino", "nncf", "torch", "transformers", "tokenizers")

    def __init__(self, options, setting: dict[str, str]):
        import openvino

        super().__init__(options, setting)
        self.name = f"OpenVINO {peer_step.version('openvino')}"
        compiled = openvino.Core().compile_model(options.file / "model.xml", "CPU", {
            "PERFORMANCE_HINT": setting["hint"].upper(), "INFERENCE_NUM_THREADS": options.threads, "INFERENCE_PRECISION_HINT": setting["products"],
            "DYNAMIC_QUANTIZATION_GROUP_SIZE": int(setting.get("group", 0)),  # 0: activations are not quantized
        })
        self.queue = openvino.AsyncInferQueue(compiled)
        self.queue.set_callback(self.keep)

    def keep(self, request, places):
        for place, vector in zip(places, request.get_output_tensor().data):
            self.vectors[place] = vector.copy()

    def encode(self, texts: list[str]):
        self.vectors = [None] * len(texts)
        for places, inputs in self.batches(texts):
            self.queue.start_async(inputs, places)
        self.queue.wait_all()
        return self.vectors


class OnnxRuntime(PaddedBatches):
    packages = ("onnx", "onnxruntime", "torch", "transformers", "tokenizers")

    def __init__(self, options, setting: dict[str, str]):
        import onnxruntime

        super().__init__(options, setting)
        self.name = f"ONNX Runtime {peer_step.version('onnxruntime')}"
        choices = onnxruntime.SessionOptions()
        choices.intra_op_num_threads = options.threads
        self.session = onnxruntime.InferenceSession(str(options.file / "model.onnx"), choices, providers=["CPUExecutionProvider"])

    def encode(self, texts: list[str]):
        vectors = [None] * len(texts)
        for places, inputs in self.batches(texts):
            for place, vector in zip(places, self.session.run(None, inputs)[0]):
                vectors[place] = vector
        return vectors


class LlamaCpp:
    """Batches of whole texts without padding. Its graph of BLOOM also computes every token's logits, which no pooling needs."""

    packages = ("llama_cpp",)

    def __init__(self, options, setting: dict[str, str]):
        import llama_cpp

        self.name, self.computed = f"llama.cpp (llama-cpp-python {importlib.metadata.version('llama-cpp-python')})", 0
        tokens = max(int(setting["tokens"]), options.max_length)  # a text that does not fit into a batch would be truncated
        with self.silence():
            self.llama = llama_cpp.Llama(
                str(options.file / "model.gguf"), embedding=True, pooling_type=llama_cpp.LLAMA_POOLING_TYPE_MEAN, n_ctx=tokens, n_batch=tokens,
                n_ubatch=tokens, n_threads=options.threads, n_threads_batch=options.threads, flash_attn=setting["attention"] == "flash", verbose=False)

    @contextlib.contextmanager
    def silence(self):
        """Silences stderr at the C level, where llama.cpp prints."""
        saved, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            os.close(null)

    def encode(self, texts: list[str]):
        with self.silence():
            vectors, tokens = self.llama.embed(texts, normalize=False, return_count=True)
        self.computed += tokens
        return vectors


@dataclasses.dataclass(frozen=True)
class Configuration:
    what: str  # the tables' words for it
    encoder: type
    file: str = ""  # what it reads: one of peer_export.FORMATS, or "q8_0" for a GGUF file; empty: the model's own folder
    # Settings and the values that are tried, beside the batch sizes. Values that were slower everywhere are left out: OpenVINO's
    # groups of 32, its int8 weights with f32 products, and llama.cpp's batches of 2,048 tokens.
    tries: dict = dataclasses.field(default_factory=dict)


HINTS = {"hint": ("latency", "throughput")}
CONFIGURATIONS = {
    "f32": Configuration("f32", SentenceTransformers),
    "f32-compiled": Configuration("f32, torch.compile", SentenceTransformers),
    "bf16-autocast": Configuration("bf16 autocast", SentenceTransformers),
    "bf16-weights": Configuration("bf16 weights", SentenceTransformers),
    "bf16-compiled": Configuration("bf16 weights, torch.compile", SentenceTransformers),
    "int8-dynamic": Configuration("int8 weights, dynamic quantization", SentenceTransformers),
    "int8-base-f32": Configuration("bitsandbytes int8 base, f32", SentenceTransformers),
    "int8-base-bf16": Configuration("bitsandbytes int8 base, bf16", SentenceTransformers),
    "openvino-f32": Configuration("f32", OpenVino, "openvino-f32", {**HINTS, "products": ("f32",)}),
    "openvino-bf16": Configuration("bf16 products", OpenVino, "openvino-f32", {**HINTS, "products": ("bf16",)}),
    "openvino-int8-weights": Configuration("int8 weights", OpenVino, "openvino-int8-weights", {**HINTS, "products": ("bf16",)}),
    "openvino-int8-dynamic": Configuration("int8 weights, dynamic quantization", OpenVino, "openvino-int8-weights",
                                           {**HINTS, "products": ("bf16",), "group": ("128",)}),
    "onnxruntime-f32": Configuration("f32", OnnxRuntime, "onnx-f32"),
    "onnxruntime-int8": Configuration("int8 weights, dynamic quantization", OnnxRuntime, "onnx-int8"),
    "llama.cpp-q8_0": Configuration("Q8_0", LlamaCpp, "q8_0", {"tokens": ("512",), "attention": ("plain", "flash")}),
}


def main() -> None:
    parser = peer_step.peer_arguments(__doc__, CONFIGURATIONS)
    parser.add_argument("--file", type=pathlib.Path, help="the folder of the exported file, where the configuration reads one")
    parser.add_argument("--setting", required=True, help="words like batch=16 hint=latency")
    parser.add_argument("--texts", type=pathlib.Path, required=True, help="one a line")
    parser.add_argument("--single", type=pathlib.Path, required=True, help="short texts, encoded one at a time")
    parser.add_argument("--vectors", type=pathlib.Path, required=True, help="the .npy file to write")
    options = parser.parse_args()

    setting = dict(word.split("=") for word in options.setting.split())
    peer = CONFIGURATIONS[options.configuration].encoder(options, setting)
    texts = options.texts.read_text(encoding="utf-8").rstrip("\n").split("\n")
    single = options.single.read_text(encoding="utf-8").rstrip("\n").split("\n")
    peer.encode(texts[:4])  # first-use costs, such as compiling
    peer.encode(single[:1])
    peer.computed = 0
    start = time.perf_counter()
    vectors = peer.encode(texts)
    seconds, computed = time.perf_counter() - start, peer.computed
    start = time.perf_counter()
    for text in single:
        peer.encode([text])
    single_seconds, peak = (time.perf_counter() - start) / len(single), peer_step.peak_rss_bytes()

    import numpy

    numpy.save(options.vectors, numpy.asarray(vectors, numpy.float32))
    print(json.dumps({
        "stack": peer.name, "setting": options.setting, "computed_tokens": computed, "seconds": seconds,
        "single_seconds": single_seconds, "peak_rss_bytes": peak,
    }))


if __name__ == "__main__":
    main()
