"""The page on the training towns: what stands there is what is measured."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench.training_towns import PAGE, ROWS, SEEDS, TOWNS, main, render, table
from townlet.config.load import load_config

ROOT = Path(__file__).resolve().parents[2]
TINY = TOWNS[0]


def without_figures(page: str) -> str:
    return re.sub(r"\d[\d,.]*", "#", page)


@pytest.mark.campaign
def test_the_page_is_what_is_measured() -> None:
    assert (ROOT / PAGE).read_text(encoding="utf-8") == render(range(SEEDS))


def test_the_tables_have_a_row_for_each_policy() -> None:
    """Everything but the figures, without playing the larger towns again; of the smallest, the figures too."""
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    for line in table(TINY, range(SEEDS)):
        assert line in page.splitlines()
    for town in TOWNS:
        assert without_figures(town.text) in without_figures(page)
        assert (ROOT / "configs" / "training" / f"{town.name}.yaml").is_file()
        works = any(agent.job for agent in load_config(f"training/{town.name}.yaml").agents)
        rows = [row.label for row in ROWS if works or row.jobs]
        section = page.split(f"## {town.name}\n")[1].split("\n## ")[0]
        assert re.findall(r"^\| (`.*?) \|", section, re.MULTILINE) == rows


def test_two_seeds_are_the_least(tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        main(["--seeds", "1", "--output", str(tmp_path / "page.md")])
    assert not (tmp_path / "page.md").exists()
