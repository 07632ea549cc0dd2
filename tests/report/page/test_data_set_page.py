"""The pages of data sets and trainings in Chromium: what they show, by mouse and keyboard, at any width."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.policy.network.models import random_model
from tests.report.page.browser import Opened
from tests.report.read_page import read_page
from tests.report.training.folders import make_folder
from townlet import cli
from townlet.generator.generate import generate_run
from townlet.report.bundle import json_in_page
from townlet.report.training.folder import read_folder
from townlet.rollout.player import setting_of

pytestmark = pytest.mark.page


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pages of a data set, of a training, and of both with their replays inside."""
    place = tmp_path_factory.mktemp("pages")
    words = ["capture", "hard_winter", "kitchen_breakfast", "--seeds", "0..2", "--quiet", "--json"]
    assert cli.main([*words, "--output", str(place / "data")]) == 0
    training = make_folder(place)
    model = random_model(setting_of(generate_run(read_folder(training).towns[0])), seed=5)
    (training / "best.onnx").write_bytes(model)
    for source, name, more in (
        ("data", "data.html", []),
        ("training", "training.html", []),
        ("data", "whole.html", ["--embed"]),
        ("training", "whole_training.html", ["--embed"]),
    ):
        said = cli.main(["report", str(place / source), "--output", str(place / name), "--quiet", *more])
        assert said == 0
    return place


@pytest.mark.parametrize("name", ["data.html", "training.html"])
@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light"), (2560, "light")])
def test_nothing_serious_for_axe_and_no_sideways_scrolling(
    browser: Any, place: Path, name: str, width: int, scheme: str
) -> None:
    how = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
    with Opened(browser, place / name, **how) as opened:
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
        if width != 2560:
            opened.page.evaluate(
                "document.querySelectorAll('details').forEach((one) => { one.open = true; })"
            )
            opened.page.wait_for_timeout(200)
            assert opened.violations() == []


def test_a_data_set_says_what_its_data_say(browser: Any, place: Path) -> None:
    facts = read_page(place / "data.html")[0]["dataset"]
    with Opened(browser, place / "data.html") as opened:
        assert "6 runs" in opened.text("#top") and "2 scenarios" in opened.text("#top")
        for k, scenario in enumerate(facts["scenarios"]):
            section = opened.page.locator(f"#scenario-{k}")
            assert section.locator("h2").inner_text() == scenario["name"]
            assert scenario["description"] in section.inner_text()
            links = section.locator("ul.replays a")
            assert [links.nth(i).get_attribute("href") for i in range(links.count())] == [
                replay["file"] for replay in scenario["replays"]
            ]
        assert opened.page.locator("#scenario-0 figure").count() == 6, "somebody died there: survival, alive"
        assert opened.page.locator("#scenario-1 figure").count() == 4


def test_a_link_leads_to_a_replay(browser: Any, place: Path) -> None:
    with Opened(browser, place / "data.html") as opened:
        opened.page.locator("#scenario-1 ul.replays a").first.click()
        opened.until("window.townlet?.ready !== undefined")
        opened.page.evaluate("townlet.ready")
        assert "kitchen_breakfast" in opened.text("h1")
        assert opened.tick == 0


@pytest.mark.parametrize(("name", "back"), [("whole.html", "data set"), ("whole_training.html", "training")])
def test_a_page_that_holds_its_replays_shows_them_and_comes_back(
    browser: Any, place: Path, name: str, back: str
) -> None:
    with Opened(browser, place / name) as opened:
        first = opened.text("h1")
        link = opened.page.locator("a[href='#run=1']")
        with opened.page.expect_navigation():
            link.click()
        opened.until("window.townlet?.ready !== undefined")
        opened.page.evaluate("townlet.ready")
        assert opened.text("h1") != first and opened.tick == 0
        opened.page.evaluate("townlet.go(7)")
        assert opened.tick == 7
        with opened.page.expect_navigation():
            opened.page.get_by_text(f"Back to the {back}").click()
        opened.until("window.townlet?.ready !== undefined")
        opened.page.evaluate("townlet.ready")
        assert opened.text("h1") == first


