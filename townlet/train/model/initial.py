"""The network that a training begins with, from a model file."""

from __future__ import annotations

from typing import Any

import numpy as np

from townlet.arrays import F32
from townlet.errors import TownletError, UserError
from townlet.escaping import shown
from townlet.policy.network.metadata import NetworkLayout, read_facts, read_layout
from townlet.policy.network.onnx_fields import decode
from townlet.train.model.export import model_of
from townlet.train.model.networks import CLIP, ActorCritic, Architecture, Normalisation, put_dense_layers
from townlet.train.towns import layout_difference

OURS = "expected a model that `townlet train` has written"


def network_of_model(data: bytes, layout: NetworkLayout, where: str = "--init") -> ActorCritic:
    """The network of a model file, ready to learn on. Its values are in units of reward, as the file has them.

    A file is accepted if writing its network again gives the same bytes: then nothing in it was left out. Raises
    UserError for any other file, and for one that is made for other observations or actions.
    """
    try:
        document = decode(data)
        facts = read_facts({entry["key"]: entry["value"] for entry in document["metadata_props"]})
        own = read_layout(facts)
        if own is None:
            raise ValueError("it does not say for which observations it is")
        arrays = {each["name"]: _array(each) for each in document["graph"]["initializer"]}
        activation = (
            "relu" if any(node["op_type"] == "Relu" for node in document["graph"]["node"]) else "tanh"
        )
        network = _built(arrays, own, activation)
        if model_of(network, own, facts.get("trained") or {}) != data:
            raise ValueError("it has parts that such a model has not")
    except (TownletError, ValueError, KeyError, TypeError, IndexError) as error:
        raise UserError(f"{where}: {OURS}; {shown(str(error) or type(error).__name__)}") from None
    if difference := layout_difference(own, layout):
        raise UserError(f"{where}: the model is made for another town: {difference}")
    return network


def _array(tensor: Any) -> np.ndarray:
    kind = {1: "<f4", 7: "<i8"}[tensor["data_type"]]
    return np.frombuffer(tensor["raw_data"], kind).reshape(tensor["dims"]).copy()


def _built(arrays: dict[str, Any], layout: NetworkLayout, activation: Any) -> ActorCritic:
    actor, critic = _layers(arrays, "actor"), _layers(arrays, "critic")
    hidden = tuple(len(bias) for _, bias in actor[:-1])
    if not hidden or tuple(len(bias) for _, bias in critic[:-1]) != hidden:
        raise ValueError("its actor and critic have other layers")
    features = len(layout.feature_names)
    normalisation = Normalisation(
        arrays.get("features_mean", np.zeros(features, np.float32)),
        arrays.get("features_scale", np.ones(features, np.float32)),
        float(arrays.get("features_most", CLIP)),
    )
    network = ActorCritic(Architecture.of(layout, hidden, activation), normalisation)
    put_dense_layers(network.actor, actor)
    put_dense_layers(network.critic, critic)
    return network


def _layers(arrays: dict[str, Any], name: str) -> list[tuple[F32, F32]]:
    layers = []
    while f"{name}_{len(layers)}_weight" in arrays:
        layers.append((arrays[f"{name}_{len(layers)}_weight"], arrays[f"{name}_{len(layers)}_bias"]))
    return layers
