"""Groups of arrays as compiled code is handed them: one pointer each.

Numba hands a NamedTuple of arrays over as its bare numbers, five and two more per dimension for every array: several
hundred arguments, packed and unpacked in every kernel, which were nine tenths of the code that it wrote. Here a group
is a block of words in memory that nobody changes while a kernel runs, and what kernels hand on is its address.

A word is 8 bytes. An array takes its address and its lengths, and strides where it is not contiguous; an array of
records its address and the number of rows; a group within a group stands inside its block.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.datamodel import models
from numba.core.imputils import Registry
from numba.core.pythonapi import NativeValue, unbox
from numba.core.typing.templates import AttributeTemplate
from numba.core.typing.templates import Registry as TypingRegistry
from numba.np import arrayobj

WORD = ir.IntType(64)
BYTES = 8
lowering = Registry("townlet groups")
typing = TypingRegistry()


class Group(types.NamedTuple):
    """A NamedTuple of arrays and of such tuples."""


class Records(types.Type):
    """A one-dimensional array of records: `group.column` is a column of it."""

    def __init__(self, array: types.Array):
        self.array = array
        self.record: Any = array.dtype
        super().__init__(f"Records({array})")

    @property
    def key(self) -> types.Array:
        return self.array

    def column(self, name: str) -> types.Array:
        """The type of a column: the record's rows first, then what a field of several numbers adds."""
        field = self.record.typeof(name)
        if isinstance(field, types.NestedArray):
            return self.array.copy(dtype=field.dtype, ndim=1 + field.ndim, layout="A")
        return self.array.copy(dtype=field, layout="A")


def inside(kind: types.Type) -> types.Type:
    """What compiled code takes for a value that Numba finds to be of `kind`."""
    if isinstance(kind, types.NamedUniTuple):
        kind = types.NamedTuple((kind.dtype,) * kind.count, kind.instance_class)
    if isinstance(kind, types.NamedTuple):
        return Group(tuple(inside(member) for member in kind.types), kind.instance_class)
    if isinstance(kind, types.Array) and isinstance(kind.dtype, types.Record) and kind.ndim == 1:
        return Records(kind)
    return kind


@cache
def words(kind: Any) -> int:
    """How many words a member takes."""
    if isinstance(kind, Group):
        return sum(map(words, kind.types))
    if isinstance(kind, Records):
        return 2
    return 1 + kind.ndim * (1 if kind.layout == "C" else 2)


class _BlockModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: types.Type):
        super().__init__(manager, kind, _block(kind))


def _block(kind: Any) -> Any:
    """The type of a block's address."""
    return ir.ArrayType(WORD, words(kind)).as_pointer()


def describe_arguments(function: Any) -> None:
    """Tell the optimiser of a compiled function what it can rely on where a block is handed in."""
    for argument in function.args:
        block = getattr(argument.type, "pointee", None)
        if isinstance(block, ir.ArrayType):
            argument.attributes.dereferenceable = BYTES * block.count
            for promise in ("noalias", "nonnull"):
                argument.add_attribute(promise)


MODELS = {Group: _BlockModel, Records: _BlockModel}


@typing.register_attr
class _Columns(AttributeTemplate):
    key = Records

    def generic_resolve(self, typ: Records, attr: str) -> types.Array | None:
        return typ.column(attr) if attr in typ.record.fields else None


def _word(builder: Any, block: Any, index: int) -> Any:
    """The address of a word."""
    return builder.gep(
        block, [ir.Constant(ir.IntType(32), 0), ir.Constant(ir.IntType(32), index)], inbounds=True
    )


def _constant(builder: Any, address: Any) -> Any:
    """Load what nobody changes while a kernel runs: the optimiser may do so once, before a loop."""
    loaded = builder.load(address)
    loaded.set_metadata("invariant.load", builder.module.add_metadata([]))
    return loaded


def _array(context: Any, builder: Any, kind: types.Array, data: Any, shape: list, strides: list) -> Any:
    """An array as Numba has it, of no owner: its numbers."""
    value = ir.Constant(context.get_value_type(kind), None)
    size = ir.Constant(WORD, context.get_abi_sizeof(context.get_data_type(kind.dtype)))
    count = shape[0]
    for length in shape[1:]:
        count = builder.mul(count, length)
    model = context.data_model_manager[kind]
    for name, part in (("nitems", count), ("itemsize", size), ("data", data)):
        value = builder.insert_value(value, part, model.get_field_position(name))
    for name, parts in (("shape", shape), ("strides", strides)):
        for axis, part in enumerate(parts):
            value = builder.insert_value(value, part, [model.get_field_position(name), axis])
    return value


