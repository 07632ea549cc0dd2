"""Which file belongs to whom: what the manifests of a folder name, and where a content belongs that lies elsewhere."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence

from townlet.dataset.checking.check_captures import below
from townlet.dataset.format.documents import MOST_BYTES
from townlet.dataset.format.manifest import LOG_NAME, MANIFEST_SUFFIX, loose_manifest, named_files
from townlet.dataset.format.paths import inside
from townlet.dataset.format.records import FileRecord
from townlet.dataset.index.index_document import RunEntry
from townlet.dataset.index.index_places import IndexMoved, index_files
from townlet.dataset.index.read_index import DataSetIndex
from townlet.dataset.store.contract import Store
from townlet.errors import CorruptSampleError


def named_now(store: Store, folder: str) -> tuple[set[str], set[str]]:
    """The files that the manifests in a folder name by now, themselves included; and all that is there."""
    there = [inside(folder, name) for name in below(store, folder)]
    named: set[str] = set()
    for place in there:
        if place.endswith(MANIFEST_SUFFIX) and folder_of(place) == folder:
            named |= {place, inside(folder, LOG_NAME), *_named_by(store, place)}
    return named, set(there)


def _named_by(store: Store, manifest: str) -> dict[str, str]:
    """The files that a manifest names, and their digests; none where it is not readable."""
    try:
        files: Sequence[FileRecord] = named_files(loose_manifest(store.read(manifest, MOST_BYTES), manifest))
    except (CorruptSampleError, FileNotFoundError):
        return {}
    return {inside(folder_of(manifest), file.name): file.sha256 for file in files}


def owners_of(
    store: Store, index: DataSetIndex | None, wanted: set[str], loose: Iterable[str]
) -> dict[str, str]:
    """Which file of the data set each of the wanted digests belongs to. Reads manifests until all are found."""
    owners: dict[str, str] = {}
    manifests = list(loose)
    if index is not None and wanted:
        owners |= {file.sha256: file.name for file in index_files(index.root) if file.sha256 in wanted}
        for run in _readable_runs(index):
            place = inside(run.folder, run.manifest)
            manifests.append(place)
            if run.manifest_sha256 in wanted:
                owners[run.manifest_sha256] = place
    for manifest in manifests:
        if len(owners) == len(wanted):
            break
        owners |= {sha256: name for name, sha256 in _named_by(store, manifest).items() if sha256 in wanted}
    return owners


def _readable_runs(index: DataSetIndex) -> Iterator[RunEntry]:
    for shard in index.shards:
        with contextlib.suppress(CorruptSampleError, IndexMoved):
            yield from index.runs(shard)


def folder_of(name: str) -> str:
    return name.rpartition("/")[0]
