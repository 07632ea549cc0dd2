"""Tutorials, how-tos and explanations: what they say is done, step by step, and what they show is printed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.documentation.pages import FOLLOWED, PAGES, blocks, follow, text_of

STEPS = tuple(page for page in PAGES if page.startswith(FOLLOWED))
WITH_TORCH = ("tutorials/training.md",)  # run by themselves, at a small size


WITH_PANDAS = ("how-to/pandas-and-duckdb.md",)


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=pytest.mark.page if page in WITH_PANDAS else ())
        for page in STEPS
        if page not in WITH_TORCH
    ],
)
def test_what_a_page_says(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    follow(page, tmp_path)


SMALL = {
    ("evaluate",): {"--seeds": "0..1", "--ticks": "20"},
    ("capture",): {"--seeds": "0..7", "--ticks": "30"},
    ("inspect",): {},
    ("verify",): {},
    ("train", "bc"): {
        "--epochs": "1",
        "--validation": "0.3",
        "--play": "2",
        "--ticks": "20",
        "--hidden": "8",
    },
    ("train", "ppo"): {
        "--iterations": "1",
        "--runs": "2",
        "--ticks": "20",
        "--choose-runs": "2",
        "--choose-every": "1",
        "--warmup": "0",
    },
}  # options that make a command small, by its first words


def small(words: list[str]) -> list[str]:
    """The same command, small. Raises KeyError for one that nobody has made small."""
    found = list(words)
    for option, value in SMALL[tuple(words[:2]) if words[0] == "train" else (words[0],)].items():
        if option in found:
            found[found.index(option) + 1] = value
        else:
            found += [option, value]
    return found


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
