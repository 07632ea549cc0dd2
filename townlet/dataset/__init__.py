"""Captures on disk: written, committed, verified, read. Knows samples and files, and no simulation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .reader import Capture, load_capture

__all__ = ["Capture", "load_capture"]


def __getattr__(name: str) -> Any:
    # Loaded when used: whoever wants one module of this package need not load the others.
    if name in __all__:
        from . import reader

        return getattr(reader, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
