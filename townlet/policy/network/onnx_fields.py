"""ONNX files as protobuf has them: the fields that are needed, read with every bound checked, and written.

A message is a row of fields: a number and a wire type in one varint, then the content. The tables below name the
numbers as ONNX's own schema (onnx.proto3) does. Fields that no table has are passed over. What is refused, although
protobuf allows it: a field given twice that has one value (readers differ in what they make of it), groups, texts that
are not UTF-8. Subgraphs are left as bytes, so that nothing nests deeper than the tables do.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

MOST_FIELDS = 1_000_000  # of a file, all messages together
_VARINT, _EIGHT, _LENGTH, _FOUR = 0, 1, 2, 5  # wire types
_WORD = 1 << 64

INT, FLOAT, BYTES, TEXT = "int", "float", "bytes", "text"


class Field(NamedTuple):
    """A field of a message."""

    name: str
    kind: str | Mapping[int, Field]  # one of the words above, or the table of a message
    many: bool = False

    @property
    def wire(self) -> int:
        """The wire type of one value."""
        return {INT: _VARINT, FLOAT: _FOUR}.get(self.kind, _LENGTH) if isinstance(self.kind, str) else _LENGTH


Table = Mapping[int, Field]

ENTRY: Table = {1: Field("key", TEXT), 2: Field("value", TEXT)}
TENSOR: Table = {
    1: Field("dims", INT, many=True),
    2: Field("data_type", INT),
    4: Field("float_data", FLOAT, many=True),
    5: Field("int32_data", INT, many=True),
    7: Field("int64_data", INT, many=True),
    8: Field("name", TEXT),
    9: Field("raw_data", BYTES),
    13: Field("external_data", ENTRY, many=True),
    14: Field("data_location", INT),
}
ATTRIBUTE: Table = {
    1: Field("name", TEXT),
    2: Field("f", FLOAT),
    3: Field("i", INT),
    4: Field("s", BYTES),
    5: Field("t", TENSOR),
    6: Field("g", BYTES),  # a subgraph: of what loops and branches
    7: Field("floats", FLOAT, many=True),
    8: Field("ints", INT, many=True),
    9: Field("strings", BYTES, many=True),
    10: Field("tensors", BYTES, many=True),
    11: Field("graphs", BYTES, many=True),
    20: Field("type", INT),
    21: Field("ref_attr_name", TEXT),
    22: Field("sparse_tensor", BYTES),
    23: Field("sparse_tensors", BYTES, many=True),
}
NODE: Table = {
    1: Field("input", TEXT, many=True),
    2: Field("output", TEXT, many=True),
    3: Field("name", TEXT),
    4: Field("op_type", TEXT),
    5: Field("attribute", ATTRIBUTE, many=True),
    7: Field("domain", TEXT),
}
DIMENSION: Table = {1: Field("dim_value", INT), 2: Field("dim_param", TEXT)}
SHAPE: Table = {1: Field("dim", DIMENSION, many=True)}
TENSOR_TYPE: Table = {1: Field("elem_type", INT), 2: Field("shape", SHAPE)}
TYPE: Table = {1: Field("tensor_type", TENSOR_TYPE)}
VALUE_INFO: Table = {1: Field("name", TEXT), 2: Field("type", TYPE)}
GRAPH: Table = {
    1: Field("node", NODE, many=True),
    2: Field("name", TEXT),
    5: Field("initializer", TENSOR, many=True),
    10: Field("doc_string", TEXT),
    11: Field("input", VALUE_INFO, many=True),
    12: Field("output", VALUE_INFO, many=True),
    15: Field("sparse_initializer", BYTES, many=True),
}
OPSET: Table = {1: Field("domain", TEXT), 2: Field("version", INT)}
MODEL: Table = {
    1: Field("ir_version", INT),
    2: Field("producer_name", TEXT),
    3: Field("producer_version", TEXT),
    7: Field("graph", GRAPH),
    8: Field("opset_import", OPSET, many=True),
    14: Field("metadata_props", ENTRY, many=True),
    20: Field("training_info", BYTES, many=True),
    25: Field("functions", BYTES, many=True),
}


def decode(data: bytes, table: Table = MODEL) -> dict[str, Any]:
    """A message as a dict, every field of the table in it: 0, empty or None (a message) where the file has none.

    Repeated floats are F32 [n], other repeated fields lists. Raises ValueError for anything that is no such message; no
    more memory is taken than a few times the bytes given.
    """
    return _Decoder(data).message(table, 0, len(data))


class _Decoder:
    def __init__(self, data: bytes):
        self._data = data
        self._fields = 0

    def message(self, table: Table, at: int, end: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for number, wire, start, until in self._walk(at, end):
            field = table.get(number)
            if field is None:
                continue
            if field.many:
                self._add(found.setdefault(field.name, []), field, wire, start, until)
            elif field.name in found:
                raise ValueError(f"the field {field.name} is given twice")
            elif wire != field.wire:
                raise ValueError(f"the field {field.name} has wire type {wire} instead of {field.wire}")
            else:
                found[field.name] = self._value(field, start, until)
        return {field.name: _completed(field, found.get(field.name)) for field in table.values()}

    def _walk(self, at: int, end: int) -> Iterator[tuple[int, int, int, int]]:
        """Number, wire type, and where the content of each field begins and ends."""
        while at < end:
            self._fields += 1
            if self._fields > MOST_FIELDS:
                raise ValueError(f"more than {MOST_FIELDS} fields")
            key, at = self._varint(at, end)
            number, wire = key >> 3, key & 7
            if wire == _VARINT:
                start, at = at, self._varint(at, end)[1]
            elif wire == _LENGTH:
                length, start = self._varint(at, end)
                at = start + length
            elif wire in (_EIGHT, _FOUR):
                start, at = at, at + (8 if wire == _EIGHT else 4)
            else:
                raise ValueError(f"a field of wire type {wire}")
            if not 0 < number < 1 << 29 or at > end:
                raise ValueError("cut short or damaged: a field goes beyond the end of what holds it")
            yield number, wire, start, at

    def _varint(self, at: int, end: int) -> tuple[int, int]:
        """A number of at most 64 bits, and where it ends."""
        number = 0
        for shift in range(0, 70, 7):
            if at >= end:
                raise ValueError("cut short: a number has no end")
            byte = self._data[at]
            at += 1
            number |= (byte & 127) << shift
            if byte < 128:
                if number >= _WORD:
                    break
                return number, at
        raise ValueError("a number of more than 64 bits")

    def _value(self, field: Field, at: int, until: int) -> Any:
        if not isinstance(field.kind, str):
            return self.message(field.kind, at, until)
        if field.kind == INT:
            return _signed(self._varint(at, until)[0])
        if field.kind == FLOAT:
            return struct.unpack_from("<f", self._data, at)[0]
        content = self._data[at:until]
        if field.kind == BYTES:
            return content
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError:
            raise ValueError(f"the field {field.name} is no text in UTF-8") from None

    def _add(self, found: list, field: Field, wire: int, at: int, until: int) -> None:
        """Add a value of a repeated field, or many: numbers may be packed."""
        if wire == field.wire:
            found.append(self._value(field, at, until))
        elif wire == _LENGTH and field.kind == FLOAT and (until - at) % 4 == 0:
            found.append(np.frombuffer(self._data, "<f4", (until - at) // 4, at))
        elif wire == _LENGTH and field.kind == INT:
            while at < until:
                number, at = self._varint(at, until)
                found.append(_signed(number))
            if len(found) > MOST_FIELDS:
                raise ValueError(f"the field {field.name} has more than {MOST_FIELDS} numbers")
        else:
            raise ValueError(f"the field {field.name} has wire type {wire} instead of {field.wire}")


def _signed(number: int) -> int:
    return number - _WORD if number >= _WORD // 2 else number


def _completed(field: Field, found: Any) -> Any:
    if field.many and field.kind == FLOAT:
        return np.concatenate([np.zeros(0, np.float32), *map(np.atleast_1d, found or ())], dtype=np.float32)
    if field.many:
        return found or []
    if found is not None:
        return found
    return {INT: 0, FLOAT: 0.0, BYTES: b"", TEXT: ""}[field.kind] if isinstance(field.kind, str) else None


def without_defaults(message: Any) -> Any:
    """What `decode` gave, without what the file did not have, or had at its default: as `encode` takes it."""
    if isinstance(message, dict):
        return {key: without_defaults(value) for key, value in message.items() if _says_something(value)}
    return [without_defaults(each) for each in message] if isinstance(message, list) else message


def _says_something(value: Any) -> bool:
    return bool(value.size) if isinstance(value, np.ndarray) else bool(value)


def encode(message: Mapping[str, Any], table: Table = MODEL) -> bytes:
    """A message as a file has it: fields in the order of their numbers, each that `message` names; numbers unpacked."""
    unknown = set(message) - {field.name for field in table.values()}
    if unknown:
        raise ValueError(f"expected fields of the table, got {', '.join(sorted(unknown))}")
    parts = []
    for number, field in sorted(table.items()):
        if field.name in message:
            value = message[field.name]
            parts += [_written(number, field, each) for each in (value if field.many else [value])]
    return b"".join(parts)


def _written(number: int, field: Field, value: Any) -> bytes:
    key = _varint(number << 3 | field.wire)
    if field.kind == INT:
        return key + _varint(value % _WORD)
    if field.kind == FLOAT:
        return key + struct.pack("<f", value)
    if not isinstance(field.kind, str):
        content = encode(value, field.kind)
    else:
        content = value.encode() if field.kind == TEXT else bytes(value)
    return key + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    parts = bytearray()
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    parts.append(number)
    return bytes(parts)
