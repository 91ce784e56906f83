"""Sentence vectors from BLOOM models: lacos for Python, with numpy arrays as input and output.

    import lacos

    lacos.quantize("bloom-560m", "bloom-560m-int8")
    lacos.train(model="bloom-560m-int8", train=["nli.tsv"], output="trained", epochs=1)
    print(lacos.evaluate("trained", "stsb-test.tsv", task="sts").measures)
    with lacos.SentenceEncoder("trained") as encoder:
        vectors = encoder.encode(["A man plays a guitar.", "Someone makes music."])
        print(encoder.similarity(vectors, vectors))
"""

from lacos._encoder import SentenceEncoder
from lacos._library import Error, InvalidArgumentError, OutOfMemoryError, version
from lacos._models import (
    DevScore,
    Evaluation,
    EvaluationComparison,
    QuantizeReport,
    TrainReport,
    TrainStep,
    compare_evaluations,
    evaluate,
    evaluation_texts,
    quantize,
    train,
)
from lacos._precision import quantize_embeddings, ranges_of
from lacos._server import Server
from lacos._similarity import similarity, similarity_pairwise
from lacos._tables import read_rows, read_texts
from lacos._words import Compute, Pooling, Precision, Preset, SimilarityFunction, Task

__version__ = version()
__all__ = [
    "Compute", "DevScore", "Error", "Evaluation", "EvaluationComparison", "InvalidArgumentError",
    "OutOfMemoryError", "Pooling",
    "Precision", "Preset", "QuantizeReport", "SentenceEncoder", "Server", "SimilarityFunction", "Task", "TrainReport", "TrainStep",
    "compare_evaluations", "evaluate", "evaluation_texts", "quantize", "quantize_embeddings", "ranges_of", "read_rows", "read_texts", "similarity",
    "similarity_pairwise", "train",
]
