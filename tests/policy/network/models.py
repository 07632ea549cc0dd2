"""Small models for tests, made of random numbers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from townlet.policy.base import PolicySetting
from townlet.policy.network.metadata import NetworkLayout, layout_of
from townlet.policy.network.write_model import Activation, Layer, Normalisation, write_model


def random_layers(rng: np.random.Generator, sizes: Sequence[int]) -> list[Layer]:
    """Layers of sizes[0] inputs to sizes[-1] outputs, of numbers that keep what goes through about as large."""
    return [
        Layer(
            rng.normal(0, n_in**-0.5, (n_in, n_out)).astype(np.float32),
            rng.normal(0, 0.1, n_out).astype(np.float32),
        )
        for n_in, n_out in pairwise(sizes)
    ]


def random_normalisation(rng: np.random.Generator, size: int, *, mean: bool = True) -> Normalisation:
    """A mean (zeros where not `mean`), scales, and a clip at 5."""
    means = rng.normal(0, 0.5, size) if mean else np.zeros(size)
    return Normalisation(means.astype(np.float32), rng.uniform(0.5, 2, size).astype(np.float32), 5.0)


def random_parts(
    layout: NetworkLayout,
    *,
    seed: int = 0,
    hidden: Sequence[int] = (8, 8),
    trunk: Sequence[int] = (),
    activation: Activation = "tanh",
    normalised: bool = True,
) -> dict[str, Any]:
    """What `write_model` takes besides the layout."""
    rng = np.random.default_rng(seed)
    sizes = int(np.prod(layout.map_shape)), len(layout.feature_names)
    first = trunk[-1] if trunk else sum(sizes)
    return {
        "actor": random_layers(rng, (first, *hidden, len(layout.action_names))),
        "critic": random_layers(rng, (first, *hidden, 1)),
        "trunk": random_layers(rng, (sum(sizes), *trunk)) if trunk else [],
        "activation": activation,
        "map_normalisation": random_normalisation(rng, sizes[0], mean=False) if normalised else None,
        "feature_normalisation": random_normalisation(rng, sizes[1]) if normalised else None,
        "trained": {"by": f"random numbers, seed {seed}"},
    }


def random_model(setting: PolicySetting, **how: Any) -> bytes:
    """The ONNX file of a network of random numbers for a config's setting; `how`: see `random_parts`."""
    layout = layout_of(setting)
    return write_model(layout, **random_parts(layout, **how))
