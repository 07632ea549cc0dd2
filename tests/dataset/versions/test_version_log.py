"""The log of a versioned data set is a hint: damaged, forged or lost, it stops no work and costs no version."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from townlet.dataset.store.local import LocalStore
from townlet.dataset.versions.versions import (
    finish_publishing,
    next_version,
    prune,
    publish,
    version_folder,
    version_number,
)

NOW = datetime(2030, 1, 2, 3, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)
LOG = "capture_log.json"
LONG_AGO = "2020-01-01T00:00:00+00:00"


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    """Three versions, the third of them current."""
    store = LocalStore(tmp_path / "out")
    for version in (1, 2, 3):
        store.write_whole(f"{version_folder(version)}/dataset.json", [b"%d" % version])
        publish(store, version)
        assert finish_publishing(store, NOW) == ""
    return store


def there(store: LocalStore) -> list[str]:
    return sorted(path.name for path in (store.root / "versions").iterdir())


def log(store: LocalStore) -> dict[str, Any]:
    return json.loads(store.read(LOG))


DAMAGED = {
    "no JSON": b"{",
    "nothing": b"",
    "another shape": b"[]",
    "no times": b'{"current":3}',
    "a naive time": b'{"current":3,"retired":{"1":"2020-01-01T00:00:00","2":"%s"}}' % LONG_AGO.encode(),
    "no time": b'{"current":3,"retired":{"1":"yesterday"}}',
    "a time beyond all": b'{"current":3,"retired":{"1":"0001-01-01T00:00:00+23:59"}}',
    "a number": b'{"current":3,"retired":{"1":1577836800}}',
    "no version": b'{"current":3,"retired":{"../../x":"%s"}}' % LONG_AGO.encode(),
    "other digits": '{"current":3,"retired":{"١":"%s"}}'.encode() % LONG_AGO.encode(),
    "deep": b"[" * 100_000,
    "NaN": b'{"current":NaN,"retired":{}}',
    "text": b'{"current":"3","retired":{}}',
    "the current one is retired": b'{"current":3,"retired":{"3":"%s"}}' % LONG_AGO.encode(),
    "a later one is retired": b'{"current":3,"retired":{"7":"%s"}}' % LONG_AGO.encode(),
}


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_log_is_written_anew_and_said(store: LocalStore, data: bytes) -> None:
    store.write_whole(LOG, [data])
    said = finish_publishing(store, NOW + HOUR)
    assert said.startswith(f"{store}: {LOG}: ")
    assert said.endswith("; written anew")
    assert "\n" not in said
    assert log(store)["current"] == 3
    assert set(log(store)["retired"]) == {"1", "2"}
    assert finish_publishing(store, NOW + 2 * HOUR) == ""
    assert prune(store, 1, NOW + 3 * HOUR) == [1, 2]
    assert there(store) == ["3"]


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED)
def test_nothing_is_pruned_that_a_reader_may_be_at(store: LocalStore, data: bytes) -> None:
    store.write_whole(LOG, [data])
    assert "3" in there(store)
    gone = prune(store, 1, NOW + HOUR)
    assert set(gone) <= {2}  # what a whole line of the log says
    assert "3" in there(store)


@pytest.mark.parametrize("current", [1, 2, 4, 2**31 - 1])
def test_what_is_current_is_not_asked_of_the_log(store: LocalStore, current: int) -> None:
    """A log that calls the current version retired, and another one current."""
    retired = {str(version): LONG_AGO for version in (1, 2, 3) if version != current}
    store.write_whole(LOG, [json.dumps({"current": current, "retired": retired}).encode()])
    prune(store, 1, NOW)
    assert "3" in there(store)
    finish_publishing(store, NOW)
    prune(store, 1, NOW + HOUR)
    assert there(store) == ["3"]
    assert log(store)["current"] == 3


@pytest.mark.parametrize("current", [1, 7])
def test_where_the_pointer_is_lost_the_last_version_that_is_there_counts(
    store: LocalStore, current: int
) -> None:
    store.delete("current.json")
    store.write_whole(LOG, [json.dumps({"current": current, "retired": {}}).encode()])
    assert next_version(store) == 3
    assert prune(store, 1, NOW + HOUR) == []
    assert there(store) == ["1", "2", "3"]


@pytest.mark.parametrize("name", ["0", "01", "1.", "-1", "+1", "1e3", "١", "²", "", "9" * 10, "1\n", "../1"])
def test_names_that_no_version_has(name: str) -> None:
    assert version_number(name) is None
    assert version_number("10") == 10
