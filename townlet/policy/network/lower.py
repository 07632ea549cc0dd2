"""From the graph of a network to its program: where it is made of what trainers of such networks use.

That is: flatten and other reshapes of a row, plus, minus, times and divided by constants, clip, concatenation, Gemm,
MatMul, ReLU, tanh, and what exporters write around them (identities, casts, shapes that are computed from the batch's
size). Logits may be filled where the mask forbids: whoever samples does it again. What is computed twice is written
once. Products and sums are those of the graph, but for two things: x / c becomes x * (1 / c), and a bias is added
before the products instead of after them.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from townlet.arrays import F32
from townlet.policy.network.graph.folding import MOST_NUMBERS, CannotFold, axes_of, fold
from townlet.policy.network.graph.graph import OUTPUTS, Graph, Node
from townlet.policy.network.graph.sizes import Sizes, new_row_shape, sizes_of, slice_of
from townlet.policy.network.graph.tensors import BOOL, FLOAT32
from townlet.policy.network.program import Program, ProgramBuilder

MOST_SCRATCH = 1_000_000  # numbers of a row
NUMBERS, MASK, NOT_MASK = range(3)  # what a stretch holds

Parts = Sequence[tuple[int, int]]  # (offset, size) of stretches, one behind the other


class NotCompiled(Exception):
    """The graph has something else in it; the text says what."""


class Wiring(NamedTuple):
    """Where a network's inputs stand in the scratch, and its outputs in the actions of whoever asks."""

    inputs: Mapping[str, Parts]  # by the input's name
    logits: Parts | None = None  # which of the network's logits are wanted, in which order; None = all


class Stretch(NamedTuple):
    """Numbers of a row, behind one another in the scratch: a tensor without its first axis, the batch."""

    offset: int
    shape: tuple[int, ...]
    holds: int = NUMBERS
    filled: bool = False  # where the mask forbids, the graph has other numbers

    @property
    def size(self) -> int:
        return math.prod(self.shape)


class Product(NamedTuple):
    """x @ weight that is not written yet: an addition may follow."""

    source: Stretch
    weight: str  # key of the constant


Value = np.ndarray | Stretch | Product | Sizes


def lower(graph: Graph, builder: ProgramBuilder, wiring: Wiring) -> Program:
    """The network as a program. Raises NotCompiled where something else is in it than this file knows."""
    logits, value = trace(graph, builder, wiring)
    try:
        wanted = logits.offset
        if wiring.logits is not None:
            wanted = builder.copy([(logits.offset + offset, size) for offset, size in wiring.logits])
        return builder.build(wanted, value.offset)
    except ValueError as error:
        raise NotCompiled(str(error)) from None


def trace(graph: Graph, builder: ProgramBuilder, wiring: Wiring) -> tuple[Stretch, Stretch]:
    """Write the network; where its logits and its value stand. Raises NotCompiled."""
    lowering = _Lowering(graph, builder, wiring)
    try:
        for node in _needed(graph):
            lowering.node(node)
        logits, value = (lowering.finished(lowering.values[name]) for name in OUTPUTS)
    except ValueError as error:  # of the builder
        raise NotCompiled(str(error)) from None
    if len(logits.shape) != 1 or value.filled or value.shape not in ((), (1,)):
        raise NotCompiled(f"logits of shape (B, {logits.shape}) and a value of shape (B, {value.shape})")
    return logits, value


def _needed(graph: Graph) -> list[Node]:
    """The nodes on the way to what is wanted."""
    wanted: set[str] = set(OUTPUTS)
    found: list[Node] = []
    for node in reversed(graph.nodes):
        if not wanted.isdisjoint(node.outputs):
            wanted.update(node.inputs)
            found.append(node)
    return found[::-1]


