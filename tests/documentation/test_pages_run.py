"""Tutorials, how-tos and explanations: what they say is done, step by step, and what they show is printed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.documentation.pages import FOLLOWED, PAGES, blocks, follow, text_of
from tests.documentation.small import small

STEPS = tuple(page for page in PAGES if page.startswith(FOLLOWED))
WITH_TORCH = ("tutorials/training.md",)  # run by themselves, at a small size
WITH_PANDAS = ("how-to/pandas-and-duckdb.md",)


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=pytest.mark.page if page in WITH_PANDAS else pytest.mark.campaign)
        for page in STEPS
        if page not in WITH_TORCH
    ],
)
def test_what_a_page_says(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    follow(page, tmp_path)


@pytest.mark.torch
@pytest.mark.parametrize("page", WITH_TORCH)
def test_what_a_page_says_with_torch(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    follow(page, tmp_path, small)


def test_pages_that_are_followed_show_something() -> None:
    runnable = [page for page in STEPS if any(b.language in ("sh", "python") for b in blocks(text_of(page)))]
    assert len(runnable) >= 6


def test_sql_asks_for_columns_that_there_are() -> None:
    """DuckDB is not installed here: its question names columns of the export, as the page on reading lists them."""
    (query,) = [
        block.text for block in blocks(text_of("how-to/pandas-and-duckdb.md")) if block.language == "sql"
    ]
    columns = set(re.findall(r"\b(agent_id|reward|feature_\w+)\b", query))
    assert columns == {"agent_id", "reward", "feature_need_hunger", "feature_last_action_success"}
