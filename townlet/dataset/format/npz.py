"""NPZ files: plain NumPy archives, written fast and with the same bytes every time.

`fast` deflates with ISA-L (level 1), `small` with zlib (level 6), `none` stores; CRCs are ISA-L's. Entries
carry the date 1980-01-01 and fixed attributes. An array goes through CRC, digest and deflate a chunk at a
time, while the chunk is in the cache; only what is not contiguous is copied.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import BinaryIO, NamedTuple

import numpy as np
from isal import igzip_lib, isal_zlib

from townlet.dataset.format.blocks import EXPERIENCE, BeginningDigests, joined_digests
from townlet.samples import content_digest
from townlet.vocabulary import COMPRESSIONS

CHUNK_BYTES = 256 * 1024  # measured: fits the L2 cache beside what deflate needs
WHOLE_BYTES = CHUNK_BYTES // 4  # up to here one call is faster, though it joins header and data
ZIP64_FROM = 0xFFFFFFFF  # sizes and offsets from here on do not fit the old fields

Buffer = bytes | memoryview

_STORED, _DEFLATED = 0, 8
_DOS_DATE = (1 << 5) | 1  # 1980-01-01
_ATTRIBUTES = 0o100644 << 16
_UNIX = 3
_FAR = 0xFFFFFFFF  # "see the zip64 field"
_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_DIRECTORY = struct.Struct("<4sBBHHHHHIIIHHHHHII")


class ArrayFacts(NamedTuple):
    """What identifies an array's content."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    xxh3: str  # XXH3-128 (hex) of the bytes in C order


@dataclass(frozen=True)
class NpzFacts:
    """What was written: of the file, and of the arrays in it."""

    sha256: str
    size: int  # bytes
    arrays: tuple[ArrayFacts, ...]
    block_digests: str | None = None  # see townlet/dataset/format/blocks.py; None: nobody asked for them

    @property
    def content_digest(self) -> str:
        """Equal for equal arrays, however compressed. Equals `ReplaySample.content_digest()`."""
        return content_digest(self.arrays)


class _Entry(NamedTuple):
    """One file of the archive, ready to be written."""

    name: bytes
    method: int
    crc: int
    size: int  # uncompressed
    body: list[Buffer]
    stored_size: int


def write_npz(file: BinaryIO, arrays: Mapping[str, np.ndarray], compression: str = "fast") -> NpzFacts:
    """Write arrays, in their order, to an open binary file."""
    parts, facts = encode_npz(arrays, compression)
    file.writelines(parts)
    return facts


def encode_npz(
    arrays: Mapping[str, np.ndarray], compression: str = "fast", ends: Sequence[int] = ()
) -> tuple[list[Buffer], NpzFacts]:
    """The file as parts to be written one after the other, and its facts.

    `ends`: the timesteps before which a sample's blocks end, where the facts are to have their digests. With
    `none` the parts are views of the arrays: write them before the arrays change. Raises ValueError for an unknown
    compression or a dtype that is not plain little-endian numbers.
    """
    if compression not in COMPRESSIONS:
        raise ValueError(f"compression: expected one of {', '.join(COMPRESSIONS)}, found {compression!r}")
    entries, facts, blocks = [], [], {}
    for name, array in arrays.items():
        cut = bool(ends) and name in EXPERIENCE
        digests = BeginningDigests(array[:1].nbytes, ends) if cut else BeginningDigests()
        entries.append(_encode_array(name, array, compression, digests))
        facts.append(ArrayFacts(name, array.dtype.str, array.shape, digests.hexdigest()))
        blocks[name] = digests.found
    parts = _archive(entries)
    sha256, size = hashlib.sha256(), 0
    for part in parts:
        sha256.update(part)
        size += len(part)
    joined = joined_digests(blocks) if ends else None
    return parts, NpzFacts(sha256.hexdigest(), size, tuple(facts), joined)


@lru_cache(maxsize=1024)
def _npy_header(dtype: str, shape: tuple[int, ...]) -> bytes:
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    padding = -(len(text) + 11) % 64  # magic 6, version 2, length 2, and the newline: data start at 64 n
    text += b" " * padding + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def _encode_array(name: str, array: np.ndarray, compression: str, digests: BeginningDigests) -> _Entry:
    """The archive's entry for an array, whose bytes `digests` is told."""
    if array.dtype.hasobject or array.dtype.fields is not None or array.dtype.str[0] == ">":
        raise ValueError(f"{name}: expected plain little-endian numbers, found dtype {array.dtype}")
    header = _npy_header(array.dtype.str, array.shape)
    if compression == "none" or array.nbytes <= WHOLE_BYTES:
        body, crc = _encode_whole(header, _bytes_of(array), compression, digests)
    else:
        body, crc = _encode_chunks(header, array, compression, digests)
    method = _STORED if compression == "none" else _DEFLATED
    size = len(header) + array.nbytes
    return _Entry(f"{name}.npy".encode(), method, crc, size, body, sum(map(len, body)))


