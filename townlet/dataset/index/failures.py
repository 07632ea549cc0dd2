"""Where the launcher finds what failed: in a data set's index, or in a place of a single capture's own."""

from __future__ import annotations

from collections.abc import Iterable

from townlet.dataset.format.documents import MOST_BYTES
from townlet.dataset.format.paths import STAGING
from townlet.dataset.index.index_document import NAMES, Failure, failures_bytes, parse_failures
from townlet.dataset.index.read_index import read_whole
from townlet.dataset.store.contract import Store

SINGLE = f"{STAGING}/failures/{NAMES['failures']}"


def write_single_failure(store: Store, failures: Iterable[Failure]) -> None:
    """Say why a single capture is not there."""
    store.write_whole(SINGLE, [failures_bytes(failures)])


def read_failures(store: Store, *, is_data_set: bool) -> list[Failure]:
    """What failed, by run and seed."""
    try:
        if is_data_set:
            return parse_failures(read_whole(store, ["failures"])[1]["failures"], str(store))
        return parse_failures(store.read(SINGLE, MOST_BYTES), str(store))
    except FileNotFoundError:
        return []
