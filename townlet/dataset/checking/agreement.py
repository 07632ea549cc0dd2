"""Whether the files of an index agree with one another and with the captures: rows, figures, counts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from townlet.dataset.checking.check_captures import Problem, rows_digest
from townlet.dataset.format.paths import INDEX
from townlet.dataset.format.sample_facts import SHARED
from townlet.dataset.index.index_file import METRICS
from townlet.dataset.index.metrics_summary import metric_columns
from townlet.dataset.index.metrics_table import ROW_GROUP, SAMPLES, RunKey

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

Figures = dict[str, dict[str, Any]]  # name -> count, min, max
_OVERALL = ""  # no scenario is called so
_CLOSE = 1e-9  # relative; of means, which are added up in another order here


def rows_by_run(table: pq.ParquetFile) -> dict[RunKey, str]:
    """`rows_digest` of each run's rows. Memory: a row group, and 100 bytes a run."""
    digests: dict[RunKey, str] = {}
    for key, rows in _runs(table):
        # A run's rows stand together; were they not, its digest would be that of a part: not its manifest's.
        digests[key] = rows_digest(rows)
    return digests


def _runs(table: pq.ParquetFile) -> Iterator[tuple[RunKey, list[tuple[Any, ...]]]]:
    key: RunKey | None = None
    rows: list[tuple[Any, ...]] = []
    for batch in table.iter_batches(ROW_GROUP, columns=["scenario", "seed", *SHARED]):
        columns = [batch.column(name).to_pylist() for name in ("scenario", "seed", *SHARED)]
        for scenario, seed, *row in zip(*columns, strict=True):
            if key != (scenario, seed):
                if key is not None:
                    yield key, rows
                key, rows = (scenario, seed), []
            rows.append(tuple(row))
    if key is not None:
        yield key, rows


def index_problems(
    document: Mapping[str, Any], rows: Mapping[RunKey, str], table: pq.ParquetFile, metrics: bytes
) -> list[Problem]:
    """Where the files of an index do not fit it, or one another."""
    problems = []
    keys = {(entry["scenario"], entry["seed"]) for entry in document["runs"] if entry["sample_count"]}
    if strange := sorted(set(rows) ^ keys):
        scenario, seed = strange[0]
        message = f"{len(strange)} runs are only in one of it and {INDEX}, {scenario} seed {seed} among them"
        problems.append(Problem("damaged", SAMPLES, message))
    if table.metadata.num_rows != document["metadata"]["sample_count"]:
        message = f"expected {document['metadata']['sample_count']} rows, found {table.metadata.num_rows}"
        problems.append(Problem("damaged", SAMPLES, message))
    return problems + _figures_problems(table, metrics)


def _figures_problems(table: pq.ParquetFile, metrics: bytes) -> list[Problem]:
    """Whether metrics.json says of each figure what the rows say: count, minimum, maximum, mean."""
    try:
        said = json.loads(metrics)
        groups = {_OVERALL: said["overall"], **said["scenarios"]}
    except (ValueError, TypeError, KeyError) as error:
        return [Problem("damaged", METRICS, f"not the figures of a data set ({error!r})")]
    found = _figures(table)
    for group in sorted({*groups, *found}):
        names = sorted({*groups.get(group, {}), *found.get(group, {})})
        for name in names:
            mine, theirs = found.get(group, {}).get(name), groups.get(group, {}).get(name)
            if mine is None or theirs is None or not _agree(mine, theirs):
                message = f"{group or 'overall'}: {name}: not what {SAMPLES} says of the samples"
                return [Problem("damaged", METRICS, message)]
    return []


def _agree(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> bool:
    exact = all(mine[key] == theirs.get(key) for key in ("count", "min", "max"))
    size = max(abs(mine["min"]), abs(mine["max"]))
    return exact and abs(mine["sum"] / mine["count"] - theirs.get("mean", 0.0)) <= _CLOSE * size


def _figures(table: pq.ParquetFile) -> dict[str, Figures]:
    """Of all rows (`_OVERALL`) and by scenario, in one pass over the row groups."""
    total: dict[str, Figures] = {}
    for batch in table.iter_batches(ROW_GROUP):
        names = metric_columns(batch.schema.names)
        for scenario, part in _by_scenario(batch):
            for name in names:
                _add(total, (_OVERALL, scenario), name, part.column(name))
    return total


def _by_scenario(batch: pa.RecordBatch) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Parts of one scenario each; rows are sorted by it."""
    first = 0
    for scenario, rows in groupby(batch.column("scenario").to_pylist()):
        length = len(list(rows))
        yield scenario, batch.slice(first, length)
        first += length


def _add(total: dict[str, Figures], groups: Iterable[str], name: str, column: pa.Array) -> None:
    values = column.drop_null().to_numpy(zero_copy_only=False).astype(np.float64)
    if not values.size:
        return
    low, high = float(values.min()), float(values.max())
    for group in groups:
        known = total.setdefault(group, {}).setdefault(
            name, {"count": 0, "sum": 0.0, "min": low, "max": high}
        )
        known["count"] += values.size
        known["sum"] += float(values.sum())
        known["min"], known["max"] = min(known["min"], low), max(known["max"], high)
