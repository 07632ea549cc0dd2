"""How many of the planned seeds differ: said where it is known, before anything is played."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from townlet.config.load import Resolved
from townlet.config.seeds import every_seed_differs, nothing_drawn
from townlet.dataset.index.populations import Seeds, distinct_seeds
from townlet.dataset.status.known_index import KnownIndex
from townlet.dataset.status.status import RunStatus, StatusOfRun
from townlet.errors import ConfigError
from townlet.planning.plan import Plan
from townlet.run import RunRef


def known_seeds(planned: Plan, index: KnownIndex, statuses: Sequence[StatusOfRun]) -> dict[str, Seeds | None]:
    """Of each scenario that is planned with several seeds: from the index where all of them are captured; one where
    nothing is drawn, and all where every start is another; None where nobody can know before they are played.
    """
    if not planned.is_data_set:
        return {}
    by_name: dict[str, list[tuple[RunRef, StatusOfRun]]] = {}
    for run, status in zip(planned.runs, statuses, strict=True):
        by_name.setdefault(run.name, []).append((run, status))
    several = {name: some for name, some in sorted(by_name.items()) if len(some) > 1}
    return {name: _known(some, index, planned.configs) for name, some in several.items()}


def _known(
    some: Sequence[tuple[RunRef, StatusOfRun]], index: KnownIndex, configs: Mapping[str, str]
) -> Seeds | None:
    """Of the runs of one scenario."""
    if all(status.status is RunStatus.INDEXED for _, status in some):
        entries = [index.entry(run.name, run.seed) for run, _ in some]
        (seeds,) = distinct_seeds(entry for entry in entries if entry is not None).values()
        return seeds
    first = some[0][0]
    try:
        resolved = Resolved.from_json_dict(json.loads(configs[first.config_digest]))
    except ConfigError:  # whatever it is, the run itself will say it
        return None
    if nothing_drawn(resolved, first.policy, ignore_schedules=first.ignore_schedules):
        return Seeds(len(some), 1)
    return Seeds(len(some), len(some)) if every_seed_differs(resolved) else None
