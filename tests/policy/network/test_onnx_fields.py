"""Protobuf as ONNX has it: what is read, what is written, and what is refused."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from tests.policy.network.models import random_model
from tests.policy.towns import setting
from townlet.policy.network import onnx_fields
from townlet.policy.network.onnx_fields import (
    ATTRIBUTE,
    MODEL,
    NODE,
    TENSOR,
    decode,
    encode,
    without_defaults,
)


@pytest.mark.parametrize(
    "data, table, name, value",
    [
        (b"\x08\x08", MODEL, "ir_version", 8),
        (b"\x10" + b"\xff" * 9 + b"\x01", TENSOR, "data_type", -1),  # ten bytes: a negative number
        (b"\x08\x02\x08\x03", TENSOR, "dims", [2, 3]),
        (b"\x0a\x02\x02\x03", TENSOR, "dims", [2, 3]),  # packed
        (b"\x0a\x01a\x0a\x00", NODE, "input", ["a", ""]),
        (b"\x15\x00\x00\x80\x3f", ATTRIBUTE, "f", 1.0),
        (b"\x0a\x00\x42\x04name", TENSOR, "name", "name"),
        (b"\x4a\x02\xff\x00", TENSOR, "raw_data", b"\xff\x00"),
        (b"\xa2\x06\x01x\x08\x08", MODEL, "ir_version", 8),  # a field that no table has
        (b"", MODEL, "graph", None),
    ],
)  # fmt: skip
def test_what_is_read(data: bytes, table: onnx_fields.Table, name: str, value: object) -> None:
    assert decode(data, table)[name] == value


def test_floats_are_one_array() -> None:
    packed, single = struct.pack("<2f", 1.5, -2), struct.pack("<f", 7)
    found = decode(b"\x22\x08" + packed + b"\x25" + single, TENSOR)["float_data"]
    assert found.dtype == np.float32
    assert found.tolist() == [1.5, -2, 7]
    assert decode(b"", TENSOR)["float_data"].shape == (0,)


@pytest.mark.parametrize(
    "data, table, message",
    [
        (b"\x08", MODEL, "a number has no end"),
        (b"\x08\x80\x80", MODEL, "a number has no end"),
        (b"\x08" + b"\xff" * 10, MODEL, "more than 64 bits"),
        (b"\x08" + b"\xff" * 9 + b"\x02", MODEL, "more than 64 bits"),
        (b"\x12\x05abc", MODEL, "goes beyond the end"),
        (b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\x7fabc", MODEL, "goes beyond the end"),  # claims 2^63 bytes
        (b"\x3a\x03\x0a\x05abcdef", MODEL, "goes beyond the end"),  # a node larger than its graph
        (b"\x15\x00", ATTRIBUTE, "goes beyond the end"),
        (b"\x00\x01", MODEL, "goes beyond the end"),  # field number 0
        (b"\x0b\x0c", MODEL, "a field of wire type 3"),
        (b"\x0f", MODEL, "a field of wire type 7"),
        (b"\x0d\x00\x00\x00\x00", MODEL, "ir_version has wire type 5 instead of 0"),
        (b"\x0d\x00\x00\x00\x00", TENSOR, "dims has wire type 5 instead of 0"),
        (b"\x22\x03abc", TENSOR, "float_data has wire type 2 instead of 5"),
        (b"\x08\x08\x08\x08", MODEL, "ir_version is given twice"),
        (b"\x3a\x00\x3a\x00", MODEL, "graph is given twice"),
        (b"\x0a\x01\xff", NODE, "input is no text in UTF-8"),
    ],
)  # fmt: skip
def test_what_is_refused(data: bytes, table: onnx_fields.Table, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        decode(data, table)


def test_a_file_of_very_many_fields_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_fields, "MOST_FIELDS", 10)
    assert decode(b"\x08\x01" * 10, TENSOR)["dims"] == [1] * 10
    with pytest.raises(ValueError, match="more than 10 fields"):
        decode(b"\x08\x01" * 11, TENSOR)
    with pytest.raises(ValueError, match="dims has more than 10 numbers"):
        decode(b"\x0a\x0b" + b"\x01" * 11, TENSOR)


def test_what_is_written_is_read() -> None:
    data = random_model(setting())
    assert encode(without_defaults(decode(data))) == data  # every field is in its order, and none is packed


def test_a_field_that_no_table_has_is_not_written() -> None:
    with pytest.raises(ValueError, match="expected fields of the table, got grpah"):
        encode({"grpah": {}})


@given(some.binary(max_size=60))
def test_any_bytes_are_a_message_or_an_error(data: bytes) -> None:
    for table in (MODEL, TENSOR):
        try:
            decode(data, table)
        except ValueError as error:
            assert str(error)
