"""The question of the page in a browser has its rows, or says that there is no browser."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.questions.looking import playing
from bench.scale import QUICK


def test_without_a_browser_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(playing, "_missing", lambda: "Chromium")
    table = playing.answer(QUICK, tmp_path)
    assert table.rows == () and "Chromium is not here" in table.notes[0]


@pytest.mark.page
def test_rows_and_goals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(playing, "SECONDS", 2.0)
    table = playing.answer(replace(QUICK, report_ticks=600), tmp_path)
    assert [row.what for row in table.rows] == [f"in sight: {what}" for what in playing.PLACES]
    for row in table.rows:
        assert set(row.figures) == {column.name for column in playing.COLUMNS}
        assert all(figure > 0 for figure in row.figures.values())
