"""Optional arrays: in a sample only where they say something, and in its content digest only then."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.samples import frames_of, make_group, make_sample, parts_of
from townlet.dataset.format.npz import write_npz
from townlet.dataset.format.npz_reader import read_npz
from townlet.frames import frames_to_replay_sample
from townlet.samples import (
    ARRAYS,
    OPTIONAL_ARRAYS,
    FrameGroup,
    ReplaySample,
    SampleError,
    array_digest,
    stack_groups,
)


def marked(group: FrameGroup, **rows: int) -> FrameGroup:
    """The group with optional arrays that are set in one row each."""
    arrays = {name: np.arange(group.timesteps) == row for name, row in rows.items()}
    return replace(group, arrays=group.arrays | arrays)


def test_optional_arrays() -> None:
    assert {name: (spec.dtype.name, spec.axes) for name, spec in OPTIONAL_ARRAYS.items()} == {
        "blocked": ("bool", ("T",)),
        "off_mask": ("bool", ("T",)),
    }
    assert not set(OPTIONAL_ARRAYS) & set(ARRAYS)
    plain, said = stack_groups([make_group()]), stack_groups([marked(make_group(), off_mask=3)])
    assert plain.off_mask is None and list(plain.arrays()) == list(ARRAYS)
    assert list(said.arrays()) == [*ARRAYS, "off_mask"]
    assert said.array("off_mask").tolist() == [row == 3 for row in range(20)]
    assert plain.array("off_mask").tolist() == said.array("blocked").tolist() == [False] * 20
    assert said.array("rewards") is said.rewards
    assert plain.layout_digest == said.layout_digest
    with pytest.raises(KeyError):
        plain.array("reason")


def test_a_content_digest_covers_what_is_there() -> None:
    """Of a sample without them it is what it always was; one that says something else has another."""
    plain = stack_groups([make_group()])
    lines = [
        f"{name} {array.dtype.str} {','.join(map(str, array.shape))} {array_digest(array)}\n"
        for name, array in plain.arrays().items()
    ]
    assert plain.content_digest() == hashlib.sha256("".join(lines).encode()).hexdigest()
    others = [
        stack_groups([marked(make_group(), **rows)]).content_digest()
        for rows in ({"blocked": 3}, {"blocked": 4}, {"off_mask": 3}, {"blocked": 3, "off_mask": 3})
    ]
    assert len({plain.content_digest(), *others}) == 5
    file = io.BytesIO()
    said = stack_groups([marked(make_group(), blocked=3)])
    assert write_npz(file, said.arrays()).content_digest == said.content_digest()
    assert read_npz(file.getvalue())["blocked"].tobytes() == said.array("blocked").tobytes()


def test_what_says_nothing_is_left_out() -> None:
    nothing = replace(make_group(), arrays=make_group().arrays | {"blocked": np.zeros(20, bool)})
    assert stack_groups([nothing]).content_digest() == stack_groups([make_group()]).content_digest()


@pytest.mark.parametrize("cuts", [[5], [3, 4], [1, 10, 19]])
def test_groups_with_and_without_them(cuts: list[int]) -> None:
    """Groups of which some have an array: the others have zeros there. In any order, and also by way of frames."""
    whole = marked(make_group(), blocked=2, off_mask=12)
    parts = parts_of(whole, cuts)
    for part in parts:
        for name in OPTIONAL_ARRAYS:
            if not part.arrays[name].any():
                del part.arrays[name]
    expected = stack_groups([whole])
    assert stack_groups(parts[::-1]).content_digest() == expected.content_digest()
    frames = frames_of(whole)
    for row, frame in enumerate(frames):
        if row in (2, 12):
            frame |= {"blocked": row == 2, "off_mask": row == 12}
    assert frames_to_replay_sample(frames).content_digest() == expected.content_digest()


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros(19, bool), r"blocked: expected axes \(T\) with T = 20, found shape \(19,\)"),
        (np.zeros(20, np.int8), "blocked: expected dtype bool, found int8"),
        ([True] * 20, "blocked: expected an array, found list"),
    ],
)
def test_optional_arrays_are_checked(array: Any, message: str) -> None:
    sample = make_sample()
    with pytest.raises(SampleError, match=message):
        ReplaySample.from_arrays({**sample.arrays(), "blocked": array}, sample.metadata)
    with pytest.raises(SampleError, match=r"expected the arrays map, .*; found .*, strange"):
        ReplaySample.from_arrays({**sample.arrays(), "strange": np.zeros(20)}, sample.metadata)
