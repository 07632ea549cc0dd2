"""From the network in training to a model file, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from townlet.policy.network.metadata import NetworkLayout
from townlet.policy.network.write_model import Layer, write_model
from townlet.train.model.networks import ActorCritic, dense_layers


def layout_of_sample(metadata: Mapping[str, Any]) -> NetworkLayout:
    """The layout that a sample's metadata tells of."""
    return NetworkLayout(
        feature_names=tuple(metadata["feature_names"]),
        map_channels=tuple(metadata["map_channels"]),
        map_shape=tuple(metadata["map_shape"]),
        action_names=tuple(metadata["action_names"]),
    )


def model_of(network: ActorCritic, layout: NetworkLayout, trained: Mapping[str, Any]) -> bytes:
    """The ONNX file of a network: the same weights give the same bytes. `trained`: how it came about."""
    *inner, (weight, bias) = dense_layers(network.critic)
    scale, mean = np.float32(network.value_scale), np.float32(network.value_mean)
    return write_model(
        layout,
        actor=[Layer(*arrays) for arrays in dense_layers(network.actor)],
        critic=[Layer(*arrays) for arrays in (*inner, (weight * scale, bias * scale + mean))],
        activation=network.architecture.activation,
        feature_normalisation=network.normalisation,
        trained=trained,
    )
