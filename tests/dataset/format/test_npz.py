"""NPZ files: NumPy reads what was written, and the same arrays are the same bytes."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.samples import make_sample
from townlet.dataset.format import npz
from townlet.dataset.format.blocks import block_digests, block_ends
from townlet.dataset.format.npz import encode_npz, write_npz
from townlet.dataset.format.npz_reader import read_npz
from townlet.vocabulary import COMPRESSIONS

DTYPES = st.sampled_from(["<f4", "<f8", "<i2", "<i4", "<i8", "|b1", "|u1", "<u2"])
NAMES = st.text("abcdefgh_", min_size=1, max_size=8)
ARRAY_SETS = st.dictionaries(
    NAMES,
    DTYPES.flatmap(lambda d: hnp.arrays(d, hnp.array_shapes(min_dims=0, min_side=0, max_side=6))),
    max_size=4,
)


def written(arrays: dict[str, np.ndarray], compression: str) -> bytes:
    file = io.BytesIO()
    write_npz(file, arrays, compression)
    return file.getvalue()


def assert_reads_back(arrays: dict[str, np.ndarray], data: bytes) -> None:
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        assert archive.files == list(arrays)
        for name, array in arrays.items():
            assert archive[name].dtype == array.dtype
            assert archive[name].shape == array.shape
            assert archive[name].tobytes() == array.tobytes()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None


@given(ARRAY_SETS, st.sampled_from(COMPRESSIONS))
def test_numpy_reads_what_was_written(arrays: dict[str, np.ndarray], compression: str) -> None:
    assert_reads_back(arrays, written(arrays, compression))


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_large_arrays_go_in_chunks(compression: str, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(1)
    arrays = {
        "sparse": (draw.random((700, 4, 11, 11)) < 0.02).astype(np.float32),
        "noise": draw.random((300_000,)),
        "one_long_row": draw.random((1, 200_000)),
    }
    data = written(arrays, compression)
    assert_reads_back(arrays, data)
    monkeypatch.setattr(npz, "CHUNK_BYTES", 1000)
    assert_reads_back(arrays, written(arrays, compression))


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("limit", [0, 150, 1000, 4000])
def test_what_is_too_large_for_the_old_fields(
    compression: str, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(npz, "ZIP64_FROM", limit)
    arrays = {"a": np.arange(40.0), "b": np.zeros(300, bool), "c": np.random.default_rng(0).random(200)}
    data = written(arrays, compression)
    assert_reads_back(arrays, data)
    assert {name: array.tobytes() for name, array in read_npz(data).items()} == {
        name: array.tobytes() for name, array in arrays.items()
    }


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("steps", [3, 900])
def test_scattered_arrays_give_the_bytes_of_whole_ones(compression: str, steps: int) -> None:
    buffer = np.random.default_rng(2).integers(0, 3, (steps, 4, 200)).astype(np.float32)
    views = {"rows": buffer[:, 1], "columns": buffer[:, 0, ::3], "turned": buffer[:, 2].T}
    copies = {name: np.ascontiguousarray(array) for name, array in views.items()}
    assert written(views, compression) == written(copies, compression)


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_entries_carry_fixed_dates_and_attributes(compression: str) -> None:
    with zipfile.ZipFile(io.BytesIO(written(make_sample(3).arrays(), compression))) as archive:
        facts = {
            (e.date_time, e.external_attr, e.create_system, e.extra, e.comment) for e in archive.infolist()
        }
        methods = {entry.compress_type for entry in archive.infolist()}
    assert facts == {((1980, 1, 1, 0, 0, 0), 0o100644 << 16, 3, b"", b"")}
    assert methods == {zipfile.ZIP_STORED if compression == "none" else zipfile.ZIP_DEFLATED}


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_facts_are_those_of_the_file(compression: str) -> None:
    sample = make_sample(30)
    parts, facts = encode_npz(sample.arrays(), compression)
    data = b"".join(parts)
    assert facts.size == len(data)
    assert facts.sha256 == hashlib.sha256(data).hexdigest()
    assert facts.content_digest == sample.content_digest()
    assert facts.arrays[0].xxh3 == xxhash.xxh3_128_hexdigest(sample.map.tobytes())


def test_the_header_is_numpy_s(tmp_path: Path) -> None:
    array = np.zeros((200, 4, 11, 11), np.float32)
    np.save(tmp_path / "map.npy", array)
    with zipfile.ZipFile(io.BytesIO(written({"map": array}, "none"))) as archive:
        ours, theirs = archive.read("map.npy"), (tmp_path / "map.npy").read_bytes()
    assert np.load(io.BytesIO(ours)).shape == array.shape
    assert ours[:8] == theirs[:8]
    assert len(ours) == len(theirs)


def test_compressions_shrink() -> None:
    sizes = {name: len(written(make_sample(200).arrays(), name)) for name in COMPRESSIONS}
    assert sizes["small"] <= sizes["fast"] < sizes["none"] / 2


def test_what_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="compression: expected one of fast, none, small, found 'best'"):
        encode_npz({}, "best")
    with pytest.raises(ValueError, match="a: expected plain little-endian numbers, found dtype object"):
        encode_npz({"a": np.array([{}])})
    with pytest.raises(ValueError, match="a: expected plain little-endian numbers, found dtype >f4"):
        encode_npz({"a": np.zeros(2, ">f4")})


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("steps", [20, 700])
def test_digests_of_blocks_cost_no_second_look(compression: str, steps: int) -> None:
    """They are those of the arrays, whether an array is taken whole or in chunks; the file is the same without them."""
    sample = make_sample(steps, window=11)
    ends = block_ends(0, steps)
    parts, facts = encode_npz(sample.arrays(), compression, ends)
    assert facts.block_digests == block_digests(sample.arrays(), ends)
    plainly, others = encode_npz(sample.arrays(), compression)
    assert b"".join(parts) == b"".join(plainly)
    assert (others.block_digests, others.content_digest) == (None, facts.content_digest)
