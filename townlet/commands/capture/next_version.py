"""The next version of a versioned data set, built beside the current one and not published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from townlet.commands.capture.run_capture import RunnerOptions, capture_into
from townlet.console.formatting import count, size
from townlet.console.printing import remark
from townlet.dataset.capture.models import keep_models
from townlet.dataset.checking.verify import verify_store
from townlet.dataset.index.finish_index import delete_staged_index
from townlet.dataset.index.index_document import Failure
from townlet.dataset.index.metrics_summary import parse_figures
from townlet.dataset.index.read_index import read_whole
from townlet.dataset.store.contract import Store
from townlet.dataset.versions.changes import Changes, compare
from townlet.dataset.versions.next_version import carry_over, drop_others, is_finished
from townlet.dataset.versions.versions import current_version, next_version, version_folder
from townlet.errors import CorruptSampleError
from townlet.planning.plan import Plan

MOST_PROBLEMS = 5  # of a version that does not verify; the rest is counted


@dataclass(frozen=True)
class BuiltVersion:
    """A version that is there now. With failures, it is not whole."""

    version: int
    store: Store
    failures: Sequence[Failure] = ()
    simulated: int = 0  # runs


def current_store(store: Store) -> Store | None:
    """The current version, if one has been published."""
    version = current_version(store)
    return None if version is None else store.below(version_folder(version))


def changes_of(store: Store, planned: Plan) -> Changes:
    """What the planned runs change in the current version."""
    return compare(current_store(store), planned.runs, planned.configs)


def build_next(store: Store, planned: Plan, changes: Changes, runner_options: RunnerOptions) -> BuiltVersion:
    """Carry over what is unchanged, capture the rest, and verify the result. The caller holds the lock.

    What an earlier attempt has left is used; a version that is complete already is verified again. Raises
    CorruptSampleError where it does not verify.
    """
    version = next_version(store)
    target, old = store.below(version_folder(version)), current_store(store)
    simulated = 0
    read: list[str] = []
    if is_finished(target, planned.runs, planned.suites):
        delete_staged_index(target)  # its writer may have been killed after its commit
    else:
        drop_others(target, planned.runs)
        keep_models(target, planned.playable(), planned.models, old)
        if old is not None:
            carry_over(old, target, changes.carried, planned.suites)
        outcome = capture_into(planned, target, str(target), runner_options)
        if outcome.failures:
            return BuiltVersion(version, target, outcome.failures)
        simulated = 0 if outcome.already_complete else len(outcome.runs) - outcome.reused
        read = [run.folder for run in outcome.read]
    _verify(target, version, runner_options, read)
    return BuiltVersion(version, target, simulated=simulated)


def metrics_of(store: Store) -> Mapping[str, Any]:
    """The metrics of a data set, as metrics.json has them."""
    _, files = read_whole(store, ["metrics"])
    return parse_figures(files["metrics"], str(store))


def _verify(store: Store, version: int, runner_options: RunnerOptions, read: Sequence[str]) -> None:
    """`read`: folders of runs of which this command has read every file already."""
    report = verify_store(store, already_read=read)
    if not report.ok:
        shown = [f"  {problem}" for problem in report.problems[:MOST_PROBLEMS]]
        more = len(report.problems) - len(shown)
        raise CorruptSampleError(
            f"{store}: version {version} is not what was written, and is not published:",
            *shown,
            *([f"  and {more} more"] if more > 0 else []),
            "remove it, and run the same command again",
        )
    if not runner_options.quiet:
        remark(f"version {version} verified: {count(report.files)} files, {size(report.size)}")
