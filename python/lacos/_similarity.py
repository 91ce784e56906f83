"""Similarities of numpy vectors, which the library computes in double."""

from __future__ import annotations

import numpy as np

from lacos import _words
from lacos._library import LIBRARY, InvalidArgumentError, check


def _matrix(values, name: str) -> np.ndarray:
    array = np.ascontiguousarray(values, dtype=np.float32)
    if array.ndim == 1:
        array = array[np.newaxis]
    if array.ndim != 2:
        raise InvalidArgumentError(f"[{name}] found {array.ndim} axes; expected vectors [N, D] or one vector [D]; reshape it")
    return array


def _same_width(a: np.ndarray, b: np.ndarray) -> int:
    if a.shape[1] != b.shape[1]:
        raise InvalidArgumentError(f"[a, b] vectors of {a.shape[1]} and {b.shape[1]} values; expected one dimension; "
                                   "compare vectors of one model")
    return a.shape[1]


def number_of(similarity_fn_name: str) -> int:
    """The number in lacos.h of a similarity."""
    if similarity_fn_name not in _words.SIMILARITY:
        raise InvalidArgumentError(f"[similarity_fn_name] found {similarity_fn_name!r}; expected one of "
                                   f"{', '.join(_words.SIMILARITY)}; correct it")
    return _words.SIMILARITY[similarity_fn_name]


def similarity(a, b, similarity_fn_name: _words.SimilarityFunction = "cosine") -> np.ndarray:
    """The similarities of all pairs, float32 [len(a), len(b)]. A single vector counts as a row.

    Distances (`euclidean`, `manhattan`) are negative, so that larger values always mean more alike. A cosine is 0 if a
    vector is zero.
    """
    a, b = _matrix(a, "a"), _matrix(b, "b")
    width = _same_width(a, b)
    out = np.empty((len(a), len(b)), dtype=np.float32)
    check(LIBRARY.lacos_compare(number_of(similarity_fn_name), a.ctypes.data, len(a), b.ctypes.data, len(b), width,
                                out.ctypes.data, out.size))
    return out


def similarity_pairwise(a, b, similarity_fn_name: _words.SimilarityFunction = "cosine") -> np.ndarray:
    """The similarities of rows with the same index, float32 [len(a)]."""
    a, b = _matrix(a, "a"), _matrix(b, "b")
    width = _same_width(a, b)
    if len(a) != len(b):
        raise InvalidArgumentError(f"[a, b] {len(a)} and {len(b)} vectors; expected as many; see similarity for all pairs")
    out = np.empty(len(a), dtype=np.float32)
    check(LIBRARY.lacos_compare_pairwise(number_of(similarity_fn_name), a.ctypes.data, b.ctypes.data, len(a), width,
                                         out.ctypes.data, out.size))
    return out
