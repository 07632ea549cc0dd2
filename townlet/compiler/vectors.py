"""`add_products` as vector code: Numba would have to find it in a loop, and finds less.

Every sum is a lane of a vector in a register, from the first product to the last; the rows of a batch share what is
read of the weights. There is a version for vectors of eight numbers, for processors that have them (AVX2), beside the
plain one: a product is rounded, then a sum, lane by lane (no fused operations), so that both give the same bits.
"""

from __future__ import annotations

import platform
from typing import Any

from llvmlite import ir
from llvmlite.binding import get_host_cpu_features
from numba.core import cgutils, types, typing
from numba.core.imputils import Registry

from townlet.compiler import groups
from townlet.compiler.elements import part
from townlet.compiler.products import LANES, MOST_ROWS, add_products

lowering = Registry("townlet vectors")
_F32, _I64, _I32 = ir.FloatType(), ir.IntType(64), ir.IntType(32)
_HAS_WIDE = platform.machine() in ("x86_64", "AMD64")  # whether there is such a version for this architecture
_NUMBERS, _PLACES = types.Array(types.float32, 1, "C"), types.Array(types.uint64, 1, "C")
_ARGUMENTS = (
    _NUMBERS, types.uint64, _PLACES, _NUMBERS, types.uint64, types.uint64, types.int64, types.boolean, _NUMBERS,
)  # fmt: skip


def has_wide_vectors() -> bool:
    """Whether this processor has vectors of eight float32 numbers that `add_products` can use."""
    return _HAS_WIDE and bool(get_host_cpu_features().get("avx2", False))


@groups.typing.register_global(add_products)  # type: ignore[misc]
class _Typed(typing.templates.ConcreteTemplate):
    cases = (typing.signature(types.none, *_ARGUMENTS),)  # type: ignore[assignment]


@lowering.lower(add_products, *_ARGUMENTS)
def _lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    """Call the version for as many rows as there are, and for the processor."""
    weights, place, factor, sums = (
        part(context, builder, sig.args[n], args[n], "data") for n in (0, 2, 3, 8)
    )
    first, (start, count, rows, wide) = args[1], args[4:8]
    inputs = builder.gep(factor, [builder.mul(start, ir.Constant(_I64, MOST_ROWS))])
    given = (builder.gep(weights, [first]), builder.gep(place, [start]), inputs, count, sums)
    done = builder.append_basic_block("multiplied")
    choice = builder.switch(rows, done)
    for number in range(1, MOST_ROWS + 1):
        block = builder.append_basic_block(f"rows_{number}")
        choice.add_case(ir.Constant(_I64, number), block)
        with builder.goto_block(block):
            if _HAS_WIDE:
                with builder.if_else(cgutils.as_bool_bit(builder, wide)) as (then, otherwise):
                    with then:
                        builder.call(_version(builder.module, number, 8), given)
                    with otherwise:
                        builder.call(_version(builder.module, number, 4), given)
            else:
                builder.call(_version(builder.module, number, 4), given)
            builder.branch(done)
    builder.position_at_end(done)
    return context.get_dummy_value()


def _version(module: Any, rows: int, width: int) -> Any:
    """The function for so many rows, with vectors of `width` numbers."""
    name = f"townlet.add_products.{rows}.{width}"
    if name in module.globals:
        return module.globals[name]
    numbers, places = _F32.as_pointer(), _I64.as_pointer()
    function = ir.Function(
        module, ir.FunctionType(ir.VoidType(), [numbers, places, numbers, _I64, numbers]), name
    )
    function.linkage = "internal"
    if width == 8:
        set.add(function.attributes, '"target-features"="+avx2"')  # llvmlite knows only names without a value
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    for lane in range(0, LANES, 2 * width):
        _sum(builder, function.args, rows, width, lane)
    builder.ret_void()
    return function


def _sum(builder: Any, args: Any, rows: int, width: int, lane: int) -> None:
    """Two vectors of outputs, from `lane` on, of each row: a loop over the inputs."""
    weights, place, factor, count, sums = args
    before = builder.block
    lanes = (lane, lane + width)
    biases = [_load(builder, weights, ir.Constant(_I64, at), width) for at in lanes]
    check, body, after = (builder.append_basic_block(name) for name in ("check", "body", "after"))
    builder.branch(check)
    builder.position_at_end(check)
    k = builder.phi(_I64)
    k.add_incoming(ir.Constant(_I64, 0), before)
    total = [[builder.phi(bias.type) for bias in biases] for _ in range(rows)]
    for row in total:
        for phi, bias in zip(row, biases, strict=True):
            phi.add_incoming(bias, before)
    builder.cbranch(builder.icmp_unsigned("<", k, count), body, after)
    builder.position_at_end(body)
    start = builder.add(builder.load(builder.gep(place, [k])), ir.Constant(_I64, LANES))
    read = [_load(builder, weights, builder.add(start, ir.Constant(_I64, at)), width) for at in lanes]
    first = builder.mul(k, ir.Constant(_I64, MOST_ROWS))
    for r, row in enumerate(total):
        number = builder.load(builder.gep(factor, [builder.add(first, ir.Constant(_I64, r))]))
        spread = _spread(builder, number, width)
        for phi, weight in zip(row, read, strict=True):
            phi.add_incoming(builder.fadd(phi, builder.fmul(weight, spread)), body)
    k.add_incoming(builder.add(k, ir.Constant(_I64, 1)), body)
    builder.branch(check)
    builder.position_at_end(after)
    for r, row in enumerate(total):
        for at, phi in zip(lanes, row, strict=True):
            _store(builder, phi, sums, ir.Constant(_I64, r * LANES + at), width)


def _vector_at(builder: Any, numbers: Any, at: Any, width: int) -> Any:
    return builder.bitcast(builder.gep(numbers, [at]), ir.VectorType(_F32, width).as_pointer())


def _load(builder: Any, numbers: Any, at: Any, width: int) -> Any:
    return builder.load(_vector_at(builder, numbers, at, width), align=4)


def _store(builder: Any, vector: Any, numbers: Any, at: Any, width: int) -> None:
    builder.store(vector, _vector_at(builder, numbers, at, width), align=4)


def _spread(builder: Any, number: Any, width: int) -> Any:
    """A vector with one number in every lane."""
    kind = ir.VectorType(_F32, width)
    one = builder.insert_element(ir.Constant(kind, ir.Undefined), number, ir.Constant(_I32, 0))
    lanes = ir.Constant(ir.VectorType(_I32, width), [0] * width)
    return builder.shuffle_vector(one, ir.Constant(kind, ir.Undefined), lanes)
