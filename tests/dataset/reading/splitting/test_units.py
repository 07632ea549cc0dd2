"""Units: runs that share a life, whole or as far as the shorter goes, and nothing else, are one."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.commands.data.hostile import change_row
from tests.conftest import Chosen
from tests.dataset.captures import index
from tests.dataset.reading.splitting.indexes import Told, made_up, plainly
from tests.dataset.towns import Life, segments_of, town_run, whole_life
from townlet import dataset
from townlet.dataset.capture import commit
from townlet.dataset.capture.commit import publish_runs, stage_receipt, stage_sample
from townlet.dataset.reading.splitting.units import units_of
from townlet.dataset.store.local import LocalStore
from townlet.errors import CorruptSampleError, UserError
from townlet.run import Run

LONG = "abcdefghij" * 30


@pytest.mark.parametrize(
    ("lives", "units", "reads"),
    [
        ([Told("abc"), Told("abd"), Told("abc")], [0, 1, 0], 0),  # equal
        ([Told("abcd"), Told("abc"), Told("abd")], [0, 0, 2], 1),  # the beginning of another, inside a block
        ([Told(LONG), Told(LONG[:32]), Told(LONG[:128])], [0, 0, 0], 0),  # at a block's end: nothing is read
        ([Told(LONG), Told(LONG[:200]), Told(LONG[:199] + "x")], [0, 0, 2], 1),
        ([Told("abc", first=1), Told("abc")], [0, 1], 0),  # at other ticks
        ([Told(LONG[:20], cut=8), Told(LONG[:20], cut=8)], [0, 0], 0),  # cut alike
        ([Told(LONG[:20], cut=8), Told(LONG[:20])], [0, 0], 1),  # cut otherwise: one is read
        ([Told(LONG[:60], cut=7), Told(LONG[:60], cut=5), Told(LONG[:33])], [0, 0, 0], 23),
        ([Told("x" + LONG[:20], cut=8), Told(LONG[:20]), Told("y")], [0, 1, 2], 3),
        ([Told("abcd", digests=False), Told("abc", digests=False)], [0, 0], 3),
        ([Told("a" * 300), Told("b" * 300), Told("c" * 300)], [0, 1, 2], 0),
    ],
)
def test_what_is_one_unit(
    monkeypatch: pytest.MonkeyPatch, lives: list[Told], units: list[int], reads: int
) -> None:
    known = made_up(monkeypatch, *[[life] for life in lives])
    assert units_of(known).tolist() == units == plainly([[life] for life in lives])
    assert len(known.reads) <= reads


def test_links_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs that share nothing are one unit where a third is linked to both; and who it is does not matter."""
    told = [[Told("abc"), Told("xyz")], [Told("qqq"), Told("xyz")], [Told("abc"), Told("rst")], [Told("uvw")]]
    assert units_of(made_up(monkeypatch, *told)).tolist() == [0, 0, 0, 3]


def test_copies_of_old_data_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    told = [[Told("abcdef", digests=False)] for _ in range(50)] + [[Told("abcdefg", digests=False)]]
    known = made_up(monkeypatch, *told)
    assert units_of(known).tolist() == [0] * 51
    assert len(known.reads) <= 3
    known.reads.clear()
    assert units_of(known).tolist() == [0] * 51 and not known.reads  # found once


def random_lives(draw: random.Random) -> list[list[Told]]:
    """Beginnings of a few letters' chains, changed here and there, cut in several ways."""
    length = draw.choice([12, 40, 300])
    bases = ["".join(draw.choice("ab") for _ in range(length)) for _ in range(2)]

    def life() -> Told:
        letters = list(draw.choice(bases)[: draw.choice([length, draw.randint(1, length)])])
        if draw.random() < 0.4:
            letters[draw.randrange(len(letters))] = "z"
        cut = draw.choice([0, 0, 0, 8, 7, 100])
        return Told("".join(letters), draw.choice([0, 0, 0, 5]), cut, draw.random() < 0.8)

    return [[life() for _ in range(draw.randint(1, 2))] for _ in range(draw.randint(2, 7))]


def try_random(monkeypatch: pytest.MonkeyPatch, seeds: range) -> None:
    for seed in seeds:
        told = random_lives(random.Random(seed))
        assert units_of(made_up(monkeypatch, *told)).tolist() == plainly(told), (seed, told)


def test_against_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    try_random(monkeypatch, range(30))


