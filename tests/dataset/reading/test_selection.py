"""Choosing and ordering samples: filters, seeded orders, shards, splits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dataset.captures import capture
from tests.samples import make_run
from townlet import dataset
from townlet.dataset.format.paths import run_folder
from townlet.dataset.reading.data_set import DataSet
from townlet.dataset.reading.selection import (
    Ordered,
    held_out,
    pack_positions,
    shuffled_order,
    unpack_positions,
)
from townlet.dataset.store.local import LocalStore
from townlet.errors import UserError


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    """Two scenarios, five seeds, three agents."""
    folder = tmp_path_factory.mktemp("set")
    runs = [
        make_run(name, seed, ticks=ticks, folder=run_folder(name, seed))
        for name, ticks in (("kitchen", 4), ("plaza", 5))  # of one length, equal seeds would be equal samples
        for seed in (0, 1, 2, 3, 9)
    ]
    capture(LocalStore(folder), *runs, agents=3)
    return dataset.open(folder)


def who(samples: DataSet) -> list[tuple[str, int, str]]:
    columns = samples.samples
    return list(zip(columns["scenario"], columns["seed"].tolist(), columns["agent_id"], strict=True))


@pytest.mark.parametrize(
    ("asked", "fits"),
    [
        ({"scenario": "plaza"}, lambda scenario, seed, agent: scenario == "plaza"),
        ({"scenario": ["plaza", "kitchen"]}, lambda scenario, seed, agent: True),
        ({"seed": 3}, lambda scenario, seed, agent: seed == 3),
        ({"seed": range(1, 100)}, lambda scenario, seed, agent: seed >= 1),
        ({"seed": np.array([0, 9])}, lambda scenario, seed, agent: seed in (0, 9)),
        ({"seed": []}, lambda scenario, seed, agent: False),
        (
            {"agent": ("bob", "carol"), "seed": 0},
            lambda scenario, seed, agent: agent != "alice" and seed == 0,
        ),
    ],
)
def test_filters(opened: DataSet, asked: dict[str, Any], fits: Callable[..., bool]) -> None:
    for view in (opened, opened.shuffled(1)):
        chosen = view.filter(**asked)
        assert isinstance(chosen, DataSet)
        assert who(chosen) == [key for key in who(view) if fits(*key)]
        assert [sample.agent_id for sample in chosen] == [agent for *_, agent in who(chosen)]


def test_filters_of_figures(opened: DataSet) -> None:
    rich = opened.filter(lambda samples: samples["reward_sum"] > 2.0, scenario="plaza")
    assert 0 < len(rich) < 15
    assert (rich.samples["reward_sum"] > 2.0).all()
    assert set(rich.samples["scenario"]) == {"plaza"}
    assert len(opened.filter(lambda samples: samples["done"])) == 0


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"scenario": "plazza"}, "no scenario 'plazza' in this data set; did you mean plaza?"),
        ({"agent": "zoe"}, "no agent 'zoe' in this data set; there are alice, bob, carol"),
        ({"seed": "1"}, "expected a seed or several, got '1'"),
        (
            {"chosen": lambda samples: samples["seed"]},
            "True or False for each of 30 samples, got int64 of shape",
        ),
        ({"chosen": lambda samples: True}, r"for each of 30 samples, got bool of shape \(\)"),
    ],
)
def test_filters_that_cannot_be_meant(opened: DataSet, asked: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        opened.filter(**asked)


def test_a_filter_may_name_what_another_has_taken_out(opened: DataSet) -> None:
    assert len(opened.filter(scenario="plaza").filter(scenario="kitchen")) == 0


def test_the_order_is_ours() -> None:
    """Pinned: the same on every machine and with every NumPy, for ever."""
    assert shuffled_order(10, 0).tolist() == [8, 6, 7, 2, 1, 3, 9, 0, 5, 4]
    assert shuffled_order(10, 0, 1).tolist() == [0, 3, 4, 1, 5, 6, 9, 8, 2, 7]
    assert shuffled_order(100_000, 1)[:5].tolist() == [97016, 53168, 51377, 99148, 23802]
    assert shuffled_order(0, 1).tolist() == []


def test_the_order_is_even() -> None:
    """Each item comes to each place about equally often, whatever the seed or epoch."""
    counts = np.zeros((8, 8), int)
    for seed in range(50):
        for epoch in range(40):
            counts[np.arange(8), shuffled_order(8, seed, epoch)] += 1
    assert abs(counts - 250).max() < 75  # five standard deviations


@given(st.integers(0, 300), st.integers(0, 2**63), st.integers(0, 1000))
def test_orders_are_permutations(length: int, seed: int, epoch: int) -> None:
    assert sorted(shuffled_order(length, seed, epoch).tolist()) == list(range(length))


def test_shuffled(opened: DataSet) -> None:
    once, again, other, later = (who(opened.shuffled(*key)) for key in ((5,), (5,), (6,), (5, 1)))
    assert once == again
    assert len({tuple(order) for order in (once, other, later, who(opened))}) == 4
    assert sorted(once) == sorted(later) == who(opened)
    assert [s.agent_id for s in opened.shuffled(5)] == [agent for *_, agent in once]


@pytest.mark.parametrize("count", [1, 2, 4, 7, 30, 31])
def test_shards(opened: DataSet, count: int) -> None:
    for view in (opened, opened.shuffled(2)):
        shards = [view.shard(index, count) for index in range(count)]
        lengths = [len(shard) for shard in shards]
        assert max(lengths) - min(lengths) <= 1
        together = Counter(key for shard in shards for key in who(shard))
        assert together == Counter(who(opened))
    with pytest.raises(
        UserError, match=rf"expected an index in 0\.\.{count - 1} of {count} shards, got {count}"
    ):
        opened.shard(count, count)


def test_shards_of_an_epoch(opened: DataSet) -> None:
    """Shuffled and then cut, a machine gets others each epoch; cut and then shuffled, always its own."""
    mixed = [set(who(opened.shuffled(1, epoch).shard(0, 3))) for epoch in range(3)]
    assert mixed[0] != mixed[1] != mixed[2]
    own = [who(opened.shard(0, 3).shuffled(1, epoch)) for epoch in range(2)]
    assert own[0] != own[1]
    assert set(own[0]) == set(own[1])


def test_nothing_leaks_from_a_split(opened: DataSet) -> None:
    train, validation = opened.split(0.4)
    assert not set(train.runs) & set(validation.runs)
    assert set(train.runs) | set(validation.runs) == set(opened.runs)
    assert len(train) + len(validation) == 30
    assert validation.runs == tuple(run for run in opened.runs if held_out(*run, 0.4))


def test_a_split_stays(opened: DataSet) -> None:
    """Whatever else is chosen or there, and whatever the order; a larger share holds out the same and more."""
    _, validation = opened.split(0.4)
    _, of_plaza = opened.filter(scenario="plaza").shuffled(3).split(0.4)
    assert of_plaza.runs == tuple(run for run in validation.runs if run[0] == "plaza")
    _, more = opened.split(0.7)
    assert set(validation.runs) < set(more.runs)
    assert opened.split(0.4, salt="b")[1].runs != validation.runs
    assert (len(opened.split(0)[1]), len(opened.split(1)[0])) == (0, 0)
    with pytest.raises(UserError, match=r"expected a fraction from 0 to 1, got 1\.5"):
        opened.split(1.5)


def test_the_split_is_ours() -> None:
    """Pinned, and as large as it says."""
    assert [seed for seed in range(20) if held_out("kitchen", seed, 0.25)] == PINNED
    share = sum(held_out(name, seed, 0.1) for name in ("a", "b") for seed in range(5000)) / 10_000
    assert abs(share - 0.1) < 0.01


PINNED = [1, 2, 5, 8, 17]


@given(st.lists(st.integers(0, 2**40), max_size=50))
def test_positions_travel(positions: list[int]) -> None:
    assert unpack_positions(pack_positions(np.array(positions, np.int64))).tolist() == positions


def test_positions_are_small() -> None:
    assert len(pack_positions(np.arange(100_000))) < 2000
    assert len(pack_positions(shuffled_order(100_000, 1))) < 400_000


def test_views_are_of_their_own_kind(opened: DataSet) -> None:
    views: list[Ordered[Any]] = [opened, opened.lives(), opened.windows(3)]
    for view in views:
        for other in (view[1:], view.shuffled(1), view.shard(0, 2)):
            assert type(other) is type(view)
            assert 0 < len(other) <= len(view)
