"""From the network in training to a model file, and back."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch; `make test-train` installs it and runs this file")

from tests.policy.network.models import random_parts  # noqa: E402
from tests.train.small_networks import LAYOUT, small_network  # noqa: E402
from townlet.errors import UserError  # noqa: E402
from townlet.policy.network.metadata import NetworkLayout  # noqa: E402
from townlet.policy.network.write_model import write_model  # noqa: E402
from townlet.train.model.export import layout_of_sample, model_of  # noqa: E402
from townlet.train.model.initial import network_of_model  # noqa: E402

pytestmark = pytest.mark.torch


def observed(rows: int = 40) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.random((rows, 2, 3, 3)).astype(np.float32), rng.normal(size=(rows, 3)).astype(np.float32)


def trained(activation: str = "tanh"):
    """As after some learning: no weight is 0, and the values have a scale and a mean."""
    network = small_network(activation=activation)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.4, generator=torch.Generator().manual_seed(1))
    network.follow_returns(np.array([10.0, 50.0], np.float32))
    return network


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_a_runtime_computes_the_same(activation: str) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    network, (maps, features) = trained(activation), observed()
    session = onnxruntime.InferenceSession(model_of(network, LAYOUT, {}))
    masks = np.ones((len(maps), 4), bool)
    logits, values = session.run(["logits", "value"], {"map": maps, "features": features, "mask": masks})
    inputs = torch.from_numpy(network.inputs(maps, features))
    with torch.no_grad():
        assert logits == pytest.approx(network.logits(inputs).numpy(), abs=1e-5)
        assert values == pytest.approx(network.values(inputs).numpy(), rel=1e-5, abs=1e-4)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_read_back_it_is_the_same_network(activation: str) -> None:
    network, (maps, features) = trained(activation), observed()
    model = model_of(network, LAYOUT, {"by": "a test"})
    again = network_of_model(model, LAYOUT)
    assert model_of(again, LAYOUT, {"by": "a test"}) == model
    inputs = torch.from_numpy(network.inputs(maps, features))
    with torch.no_grad():
        assert torch.equal(again.logits(inputs), network.logits(inputs))
        assert torch.allclose(again.values(inputs), network.values(inputs), atol=1e-4)


OTHER = NetworkLayout(("hunger", "thirst", "wallet"), *[getattr(LAYOUT, name) for name in (
    "map_channels", "map_shape", "action_names")])  # fmt: skip


@pytest.mark.parametrize(
    ("model", "layout", "said"),
    [
        (b"not a model", LAYOUT, "expected a model that `townlet train` has written"),
        (b"", LAYOUT, "expected a model that `townlet train` has written"),
        (write_model(LAYOUT, **random_parts(LAYOUT, trunk=(8,))), LAYOUT, "expected a model that"),
        (write_model(LAYOUT, **random_parts(LAYOUT)), LAYOUT, "it has parts that such a model has not"),
        (None, OTHER, "their features differ, first at 1: energy and thirst"),
    ],
)
def test_what_cannot_be_continued_is_refused(model: bytes | None, layout: NetworkLayout, said: str) -> None:
    with pytest.raises(UserError, match=r"^--init: ") as refused:
        network_of_model(model_of(trained(), LAYOUT, {}) if model is None else model, layout)
    assert said in str(refused.value) and "\n" not in str(refused.value)


def test_a_file_cut_short_is_refused() -> None:
    model = model_of(trained(), LAYOUT, {})
    for length in range(0, len(model), max(len(model) // 25, 1)):
        with pytest.raises(UserError, match="expected a model that"):
            network_of_model(model[:length], LAYOUT)


def test_layout_of_sample() -> None:
    metadata = {
        "feature_names": list(LAYOUT.feature_names), "map_channels": list(LAYOUT.map_channels),
        "map_shape": list(LAYOUT.map_shape), "action_names": list(LAYOUT.action_names),
    }  # fmt: skip
    assert layout_of_sample(metadata) == LAYOUT
