"""A model from the bytes of its ONNX file: whatever can be wrong with it is found here, before anything is played.

What is taken: inputs among `map` (B, C, W, W) float32, `features` (B, F) float32 and `mask` (B, U) bool, with a free
batch and all else fixed; outputs `logits` (B, U) and `value` (B) or (B, 1), float32. A graph made of what `lower`
knows is played in compiled code; any other, of ONNX's own operators without loops and branches, by onnxruntime. A file
without Townlet's metadata is taken where its shapes fit: that names fit too cannot be checked, which is said.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from townlet.errors import UserError
from townlet.escaping import shown
from townlet.policy.network.graph.graph import Graph, read_graph
from townlet.policy.network.graph.probe import probe_inputs, run_program
from townlet.policy.network.lower import NotCompiled, Wiring, lower, trace
from townlet.policy.network.metadata import NetworkLayout, read_facts, read_layout
from townlet.policy.network.onnx_fields import decode
from townlet.policy.network.onnx_session import try_out
from townlet.policy.network.program import Program, ProgramBuilder
from townlet.run import FORMAT_VERSION

MOST_BYTES = 64 * 2**20  # of a file; whoever reads one may look at its size first


class ModelError(UserError):
    """A file that is no model of a policy, or not for this config. The message stands alone."""


@dataclass(frozen=True, eq=False)
class Model:
    """A network that can act, whatever it is for."""

    data: bytes  # the file
    digest: str  # SHA-256 (hex) of it
    facts: Mapping[str, Any]  # what it says of itself; empty for a file of others
    layout: NetworkLayout | None  # for what it is made; None where it does not say so
    graph: Graph
    actions: int  # U
    why_not_compiled: str  # "" = it is

    @property
    def is_compiled(self) -> bool:
        """Whether it is played in compiled code, with the same bytes everywhere."""
        return not self.why_not_compiled


def load_model(data: bytes, where: str) -> Model:
    """The model of an ONNX file. Raises ModelError: one message that begins with `where`."""
    try:
        return _loaded(bytes(data))
    except ValueError as error:
        raise ModelError(shown(f"{where}: {error}")) from None


def _loaded(data: bytes) -> Model:
    if not data:
        raise ValueError("expected an ONNX model, found an empty file")
    if len(data) > MOST_BYTES:
        raise ValueError(f"expected a model of at most {MOST_BYTES} bytes, found {len(data)}")
    try:
        message = decode(data)
    except ValueError as error:
        raise ValueError(f"not an ONNX model, or damaged ({error})") from None
    graph = read_graph(message)
    properties = [(each["key"], each["value"]) for each in message["metadata_props"]]
    if len(dict(properties)) != len(properties):
        raise ValueError("expected metadata (metadata_props) with every key once")
    facts = read_facts(dict(properties))
    if facts and facts.get("format_version", FORMAT_VERSION) != FORMAT_VERSION:
        raise ValueError(
            f"made from samples of format {shown(facts['format_version'])}; this Townlet has {FORMAT_VERSION}"
        )
    layout = read_layout(facts)
    why = ""
    try:
        actions, program = _compiled(graph)
    except NotCompiled as reason:
        why, actions = shown(reason), _stated_actions(graph, layout)
        try_out(message, graph, actions, why)
    else:
        _probe(program, graph)
    _check_shapes(graph, layout, actions)
    return Model(data, hashlib.sha256(data).hexdigest(), facts, layout, graph, actions, why)


def plain_wiring(graph: Graph, builder: ProgramBuilder) -> Wiring:
    """A network's inputs where the scratch has them: one of exactly their sizes."""
    starts = {"map": builder.map, "features": builder.feature, "mask": builder.mask}
    return Wiring({name: [(starts[name], math.prod(shape))] for name, shape in graph.inputs.items()})


def _compiled(graph: Graph) -> tuple[int, Program]:
    """How many actions there are, and the program. Raises NotCompiled."""
    size_of = {name: math.prod(shape) for name, shape in graph.inputs.items()}
    map_size, features = size_of.get("map", 0), size_of.get("features", 0)
    mask = graph.inputs.get("mask", (1,))[0]
    builder = ProgramBuilder(map_size, features, mask)
    logits, _ = trace(graph, builder, plain_wiring(graph, builder))
    actions = logits.size
    if "mask" in graph.inputs and mask != actions:
        raise ValueError(f"expected as many logits as the mask has actions ({mask}), found {actions}")
    builder = ProgramBuilder(map_size, features, actions)
    return actions, lower(graph, builder, plain_wiring(graph, builder))


def _stated_actions(graph: Graph, layout: NetworkLayout | None) -> int:
    """U of a graph that is not looked into: of its mask, of its logits, or of its metadata."""
    stated = graph.outputs["logits"] or (0,)
    if "mask" in graph.inputs:
        return graph.inputs["mask"][0]
    if len(stated) == 1 and stated[0]:
        return stated[0]
    if layout is None:
        raise ValueError("expected a fixed number of logits, found a free one; export it with one")
    return len(layout.action_names)


def _probe(program: Program, graph: Graph) -> None:
    given = probe_inputs(graph.inputs, program.actions)
    flat = [
        given[name].reshape(len(given[name]), -1) for name in ("map", "features", "mask") if name in given
    ]
    logits, values = run_program(program, np.concatenate(flat, axis=1, dtype=np.float32))
    check_numbers(logits, values)


def check_numbers(logits: np.ndarray, values: np.ndarray) -> None:
    """Raise ValueError unless all of a probe's results are finite."""
    for name, found in (("logits", logits), ("value", values)):
        if not np.isfinite(found).all():
            wrong = found[~np.isfinite(found)].flat[0]
            raise ValueError(
                f"its output {name} is {wrong} for inputs of usual size: expected finite numbers"
            )


def _check_shapes(graph: Graph, layout: NetworkLayout | None, actions: int) -> None:
    """What the file states against what it computes, and against its own metadata. Raises ValueError."""
    for name, fitting in (("logits", [(actions,)]), ("value", [(), (1,)])):
        stated = graph.outputs[name]
        if stated is not None and not any(_may_be(stated, shape) for shape in fitting):
            raise ValueError(f"the output {name} is stated as (B, {stated}): expected (B, {fitting[0]})")
    if layout is None:
        return
    own = {
        "map": layout.map_shape,
        "features": (len(layout.feature_names),),
        "mask": (len(layout.action_names),),
    }
    for name, shape in graph.inputs.items():
        if shape != own[name]:
            raise ValueError(f"the input {name} has rows of {shape}, and the metadata names {own[name]}")
    if len(layout.action_names) != actions:
        raise ValueError(
            f"it gives {actions} logits, and the metadata names {len(layout.action_names)} actions"
        )


def _may_be(stated: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    return len(stated) == len(shape) and all(a in (0, b) for a, b in zip(stated, shape, strict=True))
