"""Affordances as numbers."""

from __future__ import annotations

from tests.generator.towns import TOWN
from townlet.generator.generate import generate


def test_hooks_and_prices_become_numbers(load) -> None:
    generated = generate(load(TOWN % ""), seed=0)
    parts, names = generated.params.affordances, generated.names.affordances
    eat, cook = names.index("eat_meal"), names.index("cook_meal")
    assert parts.takes[eat].tolist() == [1, 0] and parts.money[eat] == -0.4 and parts.shares[eat]
    assert parts.takes[cook].tolist() == [0, 1] and parts.gives[cook].tolist() == [1, 0]
    assert parts.utility_bound[names.index("use_shower")].tolist() == [1, 1]
