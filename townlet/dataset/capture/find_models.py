"""The models of a capture's networks, found again: beside it, or in the data set that it is a run of."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from townlet.dataset.format.canonical import sha256_hex
from townlet.dataset.format.paths import RUNS, inside
from townlet.dataset.store.contract import OversizedError, Store
from townlet.dataset.store.local import LocalStore
from townlet.dataset.store.object_store import ObjectStore
from townlet.errors import OutputError
from townlet.policy_text import MODEL_FOLDER, MOST_MODEL_BYTES, SHORT_DIGEST, Models, model_file

_RUN_FOLDER = re.compile(rf"{RUNS}/[^/]+/seed-[0-9]+")


class FoundModels(NamedTuple):
    """The models that a capture names."""

    found: Models  # contents by digest
    missing: tuple[str, ...]  # digests


def find_models(store: Store, folder: str, metadata: Mapping[str, Any]) -> FoundModels:
    """Read what the capture in a folder of a store names. `metadata`: its manifest's.

    What is not there, or is not what its name says, is missing.
    """
    found, missing = {}, []
    for digest in map(str, metadata.get("models", ())):
        data = next(_read(_places(store, folder, str(metadata.get("prefix", "")), digest), digest), None)
        if data is None:
            missing.append(digest)
        else:
            found[digest] = data
    return FoundModels(found, tuple(missing))


def what_is_missing(digest: str, place: str) -> str:
    """What to say of a model that was not found, and where to get it. `place`: the capture's folder."""
    return (
        f"the model {digest[:SHORT_DIGEST]}, which acts in it, is neither beside it nor in its data set: copy "
        f"{MODEL_FOLDER}/{model_file(digest)} of the data set that the run was captured into to {place}"
    )


def _places(store: Store, folder: str, prefix: str, digest: str) -> Iterator[tuple[Store, str]]:
    """Where a model may lie: in its capture, or among those of the data set of which the capture is a run."""
    name = model_file(digest)
    yield store, inside(folder, f"{prefix}_{name}")
    yield store, inside(folder, name)
    yield store, f"{MODEL_FOLDER}/{name}"
    above = None if folder else _data_set_of(store)
    if above is not None:
        yield above, f"{MODEL_FOLDER}/{name}"


def _read(places: Iterator[tuple[Store, str]], digest: str) -> Iterator[bytes]:
    for store, place in places:
        try:
            data = store.read(place, MOST_MODEL_BYTES)
        except (FileNotFoundError, OversizedError, OutputError):
            continue
        if sha256_hex(data) == digest:
            yield data


def _data_set_of(store: Store) -> Store | None:
    """The place of which a store is the folder of a run; None where its name is not that of one."""
    if isinstance(store, LocalStore):
        root = Path(os.path.abspath(store.root))
        parts = root.parts[-3:]
        return LocalStore(root.parents[2]) if _RUN_FOLDER.fullmatch("/".join(parts)) else None
    if isinstance(store, ObjectStore) and re.search(rf"/{_RUN_FOLDER.pattern}$", str(store)):
        return next(islice(store.above(), 2, None), None)
    return None
