"""Which captures, data sets and versions there are in a place. No sample is read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from townlet.dataset.format.manifest import MANIFEST_SUFFIX
from townlet.dataset.format.paths import INDEX, POINTER, RUNS
from townlet.dataset.index.read_index import read_index
from townlet.dataset.reading.capture import read_capture
from townlet.dataset.store.contract import Store
from townlet.dataset.store.local import LocalStore
from townlet.dataset.store.open_store import expect_folder, open_store
from townlet.dataset.store.own_files import read_log
from townlet.dataset.versions.history import history_of
from townlet.dataset.versions.versions import current_version, is_versioned
from townlet.errors import CorruptSampleError, OutputError, UserError
from townlet.escaping import shown

NOTHING: dict[str, Any] = {"runs": None, "samples": None, "size": None, "finished": None, "note": ""}


def facts_of_place(place: str) -> dict[str, Any]:
    """The versions of a versioned data set; else the output that the place is itself, or those in its folders.

    Raises UserError where there is none.
    """
    store = open_store(place)
    expect_folder(store, place)
    if store.size(INDEX) is None and is_versioned(store):
        return {"place": str(store), "current": current_version(store), "versions": list(_versions(store))}
    own = _output(store, os.path.basename(str(store).rstrip("/")))
    outputs = [own] if own is not None else list(_outputs_below(store))
    if not outputs:
        raise UserError(
            f"{shown(place)}: holds no capture and no data set, nor does a folder in it; "
            "`townlet list` without a place shows what is shipped"
        )
    return {"place": str(store), "itself": own is not None, "outputs": outputs}


def _versions(store: Store) -> Iterator[dict[str, Any]]:
    for one in history_of(store):
        facts = one.facts
        yield {
            "version": one.version,
            "state": one.state,
            "finished": one.finished,
            "runs": None if facts is None else facts.run_count,
            "samples": None if facts is None else facts.sample_count,
            "size": None if facts is None else facts.size,
            "why": one.why,
        }


def _outputs_below(store: Store) -> Iterator[dict[str, Any]]:
    """Of each folder in a place, one level deep."""
    if isinstance(store, LocalStore):
        names = store.folders()
    else:
        names = sorted({file.name.split("/")[0] for file in store.list() if "/" in file.name})
    for name in names:
        found = _output(store.below(name), name)
        if found is not None:
            yield found


def _output(store: Store, name: str) -> dict[str, Any] | None:
    """What is in one folder; None where it is nothing of Townlet's."""
    log = read_log(store)
    facts = {"name": name, **NOTHING, "finished": None if log is None else log.finished}
    kind = "capture"
    try:
        if store.kind(INDEX) is not None:
            kind = "data set"
            index = read_index(store).facts
            note = "" if index.complete else "not complete"
            if index.failure_count:
                note = f"{index.failure_count} failed"
            counted = {
                "runs": index.run_count,
                "samples": index.sample_count,
                "size": index.size,
                "note": note,
            }
            return {**facts, "kind": "data set", **counted}
        if store.kind(POINTER) is not None or is_versioned(store):
            kind = "versions"
            return _versioned(store, facts)
        return _capture(store, facts)
    except (CorruptSampleError, OutputError, FileNotFoundError) as error:
        note = f"damaged: {str(error).removeprefix(f'{store}: ')}"
        return {**facts, "kind": kind, "note": note}


def _versioned(store: Store, facts: dict[str, Any]) -> dict[str, Any]:
    history = list(history_of(store))
    current = next((one for one in history if one.state == "current"), None)
    note = f"{len(history)} versions" if len(history) != 1 else "1 version"
    note += f", {current.version} is current" if current is not None else ", none is current"
    if current is None or current.facts is None:
        return {**facts, "kind": "versions", "note": note}
    of = current.facts
    counted = {
        "runs": of.run_count,
        "samples": of.sample_count,
        "size": of.size,
        "finished": current.finished,
    }
    return {**facts, "kind": "versions", **counted, "note": note}


def _capture(store: Store, facts: dict[str, Any]) -> dict[str, Any] | None:
    manifests = [file.name for file in store.list(deep=False) if file.name.endswith(MANIFEST_SUFFIX)]
    if not manifests:
        begun = any(True for _ in store.list(RUNS))
        return (
            {**facts, "kind": "data set", "note": "not indexed: a capture was interrupted"} if begun else None
        )
    captures = [read_capture(store, "", name) for name in manifests]
    sums = [sum(capture.metadata[key] for capture in captures) for key in ("sample_count", "size")]
    first = captures[0].metadata
    note = f"{first.get('scenario_name') or first.get('config_id')}, seed {first['seed']}"
    note = note if len(captures) == 1 else f"{len(captures)} captures"
    return {
        **facts, "kind": "capture", "runs": len(captures), "samples": sums[0], "size": sums[1], "note": note,
    }  # fmt: skip
