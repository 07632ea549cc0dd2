"""A model made to act in a config's town: what it expects to see, and what it may do, held against what is there.

Another layout is an error that names the first difference. With `remap=names` inputs and actions are fitted by their
names instead: features, the map's channels (in a window of the same size) and actions may stand in another order, and
there may be more features and channels than the model looks at, or actions that it knows and the config does not have
(they are never legal). What the model looks at and the config does not show, and actions that the model cannot choose,
are an error that lists them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from townlet.arrays import F32, I64, Bool
from townlet.escaping import shown
from townlet.policy.base import PolicySetting
from townlet.policy.network.graph.session import runtime_name
from townlet.policy.network.lower import NotCompiled, Parts, Wiring, lower
from townlet.policy.network.metadata import NetworkLayout, layout_of
from townlet.policy.network.onnx_fields import decode
from townlet.policy.network.onnx_session import OnnxSession, check_installed, content_of
from townlet.policy.network.program import Program, ProgramBuilder
from townlet.policy.network.read_model import Model, ModelError
from townlet.policy_text import NetworkText

COMPILED = "compiled"
_MOST_LISTED = 8  # names in a message


@dataclass(frozen=True, eq=False)
class FittedModel:
    """A model for one layout."""

    model: Model
    program: Program | None  # None: `run` runs it
    notices: tuple[str, ...]  # what could not be checked
    _places: _Places

    @property
    def runtime(self) -> str:
        """What computes it: `compiled`, or `onnxruntime <version>, <machine>`."""
        return COMPILED if self.program is not None else runtime_name()

    @cached_property
    def _session(self) -> OnnxSession:
        return OnnxSession(content_of(decode(self.model.data)), self.model.actions)

    def run(self, maps: F32, features: F32, masks: Bool, rows: int) -> tuple[F32, F32]:
        """Logits [B, U] and values [B], by onnxruntime, in batches padded to `rows`.

        maps [B, C, W, W], features [B, F], masks [B, U] of the config. Raises ModelError where onnxruntime fails.
        """
        places, size = self._places, len(masks)
        seen = maps.reshape(size, -1)[:, places.map].reshape(size, *self.model.graph.inputs.get("map", (0,)))
        legal = np.zeros((size, self.model.actions), np.bool_)
        legal[:, places.logits] = masks
        try:
            logits, values = self._session.run(
                seen.astype(np.float32), features[:, places.features], legal, rows
            )
        except ValueError as error:
            raise ModelError(f"network {self.model.digest[:12]}: {error}") from None
        return logits[:, places.logits], values


@dataclass(frozen=True, eq=False)
class _Places:
    """Where what a model looks at stands in what a config shows, flattened; and its actions in the model's."""

    map: I64  # [n]
    features: I64  # [n]
    logits: I64  # [U of the config]


def fit_model(model: Model, setting: PolicySetting, choice: NetworkText, where: str) -> FittedModel:
    """A model for a config's setting. Raises ModelError: one message that begins with `where`."""
    layout = layout_of(setting)
    try:
        places, notices = _placed(model, layout, by_name=choice.remap == "names")
        if not model.is_compiled:
            check_installed(model.why_not_compiled)
            return FittedModel(model, None, notices, places)
        return FittedModel(model, _program(model, layout, places), notices, places)
    except (ValueError, NotCompiled) as error:
        raise ModelError(shown(f"{where}: {error}")) from None


def _placed(model: Model, layout: NetworkLayout, by_name: bool) -> tuple[_Places, tuple[str, ...]]:
    seen = model.graph.inputs
    if model.layout is None:
        if by_name:
            raise ValueError(
                "remap=names needs the names of the model's inputs, which are not in its file; "
                "townlet.policy.network.metadata says which keys hold them"
            )
        _check_sizes(model, layout)
        notice = (
            "the file does not say which features and actions it is made for; only their number was checked"
        )
        return _straight(model, layout), (notice,)
    if by_name:
        return _by_name(model, model.layout, layout), ()
    difference = _difference(model, model.layout, layout)
    if difference:
        try:
            _by_name(model, model.layout, layout)
            advice = "; ?remap=names behind its path fits it by name"
        except ValueError:
            advice = ""
        raise ValueError(f"the model is made for another layout: {difference}{advice}")
    assert set(seen) <= {"map", "features", "mask"}
    return _straight(model, layout), ()


def _straight(model: Model, layout: NetworkLayout) -> _Places:
    sizes = [
        size if name in model.graph.inputs else 0
        for name, size in (("map", math.prod(layout.map_shape)), ("features", len(layout.feature_names)))
    ]
    return _Places(np.arange(sizes[0]), np.arange(sizes[1]), np.arange(len(layout.action_names)))


