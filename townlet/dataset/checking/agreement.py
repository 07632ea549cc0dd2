"""Whether the files of an index agree with one another and with the captures: rows, figures, counts.

A shard at a time: memory is needed for the table of one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from townlet.arrays import F64
from townlet.dataset.checking.check_captures import Problem, rows_digest
from townlet.dataset.format.paths import INDEX
from townlet.dataset.format.sample_facts import SHARED
from townlet.dataset.index.index_document import NAMES, RunEntry, RunKey
from townlet.dataset.index.metrics_summary import parse_figures
from townlet.dataset.index.metrics_table import SampleRows, metric_columns
from townlet.dataset.index.shard_summaries import ShardSummary
from townlet.errors import CorruptSampleError
from townlet.escaping import shown

METRICS = NAMES["metrics"]
_OVERALL = ""  # no scenario is called so
_CLOSE = 1e-9  # relative; of means, which are added up in another order here


def rows_by_run(rows: SampleRows) -> dict[RunKey, str]:
    """`rows_digest` of each run's rows. Raises CorruptSampleError."""
    columns = [rows.column(name).to_pylist() for name in ("scenario", "seed", *SHARED)]
    by_run: dict[RunKey, list[tuple[Any, ...]]] = {}
    for scenario, seed, *row in zip(*columns, strict=True):
        by_run.setdefault((scenario, seed), []).append(tuple(row))
    return {key: rows_digest(some) for key, some in by_run.items()}


def shard_problem(runs: Iterable[RunEntry], rows: Mapping[RunKey, str], table: str) -> Problem | None:
    """Where a list of runs and the table of their samples are not of the same runs. `table`: its name."""
    keys = {run.key for run in runs if run.sample_count}
    if strange := sorted(set(rows) ^ keys):
        scenario, seed = strange[0]
        message = (
            f"{len(strange)} runs are only in one of it and {INDEX}, {shown(scenario)} seed {seed} among them"
        )
        return Problem("damaged", table, message)
    return None


class FigureCheck:
    """Whether metrics.json says of each figure what the tables of shards say: count, minimum, maximum and mean.

    Shards are added one after the other.
    """

    def __init__(self) -> None:
        self._found: dict[str, _Groups] = {}

    def add(self, scenario: str, rows: SampleRows) -> _Groups:
        """Returns the figures of this shard. Raises CorruptSampleError."""
        mine: _Groups = {}
        for name in metric_columns(rows.names):
            values = rows.figures(name)
            if values.size:
                mine[name] = _Figure.of(values)
        for group in (_OVERALL, scenario):
            known = self._found.setdefault(group, {})
            for name, figure in mine.items():
                known[name] = known[name].joined(figure) if name in known else figure
        return mine

    def problem(self, metrics: bytes, where: str) -> Problem | None:
        """Where metrics.json says something else."""
        try:
            said = parse_figures(metrics, where)
        except CorruptSampleError as error:
            return Problem("damaged", METRICS, str(error).removeprefix(f"{where}: {METRICS}: "))
        groups = {_OVERALL: said["overall"], **said["scenarios"]}
        for group in sorted({*groups, *self._found}):
            mine, theirs = self._found.get(group, {}), groups.get(group, {})
            for name in sorted({*mine, *theirs}):
                if name not in mine or name not in theirs or not mine[name].is_said(theirs[name]):
                    message = (
                        f"{shown(group) or 'overall'}: {shown(name)}: not what the tables say of the samples"
                    )
                    return Problem("damaged", METRICS, message)
        return None


def says_the_same(summary: ShardSummary, found: _Groups) -> bool:
    """Whether the summary of a shard is that of these figures."""
    if summary.figures.keys() != found.keys():
        return False
    return all(
        found[name].is_said(
            {
                "count": sums.count,
                "min": sums.low,
                "max": sums.high,
                "mean": math.fsum(sums.total) / sums.count,
            }
        )
        for name, sums in summary.figures.items()
    )


class _Figure(NamedTuple):
    """Of some values; the sum is rounded."""

    count: int
    total: float
    low: float
    high: float

    @staticmethod
    def of(values: F64) -> _Figure:
        return _Figure(values.size, float(values.sum()), float(values.min()), float(values.max()))

    def joined(self, other: _Figure) -> _Figure:
        low, high = min(self.low, other.low), max(self.high, other.high)
        return _Figure(self.count + other.count, self.total + other.total, low, high)

    def is_said(self, said: Mapping[str, float]) -> bool:
        exact = (said["count"], said["min"], said["max"]) == (self.count, self.low, self.high)
        size = max(abs(self.low), abs(self.high))
        return exact and abs(self.total / self.count - said["mean"]) <= _CLOSE * size


_Groups = dict[str, _Figure]  # by the name of the metric
