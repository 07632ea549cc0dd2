"""Constants of a file: what it holds, in the size that it says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.policy.network.graph.graphs import tensor
from townlet.policy.network.graph.tensors import read_tensor
from townlet.policy.network.onnx_fields import TENSOR, decode, encode

FOUR = np.arange(4, dtype=np.float32).reshape(2, 2)


def read(message: dict[str, Any]) -> np.ndarray:
    return read_tensor(decode(encode(message, TENSOR), TENSOR))


@pytest.mark.parametrize("dtype", ["float32", "int32", "int64", "bool", "float16", "float64"])
def test_numbers_as_bytes(dtype: str) -> None:
    found = read(tensor("c", FOUR.astype(dtype)))
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, FOUR.astype(dtype))


@pytest.mark.parametrize(
    "kind, field, dtype",
    [(1, "float_data", "float32"), (7, "int64_data", "int64"), (6, "int32_data", "int32"), (9, "int32_data", "bool")],
)  # fmt: skip
def test_numbers_one_by_one(kind: int, field: str, dtype: str) -> None:
    found = read(
        {"name": "c", "dims": [2, 2], "data_type": kind, field: FOUR.reshape(-1).astype(int).tolist()}
    )
    np.testing.assert_array_equal(found, FOUR.astype(dtype))
    assert found.dtype == dtype


def test_one_number_and_none() -> None:
    assert read(tensor("c", np.float32(np.inf))).shape == ()
    assert read(tensor("c", np.zeros((0, 3), np.float32))).shape == (0, 3)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"raw_data": b"abc"}, "'c' says that it has 4 numbers of 4 bytes, and holds 3 bytes"),
        (
            {"dims": [2**40, 2**40]},
            "says that it has 1208925819614629174706176 numbers of 4 bytes, and holds 16",
        ),
        ({"dims": [-4, -1]}, r"has the shape \(-4, -1\): expected at most 8 sizes"),
        ({"dims": [1] * 9}, "expected at most 8 sizes"),
        ({"raw_data": b"", "float_data": [1.0]}, "says that it has 4 numbers, and holds 1"),
        ({"raw_data": b""}, "says that it has 4 numbers, and holds 0"),
        ({"data_type": 8}, "has elements of ONNX's type 8, which is not read"),
        ({"data_type": 0}, "has elements of ONNX's type 0, which is not read"),
        ({"data_location": 1}, r"lies in another file \(external data\): .* external_data=False"),
        ({"external_data": [{"key": "location", "value": "/etc/passwd"}]}, "lies in another file"),
        ({"raw_data": np.full(4, np.nan, np.float32).tobytes()}, "has NaN in it: expected numbers"),
        ({"raw_data": np.full(4, -np.inf, np.float32).tobytes()}, "has an infinite number in it"),
        ({"data_type": 6, "raw_data": b"", "int32_data": [2**40] * 4}, "a number that its type cannot hold"),
    ],
)
def test_what_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read(tensor("c", FOUR) | change)