class _Lowering:
    def __init__(self, graph: Graph, builder: ProgramBuilder, wiring: Wiring):
        self._graph, self._builder = graph, builder
        self._keys: dict[int, str] = {}  # of constants, by identity: all of them live as long as this
        self._constants: dict[str, np.ndarray] = {}
        self._made: dict[Any, Value] = {}
        self._numbers = self._scratch = 0
        self.values: dict[str, Value] = dict(graph.constants)
        for name, shape in graph.inputs.items():
            offset = builder.copy(wiring.inputs[name])
            self.values[name] = Stretch(offset, shape, MASK if name == "mask" else NUMBERS)

    def node(self, node: Node) -> None:
        """Write one node, unless the same was written before."""
        operands = [self.values[name] if name else None for name in node.inputs]
        if any(name and index for index, name in enumerate(node.outputs)):
            raise NotCompiled(f"{node.operator} with several outputs")
        key = (node.operator, repr(sorted(node.attributes.items())), *map(self._key, operands))
        if key not in self._made:
            self._made[key] = self._computed(node, operands)
        self.values[node.outputs[0]] = self._made[key]

    def _key(self, value: Value | None) -> Any:
        """The same for what is the same."""
        if not isinstance(value, np.ndarray):
            return value
        if id(value) not in self._keys:
            content = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
            self._keys[id(value)] = key = f"{value.dtype} {value.shape} {content}"
            self._constants.setdefault(key, value)
        return self._keys[id(value)]

    def _computed(self, node: Node, operands: list[Value | None]) -> Value:
        constants = [each for each in operands if isinstance(each, np.ndarray)]
        if constants and len(constants) == sum(each is not None for each in operands):
            try:
                result = fold(node, operands, self._graph.opset)  # pyright: ignore[reportArgumentType]
            except CannotFold:
                raise NotCompiled(f"{node.operator} of constants") from None
            self._count(numbers=result.size)
            return result
        rule = _RULES.get(node.operator)
        if rule is None:
            raise NotCompiled(f"the operator {node.operator}")
        try:
            return rule(self, node, operands)
        except (
            LookupError,
            TypeError,
            AttributeError,
            OverflowError,
        ):  # operands that are not there, or others
            raise NotCompiled(f"{node.operator} with other operands than usual") from None

    def _count(self, numbers: int = 0, scratch: int = 0) -> None:
        self._numbers += numbers
        self._scratch += scratch
        if self._numbers > MOST_NUMBERS or self._scratch > MOST_SCRATCH:
            raise NotCompiled(f"more than {MOST_NUMBERS} weights, or {MOST_SCRATCH} numbers on the way")

    def finished(self, value: Value | None) -> Stretch:
        """A stretch of numbers, written; it may be filled where the mask forbids."""
        if isinstance(value, Product):
            weight = self._constants[value.weight]
            return self._dense(value.source, weight, np.zeros(weight.shape[1], np.float32), value)
        if not isinstance(value, Stretch) or value.holds != NUMBERS:
            raise NotCompiled("something else than numbers of a row")
        return value

    def _row(self, value: Value | None) -> Stretch:
        found = self.finished(value)
        if found.filled:
            raise NotCompiled("an operation on logits that are filled where the mask forbids")
        return found

    def _dense(self, source: Stretch, weight: F32, bias: F32, key: Any) -> Stretch:
        if key not in self._made:
            self._count(numbers=weight.size + bias.size, scratch=bias.size)
            offset = self._builder.dense(source.offset, weight, bias)
            self._made[key] = Stretch(offset, (weight.shape[1],))
        return self._made[key]  # pyright: ignore[reportReturnType]

    def _affine(self, source: Stretch, scale: F32, shift: F32) -> Stretch:
        self._count(numbers=2 * source.size, scratch=source.size)
        return Stretch(self._builder.affine(source.offset, scale, shift), source.shape)

    # Rules: one for each operator
    def arithmetic(self, node: Node, operands: list[Value | None]) -> Value:
        first, second = operands
        reversed_ = isinstance(first, np.ndarray)
        value, constant = (second, first) if reversed_ else (first, second)
        if not isinstance(constant, np.ndarray):
            raise NotCompiled(f"{node.operator} of two things that are not constant")
        if node.operator == "Add" and isinstance(value, Product) and value.weight in self._constants:
            weight = self._constants[value.weight]
            bias = _broadcast(constant, (weight.shape[1],))
            return self._dense(value.source, weight, bias, (value, self._key(constant)))
        row = self._row(value)
        numbers = _broadcast(constant, row.shape)
        ones, zeros = np.ones_like(numbers), np.zeros_like(numbers)
        if node.operator == "Add":
            return self._affine(row, ones, numbers)
        if node.operator == "Sub":
            return self._affine(row, -ones if reversed_ else ones, numbers if reversed_ else -numbers)
        if node.operator == "Div" and reversed_:
            raise NotCompiled("a constant divided by something")
        with np.errstate(all="ignore"):
            scale = ones / numbers if node.operator == "Div" else numbers
        if not np.isfinite(scale).all():
            raise NotCompiled("a division by 0")
        return self._affine(row, scale, zeros)

    def negative(self, node: Node, operands: list[Value | None]) -> Value:
        row = self._row(operands[0])
        return self._affine(row, np.full(row.size, -1, np.float32), np.zeros(row.size, np.float32))

    def bounded(self, node: Node, operands: list[Value | None]) -> Value:
        """Clip; Max and Min with a constant."""
        if node.operator == "Clip":
            value = operands[0]
            if self._graph.opset < 11:
                given = [node.attributes.get(name) for name in ("min", "max")]
                ends: list[Any] = [None if end is None else np.float32(end) for end in given]
            else:
                ends = [*operands[1:3], None, None][:2]
        else:
            constants = [each for each in operands if isinstance(each, np.ndarray)]
            (value,) = (each for each in operands if not isinstance(each, np.ndarray))
            (end,) = constants
            ends = [end, None] if node.operator == "Max" else [None, end]
        row = self._row(value)
        least, most = (
            np.full(row.size, endless, np.float32) if end is None else _broadcast(_constant(end), row.shape)
            for end, endless in zip(ends, (-np.inf, np.inf), strict=True)
        )
        self._count(numbers=2 * row.size, scratch=row.size)
        return Stretch(self._builder.clip(row.offset, least, most), row.shape)

    def activation(self, node: Node, operands: list[Value | None]) -> Value:
        row = self._row(operands[0])
        self._count(scratch=row.size)
        write = self._builder.relu if node.operator == "Relu" else self._builder.tanh
        return Stretch(write(row.offset, row.size), row.shape)

    def gemm(self, node: Node, operands: list[Value | None]) -> Value:
        row, given = self._row(operands[0]), _constant(operands[1])
        weight = given.T if node.attributes.get("transB") else given
        if node.attributes.get("transA") or weight.ndim != 2 or row.shape != weight.shape[:1]:
            raise NotCompiled("Gemm with other operands than a row and weights")
        bias = np.zeros(weight.shape[1], np.float32)
        if len(operands) > 2 and operands[2] is not None:
            bias = _broadcast(_constant(operands[2]), bias.shape)
        alpha, beta = (np.float32(node.attributes.get(name, 1)) for name in ("alpha", "beta"))
        self._count(numbers=weight.size, scratch=bias.size)
        with np.errstate(all="ignore"):
            scaled = weight if alpha == 1 else alpha * weight
            terms = bias if beta == 1 else beta * bias
        return Stretch(self._builder.dense(row.offset, scaled, terms), bias.shape)

    def product(self, node: Node, operands: list[Value | None]) -> Value:
        row, weight = self._row(operands[0]), _constant(operands[1])
        if weight.ndim != 2 or row.shape != weight.shape[:1]:
            raise NotCompiled("MatMul with other operands than a row and weights")
        return Product(row, self._key(weight))

    def concatenation(self, node: Node, operands: list[Value | None]) -> Value:
        if any(isinstance(each, Sizes) for each in operands):
            return Sizes(tuple(size for each in operands for size in sizes_of(each)))
        rows = [self._row(each) for each in operands]
        inner, axis = rows[0].shape[1:], node.attributes["axis"] % (len(rows[0].shape) + 1)
        if axis != 1 or any(not row.shape or row.shape[1:] != inner for row in rows):
            raise NotCompiled("Concat along another axis than the second")
        self._count(scratch=sum(row.size for row in rows))
        offset = self._builder.copy([(row.offset, row.size) for row in rows])
        return Stretch(offset, (sum(row.shape[0] for row in rows), *inner))

    def reshaped(self, node: Node, operands: list[Value | None]) -> Value:
        value = operands[0]
        if isinstance(value, Sizes):
            axes = axes_of(node, self._optional(operands, 1), self._graph.opset)
            if node.operator not in ("Squeeze", "Unsqueeze") or (
                axes is not None and axes not in ([0], [-1])
            ):
                raise NotCompiled(f"{node.operator} of sizes")
            return Sizes(value.numbers, scalar=node.operator == "Squeeze")
        row = value if isinstance(value, Stretch) else self._row(value)
        shape = new_row_shape(node, row.shape, self._optional(operands, 1), self._graph.opset)
        if shape is None or math.prod(shape) != row.size or (row.filled and shape != row.shape):
            raise NotCompiled(f"{node.operator} of more than a row")
        return row._replace(shape=shape)

    def _optional(self, operands: list[Value | None], index: int) -> Any:
        return operands[index] if len(operands) > index else None

    def unchanged(self, node: Node, operands: list[Value | None]) -> Value:
        """Identity; Dropout, which does nothing when acting."""
        training = self._optional(operands, 2)
        if training is not None and (not isinstance(training, np.ndarray) or training.any()):
            raise NotCompiled("Dropout in training")
        return operands[0]  # pyright: ignore[reportReturnType]

    def cast(self, node: Node, operands: list[Value | None]) -> Value:
        value, to = operands[0], node.attributes["to"]
        if isinstance(value, Sizes):
            return value
        if isinstance(value, Stretch) and value.holds != NUMBERS and to == BOOL:
            return value
        if not isinstance(value, Stretch) or to != FLOAT32:
            raise NotCompiled("a cast to another type than float32")
        if value.holds == NOT_MASK:
            ones = np.ones(value.size, np.float32)
            return self._affine(value._replace(holds=NUMBERS), -ones, ones)
        return value._replace(holds=NUMBERS)

    def inverted(self, node: Node, operands: list[Value | None]) -> Value:
        (value,) = operands
        if not isinstance(value, Stretch) or value.holds == NUMBERS:
            raise NotCompiled("Not of something else than the mask")
        return value._replace(holds=NOT_MASK if value.holds == MASK else MASK)

    def filled(self, node: Node, operands: list[Value | None]) -> Value:
        """Where(mask, logits, constant): as the logits are, since nobody samples where the mask forbids."""
        mask, legal, illegal = operands
        if isinstance(mask, Stretch) and mask.holds == NOT_MASK:
            legal, illegal = illegal, legal
        if not isinstance(mask, Stretch) or mask.holds == NUMBERS or not isinstance(illegal, np.ndarray):
            raise NotCompiled("Where of something else than the mask, logits and a constant")
        row = self.finished(legal)
        if row.shape != mask.shape:
            raise NotCompiled("Where of something else than logits")
        _broadcast(illegal, row.shape)
        return row._replace(filled=True)

    def sizes(self, node: Node, operands: list[Value | None]) -> Value:
        (value,) = operands
        shape = value.shape if isinstance(value, Stretch) else self._row(value).shape
        ends = slice(node.attributes.get("start"), node.attributes.get("end"))
        return Sizes((None, *shape)[ends])

    def gathered(self, node: Node, operands: list[Value | None]) -> Value:
        value, index = operands
        if not isinstance(value, Sizes) or not isinstance(index, np.ndarray) or index.ndim > 1:
            raise NotCompiled("Gather of something else than sizes")
        found = tuple(value.numbers[int(each)] for each in index.reshape(-1))
        return Sizes(found, scalar=index.ndim == 0)

    def sliced(self, node: Node, operands: list[Value | None]) -> Value:
        """A stretch of a row, or some of its sizes."""
        value = operands[0]
        row = value if isinstance(value, Sizes) else self._row(value)
        length = len(row.numbers) if isinstance(row, Sizes) else row.shape[0]
        found = slice_of(node, operands[1:], axis=0 if isinstance(row, Sizes) else 1, length=length)
        if found is None:
            raise NotCompiled("Slice of more than a row, or with steps")
        first, end = found
        if isinstance(row, Sizes):
            return Sizes(row.numbers[first:end])
        inner = math.prod(row.shape[1:])
        return Stretch(row.offset + first * inner, (end - first, *row.shape[1:]))


