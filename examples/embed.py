"""Prints the cosine similarities of texts, computed from Python: embed.py MODEL TEXT TEXT..."""

import sys

import lacos

with lacos.SentenceEncoder(sys.argv[1], compute="f32") as encoder:
    vectors = encoder.encode(sys.argv[2:])  # float32 [N, D]
    for row in encoder.similarity(vectors, vectors):
        print(" ".join(f"{cosine:.6f}" for cosine in row))
