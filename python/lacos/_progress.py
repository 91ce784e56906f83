"""Progress of long calls: tqdm's bar if it is installed, which also works in notebooks, else a line on stderr."""

from __future__ import annotations

import sys
from typing import Optional, Protocol

from lacos._optional import optional


class Bar(Protocol):
    """A progress bar."""

    def update(self, count: int) -> object: ...
    def close(self) -> None: ...


class _Line:
    """A line that is written anew at each update, and at most ten times a second on a terminal."""

    def __init__(self, what: str, unit: str, total: Optional[int], done: int) -> None:
        self._what, self._unit, self._total, self._done = what, unit, total, done

    def update(self, count: int) -> None:
        self._done += count
        total = "" if self._total is None else f"/{self._total}"
        print(f"\r{self._what} {self._done}{total} {self._unit}", end="", file=sys.stderr, flush=True)

    def close(self) -> None:
        print(file=sys.stderr)


def progress_bar(total: Optional[int], what: str = "embedding", unit: str = "texts", done: int = 0) -> Bar:
    """A progress bar with the methods update(count) and close()."""
    tqdm = optional("tqdm.auto")
    if tqdm is None:
        return _Line(what, unit, total, done)
    bar: Bar = tqdm.tqdm(total=total, desc=what, unit=f" {unit}", initial=done)
    return bar


def is_shown(wanted: Optional[bool]) -> bool:
    """Whether progress is shown: as the caller wants, else on a terminal and in a notebook."""
    if wanted is not None:
        return wanted
    return "ipykernel" in sys.modules or (sys.stderr is not None and sys.stderr.isatty())


class Steps:
    """A bar that is made when its total is known, and follows the number of what is done."""

    def __init__(self, shown: bool, what: str, unit: str) -> None:
        self._shown, self._what, self._unit = shown, what, unit
        self._bar: Optional[Bar] = None
        self._is_started = False
        self._done = 0

    def start(self, total: Optional[int], done: int = 0) -> None:
        """The first call counts; whoever reports the total with each step may call it again."""
        if self._is_started:
            return
        self._is_started = True
        self._done = done
        if self._shown:
            self._bar = progress_bar(total, self._what, self._unit, done)

    def reach(self, done: int) -> None:
        if self._bar is not None and done > self._done:
            self._bar.update(done - self._done)
        self._done = max(done, self._done)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
