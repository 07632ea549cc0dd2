"""How a run becomes a capture: staged under names of the writer's own, moved into place, the manifest last.

A run is staged in `.staging/<name>-<seed>-<fingerprint>/` of the output. Its receipt there says that all its
samples are staged. Publishing makes the staged files durable, moves them, makes the moves durable, and then
moves the manifest: a folder without a manifest is not a capture, and one with a manifest is a whole one.
Every step may be done twice, by whoever comes next.

Where a store cannot rename, files are written under their final names at once; what is staged is a note that
the run has begun, and then its receipt. The manifest is still last.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from townlet.dataset.format.blocks import block_ends
from townlet.dataset.format.canonical import line_bytes, sha256_hex
from townlet.dataset.format.capture_log import log_bytes
from townlet.dataset.format.documents import MOST_BYTES
from townlet.dataset.format.manifest import (
    LOG_NAME,
    described_file,
    manifest_bytes,
    manifest_name,
    metrics_bytes,
    parse_manifest,
    parse_metrics,
    records_from,
    run_content_digest,
    sample_stem,
    sidecar_bytes,
)
from townlet.dataset.format.metrics import sample_metrics
from townlet.dataset.format.npz import encode_npz
from townlet.dataset.format.paths import (
    begun_path,
    inside,
    manifest_path,
    model_place,
    receipt_path,
    staging_folder,
)
from townlet.dataset.format.records import FileRecord, RunRecord, SampleRecord
from townlet.dataset.status.run_status import manifest_status
from townlet.dataset.status.status import COMPLETE, RunStatus
from townlet.dataset.store.contract import REMOTE_THREADS, Buffer, Store, holds
from townlet.errors import OutputError, TownletError
from townlet.run import Run, RunRef, SampleKey
from townlet.samples import ReplaySample


def begin_run(store: Store, run: RunRef) -> None:
    """Say that a run is being captured, before its first file is there.

    Needed where files have their final names from the start: a capture that is killed leaves some, and this
    tells whose they are.
    """
    if not store.renames:
        store.write_whole(begun_path(run), [line_bytes({"folder": run.folder, "prefix": run.prefix})])


def stage_sample(store: Store, run: RunRef, key: SampleKey, sample: ReplaySample) -> SampleRecord:
    """Write a sample and its sidecar where nobody looks yet. A retry writes anew and harms nothing.

    Raises OutputError (a UserError) for what is wrong with the place: full, read-only, not a folder.
    """
    metrics = sample_metrics(sample)  # before the map has swept the features out of the cache
    first_tick = int(sample.tick[0])
    parts, facts = encode_npz(sample.arrays(), run.compression, block_ends(first_tick, sample.timesteps))
    sidecar = sidecar_bytes(sample, metrics, facts.sha256)
    stem, mark = sample_stem(run, key), secrets.token_hex(6)
    npz = FileRecord(f"{stem}.npz", facts.sha256, facts.size, _staged(store, run, f"{stem}.npz", mark))
    place = _staged(store, run, f"{stem}.json", mark)
    meta = FileRecord(f"{stem}.json", sha256_hex(sidecar), len(sidecar), place)
    _write(store, {npz.staged: parts, meta.staged: [sidecar]})
    return SampleRecord(
        run=run.name,
        seed=run.seed,
        fingerprint=run.fingerprint,
        arrival=key.arrival,
        agent_id=key.agent_id,
        segment=key.segment,
        npz=npz,
        meta=meta,
        frame_count=sample.timesteps,
        first_tick=first_tick,
        content_digest=facts.content_digest,
        layout_digest=sample.layout_digest,
        done=bool(sample.dones[-1]),
        truncated=bool(sample.metadata["truncated"]),
        metrics=metrics,
        capture=dict(sample.metadata["capture_metadata"]),
        block_digests=facts.block_digests,
    )


def staged_model_place(store: Store, run: RunRef, digest: str) -> str:
    """Where a run's model lies before it is played: for good, save that of a capture that stands alone, which is staged
    as its samples are."""
    place = model_place(run, digest)
    return place if run.folder or not store.renames else f"{staging_folder(run)}/{place}"


def stage_receipt(
    store: Store, run: RunRef, count: int, records: Iterable[SampleRecord]
) -> list[SampleRecord]:
    """Say, beside the staged files, that the run is simulated. Returns its records, each sample once.

    Raises TownletError where samples are missing, or where two records of one sample differ in content.
    """
    whole = _unique(run, records)
    if len(whole) != count:
        raise TownletError(f"{run.label()}: expected {count} samples, found {len(whole)} staged")
    names = [file.name for record in whole for file in (record.npz, record.meta)]
    names += [*_document_names(run), LOG_NAME]
    document = {
        "fingerprint": run.fingerprint,
        "places": [inside(run.folder, name) for name in names],
        "samples": [record.to_json_dict() for record in whole],
    }
    store.write_whole(
        receipt_path(run), [line_bytes({**document, "sha256": sha256_hex(line_bytes(document))})]
    )
    return whole


def publish_run(store: Store, run: Run, records: Iterable[SampleRecord]) -> RunRecord:
    """Move a run's staged samples into place and complete the capture. Twice is harmless.

    Raises TownletError where two records of one sample differ, or differ from a capture that is there, and
    OutputError for what is wrong with the place.
    """
    return publish_runs(store, [(run, records)])[0]


def publish_runs(store: Store, batch: Sequence[tuple[Run, Iterable[SampleRecord]]]) -> list[RunRecord]:
    """`publish_run` of many: what makes files durable is paid once for all of them."""
    if not store.renames:
        with ThreadPoolExecutor(REMOTE_THREADS) as threads:
            return list(threads.map(lambda item: _publish_in_place(store, *item), batch))
    published: list[RunRecord] = []
    staged: list[_Documents] = []
    for run, records in batch:
        whole = _unique(run, records)
        there = _published(store, run, whole)
        if there is None:
            documents = _stage_documents(store, run, whole)
            staged.append(documents)
            there = _run_record(run, whole, documents.manifest, documents.size)
        published.append(there)
    store.make_durable(staging_folder(documents.run) for documents in staged)
    for documents in staged:
        for file in documents.first:
            _place(store, documents.run, file)
    store.make_durable(documents.run.folder for documents in staged)
    for documents in staged:
        _place(store, documents.run, documents.manifest)
    store.make_durable(documents.run.folder for documents in staged)
    for run, _ in batch:  # not before: without its manifest, what is staged says whose these files are
        store.delete(staging_folder(run))
    return published


def _publish_in_place(store: Store, run: Run, records: Iterable[SampleRecord]) -> RunRecord:
    """Publish a run whose files have their final names already."""
    whole = _unique(run, records)
    there = _published(store, run, whole)
    if there is None:
        _check_there(store, run, whole)
        documents = _stage_documents(store, run, whole)
        store.write_whole(manifest_path(run), [documents.text])
        there = _run_record(run, whole, documents.manifest, documents.size)
    store.delete(staging_folder(run))
    return there


def records_of(store: Store, run: RunRef) -> list[SampleRecord]:
    """The records of a run that is published, as they were when it was."""
    document = parse_manifest(store.read(manifest_path(run), MOST_BYTES), manifest_path(run))
    file = described_file(document, "metrics")
    place = inside(run.folder, file.name)
    return records_from(document, parse_metrics(store.read(place, file.size), document, place), run.name)


def _write(store: Store, files: Mapping[str, Sequence[Buffer]]) -> None:
    """Write new files; side by side where most of the time is spent waiting for an answer."""
    if store.renames:
        for name, parts in files.items():
            store.write_new(name, parts)
        return
    with ThreadPoolExecutor(len(files)) as threads:
        list(threads.map(store.write_new, files, files.values()))


def _staged(store: Store, run: RunRef, name: str, mark: str) -> str:
    if not store.renames:
        return inside(run.folder, name)
    return f"{staging_folder(run)}/{name}.{mark}"


def _unique(run: RunRef, records: Iterable[SampleRecord]) -> list[SampleRecord]:
    """Each sample once, by arrival and segment: retries and duplicated elements hand in some twice."""
    by_key: dict[SampleKey, SampleRecord] = {}
    for record in records:
        known = by_key.setdefault(record.key, record)
        if known.content_digest != record.content_digest or record.fingerprint != run.fingerprint:
            raise TownletError(
                f"{run.label()}: two different contents for {record.npz.name}: "
                f"{known.npz.staged or known.npz.name} ({known.content_digest[:12]}) and "
                f"{record.npz.staged or record.npz.name} ({record.content_digest[:12]}); "
                "the same run must give the same bytes"
            )
        if record.npz.staged < known.npz.staged:
            by_key[record.key] = record
    return [by_key[key] for key in sorted(by_key, key=lambda key: (key.arrival, key.segment, key.agent_id))]


def _published(store: Store, run: RunRef, records: list[SampleRecord]) -> RunRecord | None:
    """The capture that is there already, if it is this one and every file of it holds."""
    there = {file.name.rpartition("/")[2]: file.size for file in store.list(run.folder, deep=False)}
    just_reused = bool(records) and not any(record.npz.staged for record in records)
    found = manifest_status(store, run, there, read=not just_reused)
    if found is not None and found.status is RunStatus.OTHER:
        raise OutputError(f"{store}: {run.folder or 'the folder'} holds another capture than {run.label()}")
    if found is None or found.status not in COMPLETE:
        return None
    data = store.read(manifest_path(run), MOST_BYTES)
    metadata = parse_manifest(data, manifest_path(run))["metadata"]
    if metadata["content_digest"] != run_content_digest(records):
        raise TownletError(
            f"{run.label()}: the capture that is there has other content than this one "
            f"({metadata['content_digest'][:12]} and {run_content_digest(records)[:12]})"
        )
    place = FileRecord(manifest_name(run.prefix), sha256_hex(data), len(data))
    return _run_record(run, records, place, metadata["size"], was_there=True)


class _Documents(NamedTuple):
    """The staged files of a run, samples included."""

    run: RunRef
    first: list[FileRecord]  # to be placed before the manifest
    manifest: FileRecord
    text: bytes  # of the manifest
    size: int  # bytes of all that the manifest names


def _document_names(run: RunRef) -> tuple[str, str, str]:
    """Of config, metrics and manifest."""
    return f"{run.prefix}_config.json", f"{run.prefix}_metrics.json", manifest_name(run.prefix)


def _stage_documents(store: Store, run: Run, records: list[SampleRecord]) -> _Documents:
    """Stage config, metrics, log and manifest; the manifest only where it can be moved later."""
    mark = secrets.token_hex(6)
    contents: dict[str, list[Buffer]] = {}

    def stage(name: str, data: bytes) -> FileRecord:
        file = FileRecord(name, sha256_hex(data), len(data), _staged(store, run, name, mark))
        if store.renames or name != own_name:
            contents[file.staged] = [data]
        return file

    config_name, metrics_name, own_name = _document_names(run)
    config = stage(config_name, run.config_json.rstrip("\n").encode() + b"\n")
    metrics = stage(metrics_name, metrics_bytes(run, records))
    models = [_model_file(store, run, digest) for digest in run.models]
    named = [file for record in records for file in (record.npz, record.meta)] + [config, metrics]
    named += [] if run.folder else models
    text = manifest_bytes(run, records, config, metrics, models)
    manifest = stage(own_name, text)
    log = stage(LOG_NAME, log_bytes())
    _write(store, contents)
    return _Documents(run, [*named, log], manifest, text, sum(file.size for file in named))


def _model_file(store: Store, run: Run, digest: str) -> FileRecord:
    """A model that lies in the output: staged, or in its place already."""
    place, staged = model_place(run, digest), staged_model_place(store, run, digest)
    size = store.size(staged)
    if size is None and staged != place:
        staged, size = "", store.size(place)
    if size is None:
        raise _gone(run, FileRecord(place, digest, 0))
    return FileRecord(place, digest, size, staged if staged != place else "")


def _place(store: Store, run: RunRef, file: FileRecord) -> None:
    """Move a staged file to its final name, or find it there."""
    target = inside(run.folder, file.name)
    if file.staged:
        try:
            store.move(file.staged, target)
            return
        except FileNotFoundError:
            pass  # placed by an earlier attempt, or by another worker
    if file.name == LOG_NAME and store.size(target) is not None:
        return  # another worker's, which says other times and hosts
    if not holds(store, target, file):
        raise _gone(run, file)


def _check_there(store: Store, run: RunRef, records: list[SampleRecord]) -> None:
    """Raise TownletError where a sample is not in its place; what it holds was hashed when it was written."""
    there = {file.name: file.size for file in store.list(run.folder, deep=False)}
    for file in (file for record in records for file in (record.npz, record.meta)):
        if there.get(inside(run.folder, file.name)) != file.size:
            raise _gone(run, file)


def _gone(run: RunRef, file: FileRecord) -> TownletError:
    return TownletError(f"{run.label()}: {file.name} was staged and is gone; run the same command again")


def _run_record(
    run: RunRef, records: list[SampleRecord], manifest: FileRecord, size: int, was_there: bool = False
) -> RunRecord:
    """`size`: bytes of all files that the manifest names."""
    return RunRecord(
        run=run.name,
        seed=run.seed,
        folder=run.folder,
        fingerprint=run.fingerprint,
        manifest=FileRecord(manifest.name, manifest.sha256, manifest.size),
        content_digest=run_content_digest(records),
        sample_count=len(records),
        frame_count=sum(record.frame_count for record in records),
        size=size + manifest.size,
        capture=dict(records[0].capture) if records else {},
        was_there=was_there,
    )