def test_the_keyboard_reads_a_chart_and_sorts_a_table(browser: Any, place: Path) -> None:
    facts = read_page(place / "data.html")[0]["dataset"]
    with Opened(browser, place / "data.html") as opened:
        chart = opened.page.locator("#scenario-1 svg[role=slider]").first
        chart.focus()
        for key in ("Home", "ArrowRight", "ArrowRight"):
            opened.page.keyboard.press(key)
        assert chart.get_attribute("aria-valuenow") == str(2 * facts["scenarios"][1]["bin"])
        said = chart.get_attribute("aria-valuetext")
        assert said is not None and said.startswith("tick 2, reward 0.")
        assert said in opened.text("#scenario-1 figure"), "the same is seen"
        opened.page.keyboard.press("End")
        assert chart.get_attribute("aria-valuenow") == str(facts["scenarios"][1]["ticks"] - 1)
        names = opened.page.locator("section.panel table").first.locator("tbody th")
        assert names.first.inner_text() == "hard_winter"
        header = opened.page.get_by_role("button", name="scenario", exact=True)
        header.focus()
        opened.page.keyboard.press("Enter")
        opened.page.keyboard.press("Enter")
        assert names.first.inner_text() == "kitchen_breakfast"
        assert opened.page.locator("th[aria-sort=descending]").count() == 1


def test_a_training_shows_its_curves_and_its_table(browser: Any, place: Path) -> None:
    facts = read_page(place / "training.html")[0]["training"]
    with Opened(browser, place / "training.html") as opened:
        assert "3 iterations" in opened.text("#top")
        titles = opened.page.locator("figure figcaption").all_inner_texts()
        assert titles == [curve["title"] for curve in facts["curves"]]
        rows = opened.page.locator("section.panel", has_text="Evaluation: tiny").locator("tbody tr")
        assert {rows.nth(i).locator("th").inner_text() for i in range(rows.count())} == {
            "needs", "uniform", "best policy",
        }  # fmt: skip
        assert opened.page.locator(f"a[href='{facts['replays'][0]['file']}']").count() == 1


HOSTILE = (
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "\u202eecila\u2066<b>",
    "n" * 64,
)


@pytest.mark.parametrize("name", ["data.html", "training.html"])
def test_names_and_texts_are_text(browser: Any, place: Path, tmp_path: Path, name: str) -> None:
    text = (place / name).read_text(encoding="utf-8")
    head, _ = read_page(place / name)
    if "dataset" in head:
        facts = head["dataset"]
        facts["suites"], facts["notices"] = list(HOSTILE), list(HOSTILE)
        for scenario, hostile in zip(facts["scenarios"], HOSTILE, strict=False):
            scenario["name"] = scenario["description"] = hostile
            scenario["replays"][0] = {"what": "best", "seed": "0", "return": 1.0, "problem": hostile}
        for feature, hostile in zip(facts["features"], HOSTILE, strict=False):
            feature["name"] = hostile
        facts["layouts"][0] |= {"scenarios": list(HOSTILE), "extra": list(HOSTILE), "missing": list(HOSTILE)}
    else:
        facts = head["training"]
        facts |= {"name": HOSTILE[0], "towns": list(HOSTILE), "notices": list(HOSTILE)}
        facts["settings"] = [[hostile, hostile] for hostile in HOSTILE]
        facts["evaluation"][0]["town"] = facts["replays"][0]["town"] = HOSTILE[1]
        facts["replays"].append({"town": HOSTILE[2], "policy": "needs", "seed": "0", "problem": HOSTILE[0]})
    data = re.search(r'(id="townlet-data">).*?(</script>)', text, re.DOTALL)
    assert data is not None
    path = tmp_path / name
    path.write_text(text[: data.start()] + data[1] + json_in_page(head) + data[2] + text[data.end() :])
    with Opened(browser, path, viewport={"width": 360, "height": 900}) as opened:
        opened.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        opened.page.wait_for_timeout(200)
        assert opened.page.locator("img, iframe, object, b b").count() == 0
        assert opened.page.locator("script").count() == 3
        body = opened.page.locator("body").inner_text()
        assert HOSTILE[0] in body and HOSTILE[1] in body and HOSTILE[3] in body
        assert not {"\u202e", "\u2066"} & set(body)
        assert opened.page.evaluate("document.scrollingElement.scrollWidth") <= 360
