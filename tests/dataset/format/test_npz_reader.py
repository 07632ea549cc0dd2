"""Reading NPZ files: what NumPy reads, and nothing of what an archive can claim."""

from __future__ import annotations

import io
import re
import struct
import tracemalloc
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dataset.format.test_npz import ARRAY_SETS, written
from townlet.dataset.format.npz_reader import read_npz
from townlet.vocabulary import COMPRESSIONS


@given(ARRAY_SETS, st.sampled_from(COMPRESSIONS))
def test_read_npz_gives_what_numpy_gives(arrays: dict[str, np.ndarray], compression: str) -> None:
    read = read_npz(written(arrays, compression))
    assert list(read) == list(arrays)
    for name, array in arrays.items():
        assert (read[name].dtype, read[name].shape) == (array.dtype, array.shape)
        assert read[name].tobytes() == array.tobytes()
        assert read[name].flags.writeable


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_read_npz_reads_numpy_s_own(tmp_path: Path, save: Any) -> None:
    arrays = {
        "a": np.arange(5),
        "b": np.zeros((2, 0, 3), bool),
        "c": np.float32(3),
        "d": np.eye(4)[:, :2].copy(),
    }
    save(tmp_path / "a.npz", **arrays)
    read = read_npz(tmp_path / "a.npz")
    for name, array in arrays.items():
        np.testing.assert_array_equal(read[name], array, strict=True)


@pytest.mark.parametrize(
    "array", [np.array([{}], dtype=object), np.array(["text"]), np.zeros(2, "f4,i2"), np.eye(3).T[:, :2]]
)
def test_read_npz_refuses_what_is_not_plain(tmp_path: Path, array: np.ndarray) -> None:
    np.savez(tmp_path / "a.npz", a=np.asfortranarray(array))
    with pytest.raises(ValueError, match=r"a\.npy: expected an array of plain numbers in C order"):
        read_npz(tmp_path / "a.npz")


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_read_npz_checks_the_crc(compression: str) -> None:
    data = bytearray(written({"a": np.random.default_rng(0).random(1000)}, compression))
    data[3000] ^= 1
    with pytest.raises(ValueError, match=r"a\.npy: its data are damaged"):
        read_npz(bytes(data))


# Archives that are no row of plain arrays

ARRAYS = {"a": np.arange(100), "b": np.ones((4, 5), np.float32)}
SIZES = {name: array.nbytes for name, array in ARRAYS.items()}
PLAIN = written(ARRAYS, "fast")
NPY = written({"a": np.arange(100)}, "none")[len("a.npy") + 30 :]


def zipped(*entries: tuple[str, bytes], **options: Any) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", **options) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return file.getvalue()


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def with_comment() -> bytes:
    file = io.BytesIO(PLAIN)
    with zipfile.ZipFile(file, "a") as archive:
        archive.comment = b"more"
    return file.getvalue()


def overlapping() -> bytes:
    """Two entries of the directory that share one local header."""
    one = written({"a": np.zeros(1000)}, "fast")
    directory = one.index(b"PK\x01\x02")
    entry = one[directory:-22]
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 2, 2, 2 * len(entry), directory, 0)
    return one[:directory] + entry + entry.replace(b"a.npy", b"b.npy") + end


def header(text: bytes) -> bytes:
    return zipped(("a.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + bytes(64)))


def claiming(size: int) -> bytes:
    """An archive whose directory says that an array is larger than it is."""
    data = bytearray(written({"a": np.zeros(1000)}, "fast"))
    at = data.index(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<I", size)
    return bytes(data)


HOSTILE: dict[str, bytes] = {
    "nothing": b"",
    "no archive": b"PK" + bytes(100),
    "cut short": PLAIN[:-1],
    "cut in the middle": PLAIN[: len(PLAIN) // 2],
    "more behind it": PLAIN + b"\0",
    "something before it": b"#!/bin/sh\n" + PLAIN,
    "a comment": with_comment(),
    "another method": zipped(("a.npy", npy(np.arange(3))), compression=zipfile.ZIP_LZMA),
    "a path": zipped(("../a.npy", npy(np.arange(3)))),
    "no array": zipped(("a.txt", b"text")),
    "a name twice": overlapping().replace(b"b.npy", b"a.npy"),
    "entries that overlap": overlapping(),
    "more entries than arrays": zipped(*((f"a{n}.npy", npy(np.arange(3))) for n in range(70))),
    "a pickle": zipped(("a.npy", npy(np.array([{}], dtype=object)))),
    "code as header": header(
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (__import__('os').getpid(),), }\n"
    ),
    "a header of a megabyte": header(b"(" * 60_000),
    "a header of another length than it says": zipped(
        ("a.npy", npy(np.arange(3)).replace(b"\x01\x00v\x00", b"\x01\x00w\x00"))
    ),
    "numbers without end": header(
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (" + b"9" * 5000 + b",), }\n"
    ),
    "an unknown dtype": header(b"{'descr': '<b4', 'fortran_order': False, 'shape': (16,), }\n"),
    "a shape beyond the data": header(
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (9999999999999,), }\n"
    ),
    "a gigabyte of two kilobytes": claiming(1 << 30),
    "a size just beyond": claiming(8129),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_anything_else_is_refused_in_small_memory(data: bytes) -> None:
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"\w"):
        read_npz(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 << 20


def test_two_megabytes_that_unpack_to_two_gigabytes_are_refused_before_they_are_unpacked() -> None:
    packed = zlib.compress(bytes(1 << 20), 9, -15)  # the same megabyte over and over: what deflate packs best
    assert len(packed) < 1100
    data = zipped(("a.npy", npy(np.zeros(40 << 20, np.uint8))), compression=zipfile.ZIP_DEFLATED)
    assert len(data) < 50_000
    tracemalloc.start()
    with pytest.raises(ValueError, match="a: expected 800 bytes and a header, the archive says 41943168"):
        read_npz(data, {"a": 800})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


@pytest.mark.parametrize(
    ("sizes", "says"),
    [
        ({"a": 800, "b": 80}, ""),
        ({"a": 800, "b": 80, "c": 3}, ""),  # what is missing, others say
        ({"a": 800}, "expected the arrays a; found b as well"),
        ({"a": 800, "b": 8000}, "b: expected 8000 bytes"),
        ({"a": 10**15, "b": 80}, "a: expected 1000000000000000 bytes"),
        ({"a": 0, "b": 80}, ""),  # within a header's length of it: the shapes are compared later
    ],
)
def test_sizes_are_checked_first(sizes: dict[str, int], says: str) -> None:
    if not says:
        assert set(read_npz(PLAIN, sizes)) == {"a", "b"}
        return
    with pytest.raises(ValueError, match=re.escape(says)):
        read_npz(PLAIN, sizes)


@given(st.data())
def test_a_changed_byte_is_an_error_or_changes_nothing(draw: st.DataObject) -> None:
    data = bytearray(PLAIN)
    data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    try:
        read = read_npz(bytes(data))
    except ValueError:
        return
    assert [array.tobytes() for array in read.values()] == [array.tobytes() for array in ARRAYS.values()]
