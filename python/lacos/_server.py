"""Server: answers requests for vectors over HTTP from threads of this process."""

from __future__ import annotations

import ctypes
import os
from typing import Mapping, Optional, Union

from lacos import _library, _words
from lacos._encoder import _choice, _number, _path, _preset, _word, _zero_terminated
from lacos._library import LIBRARY, Error, InvalidArgumentError, check

_Path = Union[str, "os.PathLike[str]"]


def _seconds(name: str, value: Optional[float]) -> float:
    """The value after a check of its range; 0, which means the default, for None."""
    if value is None:
        return 0.0
    if isinstance(value, bool) or not 0 < float(value) <= 1e6:
        raise InvalidArgumentError(f"[{name}] found {value!r}; expected None or seconds above 0; correct it")
    return float(value)


class Server:
    """A server that answers as `lacos serve` does.

        with lacos.Server("trained") as server:
            client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="none")

    `listen` is HOST:PORT or unix:PATH; by default, the server takes a free port of 127.0.0.1. `api_keys` is a file of
    keys; an address that other machines reach needs it, or no_auth=True. `adapters` maps names to folders of adapters
    over the same base. `max_wait` and `request_timeout` are seconds. The other arguments are those of SentenceEncoder.

    The server stops when the `with` block ends, after it has answered what it had admitted. After os.fork() the child
    has no server. Errors are raised as lacos.Error.
    """

    def __init__(self, path: _Path, base: Optional[_Path] = None, *, listen: Optional[str] = None,
                 api_keys: Optional[_Path] = None, no_auth: bool = False, access_log: Optional[_Path] = None,
                 model_name: Optional[str] = None, adapters: Optional[Mapping[str, _Path]] = None,
                 accept_token_ids: bool = False, empty_is_zero: bool = False, max_wait: Optional[float] = None,
                 request_timeout: Optional[float] = None, compute: _words.Compute = "bf16", threads: Optional[int] = None,
                 pooling: Optional[_words.Pooling] = None, max_length: Optional[int] = None, strip: Optional[bool] = None,
                 batch_tokens: Optional[int] = None, preset: Optional[_words.Preset] = None, device: Optional[str] = None) -> None:
        self._server: Optional[int] = None
        pairs = [os.fsencode(name) + b"=" + (_path("adapters", folder) or b"") for name, folder in (adapters or {}).items()]
        model = _library.Options(
            struct_size=ctypes.sizeof(_library.Options), base=_path("base", base),
            compute=_word("compute", compute, _words.COMPUTE), pooling=_word("pooling", pooling, _words.POOLING),
            strip=_choice("strip", strip), threads=_number("threads", threads, 0, 4096),
            max_length=_number("max_length", max_length, 1), batch_tokens=_number("batch_tokens", batch_tokens, 1), preset=_preset(preset),
            device=_zero_terminated("device", device))
        options = _library.ServerOptions(
            struct_size=ctypes.sizeof(_library.ServerOptions), listen=_zero_terminated("listen", listen),
            api_keys=_path("api_keys", api_keys), access_log=_path("access_log", access_log),
            model_name=_zero_terminated("model_name", model_name),
            adapters=(ctypes.c_char_p * (len(pairs) + 1))(*pairs, None), no_auth=_choice("no_auth", no_auth),
            accept_token_ids=_choice("accept_token_ids", accept_token_ids),
            empty_is_zero=_choice("empty_is_zero", empty_is_zero), max_wait=_seconds("max_wait", max_wait),
            request_timeout=_seconds("request_timeout", request_timeout))
        server = ctypes.c_void_p()
        check(LIBRARY.lacos_server_start(_path("path", path), ctypes.byref(model), ctypes.byref(options),
                                         ctypes.byref(server)))
        self._server = server.value

    @property
    def url(self) -> str:
        """The address: "http://127.0.0.1:8080" or "unix:/run/lacos.sock"."""
        return str(LIBRARY.lacos_server_url(self._running()).decode())

    def reload_keys(self) -> None:
        """Reads the file of keys again. If it is wrong, an Error is raised and the old keys stay."""
        check(LIBRARY.lacos_server_reload_keys(self._running()))

    def stop(self, drain: float = 30.0) -> int:
        """Ends the server after the requests that it has admitted, or after `drain` seconds.

        Returns the number of admitted requests that were not answered. Stopping twice is allowed.
        """
        server, self._server = self._server, None
        lost = ctypes.c_uint64()
        check(LIBRARY.lacos_server_stop(server, float(drain), ctypes.byref(lost)))
        return lost.value

    def _running(self) -> int:
        if self._server is None:
            raise Error("[server] it was stopped; expected a running one; start another")
        return self._server

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def __del__(self) -> None:
        if getattr(self, "_server", None) is not None:
            self.stop(0)

    def __repr__(self) -> str:
        return "<lacos.Server, stopped>" if self._server is None else f"<lacos.Server on {self.url}>"
