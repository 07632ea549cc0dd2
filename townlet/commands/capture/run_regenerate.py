"""Regenerating a versioned data set, from Python: keeping it fresh without ever losing the good one.

    plan -> build beside -> verify -> drift gate -> publish -> prune

Until the one atomic step that publishes, the old version is the current one, whatever happens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from townlet import arguments
from townlet.commands.capture.next_version import BuiltVersion, build_next, changes_of, metrics_of
from townlet.commands.capture.run_capture import RunnerOptions
from townlet.console.printing import remark
from townlet.dataset.capture.preflight import check_place
from townlet.dataset.index.index_document import Failure
from townlet.dataset.store.contract import Store
from townlet.dataset.store.lease import raise_if_lost
from townlet.dataset.store.lock import output_lock
from townlet.dataset.store.open_store import open_store
from townlet.dataset.versions.changes import Changes
from townlet.dataset.versions.drift import (
    TOLERANCE,
    Drift,
    check_suites,
    compare_metrics,
    golden_document,
    read_golden,
)
from townlet.dataset.versions.versions import (
    check_versions,
    current_version,
    finish_publishing,
    next_version,
    prune,
    publish,
    remove_version,
    utc_now,
    version_folder,
)
from townlet.notebook import Shown
from townlet.planning.plan import Plan

DRIFTED = 3  # exit code


@dataclass(frozen=True)
class RegenerateOptions:
    """What a regeneration is to do."""

    golden: str | None = None  # the golden metrics file
    tolerance: float = TOLERANCE
    keep: int | None = None  # versions; None: all
    dry_run: bool = False


@dataclass(frozen=True, repr=False)
class RegenerateOutcome(Shown):
    """What it did."""

    changes: Changes
    current: int | None  # the version that is current now
    version: int | None = None  # that was made, or is still to be published; None: nothing had to be done
    published: bool = False
    simulated: int = 0  # runs
    failures: Sequence[Failure] = ()
    drift: Drift | None = None
    pruned: Sequence[int] = ()
    not_pruned: Sequence[str] = ()  # why versions that are old enough were kept all the same

    def _facts(self) -> dict[str, Any]:
        facts = {"current": self.current, "version": self.version, "published": self.published}
        return {**facts, "simulated": self.simulated, "failures": len(self.failures)}

    @property
    def exit_code(self) -> int:
        if self.failures:
            return 1
        return DRIFTED if self.drift is not None and self.drift.beyond else 0


def regenerate(
    planned: Plan,
    output: str,
    runner_options: RunnerOptions,
    options: RegenerateOptions,
    show: Callable[[Changes], None] = lambda changes: None,
) -> RegenerateOutcome:
    """Make and publish the next version, if there is anything to change. See the module's text.

    `show` is called with what changes, before any work. Raises OutputError for what is wrong with the place, UserError
    for the golden file, CorruptSampleError where the new version does not verify, KeyboardInterrupt for Ctrl-C.
    """
    output = arguments.path("regenerate: output", output)
    arguments.number("regenerate: tolerance", options.tolerance, 0)
    if options.keep is not None:
        arguments.whole("regenerate: keep", options.keep, 1)
    golden = _golden(options, planned)
    if options.dry_run:
        store = open_store(output)
        check_place(store, versioned=True)
        check_versions(store)
        changes = changes_of(store, planned)
        show(changes)
        return RegenerateOutcome(
            changes, current_version(store), next_version(store) if changes.any else None
        )
    check_place(open_store(output), versioned=True)
    with output_lock(output):
        store = open_store(output)
        check_versions(store)
        if (said := finish_publishing(store, utc_now())) and not runner_options.quiet:
            remark(f"note: {said}")
        changes = changes_of(store, planned)
        show(changes)
        if not changes.any:
            _remove_unpublished(store)
            return _pruned(RegenerateOutcome(changes, current_version(store)), store, options)
        built = build_next(store, planned, changes, runner_options)
        outcome = _judged(
            RegenerateOutcome(changes, current_version(store), built.version), built, planned, golden, options
        )
        if outcome.exit_code:
            return outcome
        raise_if_lost()
        publish(store, built.version)
        finish_publishing(store, utc_now())
        return _pruned(replace(outcome, current=built.version, published=True), store, options)


def _golden(options: RegenerateOptions, planned: Plan) -> dict[str, Any] | None:
    """The golden file, read before any work."""
    if options.golden is None:
        return None
    golden = read_golden(options.golden)
    check_suites(options.golden, golden, planned.suites)
    return golden


def _judged(
    outcome: RegenerateOutcome,
    built: BuiltVersion,
    planned: Plan,
    golden: dict[str, Any] | None,
    options: RegenerateOptions,
) -> RegenerateOutcome:
    """With what failed, what was simulated, and how far the metrics have changed."""
    outcome = replace(outcome, failures=built.failures, simulated=built.simulated)
    if golden is None or built.failures:
        return outcome
    now = golden_document(planned.runs, planned.suites, metrics_of(built.store))
    return replace(outcome, drift=compare_metrics(golden, now, options.tolerance))


def _pruned(outcome: RegenerateOutcome, store: Store, options: RegenerateOptions) -> RegenerateOutcome:
    """With the old versions that were removed, and why others were not."""
    if options.keep is None:
        return outcome
    kept: list[str] = []
    gone = prune(store, options.keep, utc_now(), lambda why: kept.append(str(why)))
    return replace(outcome, pruned=gone, not_pruned=kept)


def _remove_unpublished(store: Store) -> None:
    """What was begun for a suite that has been put back since."""
    version = next_version(store)
    if any(True for _ in store.list(version_folder(version))):
        remove_version(store, version)
