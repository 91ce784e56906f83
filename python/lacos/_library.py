"""Access to liblacos.so by ctypes, which releases the GIL during every call. lacos.h documents the functions."""

from __future__ import annotations

import ctypes
import os
import pathlib
from typing import Any, Callable, Dict, List, Tuple

OK, INVALID_ARGUMENT, USER_ERROR, OUT_OF_MEMORY, INTERNAL, BUFFER_TOO_SMALL, CANCELLED = range(7)

CHOICE = {None: 0, True: 1, False: 2}


class Error(Exception):
    """An error reported by lacos: `[where] what was found; what was expected; what to do`."""


class InvalidArgumentError(Error, ValueError):
    """An argument is outside its range."""


class OutOfMemoryError(Error, MemoryError):
    """An allocation was refused."""


class Options(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t), ("base", ctypes.c_char_p), ("adapter", ctypes.c_char_p),
        ("compute", ctypes.c_int32), ("pooling", ctypes.c_int32), ("normalize", ctypes.c_int32),
        ("strip", ctypes.c_int32), ("threads", ctypes.c_int32), ("reserved", ctypes.c_int32),
        ("max_length", ctypes.c_int64), ("batch_tokens", ctypes.c_int64), ("prefix", ctypes.c_char_p),
        ("suffix", ctypes.c_char_p), ("preset", ctypes.c_char_p), ("device", ctypes.c_char_p),
    ]


class EncodeOptions(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t), ("prompt", ctypes.c_char_p), ("prompt_name", ctypes.c_char_p),
        ("normalize", ctypes.c_int32), ("reserved", ctypes.c_int32), ("truncate_dim", ctypes.c_size_t),
        ("progress", ctypes.c_void_p), ("progress_context", ctypes.c_void_p),
    ]


class ServerOptions(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t), ("listen", ctypes.c_char_p), ("api_keys", ctypes.c_char_p),
        ("access_log", ctypes.c_char_p), ("model_name", ctypes.c_char_p), ("adapters", ctypes.POINTER(ctypes.c_char_p)),
        ("no_auth", ctypes.c_int32), ("accept_token_ids", ctypes.c_int32), ("empty_is_zero", ctypes.c_int32),
        ("reserved", ctypes.c_int32), ("max_wait", ctypes.c_double), ("request_timeout", ctypes.c_double),
    ]


class EncodeStats(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("texts", "tokens", "truncated", "empty")]


# int (*lacos_event)(void* context, const char* event)
EVENT = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p)

_MODEL = ctypes.c_void_p
_ROWS = ctypes.c_void_p
_SERVER = ctypes.c_void_p
_SIZE = ctypes.c_size_t
_SIZES = ctypes.POINTER(ctypes.c_size_t)
_TEXTS = ctypes.POINTER(ctypes.c_char_p)
_ADDRESS = ctypes.c_void_p  # address of a numpy array's memory
_MADE = ctypes.POINTER(ctypes.c_void_p)  # receives a text that lacos_free_text releases

