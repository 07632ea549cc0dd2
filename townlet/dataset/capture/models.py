"""The models of networks in an output: there before the first run is played, once for all runs and all workers.

A model travels to workers by the output, which all of them share: whoever plays a run reads what it names, by digest.
A data set keeps its models for good. That of a capture that stands alone is staged with its samples, where files can be
moved, and published with them.
"""

from __future__ import annotations

from collections.abc import Iterable

from townlet.dataset.capture.commit import begin_run, staged_model_place
from townlet.dataset.format.canonical import sha256_hex
from townlet.dataset.format.paths import model_place
from townlet.dataset.format.records import FileRecord
from townlet.dataset.store.contract import OversizedError, Store, holds
from townlet.errors import CorruptSampleError
from townlet.policy_text import MODEL_FOLDER, MOST_MODEL_BYTES, SHORT_DIGEST, Models
from townlet.run import Run, RunRef


def keep_models(store: Store, runs: Iterable[Run], models: Models, earlier: Store | None = None) -> None:
    """Have the models that some runs name in their output: before any of them is played.

    `models`: their contents by digest. `earlier`: a store that may have them already, from which they are linked. Twice
    is harmless, and mends what was damaged or taken away. Raises OutputError where the output cannot be written.
    """
    written = False
    for run, digest in _each(runs):
        data = models[digest]
        file = FileRecord(model_place(run, digest), digest, len(data))
        if not run.folder:
            begin_run(store, run)
        place = staged_model_place(store, run, digest)
        if holds(store, place, file) or (not run.folder and holds(store, file.name, file)):
            continue
        if earlier is not None and holds(earlier, place, file):
            store.link_from(earlier, place, place)
        else:
            store.write_whole(place, [data])
        written = written or bool(run.folder)
    if written:
        store.make_durable([MODEL_FOLDER])


def _each(runs: Iterable[Run]) -> Iterable[tuple[Run, str]]:
    """Each model once, with a run that names it."""
    seen: set[tuple[str, str | None]] = set()
    known: dict[str, Run] = {}
    for run in runs:
        if (run.config_digest, run.policy) in seen:
            continue
        seen.add((run.config_digest, run.policy))
        for digest in run.models:
            known.setdefault(digest, run)
    return ((run, digest) for digest, run in sorted(known.items()))


def read_models(store: Store, run: Run) -> dict[str, bytes]:
    """The models that a run names, by digest. Raises CorruptSampleError where one is gone, or is another's."""
    return {digest: _read(store, run, digest) for digest in run.models}


def _read(store: Store, run: RunRef, digest: str) -> bytes:
    places = {staged_model_place(store, run, digest), model_place(run, digest)}
    for place in sorted(places):  # what is staged first: it may be published while we look
        try:
            data = store.read(place, MOST_MODEL_BYTES)
        except (FileNotFoundError, OversizedError):
            continue
        if sha256_hex(data) == digest:
            return data
    raise CorruptSampleError(
        f"{store}: the model {digest[:SHORT_DIGEST]} of {run.label()} is gone; run the same command again"
    )
