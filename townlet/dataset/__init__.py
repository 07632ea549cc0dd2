"""Captures and data sets: written, committed, verified, read. Knows samples and files, and no simulation."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from townlet.dataset.reading.capture import Capture, load_capture
    from townlet.dataset.reading.data_set import DataSet, open

_MODULES = {
    "Capture": "reading.capture",
    "DataSet": "reading.data_set",
    "load_capture": "reading.capture",
    "open": "reading.data_set",
}

__all__ = ["Capture", "DataSet", "load_capture", "open"]


def __getattr__(name: str) -> Any:
    # Loaded when used: whoever wants one module of this package need not load the others.
    if name in _MODULES:
        return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
