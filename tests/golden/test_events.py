"""The shipped scenarios' events are what they were."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden import events
from tests.golden.measure import golden_configs

MOST_LINES = 60


@pytest.mark.parametrize("config", events.scenarios(golden_configs()))
def test_the_events_of_a_shipped_scenario(config: str) -> None:
    stored = events.path_of(config)
    assert stored.is_file(), "`make golden` writes it"
    assert events.text_of(config) == stored.read_text(encoding="utf-8"), "`make golden` writes it anew"


def test_each_file_is_small_and_of_a_shipped_scenario() -> None:
    files = set(events.FOLDER.iterdir())
    assert files == {events.path_of(config) for config in events.scenarios(golden_configs())}
    assert all(len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES for path in files)


def test_what_is_out_of_date_is_written_and_deleted(tmp_path: Path) -> None:
    one = "scenarios/queue_conflict"
    (tmp_path / "gone.txt").write_text("x")
    stale = events.out_of_date([one, "examples/small_town"], tmp_path)
    assert stale == {tmp_path / "queue_conflict.txt": events.text_of(one), tmp_path / "gone.txt": None}
    events.store(stale)
    assert [path.name for path in tmp_path.iterdir()] == ["queue_conflict.txt"]
    assert events.out_of_date([one], tmp_path) == {}