def _check_sizes(model: Model, layout: NetworkLayout) -> None:
    expected = {"map": layout.map_shape, "features": (len(layout.feature_names),)}
    for name, shape in expected.items():
        if name in model.graph.inputs and model.graph.inputs[name] != shape:
            found = model.graph.inputs[name]
            raise ValueError(f"the model's input {name} has rows of {found}, this config's are {shape}")
    if model.actions != len(layout.action_names):
        raise ValueError(
            f"the model gives {model.actions} logits, this config has {len(layout.action_names)} actions"
        )


def _difference(model: Model, theirs: NetworkLayout, ours: NetworkLayout) -> str:
    """The first difference in what the model looks at, or gives; "" where there is none."""
    lists = [("action_names", theirs.action_names, ours.action_names)]
    if "map" in model.graph.inputs:
        lists.insert(0, ("map_channels", theirs.map_channels, ours.map_channels))
    if "features" in model.graph.inputs:
        lists.insert(0, ("feature_names", theirs.feature_names, ours.feature_names))
    for key, found, expected in lists:
        for index in range(max(len(found), len(expected))):
            names = [shown(each[index]) if index < len(each) else "nothing" for each in (found, expected)]
            if names[0] != names[1]:
                return f"{key}[{index}] is {names[0]} for the model, and {names[1]} in this config"
    if "map" in model.graph.inputs and theirs.map_shape != ours.map_shape:
        return f"map_shape is {theirs.map_shape} for the model, and {ours.map_shape} in this config"
    return ""


def _by_name(model: Model, theirs: NetworkLayout, ours: NetworkLayout) -> _Places:
    """Raises ValueError that lists what is missing."""
    missing = []
    features = channels = np.zeros(0, np.int64)
    if "features" in model.graph.inputs:
        features = _found(theirs.feature_names, ours.feature_names)
        missing += [("this config does not show the features", theirs.feature_names, features)]
    if "map" in model.graph.inputs:
        channels = _found(theirs.map_channels, ours.map_channels)
        missing += [("this config does not show the channels of the map", theirs.map_channels, channels)]
        if theirs.map_shape[1:] != ours.map_shape[1:]:
            raise ValueError(
                f"the model looks at a map of {theirs.map_shape[1:]} tiles, this config shows {ours.map_shape[1:]}"
            )
    actions = _found(ours.action_names, theirs.action_names)
    missing += [("the model cannot choose the actions", ours.action_names, actions)]
    for what, names, places in missing:
        lacking = [shown(name) for name, place in zip(names, places, strict=True) if place < 0]
        if lacking:
            more = f" and {len(lacking) - _MOST_LISTED} more" if len(lacking) > _MOST_LISTED else ""
            raise ValueError(f"names do not fit: {what} {', '.join(lacking[:_MOST_LISTED])}{more}")
    tiles = math.prod(ours.map_shape[1:])
    return _Places((channels[:, None] * tiles + np.arange(tiles)).reshape(-1), features, actions)


def _found(wanted: Sequence[str], there: Sequence[str]) -> I64:
    """Where each name stands; -1 = nowhere."""
    place = {name: index for index, name in enumerate(there)}
    return np.array([place.get(name, -1) for name in wanted], np.int64)


def _program(model: Model, layout: NetworkLayout, places: _Places) -> Program:
    actions = len(layout.action_names)
    builder = ProgramBuilder(math.prod(layout.map_shape), len(layout.feature_names), actions)
    inputs = {
        "map": _parts(places.map + builder.map),
        "features": _parts(places.features + builder.feature),
        "mask": _mask_parts(model, builder, places),
    }
    return lower(
        model.graph,
        builder,
        Wiring({name: inputs[name] for name in model.graph.inputs}, _parts(places.logits)),
    )


def _mask_parts(model: Model, builder: ProgramBuilder, places: _Places) -> Parts:
    """The model's mask: actions that the config does not have are never legal."""
    if "mask" not in model.graph.inputs:
        return []
    source = np.full(model.actions, -1)
    source[places.logits] = builder.mask + np.arange(len(places.logits))
    if (source < 0).any():
        nothing = np.zeros(1, np.float32)
        source[source < 0] = builder.affine(builder.mask, nothing, nothing)
    return _parts(source)


def _parts(places: I64) -> Parts:
    """Places one by one as stretches."""
    starts = np.flatnonzero(np.diff(places, prepend=places[:1] - 2) != 1)
    ends = [*starts[1:], len(places)][: len(starts)]
    return [(int(places[first]), int(end - first)) for first, end in zip(starts, ends, strict=True)]
