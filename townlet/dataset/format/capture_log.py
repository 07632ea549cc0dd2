"""`capture_log.json`: when, where and with what a capture was made. The one file that is not reproducible."""

from __future__ import annotations

import os
import platform
import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from typing import Any

from townlet.dataset.format.canonical import document_bytes

_PACKAGES = ("townlet", "numpy", "numba", "isal", "apache-beam")


def log_bytes(work: Mapping[str, Any] | None = None) -> bytes:
    """The log of a capture that was finished now, by this process; `work`: what else is to stand in it."""
    return document_bytes(
        {
            **(work or {}),
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "host": socket.gethostname(),
            "machine": platform.machine(),
            "pid": os.getpid(),
            "platform": platform.platform(),
            "python": platform.python_version(),
            "versions": _versions(),
        }
    )


@cache
def _versions() -> dict[str, str]:
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions
