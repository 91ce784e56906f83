"""The progress bar: tqdm's if it is installed, else a line on stderr."""

from __future__ import annotations

import sys


class _Line:
    def __init__(self, total: int):
        self._total, self._done = total, 0

    def update(self, count: int) -> None:
        self._done += count
        print(f"\rembedding {self._done}/{self._total} texts", end="", file=sys.stderr, flush=True)

    def close(self) -> None:
        print(file=sys.stderr)


def progress_bar(total: int):
    """A progress bar with the methods update(count) and close()."""
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return _Line(total)
    return tqdm(total=total, desc="embedding", unit=" texts")
