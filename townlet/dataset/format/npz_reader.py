"""Reading NPZ files of plain numbers that anybody may have made: bounded, strict, several times as fast as NumPy.

Nothing is unpickled, evaluated or allocated before it is known how large it has to be. An archive is a row of entries
without gaps, then their directory, then its end: what else ZIP allows (comments, encryption, data before or after,
entries that overlap) is refused. What `townlet` and `np.savez` write is read.
"""

from __future__ import annotations

import math
import os
import re
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from isal import isal_zlib

MOST_ENTRIES = 64
MOST_RATIO = 1040  # deflate packs at most 1,032 bytes into one
MOST_HEADER = 4096  # bytes of an array's header

_STORED, _DEFLATED = 0, 8
_FAR, _MANY = 0xFFFFFFFF, 0xFFFF  # "see the zip64 field"
_LOCAL = struct.Struct("<4s5H3I2H")
_DIRECTORY = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_END64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR = struct.Struct("<4sIQI")
_PLAIN_FLAGS = (0, 0x800)  # nothing, or "names are UTF-8"
_NPY_HEADER = re.compile(
    rb"\x93NUMPY\x01\x00..\{'descr': '(?P<dtype>[<|][biuf][1248])', 'fortran_order': False, "
    rb"'shape': \((?P<shape>[0-9]{0,18},?(?: [0-9]{1,18},?){0,31})\), \} *\n",
    re.DOTALL,
)


class _Entry(NamedTuple):
    """One array of the archive, as its directory describes it."""

    name: str
    method: int
    crc: int
    stored: int  # bytes in the archive
    size: int  # bytes once they are unpacked
    offset: int  # of its local header


def read_npz(
    source: bytes | str | os.PathLike[str],
    sizes: Mapping[str, int] | None = None,
    most: int | None = None,
) -> dict[str, np.ndarray]:
    """All arrays of an NPZ file of plain numbers, as `np.load` gives them.

    `sizes`: the arrays that may be there, and the bytes that each has to have; `most`: bytes of all of them. Raises
    ValueError for anything that is not such an archive, before more is allocated than it has data for.
    """
    data = source if isinstance(source, bytes) else Path(source).read_bytes()
    try:
        entries = list(_entries(data))
        if sizes is not None:
            _check_sizes(entries, sizes)
        if most is not None and (total := sum(entry.size for entry in entries)) > most:
            raise ValueError(f"its arrays take {total} bytes, more than the {most} that are read")
        return {entry.name: _array(data, entry, start) for entry, start in _placed(data, entries)}
    except (struct.error, UnicodeDecodeError, IndexError) as error:
        raise ValueError("not an archive of plain arrays (cut short or damaged)") from error


def _entries(data: bytes) -> Iterator[_Entry]:
    """What the directory at the end of an archive says. Raises ValueError."""
    count, at, end = _directory(data)
    for _ in range(count):
        fields = _DIRECTORY.unpack_from(data, at)
        mark, _, _, flags, method, _, _, crc, stored, size, name_length, extra_length, comment, *_, offset = (
            fields
        )
        name_at, extra_at = at + _DIRECTORY.size, at + _DIRECTORY.size + name_length
        at = extra_at + extra_length
        if mark != b"PK\x01\x02" or flags not in _PLAIN_FLAGS or comment or at > end:
            raise ValueError("not an archive of plain arrays (its directory is damaged)")
        wide = _wide(data[extra_at:at], [size, stored, offset])
        yield _Entry(_array_name(data[name_at:extra_at]), method, crc, wide[1], wide[0], wide[2])
    if at != end:
        raise ValueError("not an archive of plain arrays (its directory has another length)")


def _directory(data: bytes) -> tuple[int, int, int]:
    """Of the directory: how many entries, where it begins and ends."""
    end = len(data) - _END.size
    if end < 0:
        raise ValueError("not an archive of plain arrays (cut short)")
    mark, disk, first, here, count, size, offset, comment = _END.unpack_from(data, end)
    if mark != b"PK\x05\x06" or disk or first or here != count or comment:
        raise ValueError("not an archive of plain arrays (expected the end of a directory in its last bytes)")
    if offset == _FAR or size == _FAR or count == _MANY:
        end -= _LOCATOR.size + _END64.size
        mark, *_, count, size, offset = _END64.unpack_from(data, max(0, end))
        locator = _LOCATOR.unpack_from(data, max(0, end) + _END64.size)
        if end < 0 or mark != b"PK\x06\x06" or locator != (b"PK\x06\x07", 0, end, 1):
            raise ValueError("not an archive of plain arrays (its end is damaged)")
    if not 0 <= count <= MOST_ENTRIES or offset + size != end:
        raise ValueError(f"not an archive of plain arrays (a directory of {count} entries, {size} bytes)")
    return count, offset, end