def _constant(value: Any) -> np.ndarray:
    if isinstance(value, Stretch | Product | Sizes) or value is None:
        raise NotCompiled("an operand that is not constant")
    if value.dtype != np.float32:
        raise NotCompiled("a constant that is not float32")
    return value


def _broadcast(constant: np.ndarray, shape: tuple[int, ...]) -> F32:
    """A constant as one number for each of a row. Raises NotCompiled where it makes the row, or the batch, larger."""
    try:
        fits = np.broadcast_shapes(constant.shape, (1, *shape)) == (1, *shape)
    except ValueError:
        fits = False
    if not fits or constant.dtype != np.float32:
        raise NotCompiled(f"a constant of shape {constant.shape} beside rows of shape {shape}")
    return np.ascontiguousarray(np.broadcast_to(constant, (1, *shape))).reshape(-1)


_Rule = Callable[[_Lowering, Node, list[Any]], Value]


def _each(operators: Iterable[str], rule: _Rule) -> dict[str, _Rule]:
    return dict.fromkeys(operators, rule)


_RULES: dict[str, _Rule] = {
    **_each(("Add", "Sub", "Mul", "Div"), _Lowering.arithmetic),
    **_each(("Clip", "Max", "Min"), _Lowering.bounded),
    **_each(("Relu", "Tanh"), _Lowering.activation),
    **_each(("Flatten", "Reshape", "Squeeze", "Unsqueeze"), _Lowering.reshaped),
    **_each(("Identity", "Dropout"), _Lowering.unchanged),
    "Neg": _Lowering.negative, "Gemm": _Lowering.gemm, "MatMul": _Lowering.product,
    "Concat": _Lowering.concatenation, "Cast": _Lowering.cast, "Not": _Lowering.inverted,
    "Where": _Lowering.filled, "Shape": _Lowering.sizes, "Gather": _Lowering.gathered,
    "Slice": _Lowering.sliced,
}  # fmt: skip
