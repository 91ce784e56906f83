"""SentenceEncoder: an open model with the methods that users know from SentenceTransformer."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import itertools
import os
import threading
import warnings
from typing import Any, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple, Union

import numpy as np

from lacos import _library, _similarity, _words
from lacos._library import LIBRARY, Error, InvalidArgumentError, check
from lacos._progress import progress_bar


def _word(name: str, value: Optional[str], known: Dict[str, int]) -> int:
    if value is None:
        return 0
    if value not in known:
        raise InvalidArgumentError(f"[{name}] found {value!r}; expected one of {', '.join(known)}; correct it")
    return known[value]


def _next_warning(model: ctypes.c_void_p, numbers: Iterator[int]) -> Optional[bytes]:
    return LIBRARY.lacos_warning(model, next(numbers))


def _number(name: str, value: Optional[int], low: int, high: int = 2**31 - 1) -> int:
    """The value after a check of its range; 0, which means the default, for None."""
    if value is None:
        return 0
    if isinstance(value, bool) or int(value) != value or not low <= value <= high:
        raise InvalidArgumentError(f"[{name}] found {value!r}; expected None or {low} to {high}; correct it")
    return int(value)


def _path(name: str, value) -> Optional[bytes]:
    if value is None:
        return None
    path = os.fsencode(value)
    if b"\0" in path:
        raise InvalidArgumentError(f"[{name}] found a NUL character; expected a path; correct it")
    return path


def _utf8(where: str, text: Any) -> bytes:
    if not isinstance(text, str):
        raise TypeError(f"{where}: found {type(text).__name__}; expected str")
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise Error(f"[{where}] character {error.start} is a lone surrogate; expected Unicode text; replace it") from None


def _zero_terminated(where: str, text: Optional[str]) -> Optional[bytes]:
    if text is None:
        return None
    encoded = _utf8(where, text)
    if b"\0" in encoded:
        raise InvalidArgumentError(f"[{where}] found a NUL character; expected none; leave it out")
    return encoded


class SentenceEncoder:
    """A model folder that is opened for encoding: an original BLOOM folder, a quantized one, or a trained one.

    A setting that is None has the value in the folder, or else the default of lacos. `compute` is a word of
    `lacos.Compute`, `pooling` a word of `lacos.Pooling`. `threads=None` means all cores that the process may use.
    `batch_tokens` is the number of tokens computed at a time; it affects memory and speed, but never the results.
    The tokens of `prefix` and `suffix` are put before and after every text with its prompt, and are never cut off.

    All methods may be called from several threads, and other Python threads run while they compute. After os.fork()
    the child needs an encoder of its own. Errors are raised as lacos.Error.
    """

    def __init__(self, path: Union[str, "os.PathLike[str]"], base: Union[str, "os.PathLike[str]", None] = None,
                 adapter: Union[str, "os.PathLike[str]", None] = None, *, compute: _words.Compute = "bf16",
                 threads: Optional[int] = None, pooling: Optional[_words.Pooling] = None, normalize: Optional[bool] = None,
                 max_length: Optional[int] = None, strip: Optional[bool] = None,
                 batch_tokens: Optional[int] = None, prefix: Optional[str] = None,
                 suffix: Optional[str] = None, similarity_fn_name: Optional[_words.SimilarityFunction] = None) -> None:
        self._model: Optional[int] = None
        self._users = 0
        self._idle = threading.Condition()
        self._settings = {
            "path": path, "base": base, "adapter": adapter, "compute": compute, "threads": threads, "pooling": pooling,
            "normalize": normalize, "max_length": max_length, "strip": strip, "batch_tokens": batch_tokens,
            "prefix": prefix, "suffix": suffix, "similarity_fn_name": None,
        }
        self.similarity_fn_name = similarity_fn_name
        self._model = self._open()

    def _open(self) -> int:
        s = self._settings
        options = _library.Options(
            struct_size=ctypes.sizeof(_library.Options), base=_path("base", s["base"]), adapter=_path("adapter", s["adapter"]),
            compute=_word("compute", s["compute"], _words.COMPUTE), pooling=_word("pooling", s["pooling"], _words.POOLING),
            normalize=_choice("normalize", s["normalize"]), strip=_choice("strip", s["strip"]),
            threads=_number("threads", s["threads"], 0, 4096), max_length=_number("max_length", s["max_length"], 1),
            batch_tokens=_number("batch_tokens", s["batch_tokens"], 1),
            prefix=_zero_terminated("prefix", s["prefix"]), suffix=_zero_terminated("suffix", s["suffix"]))
        model = ctypes.c_void_p()
        check(LIBRARY.lacos_open(_path("path", s["path"]), ctypes.byref(options), ctypes.byref(model)))
        assert model.value is not None
        for message in iter(functools.partial(_next_warning, model, itertools.count()), None):
            warnings.warn(message.decode(errors="replace"), stacklevel=3)
        return model.value

    @contextlib.contextmanager
    def _in_use(self) -> Iterator[int]:
        """The open model, which close() does not release inside the `with` block."""
        with self._idle:
            if self._model is None:
                raise Error("[encoder] it was closed; expected an open one; open the model again")
            self._users += 1
            model = self._model
        try:
            yield model
        finally:
            with self._idle:
                self._users -= 1
                self._idle.notify_all()

    def close(self) -> None:
        """Releases the model after the calls that use it have ended. Closing twice is allowed."""
        with self._idle:
            self._idle.wait_for(lambda: self._users == 0)
            model, self._model = self._model, None
        if model is not None:
            LIBRARY.lacos_close(model)

    def __enter__(self) -> "SentenceEncoder":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_model", None) is not None:
            self.close()

    def __reduce__(self):
        """Pickling stores only the settings, and the process that unpickles opens the model again."""
        return _reopen, (self._settings,)

    def __repr__(self) -> str:
        if self._model is None:
            return "<lacos.SentenceEncoder, closed>"
        return f"<lacos.SentenceEncoder of {os.fspath(self._settings['path'])!r}, {self.dimension} values a vector>"

    # -- settings in use

    @property
    def dimension(self) -> int:
        """The number of values in a vector: those of the model, or as many as the folder's truncate_dim says."""
        with self._in_use() as model:
            return LIBRARY.lacos_dimension(model)

    def get_sentence_embedding_dimension(self) -> int:
        return self.dimension

    def get_embedding_dimension(self) -> int:
        return self.dimension

    @property
    def max_seq_length(self) -> int:
        """The number of tokens of a text that are used. Setting it opens the model again."""
        with self._in_use() as model:
            return LIBRARY.lacos_max_length(model)

    @max_seq_length.setter
    def max_seq_length(self, value: Optional[int]) -> None:
        before = self._settings
        self._settings = {**before, "max_length": value}
        try:
            model = self._open()
        except BaseException:
            self._settings = before
            raise
        with self._idle:
            self._idle.wait_for(lambda: self._users == 0)
            model, self._model = self._model, model
        if model is not None:
            LIBRARY.lacos_close(model)

    def get_max_seq_length(self) -> int:
        return self.max_seq_length

    @property
    def compute(self) -> str:
        with self._in_use() as model:
            return _name_of(_words.COMPUTE, LIBRARY.lacos_get_compute(model))

    @property
    def pooling(self) -> str:
        with self._in_use() as model:
            return _name_of(_words.POOLING, LIBRARY.lacos_get_pooling(model))

    @property
    def normalize(self) -> bool:
        """Whether vectors are scaled to length 1 unless a call of encode sets normalize_embeddings."""
        with self._in_use() as model:
            return LIBRARY.lacos_get_normalize(model) == _library.CHOICE[True]

    @property
    def strip(self) -> bool:
        with self._in_use() as model:
            return LIBRARY.lacos_get_strip(model) == _library.CHOICE[True]

    @property
    def threads(self) -> int:
        with self._in_use() as model:
            return LIBRARY.lacos_get_threads(model)

    @property
    def vocabulary_size(self) -> int:
        with self._in_use() as model:
            return LIBRARY.lacos_vocabulary_size(model)

    @property
    def description(self) -> str:
        """The version, kernels and instruction set in use, for bug reports."""
        with self._in_use() as model:
            return LIBRARY.lacos_description(model).decode()

    @property
    def prompts(self) -> Dict[str, str]:
        """The folder's prompts by name."""
        with self._in_use() as model:
            names = [LIBRARY.lacos_prompt_name(model, i) for i in range(LIBRARY.lacos_prompt_count(model))]
            return {name.decode(): LIBRARY.lacos_prompt_text(model, name).decode() for name in names}

    @property
    def default_prompt_name(self) -> Optional[str]:
        with self._in_use() as model:
            return LIBRARY.lacos_default_prompt_name(model).decode() or None

    # -- encoding

    def encode(self, sentences: Union[str, Iterable[str]], *, prompt_name: Optional[str] = None,
               prompt: Optional[str] = None, batch_size: Optional[int] = 32, show_progress_bar: Optional[bool] = False,
               convert_to_numpy: bool = True, convert_to_tensor: bool = False,
               normalize_embeddings: Optional[bool] = None, truncate_dim: Optional[int] = None) -> Any:
        """The vectors of texts in their order, float32 [N, D], or [D] for a single str.

        `prompt` is put before every text; "" means nothing. If it is None, the folder's prompt with the name
        `prompt_name` is used, or else the folder's default prompt. `batch_size` texts are passed to the library at a
        time; None means all, and larger batches are faster. It affects memory and the steps of the progress bar, but
        not the results: vectors depend neither on the other texts nor on the number of threads.
        `normalize_embeddings=None` means the setting of the model. `truncate_dim` is the number of leading values that
        are kept before the vector is scaled to length 1; None means what the folder says, else all. With convert_to_numpy=False the result is a list of arrays,
        with convert_to_tensor=True a torch tensor, which requires torch.
        """
        is_single = isinstance(sentences, str)
        texts: List[str] = [sentences] if isinstance(sentences, str) else list(sentences)
        encoded = [_utf8("sentences" if is_single else f"sentences[{i}]", text) for i, text in enumerate(texts)]
        size = _number("batch_size", batch_size, 1) or max(len(encoded), 1)
        options = _library.EncodeOptions(
            struct_size=ctypes.sizeof(_library.EncodeOptions), prompt=_zero_terminated("prompt", prompt),
            prompt_name=_zero_terminated("prompt_name", prompt_name),
            normalize=_choice("normalize_embeddings", normalize_embeddings), truncate_dim=_number("truncate_dim", truncate_dim, 1))
        with self._in_use() as model:
            out = np.empty((len(encoded), truncate_dim or LIBRARY.lacos_dimension(model)), dtype=np.float32)
            if not encoded:  # reports errors in the options even if there are no texts
                check(LIBRARY.lacos_encode(model, None, None, 0, ctypes.byref(options), None, 0, None))
            bar = progress_bar(len(encoded)) if show_progress_bar else None
            try:
                for begin in range(0, len(encoded), size):
                    self._encode_into(model, encoded[begin:begin + size], options, out[begin:begin + size], begin)
                    if bar is not None:
                        bar.update(min(size, len(encoded) - begin))
            finally:
                if bar is not None:
                    bar.close()
        if convert_to_tensor:
            import torch

            tensor = torch.from_numpy(out)
            return tensor[0] if is_single else tensor
        if is_single:
            return out[0]
        return out if convert_to_numpy else list(out)

    @staticmethod
    def _encode_into(model: int, texts: Sequence[bytes], options: _library.EncodeOptions, out: np.ndarray,
                     first: int) -> None:
        count = len(texts)
        pointers = (ctypes.c_char_p * count)(*texts)
        lengths = (ctypes.c_size_t * count)(*map(len, texts))
        status = LIBRARY.lacos_encode(model, pointers, lengths, count, ctypes.byref(options), out.ctypes.data, out.size, None)
        if status == _library.USER_ERROR and first > 0:  # the library counts texts from the start of the batch
            message = LIBRARY.lacos_last_error().decode(errors="replace")
            if message.startswith("[texts["):
                index, rest = message[len("[texts["):].split("]", 1)
                raise Error(f"[texts[{int(index) + first}]{rest}")
        check(status)

    def encode_query(self, sentences: Union[str, Iterable[str]], **options: Any) -> Any:
        """encode() with the folder's prompt "query", or without a prompt, if the call names no prompt."""
        return self._encode_as("query", sentences, options)

    def encode_document(self, sentences: Union[str, Iterable[str]], **options: Any) -> Any:
        """encode() with the folder's prompt "document", or without a prompt, if the call names no prompt."""
        return self._encode_as("document", sentences, options)

    def _encode_as(self, name: str, sentences: Union[str, Iterable[str]], options: Dict[str, Any]) -> Any:
        # Like sentence-transformers 6.2, neither takes the default prompt.
        if options.get("prompt") is None and options.get("prompt_name") is None:
            options = {**options, "prompt": self.prompts.get(name, "")}
        return self.encode(sentences, **options)

    # -- tokens

    def tokenize(self, texts: Union[str, Iterable[str]]) -> Any:
        """Token ids before truncation and without a prompt: an int32 array for each text, or one array for a str."""
        if isinstance(texts, str):
            return self._ids("texts", texts)[0]
        return [self._ids(f"texts[{i}]", text)[0] for i, text in enumerate(texts)]

    def tokenize_with_offsets(self, text: str) -> Tuple[np.ndarray, np.ndarray]:
        """Token ids [T] and the range [begin, end) of each in characters of the text, [T, 2]."""
        return self._ids("text", text, with_offsets=True)

    def _ids(self, where: str, text: str, with_offsets: bool = False) -> Tuple[np.ndarray, np.ndarray]:
        encoded = _utf8(where, text)
        count = ctypes.c_size_t()
        capacity = len(encoded) + 16  # an id takes a byte or more, except those the tokenizer adds
        with self._in_use() as model:
            while True:
                ids = np.empty(capacity, dtype=np.int32)
                offsets = np.empty((capacity if with_offsets else 0, 2), dtype=np.int64)
                status = LIBRARY.lacos_tokenize(model, encoded, len(encoded), ids.ctypes.data,
                                                offsets.ctypes.data if with_offsets else None, capacity, ctypes.byref(count))
                if status != _library.BUFFER_TOO_SMALL:
                    check(status)
                    return ids[:count.value].copy(), offsets[:count.value].copy()
                capacity = count.value

    def decode(self, ids: Any, skip_special_tokens: bool = False) -> str:
        """The text of token ids; invalid UTF-8 in it is replaced by U+FFFD."""
        values = np.asarray(ids)
        if values.ndim != 1 or (values.size and not np.issubdtype(values.dtype, np.integer)):
            raise TypeError("ids: expected a list of whole numbers")
        if values.size and (values.min() < 0 or values.max() > 2**31 - 1):
            raise InvalidArgumentError("[ids] found an id outside 0 to 2147483647; expected ids of the tokenizer; correct it")
        values = np.ascontiguousarray(values, dtype=np.int32)
        length = ctypes.c_size_t()
        with self._in_use() as model:
            arguments = (model, values.ctypes.data, len(values), int(skip_special_tokens))
            check(LIBRARY.lacos_decode(*arguments, None, 0, ctypes.byref(length)))
            text = ctypes.create_string_buffer(length.value + 1)
            check(LIBRARY.lacos_decode(*arguments, ctypes.addressof(text), length.value + 1, ctypes.byref(length)))
        return text.raw[:length.value].decode()

    def token_id(self, token: str) -> Optional[int]:
        """The id of the token with this literal string, or None."""
        encoded = _zero_terminated("token", token)
        with self._in_use() as model:
            found = LIBRARY.lacos_token_id(model, encoded)
        return None if found < 0 else found

    # -- similarity

    @property
    def similarity_fn_name(self) -> str:
        """How similarity() compares vectors: the folder's similarity_fn_name, or else "cosine". It can be set."""
        chosen = self._settings["similarity_fn_name"]
        if chosen is not None:
            return chosen
        with self._in_use() as model:
            return _name_of(_words.SIMILARITY, LIBRARY.lacos_get_similarity(model))

    @similarity_fn_name.setter
    def similarity_fn_name(self, value: Optional[_words.SimilarityFunction]) -> None:
        if value is not None:
            _similarity.number_of(value)
        self._settings = {**self._settings, "similarity_fn_name": value}

    def similarity(self, a: Any, b: Any) -> np.ndarray:
        """The similarities of all pairs of vectors by `similarity_fn_name`, float32 [len(a), len(b)]."""
        return _similarity.similarity(a, b, self.similarity_fn_name)

    def similarity_pairwise(self, a: Any, b: Any) -> np.ndarray:
        """The similarities of vectors with the same index by `similarity_fn_name`, float32 [len(a)]."""
        return _similarity.similarity_pairwise(a, b, self.similarity_fn_name)


def _choice(name: str, value: Optional[bool]) -> int:
    if value is not None and not isinstance(value, (bool, np.bool_)):
        raise InvalidArgumentError(f"[{name}] found {value!r}; expected True, False or None; correct it")
    return _library.CHOICE[None if value is None else bool(value)]


def _name_of(known: Dict[str, int], value: int) -> str:
    return next(name for name, number in known.items() if number == value)


def _reopen(settings: Dict[str, Any]) -> SentenceEncoder:
    return SentenceEncoder(**settings)
