"""A network of a few numbers, and the layout that it is for."""

from __future__ import annotations

from typing import Any

import numpy as np

from townlet.policy.network.metadata import NetworkLayout

LAYOUT = NetworkLayout(
    feature_names=("hunger", "energy", "wallet"),
    map_channels=("self", "walls"),
    map_shape=(2, 3, 3),
    action_names=('{"kind":"wait"}', '{"kind":"eat"}', '{"kind":"sleep"}', '{"kind":"walk"}'),
)


def small_network(hidden: tuple[int, ...] = (8, 8), activation: Any = "tanh", seed: int = 3) -> Any:
    """An ActorCritic for LAYOUT; torch is imported here."""
    from townlet.train.model.networks import ActorCritic, Architecture, normalisation_of

    normalisation = normalisation_of(np.array([0.5, 0.25, 2.0]), np.array([0.25, 0.5, 0.0]))
    return ActorCritic(Architecture.of(LAYOUT, hidden, activation), normalisation, seed)
