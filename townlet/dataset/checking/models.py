"""The models that a data set keeps for its runs: there, what their names say, and named by a run."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from townlet.dataset.checking.check_captures import Problem, hashed, not_a_file
from townlet.dataset.format.paths import model_in_name
from townlet.dataset.store.contract import Store
from townlet.policy_text import MODEL_FOLDER, model_file

NOBODYS = "a model that no run names: a capture is under way, or was interrupted; `townlet gc` deletes it"


@dataclass
class CheckedModels:
    """What was found. Names are relative to the data set."""

    files: int = 0
    size: int = 0  # bytes read
    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    own: set[str] = field(default_factory=set)  # files that are models of this data set, damaged or not
    other: list[tuple[str, str]] = field(
        default_factory=list
    )  # SHA-256 of what is not what its name says, by name


def check_models(store: Store, named: Collection[str], unnamed: Iterable[str]) -> CheckedModels:
    """Read the models that runs name by digest, and those among the files that no manifest names."""
    found = CheckedModels()
    for digest in sorted(named):
        _check(store, digest, found)
    for name in unnamed:
        digest = model_in_name(name)
        if digest is None or digest in named or not name.startswith(f"{MODEL_FOLDER}/"):
            continue
        read = hashed(store, name, 0)
        if read is not None and read.sha256 == digest:
            found.own.add(name)
            found.notes.append(Problem("unfinished", name, NOBODYS))
    return found


def _check(store: Store, digest: str, found: CheckedModels) -> None:
    name = f"{MODEL_FOLDER}/{model_file(digest)}"
    found.own.add(name)
    kind = store.kind(name)
    if kind is None:
        found.problems.append(
            Problem(
                "missing",
                name,
                "named by a run; the same capture again puts it back, if it is given the model",
            )
        )
        return
    read = hashed(store, name, 0)
    if read is None:
        found.problems.append(not_a_file(store, name, kind))
        return
    found.files += 1
    found.size += read.size
    if read.sha256 != digest:
        found.problems.append(Problem("damaged", name, "is not the model that its name says"))
        found.other.append((name, read.sha256))
