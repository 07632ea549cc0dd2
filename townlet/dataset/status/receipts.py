"""Receipts: what lies beside the staged files of a run, and says that the run is simulated."""

from __future__ import annotations

from townlet.dataset.format.canonical import line_bytes, sha256_hex
from townlet.dataset.format.documents import MOST_BYTES, convert_document, parse_object
from townlet.dataset.format.manifest import MANIFEST_SUFFIX
from townlet.dataset.format.models import Receipt
from townlet.dataset.format.paths import RECEIPT, inside, receipt_path
from townlet.dataset.format.records import SampleRecord
from townlet.dataset.status.status import RunStatus
from townlet.dataset.store.contract import Store, holds
from townlet.errors import CorruptSampleError
from townlet.run import RunRef


def read_receipt(store: Store, run: RunRef, *, check: bool = True) -> list[SampleRecord] | None:
    """The records of a run that was simulated but not published; None without a receipt that holds.

    It holds when every file is there, staged or already in place, with its SHA-256. `check=False` spares that
    look at the files, for who knows that they have just been written.
    """
    try:
        receipt = parse_receipt(store, receipt_path(run))
    except (FileNotFoundError, CorruptSampleError):
        return None
    records = receipt.samples
    if receipt.fingerprint != run.fingerprint:
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
        receipt = parse_receipt(store, inside(folder, RECEIPT))
    except FileNotFoundError:
        return RunStatus.STAGED, set()
    except CorruptSampleError:
        return RunStatus.DAMAGED, set()
    if not receipt.places or not _all_there(store, receipt):
        return RunStatus.DAMAGED, set()
    manifests = [name for name in receipt.places if name.endswith(MANIFEST_SUFFIX)]
    in_place = all(store.size(name) is not None for name in manifests)
    return (RunStatus.PUBLISHED if in_place else RunStatus.SIMULATED), set(receipt.places)


def parse_receipt(store: Store, place: str) -> Receipt:
    """A receipt that is what was written. Raises FileNotFoundError, or CorruptSampleError for anything else."""
    where, what = f"{store}/{place}", "the receipt of a run"
    document = parse_object(store.read(place, MOST_BYTES), where, what)
    receipt = convert_document(Receipt, document, where, what)
    del document["sha256"]
    if receipt.sha256 != sha256_hex(line_bytes(document)):
        raise CorruptSampleError(f"{where}: the receipt was changed after it was written")
    return receipt


def _all_there(store: Store, receipt: Receipt) -> bool:
    """Whether all samples of a staged run are there, by their sizes: staged, or placed already."""
    folder = min(receipt.places).rpartition("/")[0]
    for file in (file for sample in receipt.samples for file in (sample.npz, sample.meta)):
        placed = store.size(inside(folder, file.name))
        if file.size not in (placed, store.size(file.staged) if file.staged else None):
            return False
    return True
