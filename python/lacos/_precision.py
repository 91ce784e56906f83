"""Vectors in fewer bits."""

from __future__ import annotations

import ctypes
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

from lacos import _words
from lacos._library import LIBRARY, InvalidArgumentError, check
from lacos._similarity import as_array

_TYPES = {"float32": np.float32, "float16": np.float16, "int8": np.int8, "uint8": np.uint8, "binary": np.int8,
          "ubinary": np.uint8}


def quantize_embeddings(embeddings: Any, precision: _words.Precision, ranges: Any = None,
                        calibration_embeddings: Any = None) -> NDArray[Any]:
    """The vectors [N, D] in another type, with the values of quantize_embeddings of sentence-transformers.

    `precision` is a word of `lacos.Precision`: float32, float16, int8, uint8 [N, D], or binary, ubinary with eight signs
    in a byte, [N, ceil(D / 8)]. int8 and uint8 divide the range of each value into 255 steps. `ranges` [2, D] are the
    smallest and the largest values, such as those in the FILE.ranges.npy of `lacos embed` or of `ranges_of`; if they are
    not given, those of `calibration_embeddings` are taken, or else those of the embeddings themselves. Queries and
    documents that are to be compared need the same ranges.
    """
    if precision not in _TYPES:
        raise InvalidArgumentError(f"[precision] found {precision!r}; expected one of {', '.join(_TYPES)}; correct it")
    values = _floats("embeddings", embeddings)
    single = values.ndim == 1
    if single:
        values = values[np.newaxis]
    n, d = values.shape
    limits: Optional[NDArray[np.float32]] = None
    if precision in ("int8", "uint8"):
        if ranges is not None:
            limits = _floats("ranges", ranges)
        elif calibration_embeddings is not None:
            limits = ranges_of(calibration_embeddings)
        if limits is not None and limits.shape != (2, d):
            raise InvalidArgumentError(f"[ranges] found the shape {limits.shape}; expected (2, {d}), the smallest and the "
                                       "largest values of vectors of this model; pass those")
    columns = (d + 7) // 8 if precision.endswith("binary") else d
    out = np.empty((n, columns), dtype=_TYPES[precision])
    if n > 0:
        check(LIBRARY.lacos_quantize_embeddings(_words.PRECISION[precision], values.ctypes.data, n, d,
                                                None if limits is None else limits.ctypes.data, out.ctypes.data, out.nbytes,
                                                ctypes.byref(ctypes.c_uint64())))
    return out[0] if single else out


def ranges_of(embeddings: Any) -> NDArray[np.float32]:
    """The smallest and the largest value of each dimension, float32 [2, D], for quantize_embeddings."""
    values = _floats("embeddings", embeddings)
    if values.ndim != 2 or len(values) < 2:
        raise InvalidArgumentError(f"[embeddings] found the shape {values.shape}; expected at least two vectors [N, D], whose "
                                   "ranges are taken; pass more")
    return np.stack([values.min(axis=0), values.max(axis=0)])


def _floats(name: str, given: Any) -> NDArray[np.float32]:
    array = as_array(given)
    if array.dtype.kind not in "f" and array.size:
        raise InvalidArgumentError(f"[{name}] found values of the type {array.dtype}; expected floating-point numbers; pass the "
                                   "vectors as they were encoded")
    if array.ndim not in (1, 2):
        raise InvalidArgumentError(f"[{name}] found {array.ndim} axes; expected vectors [N, D] or one vector [D]; reshape it")
    return np.ascontiguousarray(array, dtype=np.float32)
