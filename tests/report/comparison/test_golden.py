"""Bands around golden figures."""

from __future__ import annotations

import pytest

from townlet.report.comparison.golden import golden_rows

GOLDEN = {
    "overall": {"wallet_last": {"mean": 0.0, "std": 5.0, "count": 3}},
    "scenarios": {
        "town": {
            "need": {"mean": 0.5, "std": 0.1, "count": 3},
            "reward_sum": {"mean": -100.0, "std": 1.0, "count": 3},
        }
    },
}


def test_of_one_scenario() -> None:
    reward, need = golden_rows(GOLDEN, {"reward_sum": -99.0}, {"need": 0.4, "reward_sum": 1.0}, {"town"})
    assert reward == ("reward_sum", -100.0, pytest.approx(-102.0), pytest.approx(-98.0), -99.0, 1.0)
    assert need == ("need", 0.5, pytest.approx(0.49), pytest.approx(0.51), None, 0.4)


@pytest.mark.parametrize("scenarios", [{"town", "village"}, {"village"}])
def test_of_all(scenarios: set[str]) -> None:
    (row,) = golden_rows(GOLDEN, {}, {}, scenarios)
    assert row == ("wallet_last", 0.0, pytest.approx(-0.1), pytest.approx(0.1), None, None)
