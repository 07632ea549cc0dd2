"""The network in training: its inputs, its first weights, and values that follow the returns."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch; `make test-train` installs it and runs this file")

from tests.train.small_networks import small_network  # noqa: E402
from townlet.train.model import networks  # noqa: E402
from townlet.train.model.networks import CLIP, LEAST_STD, LEAST_VALUE_SCALE, normalisation_of  # noqa: E402

pytestmark = pytest.mark.torch


def test_inputs() -> None:
    """The map as it is, features less their mean by their deviation; what hardly varied is not blown up."""
    maps = np.arange(18, dtype=np.float32).reshape(1, 2, 3, 3)
    found = small_network().inputs(maps, np.array([[0.75, -0.25, 2.1]], np.float32))
    assert found.shape == (1, 21) and found.dtype == np.float32
    assert found[0, :18].tolist() == list(range(18))
    assert found[0, 18:] == pytest.approx([1.0, -1.0, 0.1 / LEAST_STD], abs=1e-5)
    assert small_network().inputs(maps, np.array([[0.5, 0.25, 1e6]], np.float32))[0, 20] == CLIP


def test_normalisation_of() -> None:
    found = normalisation_of(np.array([1.0, 2.0]), np.array([0.5, 0.0]))
    assert found.mean.tolist() == [1, 2]
    assert found.scale.tolist() == pytest.approx([2, 1 / LEAST_STD])


def test_first_weights_follow_from_the_seed() -> None:
    one, same, other = (
        [parameter.detach().numpy().tobytes() for parameter in small_network(seed=seed).parameters()]
        for seed in (1, 1, 2)
    )
    assert one == same and one != other


def test_at_first_legal_actions_are_nearly_equally_likely_and_values_are_0() -> None:
    inputs = torch.randn(50, 21, generator=torch.Generator().manual_seed(0))
    network = small_network()
    assert network.logits(inputs).abs().max() < 0.1
    assert network.values(inputs).abs().max() == 0


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_following_returns_changes_no_value(activation: str) -> None:
    network = small_network(activation=activation)
    torch.nn.init.normal_(network.critic[-1].weight, generator=torch.Generator().manual_seed(0))
    inputs = torch.randn(50, 21, generator=torch.Generator().manual_seed(0))
    before = network.values(inputs)
    for returns in ([100, 300], [-7, -5, -6], [2, 2]):
        network.follow_returns(np.array(returns, np.float32))
        assert torch.allclose(network.values(inputs), before, atol=1e-3)
    assert network.value_mean == 2 and network.value_scale == LEAST_VALUE_SCALE


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("hidden", [(8,), (8, 8), (8, 8, 8)])
def test_a_first_policy_that_follows_a_feature(activation: str, hidden: tuple[int, ...]) -> None:
    """Where feature 1 is set, action 2 gains about 6; where it is not, nothing changes but by little."""
    network = small_network(hidden, activation)
    maps, features = np.zeros((2, 2, 3, 3), np.float32), np.array([[0.5, 0, 2], [0.5, 1, 2]], np.float32)
    networks.follow(network, [(1, 2)], 6.0)
    with torch.no_grad():
        without, shown = network.logits(torch.from_numpy(network.inputs(maps, features)))
    assert shown[2].item() == pytest.approx(6.0, abs=0.8)
    assert without.abs().max() < 0.8 and shown[[0, 1, 3]].abs().max() < 0.8
