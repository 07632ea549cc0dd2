"""The compiled policies' tables are those of their outer faces."""

from __future__ import annotations

import math

import numpy as np

from tests.policy.towns import SPACE, setting
from townlet.policy.needs import NO_AFFORDANCE
from townlet.policy.tables import policy_tables


def test_the_tables_of_a_config() -> None:
    tables = policy_tables(setting())
    assert tables.needs.threshold.tolist() == [0.5, 0.5, 0.5]
    # hunger: what feeds, then what brings meals; hygiene; energy
    none = NO_AFFORDANCE
    assert tables.needs.serves.tolist() == [[0, 3, none, none], [1, none, none, none], [2, none, none, none]]
    assert tables.log_table.shape == (SPACE.dim + 1,)
    assert tables.log_table[4] == np.float32(-math.log(4))
