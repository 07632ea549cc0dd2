"""Receipts: what lies beside the staged files of a run, and says that the run is simulated."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from townlet.dataset.format.canonical import line_bytes, sha256_hex
from townlet.dataset.format.manifest import MANIFEST_SUFFIX
from townlet.dataset.format.paths import RECEIPT, inside, receipt_path
from townlet.dataset.format.records import SampleRecord
from townlet.dataset.status.status import RunStatus
from townlet.dataset.store.contract import Store, holds
from townlet.errors import OutputError
from townlet.run import RunRef


def read_receipt(store: Store, run: RunRef, *, check: bool = True) -> list[SampleRecord] | None:
    """The records of a run that was simulated but not published; None without a receipt that holds.

    It holds when every file is there, staged or already in place, with its SHA-256. `check=False` spares that
    look at the files, for who knows that they have just been written.
    """
    try:
        document = json.loads(store.read(receipt_path(run)))
        digest = document.pop("sha256")
        records = [SampleRecord.from_json_dict(entry) for entry in document["samples"]]
    except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError):
        return None
    if digest != sha256_hex(line_bytes(document)) or document["fingerprint"] != run.fingerprint:
        return None
    files = [file for record in records for file in (record.npz, record.meta)] if check else []
    held = all(
        holds(store, file.staged, file) or holds(store, inside(run.folder, file.name), file) for file in files
    )
    return records if held else None


def staged_status(store: Store, folder: str) -> tuple[RunStatus, set[str]]:
    """The status of whatever run is staged in a folder, and the places of its files where its receipt holds.

    For who does not know the run: sizes are enough. `staged`: without a receipt. `damaged`: some of the files that
    the receipt names are neither staged nor in their places. `published`: its manifest is in place.
    """
    try:
        receipt = json.loads(store.read(inside(folder, RECEIPT)))
    except FileNotFoundError:
        return RunStatus.STAGED, set()
    except ValueError:
        return RunStatus.DAMAGED, set()
    places = _places(store, receipt)
    if not places:
        return RunStatus.DAMAGED, set()
    manifests = [name for name in places if name.endswith(MANIFEST_SUFFIX)]
    in_place = all(store.size(name) is not None for name in manifests)
    return (RunStatus.PUBLISHED if in_place else RunStatus.SIMULATED), places


def _places(store: Store, receipt: Mapping[str, Any]) -> set[str]:
    """Where the files of a staged run will be; none where some of them are not there, staged or placed."""
    try:
        places = set(receipt["places"])
        folder = min(places).rpartition("/")[0]
        for sample in receipt["samples"]:
            for file in (sample["npz"], sample["meta"]):
                size = file["size"]
                placed = store.size(inside(folder, file["name"]))
                if size not in (placed, store.size(file["staged"]) if file["staged"] else None):
                    return set()
    except (ValueError, KeyError, TypeError, AttributeError, OutputError):
        return set()
    return places
