"""Two runs on one page, in Chromium: one clock for both, the first difference marked, whoever is followed in both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.report.page.browser import Opened
from tests.report.run.captures import capture_of
from townlet.report.bundle import PageArrays, bundle
from townlet.report.run.run_data import build_run

pytestmark = pytest.mark.page


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Breakfast by schedules, and a shorter one in which nobody does anything."""
    folder, arrays = tmp_path_factory.mktemp("both"), PageArrays()
    asked = ({}, {"policy": "idle", "ignore_schedules": True, "ticks": 60})
    runs = [
        build_run(capture_of("scenarios/kitchen_breakfast", folder / str(k), **one), arrays)
        for k, one in enumerate(asked)
    ]
    comparison = {
        "first_difference": 3,
        "what": "alice: action",
        "terms": [["survival", 1.5, 1.25], ["needs", -2.0, 0.5], ["wages", 0.0, 0.0]],
        "metrics": [["reward", 4.0, 3.0, -1.0, 0.5, -0.25], ["faints", 0, 1, 1, None, None]],
        "paired_by": "seed",
        "golden": [["reward", 4.0, 3.5, 4.5, 4.0, 3.0]],
    }
    path = folder / "report.html"
    path.write_bytes(bundle({"kind": "comparison", "runs": runs, "comparison": comparison}, arrays, "two"))
    return path


def test_one_clock_moves_both(browser: Any, both: Path) -> None:
    with Opened(browser, both) as opened:
        page = opened.page
        first = page.get_by_role("button", name="tick 3")
        assert first.count() == 1
        first.click()
        assert opened.tick == 3
        page.locator(".over").nth(1).focus()
        page.keyboard.press("ArrowRight")
        assert opened.tick == 4
        sides = page.locator(".weather").all_inner_texts()
        assert len(sides) == 2 and sides[0] == sides[1]
        assert page.get_by_label("Tick", exact=True).get_attribute("max") == "59", "as far as both go"
        page.locator("h1").click()
        page.keyboard.press("Space")
        opened.until("townlet.tick > 8")
        page.keyboard.press("Space")
        cursors = page.evaluate(
            "[...document.querySelectorAll('.over .cursor')].map((one) => one.style.transform)"
        )
        assert len(cursors) == 2 and cursors[0] == cursors[1]


def test_whoever_is_followed_is_followed_in_both(browser: Any, both: Path) -> None:
    with Opened(browser, both, "#t=5") as opened:
        page = opened.page
        page.locator(".player select").nth(1).select_option("2")
        names = page.locator("section.agent h2").all_inner_texts()
        assert len(names) == 2 and names[0] == names[1] != "Everybody"
        rewards = [
            page.evaluate(
                "(k) => document.querySelectorAll('section.agent')[k].querySelector('dd').innerText", k
            )
            for k in (0, 1)
        ]
        assert all(reward for reward in rewards)
        page.locator(".lane-label").last.click()
        last = page.locator("section.agent h2").all_inner_texts()
        assert last[0] == last[1] != names[0]


def test_what_both_have_is_shown_and_said(browser: Any, both: Path) -> None:
    with Opened(browser, both) as opened:
        assert opened.page.get_by_text("Ticks 0 to 59, which both runs have, are shown.").count() == 1
        spans = opened.page.locator(".spans").all_inner_texts()
        assert "all ticks shown (60 ticks)" in spans[0] and "the whole run (60 ticks)" in spans[1]


def test_who_lives_in_one_run_alone_has_a_reward_there_alone(browser: Any, tmp_path: Path) -> None:
    arrays = PageArrays()
    capture = capture_of("scenarios/kitchen_breakfast", tmp_path / "capture")
    runs = [build_run(capture, arrays) for _ in range(2)]
    runs[1]["lives"] = [{**life, "name": f"other {life['name']}"} for life in runs[1]["lives"]]
    name = runs[1]["lives"][0]["name"]
    comparison = {"first_difference": None, "what": "", "terms": [], "metrics": [], "paired_by": "agent"}
    path = tmp_path / "report.html"
    path.write_bytes(bundle({"kind": "comparison", "runs": runs, "comparison": comparison}, arrays, "two"))
    with Opened(browser, path) as opened:
        page = opened.page
        rewards = page.locator("figure:has(bdi:text-matches('^Reward so far'))")
        lines = rewards.locator("svg path[stroke-linejoin]")
        assert lines.count() == 2 and "mean of all lives" in rewards.inner_text()
        page.get_by_role("button", name=f"Follow {name}").first.click()
        opened.until(f"document.body.innerText.includes('Reward so far, {name}')")
        assert lines.count() == 1 and rewards.locator("li").all_inner_texts() == ["B"]
        assert page.get_by_text("which both runs have").count() == 0, "both have all"


def test_numbers_stand_beside_one_another(browser: Any, both: Path) -> None:
    with Opened(browser, both) as opened:
        metrics = opened.page.locator("section:has(h2:text-is('Metrics')) table").first
        rows = [row.split("\t") for row in metrics.locator("tbody tr").all_inner_texts()]
        assert [row[0] for row in rows] == ["reward", "faints"]
        assert rows[0][1:] == ["4", "3", "\u22121", "0.500", "\u22120.25"]
        assert rows[1][1:] == ["0", "1", "+1", "–", "–"]
        assert opened.page.get_by_text("Paired by seed").count() == 1
        assert opened.page.get_by_text("Golden figures").count() == 1
        assert opened.page.locator(".marked").count() == 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_is_found_by_axe(browser: Any, both: Path, scheme: str) -> None:
    with Opened(browser, both, "#t=5", color_scheme=scheme) as opened:
        assert opened.violations() == []


@pytest.mark.parametrize("width", [360, 1280, 2560])
def test_no_width_needs_scrolling_to_the_side(browser: Any, both: Path, width: int) -> None:
    with Opened(browser, both, viewport={"width": width, "height": 800}) as opened:
        opened.page.wait_for_timeout(200)
        assert opened.page.evaluate("document.scrollingElement.scrollWidth") <= width
