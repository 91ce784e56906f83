"""Sentence vectors from BLOOM models: lacos for Python, with numpy arrays as input and output.

    import lacos

    with lacos.SentenceEncoder("trained") as encoder:
        vectors = encoder.encode(["A man plays a guitar.", "Someone makes music."])
        print(encoder.similarity(vectors, vectors))
"""

from lacos._encoder import SentenceEncoder
from lacos._library import Error, InvalidArgumentError, OutOfMemoryError, version
from lacos._server import Server
from lacos._similarity import similarity, similarity_pairwise
from lacos._tables import read_rows, read_texts
from lacos._words import Compute, Pooling, SimilarityFunction

__version__ = version()
__all__ = [
    "Compute", "Error", "InvalidArgumentError", "OutOfMemoryError", "Pooling", "SentenceEncoder", "Server",
    "SimilarityFunction", "read_rows", "read_texts", "similarity", "similarity_pairwise",
]
