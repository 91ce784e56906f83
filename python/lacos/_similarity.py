"""Similarities of numpy vectors, which the library computes in double."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacos import _words
from lacos._library import LIBRARY, InvalidArgumentError, check


def is_tensor(value: Any) -> bool:
    """Whether it is a tensor of torch, which whoever has one has imported."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def as_array(values: Any) -> NDArray[Any]:
    """An array of numpy of what may also be a tensor, or a list of arrays or tensors."""
    if is_tensor(values):
        values = values.detach().cpu().float()
    elif isinstance(values, (list, tuple)) and values and is_tensor(values[0]):
        values = [value.detach().cpu().float().numpy() for value in values]
    return np.asarray(values)


def _matrix(values: Any, name: str) -> NDArray[np.float32]:
    array = np.ascontiguousarray(as_array(values), dtype=np.float32)
    if array.ndim == 1:
        array = array[np.newaxis]
    if array.ndim != 2:
        raise InvalidArgumentError(f"[{name}] found {array.ndim} axes; expected vectors [N, D] or one vector [D]; reshape it")
    return array


def _same_width(a: NDArray[np.float32], b: NDArray[np.float32]) -> int:
    if a.shape[1] != b.shape[1]:
        raise InvalidArgumentError(f"[a, b] vectors of {a.shape[1]} and {b.shape[1]} values; expected one dimension; "
                                   "compare vectors of one model")
    return int(a.shape[1])


def _like(result: NDArray[np.float32], a: Any, b: Any) -> Any:
    """The result as a tensor if one of the vectors is one, as in sentence-transformers."""
    if is_tensor(a) or is_tensor(b):
        return sys.modules["torch"].from_numpy(result)
    return result


def number_of(similarity_fn_name: str) -> int:
    """The number in lacos.h of a similarity."""
    if similarity_fn_name not in _words.SIMILARITY:
        raise InvalidArgumentError(f"[similarity_fn_name] found {similarity_fn_name!r}; expected one of "
                                   f"{', '.join(_words.SIMILARITY)}; correct it")
    return _words.SIMILARITY[similarity_fn_name]


def similarity(a: Any, b: Any, similarity_fn_name: _words.SimilarityFunction = "cosine") -> Any:
    """The similarities of all pairs, float32 [len(a), len(b)]. A single vector counts as a row.

    Distances (`euclidean`, `manhattan`) are negative, so that larger values always mean more alike. A cosine is 0 if a
    vector is zero. The result is an array, or a tensor if one of the arguments is a tensor of torch.
    """
    return compare(a, b, similarity_fn_name)


def compare(a: Any, b: Any, similarity_fn_name: str) -> Any:
    """similarity(), whatever the type checker knows about the word."""
    first, second = _matrix(a, "a"), _matrix(b, "b")
    width = _same_width(first, second)
    out = np.empty((len(first), len(second)), dtype=np.float32)
    check(LIBRARY.lacos_compare(number_of(similarity_fn_name), first.ctypes.data, len(first), second.ctypes.data,
                                len(second), width, out.ctypes.data, out.size))
    return _like(out, a, b)


def similarity_pairwise(a: Any, b: Any, similarity_fn_name: _words.SimilarityFunction = "cosine") -> Any:
    """The similarities of rows with the same index, float32 [len(a)]."""
    return compare_pairwise(a, b, similarity_fn_name)


def compare_pairwise(a: Any, b: Any, similarity_fn_name: str) -> Any:
    """similarity_pairwise(), whatever the type checker knows about the word."""
    first, second = _matrix(a, "a"), _matrix(b, "b")
    width = _same_width(first, second)
    if len(first) != len(second):
        raise InvalidArgumentError(f"[a, b] {len(first)} and {len(second)} vectors; expected as many; see similarity for all "
                                   "pairs")
    out = np.empty(len(first), dtype=np.float32)
    check(LIBRARY.lacos_compare_pairwise(number_of(similarity_fn_name), first.ctypes.data, second.ctypes.data, len(first),
                                         width, out.ctypes.data, out.size))
    return _like(out, a, b)
