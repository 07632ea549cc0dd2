"""Receipts and notes that somebody else has written: a capture goes on as if they were not there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.dataset.captures import capture, stage
from tests.samples import make_run
from townlet.dataset.capture.commit import stage_receipt
from townlet.dataset.checking.gc import gc
from townlet.dataset.checking.verify import verify
from townlet.dataset.format.canonical import line_bytes, sha256_hex
from townlet.dataset.format.paths import receipt_path, run_folder, staging_folder
from townlet.dataset.status.contents import named_by_receipts
from townlet.dataset.status.receipts import read_receipt, staged_status
from townlet.dataset.status.status import RunStatus
from townlet.dataset.store.local import LocalStore

RUN = make_run(folder=run_folder("scene", 3))


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    """A run that is simulated, beside another one that is captured."""
    store = LocalStore(tmp_path / "out")
    capture(store, make_run(seed=1, folder=run_folder("scene", 1)))
    stage_receipt(store, RUN, 2, stage(store, RUN))
    return store


def change(store: LocalStore, changes: dict[str, Any], sample: dict[str, Any]) -> None:
    """Change a receipt, and make its digest agree."""
    document = {**json.loads(store.read(receipt_path(RUN))), **changes}
    del document["sha256"]
    if sample:
        document["samples"][0].update(sample)
    store.write_whole(
        receipt_path(RUN), [line_bytes({**document, "sha256": sha256_hex(line_bytes(document))})]
    )


def file(**changes: Any) -> dict[str, Any]:
    return {"name": "a.npz", "sha256": "0" * 64, "size": 7, "staged": "", **changes}


@pytest.mark.parametrize(
    ("changes", "sample"),
    [
        ({"samples": 7}, {}),
        ({"samples": [7]}, {}),
        ({"places": ["../../etc/passwd"]}, {}),
        ({"places": ["/etc/passwd"]}, {}),
        ({"places": [1, {}]}, {}),
        ({"places": None}, {}),
        ({"fingerprint": None}, {}),
        ({}, {"npz": file(name="../x")}),
        ({}, {"npz": file(staged="../../x")}),
        ({}, {"npz": file(size=-1)}),
        ({}, {"npz": file(sha256=0)}),
        ({}, {"npz": []}),
        ({}, {"agent_id": "../x"}),
        ({}, {"run": "/abs"}),
        ({}, {"seed": "3"}),
        ({}, {"arrival": 2**40}),
        ({}, {"metrics": {"reward": "much"}}),
        ({}, {"capture": 3}),
        ({}, {"done": 1}),
    ],
)
def test_a_receipt_that_says_other_things_is_none(
    store: LocalStore, changes: dict[str, Any], sample: dict[str, Any]
) -> None:
    change(store, changes, sample)
    assert_none(store)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"7", b"\xff", b'{"places":NaN}', b"[" * 100_000])
def test_a_receipt_that_is_no_document_is_none(store: LocalStore, data: bytes) -> None:
    store.write_whole(receipt_path(RUN), [data])
    assert_none(store)


def assert_none(store: LocalStore) -> None:
    """The run is captured anew, and everything else goes on."""
    assert read_receipt(store, RUN) is None
    assert staged_status(store, staging_folder(RUN)) == (RunStatus.DAMAGED, set())
    assert named_by_receipts(store) == set()
    assert verify(store.root).ok
    assert "a receipt that does not hold" in {leftover.why for leftover in gc(store.root, dry_run=True).gone}
    capture(store, RUN)
    assert verify(store.root).captures == 2


def test_a_receipt_that_holds(store: LocalStore) -> None:
    change(store, {}, {})
    records = read_receipt(store, RUN)
    assert records is not None
    assert [record.agent_id for record in records] == ["alice", "bob"]
    assert staged_status(store, staging_folder(RUN))[0] is RunStatus.SIMULATED


@pytest.mark.parametrize("size", [1 << 40])
def test_a_receipt_of_a_terabyte_is_not_read(store: LocalStore, size: int) -> None:
    with open(store.root / receipt_path(RUN), "r+b") as stream:
        stream.truncate(size)
    assert read_receipt(store, RUN) is None
