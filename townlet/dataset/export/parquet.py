"""Data sets as Parquet, for those who query rather than train: a file a scenario, a row a timestep.

Features and reward terms are columns of their own and not one list: whoever queries names them, reads only
those, and skips row groups by their minima and maxima. Maps and action masks, which nobody queries, are
fixed-size binary: the array's bytes in C order, with dtype and shape in the schema's metadata (`townlet`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from townlet.arrays import Array
from townlet.dataset.export.new_folder import checked_target, new_folder
from townlet.dataset.format.manifest import safe_name
from townlet.dataset.reading.data_set import DataSet
from townlet.dataset.reading.layouts import Layout
from townlet.run import canonical_json
from townlet.samples import OPTIONAL_ARRAYS, ReplaySample

if TYPE_CHECKING:
    import pyarrow as pa

Watched = Callable[[DataSet], Iterable[ReplaySample]]

EXPORT_VERSION = 1  # of the columns; raised when they change their meaning
ROW_GROUP = 8192  # rows

ARGUMENTS = ("object", "target", "quality")  # of action_args

# Column -> its Arrow type, in the order of the file. Reward terms and features follow, then map and mask.
COLUMNS = {
    "scenario": "string",
    "seed": "int64",
    "agent_id": "string",
    "arrival": "int32",
    "segment": "int32",
    "tick": "int32",
    "action": "int64",  # its id: `action_lookup` of the metadata names it
    **{f"action_{name}": "float32" for name in ARGUMENTS},  # -1 = none
    "log_prob": "float32",
    "value": "float32",  # of what was seen before acting
    "next_value": "float32",  # of what is seen afterwards: in a life's last row the bootstrap value
    "reward": "float32",
    "done": "bool",
    "position_x": "int16",
    "position_y": "int16",
    "blocked": "bool",  # a schedule's label: the attempt is expected to be refused
    "off_mask": "bool",  # the mask that was seen did not allow the action
}


class Exported(NamedTuple):
    """One file that was written."""

    path: Path
    rows: int
    size: int  # bytes


def export_parquet(
    data_set: DataSet,
    output: str | os.PathLike[str],
    watched: Watched = iter,
) -> list[Exported]:
    """Write `<scenario>.parquet` for each scenario into a new folder, all at once or not at all.

    Rows are in the order of the index, in row groups of 8,192; the same samples give the same bytes. Each
    scenario's samples are gone through by `watched`. Memory: a sample and a row group. Raises OutputError where
    something of this name is there already or cannot be written, LayoutError where a scenario has two layouts.
    """
    target = checked_target("export_parquet", data_set, output)
    for name in data_set.scenarios:
        _file_name(name)  # before any work
    layouts = {name: data_set.filter(scenario=name).layout for name in data_set.scenarios}
    written = []
    with new_folder(target) as folder:
        for name, layout in layouts.items():
            chosen = data_set.filter(scenario=name).in_order()
            path = folder / _file_name(name)
            rows = _write(chosen, layout, path, watched)
            written.append(Exported(target / path.name, rows, path.stat().st_size))
    return written


def _file_name(scenario: str) -> str:
    """Of a scenario's table. Names are checked when they are read; here a path is made of one, so once more.

    Raises OutputError for a name that would lead out of the folder.
    """
    return f"{safe_name(scenario, 'scenario')}.parquet"


def schema_of(layout: Layout, scenario: str) -> pa.Schema:
    """Columns and metadata of a scenario's file."""
    import pyarrow as pa

    rows, columns = layout.window
    map_shape = (len(layout.map_channels), rows, columns)
    kinds = [
        *((name, pa.type_for_alias(kind)) for name, kind in COLUMNS.items()),
        *((f"reward_{name}", pa.float32()) for name in layout.reward_term_names),
        *((f"feature_{name}", pa.float32()) for name in layout.feature_names),
        ("map", pa.binary(4 * int(np.prod(map_shape)))),
        ("action_mask", pa.binary(len(layout.actions))),
    ]
    facts = {
        "export_version": EXPORT_VERSION,
        "scenario": scenario,
        "map": {"dtype": "<f4", "shape": map_shape, "channels": layout.map_channels},
        "action_mask": {"dtype": "|b1", "shape": [len(layout.actions)]},
        "action_lookup": layout.action_lookup,
        "feature_names": layout.feature_names,
        "reward_term_names": layout.reward_term_names,
    }
    fields = [pa.field(name, kind, nullable=False) for name, kind in kinds]
    return pa.schema(fields, metadata={"townlet": canonical_json(facts)})


def _write(data_set: DataSet, layout: Layout, path: Path, watched: Watched) -> int:
    """One scenario's file; returns its rows."""
    import pyarrow.parquet as pq

    schema = schema_of(layout, data_set.scenarios[0])
    queried: Any = [name for name in schema.names if name not in ("map", "action_mask")]
    rows = 0
    with pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        use_dictionary=queried,
        write_statistics=queried,
        write_page_checksum=True,
    ) as writer:
        for group in _row_groups(_tables(data_set, schema, watched)):
            writer.write_table(group, row_group_size=ROW_GROUP)
            rows += group.num_rows
    return rows


def _tables(data_set: DataSet, schema: pa.Schema, watched: Watched) -> Iterator[pa.Table]:
    """The rows of each sample."""
    names = ("scenario", "seed", "agent_id", "arrival", "segment")
    columns = {name: data_set.samples[name] for name in names}  # once: each is picked out of the whole index
    for number, sample in enumerate(watched(data_set)):
        who = {name: column[number] for name, column in columns.items()}
        yield _table(sample, who, schema)


def _table(sample: ReplaySample, who: dict[str, Any], schema: pa.Schema) -> pa.Table:
    import pyarrow as pa

    steps = sample.timesteps
    numbers: list[Array] = [
        sample.tick,
        sample.actions,
        *sample.action_args.T,
        sample.old_log_probs,
        sample.value_preds[:-1],
        sample.value_preds[1:],
        sample.rewards,
        sample.dones,
        *sample.positions.T,
        *(sample.array(name) for name in OPTIONAL_ARRAYS),
        *sample.reward_terms.T,
        *sample.features.T,
    ]
    arrays = [pa.repeat(pa.scalar(value, schema.field(name).type), steps) for name, value in who.items()]
    for array in numbers:
        arrays.append(pa.array(np.ascontiguousarray(array), schema.field(len(arrays)).type))
    for array in (sample.map, sample.action_mask):
        buffer = pa.py_buffer(np.ascontiguousarray(array))
        arrays.append(pa.Array.from_buffers(schema.field(len(arrays)).type, steps, [None, buffer]))
    return pa.Table.from_arrays(arrays, schema=schema)


def _row_groups(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The same rows, ROW_GROUP at a time."""
    import pyarrow as pa

    waiting: list[pa.Table] = []
    count = 0
    for table in tables:
        waiting.append(table)
        count += table.num_rows
        while count >= ROW_GROUP:
            joined = pa.concat_tables(waiting)
            yield joined.slice(0, ROW_GROUP)
            waiting, count = [joined.slice(ROW_GROUP)], count - ROW_GROUP
    if count:
        yield pa.concat_tables(waiting)
