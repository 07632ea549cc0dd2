"""Kernels: what they are handed, what is compiled together, and what is kept. Each is compared with plain Python."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from townlet.compiler import store
from townlet.world.jit import inlined, inner, kernel, rule
from townlet.world.records import columns

pytestmark = pytest.mark.skipif(store.is_switched_off(), reason="nothing is compiled")


@columns
class People:
    alive: Any
    x: Any
    need: Any
    missed: Any


class Place(NamedTuple):
    tile: Any  # [H, W]
    deep: Any  # [2, 3, 4]
    count: Any  # [1]


class Town(NamedTuple):
    people: Any
    place: Place
    every_other: Any  # [H], not contiguous


def town() -> Town:
    people = People(
        alive=np.array([True, False, True]), x=np.array([1, 2, 3], np.uint16),
        need=np.arange(6.0).reshape(3, 2), missed=np.zeros((3, 4), np.bool_),
    )  # fmt: skip
    place = Place(
        np.arange(12).reshape(3, 4), np.arange(24, dtype=np.float32).reshape(2, 3, 4), np.zeros(1, np.int64)
    )
    return Town(people, place, np.arange(10)[::2])


def bits(some: Town) -> list[bytes]:
    return [array.tobytes() for array in (some.people, *some.place, some.every_other)]


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """An edit of this file is no edit of the package: what is compiled here must not stay."""
    monkeypatch.setenv(store.CACHE_VARIABLE, str(tmp_path))
    yield


@inner
def last(array):
    return array[-1]


@inlined
def twice(number):
    return 2 * number


@kernel
def everything(some, factor):
    people, place = some.people, some.place
    for i in range(people.alive.shape[0]):
        if not people.alive[i]:
            continue
        people.x[i] += 1
        people.missed[i, i] = True
        for n in range(people.need.shape[1]):
            people.need[i, n] = people.need[i, n] * factor - last(some.every_other)
    row = place.tile[1]
    row[:] = -1
    place.tile[2, 3] = twice(some.every_other[1])
    place.deep[1, 2, 3] = place.deep[-1, -2, -3] + np.float32(0.5)
    place.count[0] = len(row) + place.tile.shape[0] + min(7, people.x[2])
    return place.count[0] + factor


@kernel
def unpacked(some):
    people, place, every_other = some
    people.need[0, 0] = 9.0
    return place.tile[0, 1] + every_other[2] + place[2][0]


@rule
def grow(some, by):
    for i in range(some.people.x.shape[0]):
        some.people.x[i] += by


@rule
def shrink(place, by):
    place.count[0] -= by


@kernel
def both(some, by):
    grow(some, by)
    shrink(some.place, by)
    grow(some, by)


@rule
def returns(some):
    return some.place.count[0]


@kernel
def asks(some):
    returns(some)


@pytest.mark.parametrize(
    ("call", "arguments"), [(everything, (1.5,)), (unpacked, ()), (both, (3,)), (grow, (2,))],
    ids=["everything", "unpacked", "both", "grow"],
)  # fmt: skip
def test_as_plain_python(call: Any, arguments: tuple) -> None:
    from townlet.compiler import kernels

    compiled, plain = town(), town()
    found = call(compiled, *arguments)
    with kernels.noted_calls() as entry_points:
        expected = call.py_func(plain, *arguments)
    assert {entry_point.kernel for entry_point in entry_points}.isdisjoint({call})
    assert bits(compiled) == bits(plain)
    assert bits(compiled) != bits(town())
    assert found == expected


def test_units_are_kept_beside_the_door_and_loaded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from townlet.compiler import kernels

    entry_point = kernels.entry_point_of(both, town(), 3)
    units = {unit.name for unit in kernels.units_of(entry_point)}
    assert {name.rsplit(".")[-2].split("-")[0] for name in units} == {"grow", "shrink"}
    code = kernels.keep(entry_point)
    assert set(code.needs) == units
    for unit in kernels.units_of(entry_point):
        kernels.keep(unit)
    monkeypatch.setattr(kernels.Unit, "compile", None)
    monkeypatch.setattr(kernels.EntryPoint, "compile", None)
    assert kernels.keep(entry_point) == code


def test_other_types_are_other_code() -> None:
    from townlet.compiler import kernels

    some, other = town(), town()
    wider = other._replace(every_other=np.arange(5))
    assert kernels.entry_point_of(unpacked, some).name != kernels.entry_point_of(unpacked, wider).name
    assert unpacked(some) == unpacked(wider._replace(every_other=some.every_other.copy()))


def test_what_is_inside_an_object_has_no_name_for_others() -> None:
    """A rule that Python calls is there twice, and called in two ways: callers of the one must not find the other."""
    from townlet.compiler.kernels import Unit, entry_point_of

    entry = entry_point_of(grow, town(), 1)
    unit = Unit(grow, entry.signature).compile()
    assert unit.symbol.encode() in unit.object_file
    assert unit.symbol.encode() not in entry.compile().object_file


def test_a_rule_that_returns_something_is_an_error() -> None:
    with pytest.raises(TypeError, match="expected a kernel that returns nothing"):
        asks(town())


def test_a_kernel_is_pickled_by_name() -> None:
    from townlet.world.rng import draw

    assert pickle.loads(pickle.dumps(draw)) is draw
