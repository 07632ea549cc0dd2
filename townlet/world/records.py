"""Groups of columns as one array of records: `agents.wallet[i]` reads as columns do, and a kernel is handed one array.

A kernel that takes a dozen columns takes a dozen arrays, seven words each; handing them on from rule to rule cost more
than the rules (measured: five times the compile time, twice the run time).
"""

from __future__ import annotations

from typing import Any, dataclass_transform

import numpy as np


def _make(cls: type, columns: dict[str, Any]) -> np.recarray:
    expected = list(cls.__annotations__)
    if set(columns) != set(expected):
        missing, extra = set(expected) - set(columns), set(columns) - set(expected)
        raise TypeError(
            f"{cls.__name__}: expected the columns {expected}; missing {missing}, unknown {extra}"
        )
    arrays = {name: np.asarray(columns[name]) for name in expected}
    rows = {len(array) for array in arrays.values()}
    if len(rows) != 1:
        raise ValueError(f"{cls.__name__}: expected columns of one length, found {sorted(rows)}")
    # The compiler knows no nested field of booleans: 0 and 1 in bytes read the same.
    kinds = {name: np.uint8 if a.dtype == bool and a.ndim > 1 else a.dtype for name, a in arrays.items()}
    fields = [(name, kinds[name], array.shape[1:]) for name, array in arrays.items()]
    packed = np.zeros(rows.pop(), np.dtype(fields, align=True)).view(np.recarray)
    for name, array in arrays.items():
        packed[name] = array
    return packed


@dataclass_transform(kw_only_default=True)
def columns(cls: type) -> Any:
    """Class decorator: calling the class with one array a column, all of one length, packs them into an aligned
    `np.recarray`. A column of shape [rows, n] becomes a field of n numbers: n is part of the compiled type, so it has
    to be the same for every config.
    """

    def pack(_: type, **given: Any) -> np.recarray:
        return _make(cls, given)

    cls.__new__ = pack  # type: ignore[assignment]
    return cls


def plain(records: Any) -> np.ndarray:
    """The same records, for Python: `plain(agents)["alive"]` is a column, some twenty times faster than attributes."""
    return records.view(np.ndarray)


def column_names(group: Any) -> tuple[str, ...]:
    """The columns of a packed group, or the fields of a NamedTuple of arrays."""
    return group.dtype.names if isinstance(group, np.ndarray) else group._fields
