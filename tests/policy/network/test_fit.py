"""A model made to act in a town: the same layout, or one that fits by its names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.policy.network.graph.graphs import MAP, SPACE, op, random, setting, with_heads
from tests.policy.network.models import random_model
from townlet.policy.actions import ActionSpace
from townlet.policy.base import PolicySetting
from townlet.policy.network.fit import COMPILED, FittedModel, fit_model
from townlet.policy.network.graph.probe import run_program
from townlet.policy.network.read_model import ModelError, load_model
from townlet.policy_text import parse_network

TOWN = setting()
MODEL = load_model(random_model(TOWN), "m.onnx")


def fit(town: PolicySetting, options: str = "", data: bytes | None = None) -> FittedModel:
    model = MODEL if data is None else load_model(data, "m.onnx")
    return fit_model(model, town, parse_network(f"network:m.onnx{options}"), "policy: m.onnx")


def seen(town: PolicySetting, rows: int = 5) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    return {
        "map": rng.normal(0, 1, (rows, *town.map_shape)).astype(np.float32),
        "features": rng.normal(0, 1, (rows, len(town.feature_names))).astype(np.float32),
        "mask": rng.integers(0, 2, (rows, town.action_space.dim)) != 0,
    }


def results(fitted: FittedModel, given: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    assert fitted.program is not None
    flat = [array.reshape(len(array), -1).astype(np.float32) for array in given.values()]
    return run_program(fitted.program, np.concatenate(flat, 1))


def test_the_same_layout() -> None:
    fitted = fit(TOWN)
    assert fitted.runtime == COMPILED and fitted.notices == ()
    assert fitted.program is not None and fitted.program.actions == SPACE.dim
    logits, values = results(fitted, seen(TOWN))
    assert logits.shape == (5, SPACE.dim) and values.shape == (5,)


OTHER_SPACE = ActionSpace(("eat", "sleep"))
OTHERS: dict[str, tuple[dict[str, Any], str]] = {
    "order of features": (
        {"feature_names": ("energy", "hunger", "wallet")},
        r"feature_names\[0\] is hunger for the model, and energy in this config; \?remap=names .* fits it",
    ),
    "more features": (
        {"feature_names": ("hunger", "energy", "wallet", "rent")},
        r"feature_names\[3\] is nothing for the model, and rent in this config; \?remap=names",
    ),
    "fewer features": (
        {"feature_names": ("hunger", "energy")},
        r"feature_names\[2\] is wallet for the model, and nothing in this config$",
    ),
    "channels": ({"map_channels": ("self", "objects")}, r"map_channels\[1\] is agents .*, and objects .*g$"),
    "window": (
        {"map_shape": (2, 3, 3)},
        r"map_shape is \(2, 2, 2\) for the model, and \(2, 3, 3\) in this config$",
    ),
    "actions": (
        {"action_space": ActionSpace(("sleep",))},
        r'action_names\[7\] is {"affordance":"eat","kind":"request"} for the model, and {"affordance":"sleep"',
    ),
}


@pytest.mark.parametrize("change, message", OTHERS.values(), ids=OTHERS)
def test_another_layout_names_the_first_difference(change: dict[str, Any], message: str) -> None:
    with pytest.raises(
        ModelError, match=rf"^policy: m\.onnx: the model is made for another layout: {message}"
    ):
        fit(setting(**change))


def test_by_name() -> None:
    """A town that shows more, in another order, and has fewer actions: the same results."""
    town = setting(
        feature_names=("rent", "wallet", "energy", "job", "hunger"),
        map_channels=("objects", "agents", "self"), map_shape=(3, 2, 2),
        action_space=ActionSpace(()),
    )  # fmt: skip
    given = seen(town)
    same = {
        "map": given["map"][:, [2, 1]],
        "features": given["features"][:, [4, 2, 1]],
        "mask": np.concatenate([given["mask"], np.zeros((5, 2), np.bool_)], 1),
    }
    expected, expected_values = results(fit(TOWN), same)
    logits, values = results(fit(town, "?remap=names"), given)
    np.testing.assert_allclose(logits, expected[:, :7], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(values, expected_values, rtol=1e-6, atol=1e-6)


def test_the_mask_is_fitted_too() -> None:
    """A network that looks at the mask sees actions that the town does not have as not legal."""
    cast = op("Cast", "mask", to="m") | {"attribute": [{"name": "to", "i": 1, "type": 2}]}
    data = with_heads(
        cast, op("Gemm", "m", "w", to="x"), constants={"w": random(9, 3)}, metadata=metadata(TOWN)
    )
    given = seen(town := setting(action_space=ActionSpace(())))
    wide = given | {"mask": np.concatenate([given["mask"], np.zeros((5, 2), np.bool_)], 1)}
    expected, _ = results(fit(TOWN, data=data), wide)
    logits, _ = results(fit(town, "?remap=names", data), given)
    np.testing.assert_allclose(logits, expected[:, :7], rtol=1e-6, atol=1e-6)


def metadata(town: PolicySetting) -> dict[str, str]:
    from townlet.policy.network.metadata import layout_of, written_facts

    return written_facts(layout_of(town), {})


@pytest.mark.parametrize(
    "change, message",
    [
        ({"feature_names": ("hunger", "rent")}, "this config does not show the features energy, wallet$"),
        ({"map_channels": ("self", "x")}, "this config does not show the channels of the map agents$"),
        (
            {"map_shape": (2, 3, 3)},
            r"the model looks at a map of \(2, 2\) tiles, this config shows \(3, 3\)$",
        ),
        (
            {"action_space": OTHER_SPACE},
            'cannot choose the actions {"affordance":"sleep","kind":"request"}, {"affordance":"sleep","kind"',
        ),
    ],
)
def test_names_that_do_not_fit(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        fit(setting(**change), "?remap=names")


def test_a_long_list_is_cut() -> None:
    space = ActionSpace([f"a{n}" for n in range(9)])
    with pytest.raises(ModelError, match=r"and 10 more$"):
        fit(setting(action_space=space), "?remap=names")


PLAIN = with_heads(op("Relu", "features", to="x"))


def test_a_model_without_names() -> None:
    fitted = fit(TOWN, data=PLAIN)
    assert fitted.notices == (
        "the file does not say which features and actions it is made for; only their number was checked",
    )
    swapped = setting(feature_names=("wallet", "energy", "hunger"))
    np.testing.assert_array_equal(
        results(fitted, seen(TOWN))[0], results(fit(swapped, data=PLAIN), seen(TOWN))[0]
    )
    with pytest.raises(ModelError, match="remap=names needs the names of the model's inputs"):
        fit(TOWN, "?remap=names", PLAIN)


@pytest.mark.parametrize(
    "change, message",
    [
        (
            {"feature_names": ("a", "b")},
            r"the model's input features has rows of \(3,\), this config's are \(2,\)",
        ),
        ({"map_shape": (2, 3, 3)}, r"input map has rows of \(2, 2, 2\), this config's are \(2, 3, 3\)"),
        ({"action_space": OTHER_SPACE}, "the model gives 9 logits, this config has 11 actions"),
    ],
)
def test_a_model_without_names_of_another_size(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        fit(setting(**change), data=PLAIN)


def test_what_a_model_does_not_look_at_may_be_anything() -> None:
    data = with_heads(op("Relu", "features", to="x"), inputs=["features"], metadata=metadata(TOWN))
    town = setting(map_channels=("a", "b", "c"), map_shape=(3, 5, 5))
    given = seen(town)
    logits, _ = results(fit(town, data=data), given)
    expected, _ = results(fit(TOWN, data=data), given | {"map": given["map"][:, :2, :2, :2]})
    np.testing.assert_array_equal(logits, expected)
    assert TOWN.map_shape == MAP


@pytest.mark.torch
def test_a_model_that_is_not_compiled() -> None:
    data = with_heads(op("Softsign", "features", to="x"), metadata=metadata(TOWN))
    fitted = fit(TOWN, data=data)
    assert fitted.program is None and fitted.runtime.startswith("onnxruntime ")
    given = seen(TOWN)
    asked = (given["map"], given["features"], given["mask"])
    logits, values = fitted.run(*asked, rows=4)
    x = given["features"] / (1 + np.abs(given["features"]))
    np.testing.assert_allclose(logits, x @ random(3, 9), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(values, (x @ random(3, 1))[:, 0], rtol=1e-5, atol=1e-5)
    town = setting(feature_names=("wallet", "rent", "energy", "hunger"), action_space=ActionSpace(()))
    other = seen(town) | {"map": given["map"]}
    other["features"][:, [3, 2, 0]] = given["features"]
    by_name = fit(town, "?remap=names", data).run(other["map"], other["features"], other["mask"], rows=4)
    np.testing.assert_array_equal(by_name[0], logits[:, :7])
    np.testing.assert_array_equal(by_name[1], values)
