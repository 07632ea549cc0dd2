"""Step 8: needs fall."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plain import lifecycle as plain
from tests.worlds import Person, scene
from townlet.world.rules import needs

UNIT = st.floats(0, 1)
TRIPLE = st.tuples(UNIT, UNIT, UNIT)


def test_every_need_falls_by_its_rate_and_not_below_zero():
    s = scene(agents=[Person(1, 1, (1.0, 0.5, 0.001))], rules={"need_decay": [0.01, 0.005, 0.008]})
    needs.update(s.world.agents, s.params.rules)
    assert s.world.agents.need[0].tolist() == pytest.approx([0.99, 0.495, 0.0])


def test_the_dead_need_nothing():
    s = scene(agents=[(1, 1), (2, 1)], rules={"need_decay": [0.1, 0.1, 0.1]})
    s.world.agents.alive[0] = False
    needs.update(s.world.agents, s.params.rules)
    assert s.world.agents.need.tolist() == [[1.0, 1.0, 1.0], [0.9, 0.9, 0.9]]


@settings(max_examples=20, deadline=None)
@given(st.lists(TRIPLE, min_size=1, max_size=4), TRIPLE)
def test_as_the_plain_twin(people, decay):
    s = scene(agents=[Person(x, 0, need) for x, need in enumerate(people)], rules={"need_decay": list(decay)})
    needs.update(s.world.agents, s.params.rules)
    assert s.world.agents.need.tolist() == [plain.fall(list(need), list(decay)) for need in people]