# Function name: (type of the result, types of the arguments)
_FUNCTIONS: Dict[str, Tuple[Any, List[Any]]] = {
    "lacos_version": (ctypes.c_char_p, []),
    "lacos_last_error": (ctypes.c_char_p, []),
    "lacos_open": (ctypes.c_int, [ctypes.c_char_p, ctypes.POINTER(Options), ctypes.POINTER(_MODEL)]),
    "lacos_close": (None, [_MODEL]),
    "lacos_dimension": (_SIZE, [_MODEL]),
    "lacos_hidden_size": (_SIZE, [_MODEL]),
    "lacos_vocabulary_size": (_SIZE, [_MODEL]),
    "lacos_max_length": (_SIZE, [_MODEL]),
    "lacos_get_compute": (ctypes.c_int, [_MODEL]),
    "lacos_get_pooling": (ctypes.c_int, [_MODEL]),
    "lacos_get_normalize": (ctypes.c_int, [_MODEL]),
    "lacos_get_strip": (ctypes.c_int, [_MODEL]),
    "lacos_get_similarity": (ctypes.c_int, [_MODEL]),
    "lacos_get_threads": (ctypes.c_int32, [_MODEL]),
    "lacos_warning": (ctypes.c_char_p, [_MODEL, _SIZE]),
    "lacos_description": (ctypes.c_char_p, [_MODEL]),
    "lacos_prompt_count": (_SIZE, [_MODEL]),
    "lacos_prompt_name": (ctypes.c_char_p, [_MODEL, _SIZE]),
    "lacos_prompt_text": (ctypes.c_char_p, [_MODEL, ctypes.c_char_p]),
    "lacos_default_prompt_name": (ctypes.c_char_p, [_MODEL]),
    "lacos_encode": (ctypes.c_int, [_MODEL, _TEXTS, _SIZES, _SIZE, ctypes.POINTER(EncodeOptions), _ADDRESS, _SIZE,
                                    ctypes.POINTER(EncodeStats)]),
    "lacos_encode_tokens": (ctypes.c_int, [_MODEL, ctypes.c_char_p, _SIZE, ctypes.POINTER(EncodeOptions), _ADDRESS, _ADDRESS,
                                           _SIZE, _SIZES]),
    "lacos_tokenize": (ctypes.c_int, [_MODEL, ctypes.c_char_p, _SIZE, _ADDRESS, _ADDRESS, _SIZE, _SIZES]),
    "lacos_decode": (ctypes.c_int, [_MODEL, _ADDRESS, _SIZE, ctypes.c_int, _ADDRESS, _SIZE, _SIZES]),
    "lacos_token_id": (ctypes.c_int32, [_MODEL, ctypes.c_char_p]),
    "lacos_server_start": (ctypes.c_int, [ctypes.c_char_p, ctypes.POINTER(Options), ctypes.POINTER(ServerOptions),
                                          ctypes.POINTER(_SERVER)]),
    "lacos_server_url": (ctypes.c_char_p, [_SERVER]),
    "lacos_server_reload_keys": (ctypes.c_int, [_SERVER]),
    "lacos_server_stop": (ctypes.c_int, [_SERVER, ctypes.c_double, ctypes.POINTER(ctypes.c_uint64)]),
    "lacos_compare": (ctypes.c_int, [ctypes.c_int32, _ADDRESS, _SIZE, _ADDRESS, _SIZE, _SIZE, _ADDRESS, _SIZE]),
    "lacos_compare_pairwise": (ctypes.c_int, [ctypes.c_int32, _ADDRESS, _ADDRESS, _SIZE, _SIZE, _ADDRESS, _SIZE]),
    "lacos_quantize_embeddings": (ctypes.c_int, [ctypes.c_int32, _ADDRESS, _SIZE, _SIZE, _ADDRESS, _ADDRESS, _SIZE,
                                                 ctypes.POINTER(ctypes.c_uint64)]),
    "lacos_free_text": (None, [ctypes.c_void_p]),
    "lacos_quantize": (ctypes.c_int, [ctypes.c_char_p, EVENT, ctypes.c_void_p, _MADE]),
    "lacos_train": (ctypes.c_int, [ctypes.c_char_p, EVENT, ctypes.c_void_p, _MADE]),
    "lacos_evaluate": (ctypes.c_int, [_MODEL, ctypes.c_char_p, EVENT, ctypes.c_void_p, _MADE]),
    "lacos_evaluation_texts": (ctypes.c_int, [ctypes.c_char_p, _MADE]),
    "lacos_compare_evaluations": (ctypes.c_int, [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, EVENT, ctypes.c_void_p,
                                                 _MADE]),
    "lacos_open_rows": (ctypes.c_int, [ctypes.c_char_p, ctypes.c_char_p, ctypes.POINTER(_ROWS)]),
    "lacos_next_rows": (ctypes.c_int, [_ROWS, _SIZE, _MADE]),
    "lacos_close_rows": (None, [_ROWS]),
}


def load(loader: Callable[[str], Any] = ctypes.CDLL) -> Any:
    """Loads the library beside this file and declares its functions."""
    path = pathlib.Path(__file__).with_name("liblacos.so")
    library = loader(os.fspath(path))
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


LIBRARY: Any = load()


def version() -> str:
    text: bytes = LIBRARY.lacos_version()
    return text.decode()


def last_error() -> str:
    """The message of the last failed call of this thread."""
    text: bytes = LIBRARY.lacos_last_error()
    return text.decode(errors="replace")


def error_of(status: int, message: str) -> Error:
    kind = {INVALID_ARGUMENT: InvalidArgumentError, OUT_OF_MEMORY: OutOfMemoryError}.get(status, Error)
    return kind(message)


def check(status: int) -> None:
    """Raises an exception if a call failed. Must run in the thread that made the call."""
    if status != OK:
        raise error_of(status, last_error())


def take_text(made: "ctypes.c_void_p") -> str:
    """The text that a function of the library made, which is released."""
    if made.value is None:
        return ""
    try:
        return ctypes.string_at(made.value).decode(errors="replace")
    finally:
        LIBRARY.lacos_free_text(made)
