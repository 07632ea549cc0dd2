"""How compiled code reads and writes one element of an array: an address, and no detour.

Numba's own way builds the array in memory at every access and leaves it to the optimiser to take it apart again: that
was half of all instructions that it wrote. What is not one element (a row, a slice) still goes Numba's way, and so does
everything while indices are checked.
"""

from __future__ import annotations

import operator
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.imputils import Registry
from numba.cpython import slicing
from numba.np import arrayobj

lowering = Registry("townlet elements")


def _indices(builder: Any, kind: Any, index: Any) -> list[tuple[Any, Any]]:
    """The types and values of an index."""
    if isinstance(kind, types.BaseTuple):
        kinds: Any = kind
        return list(zip(kinds.types, cgutils.unpack_tuple(builder, index, len(kinds)), strict=True))
    return [(kind, index)]


def _is_element(context: Any, array: types.Array, index: list[tuple[Any, Any]]) -> bool:
    return (
        not context.enable_boundscheck
        and len(index) == array.ndim
        and all(isinstance(kind, types.Integer) for kind, _ in index)
    )


def part(
    context: Any, builder: Any, kind: types.Array, array: Any, name: str, axis: int | None = None
) -> Any:
    """A number of an array: `data`, or an axis of `shape` or `strides`."""
    position = context.data_model_manager[kind].get_field_position(name)
    return builder.extract_value(array, position if axis is None else [position, axis])


def _address(context: Any, builder: Any, kind: types.Array, array: Any, index: list[tuple[Any, Any]]) -> Any:
    """Where an element stands. As Numba has it, a negative index counts from the end."""
    at = []
    for axis, (index_kind, value) in enumerate(index):
        if index_kind.signed:
            value = context.cast(builder, value, index_kind, types.intp)
            if not _is_known_positive(value):
                value = slicing.fix_index(builder, value, part(context, builder, kind, array, "shape", axis))
        else:
            value = context.cast(builder, value, index_kind, types.uintp)
        at.append(value)
    data = part(context, builder, kind, array, "data")
    if kind.layout == "C":
        place = at[0]
        for axis, value in enumerate(at[1:], 1):
            length = part(context, builder, kind, array, "shape", axis)
            place = builder.add(builder.mul(place, length), value)
        return builder.gep(data, [place], inbounds=True)
    start = builder.bitcast(data, cgutils.voidptr_t)
    for axis, value in enumerate(at):
        stride = part(context, builder, kind, array, "strides", axis)
        start = builder.gep(start, [builder.mul(value, stride)], inbounds=True)
    return builder.bitcast(start, data.type)


def _is_known_positive(value: Any) -> bool:
    return isinstance(value, ir.Constant) and value.constant >= 0


@lowering.lower(operator.getitem, types.Array, types.Integer)
@lowering.lower(operator.getitem, types.Array, types.BaseTuple)
def _get(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    kind, index_kind = sig.args
    index = _indices(builder, index_kind, args[1])
    if not _is_element(context, kind, index):
        numbas = (
            arrayobj.getitem_array_tuple
            if isinstance(index_kind, types.BaseTuple)
            else arrayobj.getitem_arraynd_intp
        )
        return numbas(context, builder, sig, args)
    return arrayobj.load_item(context, builder, kind, _address(context, builder, kind, args[0], index))


@lowering.lower(operator.setitem, types.Array, types.Any, types.Any)
def _set(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    kind, index_kind, value_kind = sig.args
    if isinstance(index_kind, types.Integer | types.BaseTuple):
        index = _indices(builder, index_kind, args[1])
        if _is_element(context, kind, index):
            value = context.cast(builder, args[2], value_kind, kind.dtype)
            place = _address(context, builder, kind, args[0], index)
            return arrayobj.store_item(context, builder, kind, value, place)
    return arrayobj.setitem_array(context, builder, sig, args)


@lowering.lower_getattr(types.Array, "shape")
def _shape(context: Any, builder: Any, kind: types.Array, array: Any) -> Any:
    return part(context, builder, kind, array, "shape")
