"""The network that is trained: an actor and a critic of its own each, behind inputs normalised by fixed numbers.

    inputs  = [map flattened, clip((features - mean) * scale, -clip, clip)]
    logits  = actor MLP(inputs)
    value   = critic MLP(inputs) * value_scale + value_mean

The map is taken as it is: nearly all of it is 0, and what is 0 costs nothing in a capture. The values' scale and mean
follow the returns (`follow_returns`), so that the critic learns numbers near 1; in a model file they are part of its
last layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from townlet.arrays import F32, F64
from townlet.policy.network.metadata import NetworkLayout
from townlet.policy.network.write_model import Activation, Normalisation
from townlet.train.with_torch import torch

CLIP = 10.0  # of normalised features
LEAST_STD = 0.05  # of a feature: what hardly varies here may vary elsewhere, and must not blow up there
LEAST_VALUE_SCALE = 0.1  # in units of reward
ACTOR_GAIN = 0.01  # of the last layer's first weights: all legal actions begin nearly equally likely


def normalisation_of(mean: F64, std: F64) -> Normalisation:
    """What brings features of this mean and deviation, both [F], near 0 and 1."""
    return Normalisation(mean.astype(np.float32), (1.0 / np.maximum(std, LEAST_STD)).astype(np.float32), CLIP)


@dataclass(frozen=True)
class Architecture:
    """Shapes, and what is between them."""

    map_shape: tuple[int, ...]  # (C, W, W)
    features: int  # F
    actions: int  # U
    hidden: tuple[int, ...] = (128, 128)  # of the actor, and of the critic
    activation: Activation = "tanh"

    @classmethod
    def of(
        cls, layout: NetworkLayout, hidden: tuple[int, ...] = (128, 128), activation: Activation = "tanh"
    ) -> Architecture:
        """For the observations and actions of a town."""
        features, actions = len(layout.feature_names), len(layout.action_names)
        return cls(layout.map_shape, features, actions, hidden, activation)

    @property
    def inputs(self) -> int:
        return int(np.prod(self.map_shape)) + self.features


class ActorCritic(torch.nn.Module):
    """See above. What it computes of a row depends on that row alone."""

    def __init__(self, architecture: Architecture, normalisation: Normalisation, seed: int = 0) -> None:
        super().__init__()
        self.architecture, self.normalisation = architecture, normalisation
        generator = torch.Generator().manual_seed(seed)
        self.actor = mlp(architecture, architecture.actions, ACTOR_GAIN, generator)
        self.critic = mlp(architecture, 1, 0.0, generator)
        self.value_scale, self.value_mean = 1.0, 0.0

    def inputs(self, maps: F32, features: F32) -> F32:
        """[B, inputs] of what was seen, float32 arrays [B, C, W, W] and [B, F]; new memory."""
        made = np.empty((len(features), self.architecture.inputs), np.float32)
        tiles = made.shape[1] - features.shape[1]
        made[:, :tiles] = maps.reshape(len(maps), tiles)
        scaled = (features - self.normalisation.mean) * self.normalisation.scale
        np.clip(scaled, -self.normalisation.clip, self.normalisation.clip, out=made[:, tiles:])
        return made

    def logits(self, inputs: Any) -> Any:
        """[B, U] before the mask."""
        return self.actor(inputs)

    def scaled_values(self, inputs: Any) -> Any:
        """[B] values in the critic's own units: less their mean, divided by their scale."""
        return self.critic(inputs).squeeze(1)

    def values(self, inputs: Any) -> Any:
        """[B] values in units of reward."""
        return self.scaled_values(inputs) * self.value_scale + self.value_mean

    def follow_returns(self, returns: F32) -> None:
        """Take the mean and deviation of these returns as the values' own, and change no value.

        The last layer is changed by what undoes it (van Hasselt et al. 2016, "Pop-Art").
        """
        mean, scale = float(returns.mean()), max(float(returns.std()), LEAST_VALUE_SCALE)
        last = self.critic[-1]
        with torch.no_grad():
            last.weight.mul_(self.value_scale / scale)
            last.bias.mul_(self.value_scale / scale).add_((self.value_mean - mean) / scale)
        self.value_scale, self.value_mean = scale, mean


