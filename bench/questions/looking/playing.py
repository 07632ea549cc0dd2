"""(p) The page of a day of ten agents in Chromium: how soon its first picture is there, and how smoothly it plays."""

from __future__ import annotations

import importlib
import importlib.util
import shutil
from pathlib import Path
from statistics import median
from typing import Any

from bench.questions.looking.reports import AGENTS, captured
from bench.questions.networks import Driven
from bench.scale import Scale
from bench.tables import Column, Row, Table, at_least, at_most
from townlet.planning.plan import Request, plan
from townlet.report.run.page import run_page

SPEED, SECONDS = 64, 4.0  # ticks a second; how long it plays
COLUMNS = (
    Column("first picture", "seconds"),
    Column("frames a second", "rate"),
    Column("ticks a second", "rate"),
)
FIRST, FRAMES, TICKS = (column.name for column in COLUMNS)
PLACES = {"the replay": 0, "the timeline": 900, "the plots": 2200}  # pixels from the top


def answer(scale: Scale, place: Path) -> Table:
    title = f"the page of a run of {scale.report_ticks:,} ticks in Chromium, at {SPEED}x"
    missing = _missing()
    if missing:
        return Table(
            title, COLUMNS, (), (f"Not measured: {missing} is not here (`make setup-page` installs it).",)
        )
    config = Driven.of(8, AGENTS, place).config
    found, models = captured(plan(Request((str(config),), ticks=scale.report_ticks)), place / "capture")
    page = place / "report.html"
    page.write_bytes(run_page(found, models))
    playwright: Any = importlib.import_module("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        opened = browser.new_page(viewport={"width": 1280, "height": 900})
        firsts = [_opened(opened, page) for _ in range(scale.repeats)]
        rows = [
            Row(f"in sight: {what}", {FIRST: median(firsts), **_played(opened, top)}, GOALS)
            for what, top in PLACES.items()
        ]
        browser.close()
    return Table(
        title, COLUMNS, tuple(rows), ("Without a screen or a graphics card: all is drawn by the CPU.",)
    )


GOALS = (at_most(FIRST, 1.0), at_least(FRAMES, 60))


def _missing() -> str:
    if importlib.util.find_spec("playwright") is None:
        return "playwright"
    return "" if shutil.which("chromium") else "Chromium"


def _opened(page: Any, path: Path) -> float:
    """Seconds from the request to the first frame in which the map is drawn."""
    page.goto("about:blank")
    page.goto(path.as_uri())
    return page.evaluate(
        "townlet.ready.then(() => new Promise((done) => requestAnimationFrame(() => done(performance.now() / 1000))))"
    )


def _played(page: Any, top: int) -> dict[str, float]:
    page.evaluate("(y) => { window.scrollTo(0, y); townlet.go(0); }", top)
    page.locator(".player select").first.select_option(str(SPEED))
    page.wait_for_timeout(500)
    look = "() => [townlet.frames, townlet.tick, performance.now() / 1000]"
    press = "document.querySelector('.play').click()"
    page.evaluate(press)
    frames, ticks, start = page.evaluate(look)
    page.wait_for_timeout(1000 * SECONDS)
    more, later, end = page.evaluate(look)
    if page.evaluate("document.querySelector('.play').textContent") == "Pause":
        page.evaluate(press)
    return {FRAMES: (more - frames) / (end - start), TICKS: max(1, later - ticks) / (end - start)}