def _encode_whole(
    header: bytes, data: memoryview, compression: str, digests: BeginningDigests
) -> tuple[list[Buffer], int]:
    crc = isal_zlib.crc32(data, isal_zlib.crc32(header))
    digests.update(data)
    if compression == "none":
        return [header, data], crc
    joined = b"".join((header, data))
    if compression == "fast":
        return [igzip_lib.compress(joined, 1, igzip_lib.COMP_DEFLATE, igzip_lib.MEM_LEVEL_DEFAULT, 15)], crc
    return [zlib.compress(joined, 6, -15)], crc


def _encode_chunks(
    header: bytes, array: np.ndarray, compression: str, digests: BeginningDigests
) -> tuple[list[Buffer], int]:
    crc = isal_zlib.crc32(header)
    deflate = (
        isal_zlib.compressobj(1, isal_zlib.DEFLATED, -15)
        if compression == "fast"
        else zlib.compressobj(6, zlib.DEFLATED, -15)
    )
    body: list[Buffer] = [deflate.compress(header)]
    rows = max(
        1, len(array) if array.nbytes <= 2 * CHUNK_BYTES else CHUNK_BYTES // (array.nbytes // len(array))
    )
    for first in range(0, len(array), rows):
        chunk = _bytes_of(array[first : first + rows])
        crc = isal_zlib.crc32(chunk, crc)
        digests.update(chunk)
        body.append(deflate.compress(chunk))
    body.append(deflate.flush())
    return [piece for piece in body if piece], crc


def _bytes_of(array: np.ndarray) -> memoryview:
    """The array's bytes in C order, copied only where they are scattered."""
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def _archive(entries: Sequence[_Entry]) -> list[Buffer]:
    """Local headers and bodies, then the directory."""
    parts: list[Buffer] = []
    directory: list[bytes] = []
    offset = 0
    for entry in entries:
        local = _local_header(entry)
        parts += [local, *entry.body]
        directory.append(_directory_entry(entry, offset))
        offset += len(local) + entry.stored_size
    listing = b"".join(directory)
    parts.append(listing + _directory_end(len(entries), len(listing), offset))
    return parts


def _local_header(entry: _Entry) -> bytes:
    stored, size, extra, version = entry.stored_size, entry.size, b"", 20
    if size >= ZIP64_FROM or stored >= ZIP64_FROM:
        extra = struct.pack("<HHQQ", 1, 16, size, stored)
        stored, size, version = _FAR, _FAR, 45
    fields = (version, 0, entry.method, 0, _DOS_DATE, entry.crc, stored, size, len(entry.name), len(extra))
    return _LOCAL.pack(b"PK\x03\x04", *fields) + entry.name + extra


def _directory_entry(entry: _Entry, offset: int) -> bytes:
    stored, size, wide, version = entry.stored_size, entry.size, b"", 20
    if size >= ZIP64_FROM or stored >= ZIP64_FROM:
        wide = struct.pack("<QQ", size, stored)
        stored, size, version = _FAR, _FAR, 45
    if offset >= ZIP64_FROM:
        wide += struct.pack("<Q", offset)
        offset, version = _FAR, 45
    extra = struct.pack("<HH", 1, len(wide)) + wide if wide else b""
    fields = (version, _UNIX, version, 0, entry.method, 0, _DOS_DATE, entry.crc, stored, size)
    lengths = (len(entry.name), len(extra), 0, 0, 0, _ATTRIBUTES, offset)
    return _DIRECTORY.pack(b"PK\x01\x02", *fields, *lengths) + entry.name + extra


def _directory_end(count: int, size: int, offset: int) -> bytes:
    end = b""
    if offset >= ZIP64_FROM:
        end = b"PK\x06\x06" + struct.pack("<QBBHIIQQQQ", 44, 45, _UNIX, 45, 0, 0, count, count, size, offset)
        end += b"PK\x06\x07" + struct.pack("<IQI", 0, offset + size, 1)
        offset = _FAR
    return end + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, count, count, size, offset, 0)