def _data(context: Any, builder: Any, kind: types.Array, block: Any, offset: int = 0) -> Any:
    """The address of an array's first number, `offset` bytes behind what stands in the block."""
    start = _constant(builder, builder.bitcast(block, cgutils.voidptr_t.as_pointer()))
    if offset:
        start = builder.gep(start, [ir.Constant(WORD, offset)], inbounds=True)
    return builder.bitcast(start, context.get_data_type(kind.dtype).as_pointer())


def _read_array(context: Any, builder: Any, kind: types.Array, block: Any) -> Any:
    shape = [_constant(builder, _word(builder, block, 1 + axis)) for axis in range(kind.ndim)]
    if kind.layout == "C":
        stride = ir.Constant(WORD, context.get_abi_sizeof(context.get_data_type(kind.dtype)))
        strides = [stride]
        for length in reversed(shape[1:]):
            strides.insert(0, builder.mul(strides[0], length))
    else:
        strides = [
            _constant(builder, _word(builder, block, 1 + kind.ndim + axis)) for axis in range(kind.ndim)
        ]
    return _array(context, builder, kind, _data(context, builder, kind, block), shape, strides)


def _member(context: Any, builder: Any, typ: Group, block: Any, index: int) -> Any:
    kind = typ.types[index]
    place = builder.bitcast(_word(builder, block, sum(map(words, typ.types[:index]))), _block(kind))
    return place if isinstance(kind, Group | Records) else _read_array(context, builder, kind, place)


@lowering.lower_getattr_generic(Group)
def _get_member(context: Any, builder: Any, typ: Group, block: Any, attr: str) -> Any:
    return _member(context, builder, typ, block, typ.fields.index(attr))


@lowering.lower("static_getitem", Group, types.IntegerLiteral)
def _get_item(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    block, index = args
    return _member(context, builder, sig.args[0], block, index)


@lowering.lower_getattr_generic(Records)
def _get_column(context: Any, builder: Any, typ: Records, block: Any, attr: str) -> Any:
    record, kind = typ.record, typ.column(attr)
    field = record.typeof(attr)
    shape, strides = [_constant(builder, _word(builder, block, 1))], [ir.Constant(WORD, record.size)]
    if isinstance(field, types.NestedArray):
        shape += [ir.Constant(WORD, length) for length in field.shape]
        strides += [ir.Constant(WORD, stride) for stride in field.strides]
    return _array(
        context, builder, kind, _data(context, builder, kind, block, record.offset(attr)), shape, strides
    )


@unbox(Group)
@unbox(Records)
def _unbox(kind: Any, value: Any, c: Any) -> NativeValue:
    """Write the block of a group that Python hands in, for the time of the call."""
    block = cgutils.alloca_once(c.builder, _block(kind).pointee)
    failed = _fill(kind, value, block, c)
    return NativeValue(block, is_error=failed)


def _fill(kind: Any, value: Any, block: Any, c: Any) -> Any:
    if isinstance(kind, Group):
        failed, at = cgutils.false_bit, 0
        for index, member in enumerate(kind.types):
            item = c.pyapi.tuple_getitem(value, index)
            place = c.builder.bitcast(_word(c.builder, block, at), _block(member))
            failed = c.builder.or_(failed, _fill(member, item, place, c))
            at += words(member)
        return failed
    array = kind.array if isinstance(kind, Records) else kind
    native = arrayobj.make_array(array)(c.context, c.builder)
    code = c.pyapi.numba_array_adaptor(value, c.builder.bitcast(native._getpointer(), c.pyapi.voidptr))
    data = c.builder.bitcast(native.data, cgutils.voidptr_t)
    c.builder.store(data, c.builder.bitcast(block, cgutils.voidptr_t.as_pointer()))
    rest = cgutils.unpack_tuple(c.builder, native.shape)
    if isinstance(kind, types.Array) and kind.layout != "C":
        rest += cgutils.unpack_tuple(c.builder, native.strides)
    for index, number in enumerate(rest):
        c.builder.store(number, _word(c.builder, block, 1 + index))
    return cgutils.is_not_null(c.builder, code)