def _wide(extra: bytes, fields: list[int]) -> list[int]:
    """Size, stored size and offset, from the zip64 field where the old fields point to it."""
    if _FAR not in fields:
        return fields
    number, length = struct.unpack_from("<HH", extra)
    wide = iter(struct.unpack_from(f"<{fields.count(_FAR)}Q", extra, 4))
    if number != 1 or length != 8 * fields.count(_FAR) or len(extra) != 4 + length:
        raise ValueError("not an archive of plain arrays (its zip64 fields are damaged)")
    return [next(wide) if field == _FAR else field for field in fields]


def _array_name(name: bytes) -> str:
    found = re.fullmatch(rb"([A-Za-z0-9_]{1,64})\.npy", name)
    if found is None:
        raise ValueError(f"expected arrays <name>.npy, found {name[:70].decode('latin-1')!a}")
    return found[1].decode()


def _check_sizes(entries: list[_Entry], sizes: Mapping[str, int]) -> None:
    """Raise ValueError where the archive claims another size for an array than it has to have."""
    for entry in entries:
        if entry.name not in sizes:
            raise ValueError(f"expected the arrays {', '.join(sizes)}; found {entry.name} as well")
        expected = sizes[entry.name]
        if not expected < entry.size <= expected + MOST_HEADER:
            found = entry.size
            raise ValueError(
                f"{entry.name}: expected {expected} bytes and a header, the archive says {found}"
            )


def _placed(data: bytes, entries: list[_Entry]) -> Iterator[tuple[_Entry, int]]:
    """Each entry with the place of its data, once all stand one behind the other. Raises ValueError."""
    if len({entry.name for entry in entries}) != len(entries):
        raise ValueError("not an archive of plain arrays (two have one name)")
    at, found = 0, []
    for entry in entries:
        mark, _, flags, method, _, _, _, _, _, name_length, extra_length = _LOCAL.unpack_from(data, at)
        start = at + _LOCAL.size + name_length + extra_length
        name = data[at + _LOCAL.size : start - extra_length]
        if (mark, method, name) != (b"PK\x03\x04", entry.method, f"{entry.name}.npy".encode()):
            raise ValueError(f"{entry.name}: its header in the archive is damaged")
        if entry.offset != at or flags not in _PLAIN_FLAGS or entry.method not in (_STORED, _DEFLATED):
            raise ValueError(f"{entry.name}: not where, or not as, plain arrays are stored")
        most = entry.stored if entry.method == _STORED else MOST_RATIO * entry.stored
        if entry.size > most or (entry.method == _STORED and entry.size != entry.stored):
            raise ValueError(
                f"{entry.name}: {entry.stored} bytes cannot hold the {entry.size} that it claims"
            )
        found.append((entry, start))
        at = start + entry.stored
    if at != _directory(data)[1]:
        raise ValueError("not an archive of plain arrays (there are bytes between arrays and directory)")
    yield from found


def _inflated(body: memoryview, entry: _Entry) -> bytes:
    try:
        return isal_zlib.decompressobj(-15).decompress(body, entry.size + 1)
    except Exception as error:  # isal_zlib.error, which checkers of types do not know as a class
        raise ValueError(f"{entry.name}.npy: its data are damaged ({error})") from error


def _array(data: bytes, entry: _Entry, start: int) -> np.ndarray:
    """One array, unpacked. Raises ValueError for damaged data, or for an array that is not plain."""
    packed = memoryview(data)[start : start + entry.stored]
    body = packed if entry.method == _STORED else _inflated(packed, entry)
    if len(body) != entry.size or isal_zlib.crc32(body) != entry.crc:
        raise ValueError(f"{entry.name}.npy: its data are damaged")
    header = _NPY_HEADER.match(body[:MOST_HEADER])
    if header is None or header.end() != 10 + int.from_bytes(body[8:10], "little"):  # where NumPy would begin
        raise ValueError(f"{entry.name}.npy: expected an array of plain numbers in C order")
    try:
        dtype = np.dtype(header["dtype"].decode())
    except TypeError as error:
        raise ValueError(f"{entry.name}.npy: expected an array of plain numbers in C order") from error
    shape = tuple(int(size) for size in header["shape"].split(b",") if size.strip())
    count = math.prod(shape)
    if len(body) - header.end() != count * dtype.itemsize:
        raise ValueError(f"{entry.name}.npy: its shape {shape} is not that of its data")
    return np.frombuffer(body, dtype, count, header.end()).reshape(shape).copy()