def mlp(architecture: Architecture, outputs: int, gain: float, generator: Any) -> Any:
    """Layers with orthogonal weights (Saxe et al. 2014), of `gain` in the last, and biases of 0."""
    sizes = (architecture.inputs, *architecture.hidden)
    inner = 2.0**0.5 if architecture.activation == "relu" else 5.0 / 3.0
    layers: list[Any] = []
    for before, after in pairwise(sizes):
        layers.append(_layer(before, after, inner, generator))
        layers.append(torch.nn.ReLU() if architecture.activation == "relu" else torch.nn.Tanh())
    return torch.nn.Sequential(*layers, _layer(sizes[-1], outputs, gain, generator))


def _layer(before: int, after: int, gain: float, generator: Any) -> Any:
    layer = torch.nn.Linear(before, after)
    torch.nn.init.orthogonal_(layer.weight, gain, generator=generator)
    torch.nn.init.zeros_(layer.bias)
    return layer


def follow(network: ActorCritic, pairs: Sequence[tuple[int, int]], strength: float) -> None:
    """Raise the first logits of actions by about `strength` where a feature is 1; where it is 0 they stay.

    `pairs`: (feature, action), each feature 0 or 1. One unit of each hidden layer is given to a pair. A first policy
    that follows the path hints so gets to places that one which draws evenly never sees.
    """
    layers = [layer for layer in network.actor if isinstance(layer, torch.nn.Linear)]
    tiles = network.architecture.inputs - network.architecture.features
    is_relu = network.architecture.activation == "relu"
    with torch.no_grad():
        for unit, (feature, action) in enumerate(pairs[: min(network.architecture.hidden)]):
            mean, scale = (float(array[feature]) for array in network.normalisation[:2])
            layers[0].weight[unit] = 0.0
            layers[0].weight[unit, tiles + feature] = (
                4.0 / scale
            )  # 4 (f - 1/2): 2 where it is 1, -2 where it is 0
            layers[0].bias[unit] = 4.0 * (mean - 0.5)
            for layer in layers[1:-1]:
                layer.weight[unit] = 0.0
                layer.weight[unit, unit] = 1.0 if is_relu else 1.5
            share = 0.5 if is_relu else 0.55  # so that a layer's 2 (or about 0.9) and 0 (or -0.9) are 1 apart
            layers[-1].weight[action, unit] += share * strength
            layers[-1].bias[action] += 0.0 if is_relu else 0.5 * strength


def dense_layers(layers: Any) -> list[tuple[F32, F32]]:
    """Weights [in, out] and biases [out] of an MLP's layers, as arrays of their own."""
    linear = [layer for layer in layers if isinstance(layer, torch.nn.Linear)]
    return [(layer.weight.detach().numpy().T.copy(), layer.bias.detach().numpy().copy()) for layer in linear]


def put_dense_layers(layers: Any, arrays: Sequence[tuple[F32, F32]]) -> None:
    """The reverse. Raises ValueError for arrays of other shapes."""
    linear = [layer for layer in layers if isinstance(layer, torch.nn.Linear)]
    with torch.no_grad():
        for layer, (weight, bias) in zip(linear, arrays, strict=True):
            if (weight.T.shape, bias.shape) != (tuple(layer.weight.shape), tuple(layer.bias.shape)):
                raise ValueError(
                    f"expected a layer of {layer.in_features} x {layer.out_features}, found {weight.shape}"
                )
            layer.weight.copy_(torch.from_numpy(np.ascontiguousarray(weight.T)))
            layer.bias.copy_(torch.from_numpy(bias))
