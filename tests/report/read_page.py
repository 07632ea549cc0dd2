"""A plain reader of a report's data, written from what the page is promised to hold."""

from __future__ import annotations

import base64
import json
import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np

ARRAYS = re.compile(r'<script type="application/octet-stream;base64" id="townlet-arrays">([\w+/=]*)</script>')
DATA = re.compile(r'<script type="application/json" id="townlet-data">(.*?)</script>', re.DOTALL)


def read_page(page: bytes | Path) -> tuple[dict[str, Any], bytes]:
    """The JSON of a page, and the bytes that its arrays lie in."""
    text = (page.read_bytes() if isinstance(page, Path) else page).decode()
    (data,), (arrays,) = DATA.findall(text), ARRAYS.findall(text)
    return json.loads(data), zlib.decompress(base64.b64decode(arrays))


def array_at(entry: dict[str, Any], block: bytes) -> np.ndarray:
    """An array by its entry of a table of arrays."""
    dtype, shape = np.dtype(entry["dtype"]), tuple(entry["shape"])
    count = int(np.prod(shape))
    data = block[entry["at"] : entry["at"] + count * dtype.itemsize]
    if entry["shuffled"]:
        data = np.frombuffer(data, np.uint8).reshape(dtype.itemsize, count).T.tobytes()
    return np.frombuffer(data, dtype).reshape(shape)


def arrays_of(run: dict[str, Any], block: bytes) -> dict[str, np.ndarray]:
    """All arrays of a run by name."""
    return {name: array_at(entry, block) for name, entry in run["arrays"].items()}
