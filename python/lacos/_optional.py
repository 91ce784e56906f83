"""Packages that lacos uses where they are installed."""

from __future__ import annotations

import importlib
from typing import Any


def optional(name: str) -> Any:
    """The module with this name, or None if it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None