@pytest.mark.campaign
def test_against_plain_at_length(monkeypatch: pytest.MonkeyPatch, chosen: Chosen) -> None:
    try_random(monkeypatch, chosen(range(30, 6_000), few=1_000))


# --- of files ---------------------------------------------------------------------------------------------------

ALICE = Life("alice", 1, 0, 30)


def write_runs(folder: Path, runs: Sequence[tuple[Run, int, int]]) -> None:
    """Runs with the first so many ticks of one life, drawn from a seed of its own: (run, that seed, ticks)."""
    store = LocalStore(folder)
    records = []
    for run, drawn, ticks in runs:
        whole = whole_life(town_run(seed=drawn), ALICE._replace(steps=30))
        parts = [
            part
            for part in segments_of(run, whole)
            if int(part[1].tick[-1]) < ticks or int(part[1].tick[0]) == 0
        ]
        staged = [stage_sample(store, run, key, sample) for key, sample in parts]
        records.append(stage_receipt(store, run, len(staged), staged))
    published = publish_runs(store, list(zip([run for run, *_ in runs], records, strict=True)))
    index(store, published, records)


def test_of_a_data_set(tmp_path: Path) -> None:
    """One life under other seeds, scenarios, and cut off early; the index that is written tells it by itself."""
    runs = [
        (town_run("cut", 0), 1, 30),
        (town_run("cut", 1), 2, 30),
        (town_run("cut", 2), 1, 16),  # as `cut` 0, but ends after its second segment
        (town_run("whole", 0, segment_ticks=0), 2, 30),  # as `cut` 1, in one piece
        (town_run("whole", 7, segment_ticks=0), 3, 30),
    ]
    write_runs(tmp_path, runs)
    opened = dataset.open(tmp_path)
    assert opened.units == (
        (("cut", 0), ("cut", 2)),
        (("cut", 1), ("whole", 0)),
        (("whole", 7),),
    )
    assert all(opened.samples["block_digests"])
    for salt in map(str, range(20)):
        try:
            train, validation = opened.split(0.5, salt)
        except UserError:
            continue
        for unit in opened.units:
            assert len({run in train.runs for run in unit}) == 1
        # Of a choice of samples, units are those of the whole set.
        some = opened.filter(lambda samples: samples["first_tick"] == 0)
        assert [part.runs for part in some.split(0.5, salt)] == [train.runs, validation.runs]


def test_of_a_data_set_of_an_earlier_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without digests of blocks in manifests and index: the samples are read, and the units are the same."""
    runs = [
        (town_run("old", seed), drawn, ticks) for seed, drawn, ticks in ((0, 1, 30), (1, 2, 30), (2, 1, 16))
    ]
    write_runs(tmp_path / "now", runs)
    with monkeypatch.context() as earlier:
        earlier.setattr(commit, "block_ends", lambda first, steps: ())
        write_runs(tmp_path / "old", runs)
    opened, now = dataset.open(tmp_path / "old"), dataset.open(tmp_path / "now")
    manifest = (tmp_path / "old/runs/old/seed-0/rollout_sample_manifest.json").read_text()
    assert "block_digests" not in manifest
    assert opened.samples["block_digests"].tolist() == [None] * len(opened)
    assert opened.units == now.units == ((("old", 0), ("old", 2)), (("old", 1),))
    # It grows by runs that have them.
    write_runs(tmp_path / "old", [(town_run("old", 3), 2, 24)])
    assert dataset.open(tmp_path / "old").units == ((("old", 0), ("old", 2)), (("old", 1), ("old", 3)))
    assert len(dataset.open(tmp_path / "old/runs/old/seed-0").units) == 1  # and a capture by itself


@pytest.mark.parametrize(
    "values",
    [
        {"block_digests": "z" * 64},
        {"block_digests": "a" * 17},
        {"block_digests": ""},
        {"block_digests": "\x1b" * 16},
        {"frame_count": 2**62},  # the ends of as many blocks would take all memory
        {"frame_count": 0},
        {"frame_count": -1},
    ],
)
def test_what_a_table_cannot_say_is_refused(tmp_path: Path, values: dict[str, Any]) -> None:
    write_runs(tmp_path, [(town_run("a", seed), seed, 30) for seed in range(2)])
    change_row(tmp_path, 1, **values)
    with pytest.raises(CorruptSampleError, match="block_digests of row 1 of the samples: expected") as caught:
        dataset.open(tmp_path).split(0.5)
    assert "\x1b" not in str(caught.value)
