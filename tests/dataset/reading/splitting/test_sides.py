"""Sides: nothing is moved silently, and what is said where a side would be empty does help."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.dataset.captures import capture
from tests.samples import make_run
from townlet import dataset
from townlet.dataset.format.paths import run_folder
from townlet.dataset.reading.data_set import DataSet
from townlet.dataset.reading.selection import hash_place, held_out
from townlet.dataset.store.local import LocalStore
from townlet.errors import UserError


def data_set(folder: Path, *runs: tuple[str, int, int]) -> DataSet:
    """Runs by name, seed and ticks."""
    made = [make_run(name, seed, ticks, folder=run_folder(name, seed)) for name, seed, ticks in runs]
    capture(LocalStore(folder), *made)
    return dataset.open(folder)


def test_runs_that_differ_stand_where_they_always_stood(tmp_path: Path) -> None:
    opened = data_set(tmp_path, *[("kitchen", seed, 4) for seed in range(12)])
    assert len(opened.units) == 12
    for share in (0.2, 0.5, 0.8):
        _, validation = opened.split(share)
        assert validation.runs == tuple(run for run in opened.runs if held_out(*run, share))


def test_copies_stand_on_the_side_of_their_first(tmp_path: Path) -> None:
    names = ("kitchen", "plaza")
    opened = data_set(tmp_path, *[(name, seed, 4) for name in names for seed in range(8)])
    assert opened.units == tuple((("kitchen", seed), ("plaza", seed)) for seed in range(8))
    train, validation = opened.split(0.5)
    for side in (train, validation):
        assert {seed for name, seed in side.runs if name == "kitchen"} == {
            seed for name, seed in side.runs if name == "plaza"
        }
    assert {run for run in validation.runs if run[0] == "kitchen"} == {
        ("kitchen", seed) for seed in range(8) if held_out("kitchen", seed, 0.5)
    }
    overlap = set(train.samples["content_digest"]) & set(validation.samples["content_digest"])
    assert not overlap
    # Units are those of the whole, whatever is left of it.
    plaza = opened.filter(scenario="plaza").split(0.5)[1]
    assert plaza.runs == tuple(run for run in validation.runs if run[0] == "plaza")


@pytest.mark.parametrize("share", [1e-9, 0.001, 0.999, 1 - 1e-9])
def test_an_empty_side_is_an_error_that_helps(tmp_path: Path, share: float) -> None:
    opened = data_set(tmp_path, *[("kitchen", seed, 4) for seed in range(4)])
    empty = "validation" if share < 0.5 else "training"
    with pytest.raises(UserError) as caught:
        opened.split(share)
    said = str(caught.value)
    assert f"the {empty} side would be empty: of the 4 runs here the hash puts none there" in said
    suggested = re.search(r"validation=(0\.\d+)(?: or| leaves)", said)
    assert suggested is not None, said
    assert all(map(len, opened.split(float(suggested[1]))))
    salt = re.search(r"salt='(\d+)'", said)
    if salt is not None:
        assert all(map(len, opened.split(share, salt[1])))


def test_a_salt_that_is_suggested_does(tmp_path: Path) -> None:
    opened = data_set(tmp_path, *[("kitchen", seed, 4) for seed in range(3)])
    share = min(hash_place("kitchen", seed) for seed in range(3)) * 0.99
    with pytest.raises(UserError) as caught:
        opened.split(share)
    salt = re.search(r"or salt='(\d+)' leaves runs on both sides", str(caught.value))
    assert salt is not None, caught.value
    assert all(map(len, opened.split(share, salt[1])))


def test_one_unit_is_an_error_that_says_so(tmp_path: Path) -> None:
    """All runs equal, or one the beginning of the other; and one run alone."""
    opened = data_set(tmp_path / "same", ("kitchen", 0, 4), ("plaza", 0, 4))
    with pytest.raises(UserError) as caught:
        opened.split(0.5)
    assert (
        "whatever the share: the 2 runs here (kitchen seed 0, plaza seed 0) are linked by lives that are equal"
        in str(caught.value)
    )
    assert "to split all the same, choose runs: filter(seed=...)" in str(caught.value)
    one = data_set(tmp_path / "one", ("kitchen", 5, 4))
    with pytest.raises(
        UserError, match=r"there is one run \(kitchen seed 5\).*choose agents: filter\(agent=\.\.\.\)"
    ):
        one.split(0.1)
    # A choice with one unit of many.
    many = data_set(tmp_path / "many", *[(name, seed, 4) for name in ("a", "b") for seed in range(3)])
    with pytest.raises(UserError, match=r"the 2 runs here \(a seed 1, b seed 1\) are linked"):
        many.filter(seed=1).split(0.5)


def test_what_asks_for_an_empty_side_gets_it(tmp_path: Path) -> None:
    opened = data_set(tmp_path, ("kitchen", 0, 4), ("kitchen", 1, 4))
    assert list(map(len, opened.split(0))) == [4, 0]
    assert list(map(len, opened.split(1.0))) == [0, 4]
    assert list(map(len, opened.filter(seed=[]).split(0.3))) == [0, 0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((1.5,), "expected a fraction from 0 to 1, got 1.5"),
        ((float("nan"),), "got nan"),
        (("0.1",), "got '0.1'"),
        ((True,), "got True"),
        ((0.1, 3), "split: salt: expected a text, got 3"),
        ((0.1, None), "split: salt: expected a text, got None"),
    ],
)
def test_wrong_arguments(tmp_path: Path, arguments: tuple[float, str], said: str) -> None:
    opened = data_set(tmp_path, ("kitchen", 0, 4), ("kitchen", 1, 4))
    with pytest.raises(UserError, match=re.escape(said)):
        opened.split(*arguments)
