"""How long segments are: their frames, and a large town beside them, stay in bounds."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from townlet.planning.worlds import Worlds
from townlet.rollout import play as rollout
from townlet.run import Run

RUN = Run(name="a", seed=0, ticks=100_000, config_json="{}")


@pytest.mark.parametrize(
    ("town_bytes", "segment_ticks"),
    [(16_000_000, 256), (101_000_000, 128), (140_000_000, 64), (1_000_000_000, 32)],
    ids=["small enough", "large", "the largest", "never less than some frames"],
)
def test_a_large_town_leaves_less_for_a_segment(
    monkeypatch: pytest.MonkeyPatch, town_bytes: int, segment_ticks: int
) -> None:
    monkeypatch.setattr(rollout, "frame_bytes", lambda built: 1_000_000)
    monkeypatch.setattr(rollout, "town_bytes", lambda built: town_bytes)
    monkeypatch.setattr(rollout, "build_run", lambda run: SimpleNamespace(notices=()))
    assert Worlds().segment_ticks(RUN) == segment_ticks


def test_a_config_is_built_once(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[Run] = []
    monkeypatch.setattr(rollout, "frame_bytes", lambda built: 1_000)
    monkeypatch.setattr(rollout, "town_bytes", lambda built: 0)
    monkeypatch.setattr(
        rollout,
        "build_run",
        lambda run: built.append(run) or SimpleNamespace(notices=("a stands at [1, 1]",)),
    )
    worlds = Worlds()
    assert worlds.segment_ticks(RUN) == 131_072
    assert worlds.notices(RUN) == ("a stands at [1, 1]",)
    assert built == [RUN]
