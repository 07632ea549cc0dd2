"""The question of reports has its rows: of a policy and of a network, each with its sizes and times."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.questions.looking.reports import AFTER, COLUMNS, PAGE, answer
from bench.scale import QUICK


@pytest.mark.campaign
def test_rows_and_goals(tmp_path: Path) -> None:
    table = answer(replace(QUICK, report_ticks=8), tmp_path)
    assert [row.what for row in table.rows] == ["10 agents, needs", "10 agents, network"]
    for row in table.rows:
        assert set(row.figures) == {column.name for column in COLUMNS}
        assert row.figures[PAGE] > 10_000
        assert {goal.column for goal in row.goals} == {PAGE, AFTER}
    needs, network = (row.figures[PAGE] for row in table.rows)
    assert network > needs, "with what the network thought likely"
