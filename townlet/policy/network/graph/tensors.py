"""The constants of an ONNX file as arrays: only what the file itself holds, in the size that it says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from townlet.escaping import shown

FLOAT32, INT32, INT64, BOOL = 1, 6, 7, 9  # ONNX's numbers of element types
DTYPES = {
    FLOAT32: "<f4", 2: "|u1", 3: "|i1", 4: "<u2", 5: "<i2", INT32: "<i4", INT64: "<i8", BOOL: "|b1", 10: "<f2",
    11: "<f8",
}  # fmt: skip
MOST_DIMENSIONS = 8

_EXTERNAL = 1  # `data_location`: in another file


def read_tensor(message: Mapping[str, Any]) -> np.ndarray:
    """The array of a TensorProto. Raises ValueError for what is not whole, not in the file, or not finite.

    One number may be infinite: a bound of a clip, what fills where a mask is.
    """
    name = f"the constant {shown(repr(message['name']))}"
    if message["external_data"] or message["data_location"] == _EXTERNAL:
        raise ValueError(
            f"{name} lies in another file (external data): expected one file with everything in it; "
            "torch.onnx.export takes external_data=False"
        )
    kind = message["data_type"]
    if kind not in DTYPES:
        raise ValueError(f"{name} has elements of ONNX's type {kind}, which is not read")
    dims = tuple(message["dims"])
    if len(dims) > MOST_DIMENSIONS or any(size < 0 for size in dims):
        raise ValueError(f"{name} has the shape {shown(dims)}: expected at most {MOST_DIMENSIONS} sizes >= 0")
    size = 1
    for each in dims:  # whole numbers of Python's: they cannot overflow
        size *= each
    return checked_numbers(name, _numbers(name, message, kind, size).reshape(dims))


def _numbers(name: str, message: Mapping[str, Any], kind: int, size: int) -> np.ndarray:
    dtype = np.dtype(DTYPES[kind])
    raw = message["raw_data"]
    if raw:
        if len(raw) != size * dtype.itemsize:
            raise ValueError(
                f"{name} says that it has {size} numbers of {dtype.itemsize} bytes, and holds {len(raw)} bytes"
            )
        if kind == BOOL:
            return np.frombuffer(raw, np.uint8) != 0
        return np.frombuffer(raw, dtype)
    fields = {
        FLOAT32: "float_data",
        INT64: "int64_data",
        **dict.fromkeys((2, 3, 4, 5, 6, BOOL), "int32_data"),
    }
    found = message[fields[kind]] if kind in fields else []
    if len(found) != size:
        raise ValueError(f"{name} says that it has {size} numbers, and holds {len(found)}")
    wide = np.asarray(found, np.float32 if kind == FLOAT32 else np.int64)
    numbers = wide.astype(dtype)
    if kind != BOOL and not np.array_equal(wide, numbers, equal_nan=kind == FLOAT32):
        raise ValueError(f"{name} has a number that its type cannot hold")
    return numbers


def checked_numbers(name: str, numbers: np.ndarray) -> np.ndarray:
    """`numbers`, none of them NaN. Raises ValueError; `name`: what they are, for the message."""
    if numbers.dtype.kind == "f":
        if np.isnan(numbers).any():
            raise ValueError(f"{name} has NaN in it: expected numbers")
        if numbers.size > 1 and np.isinf(numbers).any():
            raise ValueError(f"{name} has an infinite number in it: expected finite ones")
    return numbers
