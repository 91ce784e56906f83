"""SentenceEncoder: an open model with the methods that users know from SentenceTransformer."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import itertools
import logging
import os
import threading
import warnings
from typing import Any, Dict, Iterable, Iterator, List, Literal, Mapping, Optional, Sequence, Tuple, Union

import numpy as np
from numpy.typing import NDArray

from lacos import _library, _similarity, _words
from lacos._hub import model_place
from lacos._library import LIBRARY, Error, InvalidArgumentError, check, last_error
from lacos._optional import optional
from lacos._precision import quantize_embeddings
from lacos._progress import progress_bar

Path = Union[str, "os.PathLike[str]"]
Texts = Union[str, Iterable[str]]

# Texts that are passed to the library at a time if the caller does not say; between them Python can be interrupted.
_SLICE = 1024
_LOG = logging.getLogger("lacos")


def _word(name: str, value: Optional[str], known: Dict[str, int]) -> int:
    if value is None:
        return 0
    if value not in known:
        raise InvalidArgumentError(f"[{name}] found {value!r}; expected one of {', '.join(known)}; correct it")
    return known[value]


def _preset(value: Optional[str]) -> Optional[bytes]:
    if value is not None and value not in _words.PRESETS:
        raise InvalidArgumentError(f"[preset] found {value!r}; expected one of {', '.join(_words.PRESETS)}; correct it")
    return None if value is None else value.encode()


def device_name(device: Any) -> Optional[str]:
    """The word of lacos for a device, which may be a torch.device."""
    return None if device is None else str(device).replace("cpu:0", "cpu")


def _next_warning(model: ctypes.c_void_p, numbers: Iterator[int]) -> Optional[bytes]:
    warning: Optional[bytes] = LIBRARY.lacos_warning(model, next(numbers))
    return warning


def _number(name: str, value: Optional[int], low: int, high: int = 2**31 - 1) -> int:
    """The value after a check of its range; 0, which means the default, for None."""
    if value is None:
        return 0
    if isinstance(value, (bool, str)) or not hasattr(value, "__int__") or int(value) != value or not low <= value <= high:
        raise InvalidArgumentError(f"[{name}] found {value!r}; expected None or {low} to {high}; correct it")
    return int(value)


def _path(name: str, value: Any) -> Optional[bytes]:
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

    `path` is a folder, or a name on the Hugging Face hub if huggingface_hub is installed; then `revision`,
    `cache_folder`, `token` and `local_files_only` are those of huggingface_hub.

    A setting that is None has the value in the folder, or else the default of lacos. `compute` is a word of
    `lacos.Compute`, `pooling` a word of `lacos.Pooling`. `preset`, a word of `lacos.Preset`, says how a published BLOOM
    embedder is used. `threads=None` means all cores that the process may use. `batch_tokens` is the number of tokens
    computed at a time; it affects memory and speed, but never the results. The tokens of `prefix` and `suffix` are put
    before and after every text with its prompt, and are never cut off. `prompts` and `default_prompt_name` replace those
    of the folder. `device` is "cpu" (the default), "cuda" or "cuda:N" (an NVIDIA GPU), or "auto", which takes a GPU if
    one can be used.

    All methods may be called from several threads, and other Python threads run while they compute. After os.fork()
    the child needs an encoder of its own. Errors are raised as lacos.Error.
    """

    def __init__(self, path: Path, base: Optional[Path] = None, adapter: Optional[Path] = None, *,
                 compute: _words.Compute = "bf16", threads: Optional[int] = None, pooling: Optional[_words.Pooling] = None,
                 normalize: Optional[bool] = None, max_length: Optional[int] = None, strip: Optional[bool] = None,
                 batch_tokens: Optional[int] = None, prefix: Optional[str] = None, suffix: Optional[str] = None,
                 similarity_fn_name: Optional[_words.SimilarityFunction] = None, preset: Optional[_words.Preset] = None,
                 truncate_dim: Optional[int] = None, prompts: Optional[Mapping[str, str]] = None,
                 default_prompt_name: Optional[str] = None, device: Any = None, revision: Optional[str] = None,
                 cache_folder: Optional[str] = None, token: Union[str, bool, None] = None,
                 local_files_only: bool = False) -> None:
        self._model: Optional[int] = None
        self._users = 0
        self._idle = threading.Condition()
        hub: Dict[str, Any] = {"revision": revision, "cache_folder": cache_folder, "token": token,
                               "local_files_only": local_files_only}
        self._settings: Dict[str, Any] = {
            "path": model_place(path, **hub), "base": None if base is None else model_place(base, **hub), "adapter": adapter,
            "compute": compute, "threads": threads, "pooling": pooling, "normalize": normalize, "max_length": max_length,
            "strip": strip, "batch_tokens": batch_tokens, "prefix": prefix, "suffix": suffix, "similarity_fn_name": None,
            "preset": preset, "truncate_dim": truncate_dim, "prompts": None if prompts is None else dict(prompts),
            "default_prompt_name": default_prompt_name, "device": device_name(device),
        }
        self.similarity_fn_name = similarity_fn_name
        self._model = self._open()
        try:
            self._check_own_settings()
        except BaseException:
            self.close()
            raise

    def _open(self) -> int:
        s = self._settings
        options = _library.Options(
            struct_size=ctypes.sizeof(_library.Options), base=_path("base", s["base"]), adapter=_path("adapter", s["adapter"]),
            compute=_word("compute", s["compute"], _words.COMPUTE), pooling=_word("pooling", s["pooling"], _words.POOLING),
            normalize=_choice("normalize", s["normalize"]), strip=_choice("strip", s["strip"]),
            threads=_number("threads", s["threads"], 0, 4096), max_length=_number("max_length", s["max_length"], 1),
            batch_tokens=_number("batch_tokens", s["batch_tokens"], 1),
            prefix=_zero_terminated("prefix", s["prefix"]), suffix=_zero_terminated("suffix", s["suffix"]),
            preset=_preset(s["preset"]), device=_zero_terminated("device", s["device"]))
        model = ctypes.c_void_p()
        check(LIBRARY.lacos_open(_path("path", s["path"]), ctypes.byref(options), ctypes.byref(model)))
        assert model.value is not None
        for message in iter(functools.partial(_next_warning, model, itertools.count()), None):
            warnings.warn(message.decode(errors="replace"), stacklevel=3)
        return model.value

    def _check_own_settings(self) -> None:
        name = self._settings["default_prompt_name"]
        if name is not None and name not in self.prompts:
            raise InvalidArgumentError(f"[default_prompt_name] found {name!r}; expected one of {', '.join(self.prompts) or '(none)'}"
                                       "; correct it, or add it to `prompts`")
        with self.in_use() as model:
            width: int = LIBRARY.lacos_dimension(model)
        _number("truncate_dim", self._settings["truncate_dim"], 1, width)

    def _change(self, setting: str, value: object) -> None:
        """Gives one of our own settings another value, or raises and leaves the old one."""
        before = self._settings
        self._settings = {**before, setting: value}
        try:
            self._check_own_settings()
        except BaseException:
            self._settings = before
            raise

    @contextlib.contextmanager
    def in_use(self) -> Iterator[int]:
        """The open model of lacos.h, which close() does not release inside the `with` block."""
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

    def __reduce__(self) -> Tuple[Any, Tuple[Dict[str, Any]]]:
        """Pickling stores only the settings, and the process that unpickles opens the model again."""
        return _reopen, (self._settings,)

    def __repr__(self) -> str:
        if self._model is None:
            return "<lacos.SentenceEncoder, closed>"
        return f"<lacos.SentenceEncoder of {os.fspath(self._settings['path'])!r}, {self.dimension} values a vector>"

    # -- settings in use

    @property
    def dimension(self) -> int:
        """The number of values in a vector: those of the model, or as many as truncate_dim says."""
        if self._settings["truncate_dim"] is not None:
            return int(self._settings["truncate_dim"])
        with self.in_use() as model:
            return int(LIBRARY.lacos_dimension(model))

    @property
    def path(self) -> str:
        """The model's folder."""
        return os.fsdecode(self._settings["path"])

    @property
    def truncate_dim(self) -> Optional[int]:
        """The number of leading values that encode keeps if a call does not say; None: what the folder says."""
        dimension: Optional[int] = self._settings["truncate_dim"]
        return dimension

    @truncate_dim.setter
    def truncate_dim(self, value: Optional[int]) -> None:
        self._change("truncate_dim", value)

    @contextlib.contextmanager
    def truncate_sentence_embeddings(self, truncate_dim: Optional[int]) -> Iterator[None]:
        """Within the block, encode keeps so many leading values of a vector."""
        before = self.truncate_dim
        self.truncate_dim = truncate_dim
        try:
            yield
        finally:
            self.truncate_dim = before

    @property
    def device(self) -> str:
        """Where the model is, as it was asked for when it was opened."""
        return str(self._settings["device"] or "cpu")

    def get_sentence_embedding_dimension(self) -> int:
        return self.dimension

    def get_embedding_dimension(self) -> int:
        return self.dimension

    @property
    def max_seq_length(self) -> int:
        """The number of tokens of a text that are used. Setting it opens the model again."""
        with self.in_use() as model:
            return int(LIBRARY.lacos_max_length(model))

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
            old, self._model = self._model, model
        if old is not None:
            LIBRARY.lacos_close(old)

    def get_max_seq_length(self) -> int:
        return self.max_seq_length

    @property
    def compute(self) -> str:
        with self.in_use() as model:
            return _name_of(_words.COMPUTE, LIBRARY.lacos_get_compute(model))

    @property
    def pooling(self) -> str:
        with self.in_use() as model:
            return _name_of(_words.POOLING, LIBRARY.lacos_get_pooling(model))

    @property
    def normalize(self) -> bool:
        """Whether vectors are scaled to length 1 also if a call of encode does not ask for it."""
        with self.in_use() as model:
            return bool(LIBRARY.lacos_get_normalize(model) == _library.CHOICE[True])

    @property
    def strip(self) -> bool:
        with self.in_use() as model:
            return bool(LIBRARY.lacos_get_strip(model) == _library.CHOICE[True])

    @property
    def threads(self) -> int:
        with self.in_use() as model:
            return int(LIBRARY.lacos_get_threads(model))

    @property
    def vocabulary_size(self) -> int:
        with self.in_use() as model:
            return int(LIBRARY.lacos_vocabulary_size(model))

    @property
    def description(self) -> str:
        """The version, kernels and instruction set in use, for bug reports."""
        with self.in_use() as model:
            return str(LIBRARY.lacos_description(model).decode())

    @property
    def prompts(self) -> Dict[str, str]:
        """The prompts by name: those that were given, else the folder's. It can be set."""
        own = self._settings["prompts"]
        if own is not None:
            return dict(own)
        with self.in_use() as model:
            names = [LIBRARY.lacos_prompt_name(model, i) for i in range(LIBRARY.lacos_prompt_count(model))]
            return {name.decode(): LIBRARY.lacos_prompt_text(model, name).decode() for name in names}

    @prompts.setter
    def prompts(self, value: Optional[Mapping[str, str]]) -> None:
        self._settings = {**self._settings, "prompts": None if value is None else dict(value)}

    @property
    def default_prompt_name(self) -> Optional[str]:
        """The name of the prompt that encode uses if a call names none. It can be set."""
        own: Optional[str] = self._settings["default_prompt_name"]
        if own is not None:
            return own
        with self.in_use() as model:
            name: str = LIBRARY.lacos_default_prompt_name(model).decode()
        return name if name in self.prompts else None

    @default_prompt_name.setter
    def default_prompt_name(self, value: Optional[str]) -> None:
        self._change("default_prompt_name", value)

    # -- encoding

    def encode(self, inputs: Optional[Texts] = None, prompt_name: Optional[str] = None, prompt: Optional[str] = None,
               batch_size: Optional[int] = 32, show_progress_bar: Optional[bool] = None,
               output_value: Optional[Literal["sentence_embedding", "token_embeddings"]] = "sentence_embedding",
               precision: _words.Precision = "float32", convert_to_numpy: bool = True, convert_to_tensor: bool = False,
               device: Any = None, normalize_embeddings: Optional[bool] = False, truncate_dim: Optional[int] = None,
               pool: None = None, chunk_size: None = None, *, sentences: Optional[Texts] = None) -> Any:
        """The vectors of texts in their order, float32 [N, D], or [D] for a single str.

        The arguments are those of SentenceTransformer.encode. `prompt` is put before every text; "" means nothing. If it
        is None, the prompt with the name `prompt_name` is used, or else the default prompt. `batch_size` texts are passed
        to the library at a time; None means as many as is good, which is faster. It affects memory and the steps of the
        progress bar, but not the results: vectors depend neither on the other texts nor on the number of threads.

        `normalize_embeddings=True` scales vectors to length 1; otherwise they are scaled if the model does so.
        `truncate_dim` is the number of leading values that are kept before a vector is scaled; None means
        `self.truncate_dim`, else what the folder says, else all. `precision` is that of quantize_embeddings; int8 and
        uint8 take the ranges of these vectors.

        With convert_to_tensor=True the result is a torch tensor; with convert_to_numpy=False a list of torch tensors, or
        of arrays without torch. With output_value="token_embeddings" it is a list of the vectors of each text's tokens,
        and with None a list of dicts with "sentence_embedding", "token_embeddings", "input_ids" and "attention_mask".

        The progress bar is shown if show_progress_bar is True, or None and the logger "lacos" logs INFO. `device` may be
        that of the model; `pool` and `chunk_size` are not used, because one process uses all cores.
        """
        if (inputs is None) == (sentences is None):
            raise TypeError("encode() found both or neither of inputs and sentences; expected the texts")
        name = "sentences" if inputs is None else "inputs"
        given: Texts = sentences if sentences is not None else inputs if inputs is not None else []
        if device is not None and device_name(device) != self.device:
            raise InvalidArgumentError(f"[device] found {str(device)!r}; expected {self.device!r} or None; leave it out here, and "
                                       "give it to SentenceEncoder: a call computes where the model is")
        if pool is not None:
            raise InvalidArgumentError("[pool] found a pool of processes; expected None; leave it out: one process uses all cores")
        if output_value not in ("sentence_embedding", "token_embeddings", None):
            raise InvalidArgumentError(f"[output_value] found {output_value!r}; expected 'sentence_embedding', "
                                       "'token_embeddings' or None; correct it")
        if precision is not None and precision not in _words.PRECISION:
            raise InvalidArgumentError(f"[precision] found {precision!r}; expected one of {', '.join(_words.PRECISION)}; "
                                       "correct it")
        if show_progress_bar is None:
            show_progress_bar = _LOG.getEffectiveLevel() in (logging.INFO, logging.DEBUG)
        is_single = isinstance(given, str)
        if isinstance(given, Mapping) or not isinstance(given, Iterable):
            raise TypeError(f"{name}: found {type(given).__name__}; expected a str or an iterable of str")
        texts: List[str] = [given] if isinstance(given, str) else list(given)
        encoded = [_utf8(name if is_single else f"{name}[{i}]", text) for i, text in enumerate(texts)]
        options = self._encode_options(prompt, prompt_name, normalize_embeddings, truncate_dim)
        if output_value == "token_embeddings":
            tokens = [self._tokens(text, options)[1] for text in encoded]
            return _tensor(tokens[0]) if is_single else [_tensor(vectors) for vectors in tokens]
        vectors = self._vectors(encoded, options, batch_size, show_progress_bar)
        if precision not in (None, "float32"):
            vectors = quantize_embeddings(vectors, precision)
        if output_value is None:
            everything = [self._everything(text, vector, options) for text, vector in zip(encoded, vectors)]
            return everything[0] if is_single else everything
        if convert_to_tensor:
            torch = optional("torch")
            if torch is None:
                raise Error("[convert_to_tensor] torch is not installed; expected it for tensors; pip install torch, or leave "
                            "convert_to_tensor out")
            tensor = torch.from_numpy(vectors)
            return tensor[0] if is_single else tensor
        if convert_to_numpy:
            return vectors[0] if is_single else vectors
        return _tensor(vectors[0]) if is_single else [_tensor(vector) for vector in vectors]

    def _encode_options(self, prompt: Optional[str], prompt_name: Optional[str], normalize: Optional[bool],
                        truncate_dim: Optional[int]) -> _library.EncodeOptions:
        scaled = _choice("normalize_embeddings", normalize) == _library.CHOICE[True]
        own = self._settings["prompts"]
        if prompt is None and (own is not None or prompt_name is None):
            wanted = prompt_name if prompt_name is not None else self.default_prompt_name
            if own is None:
                prompt_name = wanted
            elif wanted is None:
                prompt = ""
            elif wanted in own:
                prompt = own[wanted]
            else:
                raise Error(f"[prompt_name] found {wanted!r}; expected one of {', '.join(own) or '(none)'}; pass one of these, or "
                            "the text itself with `prompt`")
        if truncate_dim is None:
            truncate_dim = self._settings["truncate_dim"]
        return _library.EncodeOptions(
            struct_size=ctypes.sizeof(_library.EncodeOptions), prompt=_zero_terminated("prompt", prompt),
            prompt_name=_zero_terminated("prompt_name", prompt_name), normalize=_library.CHOICE[True if scaled else None],
            truncate_dim=_number("truncate_dim", truncate_dim, 1))

    def _vectors(self, texts: Sequence[bytes], options: _library.EncodeOptions, batch_size: Optional[int],
                 show_progress_bar: bool) -> NDArray[np.float32]:
        size = _number("batch_size", batch_size, 1) or _SLICE
        with self.in_use() as model:
            width = options.truncate_dim or LIBRARY.lacos_dimension(model)
            out = np.empty((len(texts), width), dtype=np.float32)
            if not texts:  # reports errors in the options even if there are no texts
                check(LIBRARY.lacos_encode(model, None, None, 0, ctypes.byref(options), None, 0, None))
            bar = progress_bar(len(texts)) if show_progress_bar else None
            try:
                for begin in range(0, len(texts), size):
                    self._encode_into(model, texts[begin:begin + size], options, out[begin:begin + size], begin)
                    if bar is not None:
                        bar.update(min(size, len(texts) - begin))
            finally:
                if bar is not None:
                    bar.close()
        return out

    @staticmethod
    def _encode_into(model: int, texts: Sequence[bytes], options: _library.EncodeOptions, out: NDArray[np.float32],
                     first: int) -> None:
        count = len(texts)
        pointers = (ctypes.c_char_p * count)(*texts)
        lengths = (ctypes.c_size_t * count)(*map(len, texts))
        status = LIBRARY.lacos_encode(model, pointers, lengths, count, ctypes.byref(options), out.ctypes.data, out.size, None)
        if status == _library.USER_ERROR and first > 0:  # the library counts texts from the start of the batch
            message = last_error()
            if message.startswith("[texts["):
                index, rest = message[len("[texts["):].split("]", 1)
                raise Error(f"[texts[{int(index) + first}]{rest}")
        check(status)

    def _tokens(self, text: bytes, options: _library.EncodeOptions) -> Tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The ids of a text with its prompt, and the vectors of these tokens."""
        count = ctypes.c_size_t()
        with self.in_use() as model:
            call = functools.partial(LIBRARY.lacos_encode_tokens, model, text, len(text), ctypes.byref(options))
            check(call(None, None, 0, ctypes.byref(count)))
            tokens = count.value
            ids = np.empty(tokens, dtype=np.int32)
            vectors = np.empty((tokens, self._width(model)), dtype=np.float32)
            if tokens > 0:
                check(call(ids.ctypes.data, vectors.ctypes.data, tokens, ctypes.byref(count)))
        return ids, vectors

    @staticmethod
    def _width(model: int) -> int:
        """Values of a token's vector: those of the model, whatever truncate_dim says."""
        return int(LIBRARY.lacos_hidden_size(model))

    def _everything(self, text: bytes, vector: NDArray[Any], options: _library.EncodeOptions) -> Dict[str, Any]:
        ids, vectors = self._tokens(text, options)
        return {"token_embeddings": _tensor(vectors), "input_ids": _tensor(ids.astype(np.int64)),
                "attention_mask": _tensor(np.ones(len(ids), dtype=np.int64)), "sentence_embedding": _tensor(vector)}

    def encode_query(self, inputs: Optional[Texts] = None, *arguments: Any, **options: Any) -> Any:
        """encode() with the prompt "query", or without a prompt, if the call names no prompt."""
        return self._encode_as("query", inputs, arguments, options)

    def encode_document(self, inputs: Optional[Texts] = None, *arguments: Any, **options: Any) -> Any:
        """encode() with the prompt "document", or without a prompt, if the call names no prompt."""
        return self._encode_as("document", inputs, arguments, options)

    def _encode_as(self, name: str, inputs: Optional[Texts], arguments: Sequence[Any], options: Dict[str, Any]) -> Any:
        # The arguments that come first: prompt_name and prompt.
        given = dict(zip(("prompt_name", "prompt"), arguments))
        # Like sentence-transformers 6.2, neither takes the default prompt.
        if all({**given, **options}.get(key) is None for key in ("prompt_name", "prompt")):
            chosen: Dict[str, Optional[str]] = {"prompt_name": name} if name in self.prompts else {"prompt": ""}
            return self.encode(inputs, chosen.get("prompt_name"), chosen.get("prompt"), *arguments[2:],
                               **{key: value for key, value in options.items() if key not in ("prompt_name", "prompt")})
        return self.encode(inputs, *arguments, **options)

    # -- tokens

    def tokenize(self, texts: Union[str, Iterable[str]]) -> Any:
        """Token ids before truncation and without a prompt: an int32 array for each text, or one array for a str."""
        if isinstance(texts, str):
            return self._ids("texts", texts)[0]
        return [self._ids(f"texts[{i}]", text)[0] for i, text in enumerate(texts)]

    def tokenize_with_offsets(self, text: str) -> Tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Token ids [T] and the range [begin, end) of each in characters of the text, [T, 2]."""
        return self._ids("text", text, with_offsets=True)

    def _ids(self, where: str, text: str, with_offsets: bool = False) -> Tuple[NDArray[np.int32], NDArray[np.int64]]:
        encoded = _utf8(where, text)
        count = ctypes.c_size_t()
        capacity = len(encoded) + 16  # an id takes a byte or more, except those the tokenizer adds
        with self.in_use() as model:
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
        with self.in_use() as model:
            arguments = (model, values.ctypes.data, len(values), int(skip_special_tokens))
            check(LIBRARY.lacos_decode(*arguments, None, 0, ctypes.byref(length)))
            text = ctypes.create_string_buffer(length.value + 1)
            check(LIBRARY.lacos_decode(*arguments, ctypes.addressof(text), length.value + 1, ctypes.byref(length)))
        return text.raw[:length.value].decode()

    def token_id(self, token: str) -> Optional[int]:
        """The id of the token with this literal string, or None."""
        encoded = _zero_terminated("token", token)
        with self.in_use() as model:
            found = int(LIBRARY.lacos_token_id(model, encoded))
        return None if found < 0 else found

    # -- similarity

    @property
    def similarity_fn_name(self) -> str:
        """How similarity() compares vectors: the folder's similarity_fn_name, or else "cosine". It can be set."""
        chosen: Optional[str] = self._settings["similarity_fn_name"]
        if chosen is not None:
            return chosen
        with self.in_use() as model:
            return _name_of(_words.SIMILARITY, LIBRARY.lacos_get_similarity(model))

    @similarity_fn_name.setter
    def similarity_fn_name(self, value: Optional[_words.SimilarityFunction]) -> None:
        if value is not None:
            _similarity.number_of(value)
        self._settings = {**self._settings, "similarity_fn_name": value}

    @property
    def similarity_was_chosen(self) -> bool:
        """Whether similarity_fn_name was set by the program, not by the folder."""
        return self._settings["similarity_fn_name"] is not None

    def similarity(self, embeddings1: Any, embeddings2: Any) -> Any:
        """The similarities of all pairs of vectors by `similarity_fn_name`, float32 [len(embeddings1), len(embeddings2)].

        The result is an array, or a tensor if one of the arguments is a tensor of torch.
        """
        return _similarity.compare(embeddings1, embeddings2, self.similarity_fn_name)

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any) -> Any:
        """The similarities of vectors with the same index by `similarity_fn_name`, float32 [len(embeddings1)]."""
        return _similarity.compare_pairwise(embeddings1, embeddings2, self.similarity_fn_name)


def _tensor(values: NDArray[Any]) -> Any:
    """A tensor where torch is installed, as in sentence-transformers, else the array."""
    torch = optional("torch")
    return values if torch is None else torch.from_numpy(np.ascontiguousarray(values))


def _choice(name: str, value: Optional[bool]) -> int:
    if value is not None and not isinstance(value, (bool, np.bool_)):
        raise InvalidArgumentError(f"[{name}] found {value!r}; expected True, False or None; correct it")
    return _library.CHOICE[None if value is None else bool(value)]


def _name_of(known: Dict[str, int], value: int) -> str:
    return next(name for name, number in known.items() if number == value)


def _reopen(settings: Dict[str, Any]) -> SentenceEncoder:
    return SentenceEncoder(**settings)
