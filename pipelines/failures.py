"""Where the launcher finds what failed: in a data set's index, or in a place of a single capture's own."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from townlet.dataset.canonical import document_bytes
from townlet.dataset.index import FAILURES, Failure
from townlet.dataset.places import STAGING
from townlet.dataset.store import Store

SINGLE = f"{STAGING}/failures/{FAILURES}"


def write_single_failure(store: Store, failures: Iterable[Failure]) -> None:
    """Say why a single capture is not there."""
    failed = [failure._asdict() for failure in sorted(failures)]
    store.write_whole(SINGLE, [document_bytes({"failures": failed})])


def read_failures(store: Store, *, is_data_set: bool) -> list[Failure]:
    """What failed, by run and seed."""
    try:
        document: dict[str, Any] = json.loads(store.read(FAILURES if is_data_set else SINGLE))
    except FileNotFoundError:
        return []
    return [Failure(**entry) for entry in document["failures"]]
