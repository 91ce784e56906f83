"""Long calls of the library: settings in, events and a report out, and Ctrl-C that ends them in order."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import threading
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional

from lacos._library import CANCELLED, EVENT, Error, InvalidArgumentError, error_of, last_error, take_text

Event = Dict[str, Any]


def settings_json(settings: Mapping[str, Any], names: Optional[Mapping[str, str]] = None) -> bytes:
    """The settings that are not None, as lacos.h takes them. `names` has what results call files, by their paths."""
    given = {name: _plain(name, value) for name, value in settings.items() if value is not None}
    if names:
        given["names"] = dict(names)
    try:
        return json.dumps(given, allow_nan=False).encode()
    except ValueError:  # NaN or infinity, which no setting takes
        name = next(name for name, value in given.items() if value != value or value in (float("inf"), float("-inf")))
        raise InvalidArgumentError(f"[`{name}`] found {given[name]}; expected a finite number; correct it") from None


def _plain(name: str, value: Any) -> Any:
    """The value as JSON has it: paths are texts, numbers of numpy are numbers, tuples are lists."""
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if isinstance(value, bytes):
        value = os.fsdecode(value)
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise InvalidArgumentError(f"[`{name}`] found {value!r}, which is not UTF-8; expected a text or path in UTF-8; "
                                       "rename the file") from None
        return value
    if isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(name, element) for element in value]
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:  # a number of numpy or torch
        return _plain(name, value.item())
    raise InvalidArgumentError(f"[`{name}`] found a value of the type {type(value).__name__}; expected a text, a number, "
                               "True, False, None, or a list; correct it")


class _Interrupts:
    """Within `with`, Ctrl-C is remembered instead of raised, so that the library can end its work in order.

    That holds in the main thread, if no other handler than Python's own is set: a program's own handler stays.
    """

    def __init__(self) -> None:
        self.pressed = False

    def __enter__(self) -> "_Interrupts":
        self._replaced = (threading.current_thread() is threading.main_thread()
                          and signal.getsignal(signal.SIGINT) is signal.default_int_handler)
        if self._replaced:
            signal.signal(signal.SIGINT, self._remember)
        return self

    def __exit__(self, *exception: object) -> None:
        if self._replaced:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _remember(self, *_: object) -> None:
        self.pressed = True


class Outcome:
    """What a call gave: its report, and whether Ctrl-C or the caller's function ended it early."""

    def __init__(self, report: Event, interrupted: bool, stopped: bool) -> None:
        self.report, self.interrupted, self.stopped = report, interrupted, stopped


def run(function: Callable[..., int], settings: Mapping[str, Any], on_event: Callable[[Event], Optional[bool]],
        first: Optional[List[Any]] = None, names: Optional[Mapping[str, str]] = None) -> Outcome:
    """Calls a function of lacos.h that takes settings and gives events and a report.

    `first` are the arguments before the settings. `names` has what results call files, by their paths.
    `on_event` may return False to stop. An exception from it stops the call too, and is raised when the call has ended.
    """
    failures: List[BaseException] = []
    stopped = False
    encoded = settings_json(settings, names)
    with _Interrupts() as interrupts:
        def deliver(_: object, event: Optional[bytes]) -> int:
            nonlocal stopped
            try:
                if event is not None and not failures and not stopped:
                    stopped = on_event(json.loads(event.decode(errors="replace"))) is False
            except BaseException as failure:
                failures.append(failure)
            return int(bool(failures) or stopped or interrupts.pressed)

        callback = EVENT(deliver)
        made = ctypes.c_void_p()
        status = function(*(first or []), encoded, callback, None, ctypes.byref(made))
        message = last_error() if status != 0 else ""
        report = take_text(made)
    if failures:
        raise failures[0]
    if status == CANCELLED:
        return Outcome({}, interrupts.pressed, True)
    if status != 0:
        raise error_of(status, message)
    return Outcome(json.loads(report), interrupts.pressed, stopped)


@contextlib.contextmanager
def names_in_messages(names: Mapping[str, str]) -> Iterator[None]:
    """Within the block, errors name what the caller passed instead of the files that were made of it."""
    try:
        yield
    except Error as error:
        raise type(error)(renamed(str(error), names)) from None


def renamed(message: str, names: Mapping[str, str]) -> str:
    for path, name in names.items():
        message = message.replace(path + ":", f"{name}: row ").replace(path, name)
    return message
