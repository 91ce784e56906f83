#!/usr/bin/env python3
"""sentence-transformers behind FastAPI, as many people serve it: the peer of bench/serve/serve.py. A request is a batch."""

import argparse
import asyncio
import base64
import concurrent.futures
import functools
import os

os.environ["HF_HUB_OFFLINE"] = "1"
import torch  # noqa: E402
import uvicorn  # noqa: E402
from fastapi import FastAPI  # noqa: E402
from sentence_transformers import SentenceTransformer, models  # noqa: E402

parser = argparse.ArgumentParser()
parser.add_argument("--model", required=True)
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--dynamic-int8", action="store_true")
options = parser.parse_args()

torch.set_num_threads(options.threads)
transformer = models.Transformer(options.model, max_seq_length=2048, model_kwargs={"dtype": torch.float32})
transformer.tokenizer.pad_token = transformer.tokenizer.pad_token or transformer.tokenizer.eos_token
if options.dynamic_int8:
    torch.backends.quantized.engine = "onednn"
    transformer = torch.ao.quantization.quantize_dynamic(transformer, {torch.nn.Linear}, dtype=torch.qint8)
model = SentenceTransformer(modules=[transformer, models.Pooling(transformer.get_embedding_dimension(), "mean")], device="cpu")
app = FastAPI()
# One call at a time, always on the same thread: each uses all cores, and PyTorch keeps a team of threads for each thread that calls it.
executor = concurrent.futures.ThreadPoolExecutor(max_workers=1)


@app.post("/v1/embeddings")
async def embeddings(body: dict):
    texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
    encode = functools.partial(model.encode, texts, batch_size=32, normalize_embeddings=True)
    vectors = await asyncio.get_running_loop().run_in_executor(executor, encode)
    return {"object": "list", "model": "peer", "data": [
        {"object": "embedding", "index": i, "embedding": base64.b64encode(vector.tobytes()).decode()} for i, vector in enumerate(vectors)]}


uvicorn.run(app, host="127.0.0.1", port=options.port, log_level="error")
