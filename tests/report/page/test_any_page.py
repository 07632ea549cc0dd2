"""Every page in Chromium: names are text, whatever is in them, and many agents and ticks do not break it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.report.page.browser import Opened
from tests.report.run.captures import capture_of
from townlet.report.bundle import PageArrays, bundle
from townlet.report.run.run_data import build_run

pytestmark = pytest.mark.page

HOSTILE = (
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "\u202eecila\u2066<b>",
    "&lt;i&gt; {{7*7}} ${7*7}",
    "\x1b[31mred\x07",
    "n" * 64,
)


def renamed(value: Any, names: dict[str, str]) -> Any:
    """A document with other texts in the place of some."""
    if isinstance(value, dict):
        return {key: renamed(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [renamed(inner, names) for inner in value]
    return names.get(value, value) if isinstance(value, str) else value


def test_names_and_descriptions_are_text(browser: Any, tmp_path: Path) -> None:
    arrays = PageArrays()
    run = build_run(capture_of("scenarios/queue_conflict", tmp_path / "capture"), arrays)
    head, objects = run["head"], run["town"]["objects"]
    texts = (
        *(life["name"] for life in run["lives"]),
        objects[0]["id"],
        head["description"],
        head["scenario"],
    )
    names = dict(zip(texts, HOSTILE, strict=True))
    run = renamed(run, names)
    run["head"]["notices"] = run["head"]["warnings"] = list(HOSTILE)
    run["town"]["types"][objects[0]["type"]] = HOSTILE[0]
    run["events"] = [[2, 1, "refused", one, one, True, False] for one in HOSTILE]
    path = tmp_path / "report.html"
    path.write_bytes(bundle({"kind": "run", "runs": [run]}, arrays, HOSTILE[0]))
    with Opened(browser, path) as opened:
        page = opened.page
        for k in range(3):
            page.locator(".lane-label").nth(k).click()
            page.keyboard.press("ArrowRight")
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        for part in page.locator(".plot").all():
            part.scroll_into_view_if_needed()
        page.wait_for_timeout(200)
        assert page.locator("img, iframe, object, b:has(b)").count() == 0
        assert page.locator("script").count() == 3, "those of the page: data, import map, first module"
        assert page.title() == HOSTILE[0]
        body = page.locator("body").inner_text()
        assert HOSTILE[0] in body and HOSTILE[1] in body and HOSTILE[3] in body and HOSTILE[5] in body
        assert "\\x1b[31mred\\x07" in body and "\\u202eecila\\u2066<b>" in body
        assert not {"\u202e", "\u2066", "\x1b"} & set(body)
        assert page.evaluate("document.scrollingElement.scrollWidth") <= 1280


def large_run(arrays: PageArrays, small: dict[str, Any], agents: int, ticks: int) -> dict[str, Any]:
    """A run of many, who all do the same all the time, in the place of three who shower."""
    numbers = {
        name: np.zeros(
            _large(table, len(small["lives"]), agents, small["head"]["ticks"], ticks), table["dtype"]
        )
        for name, table in small["arrays"].items()
        if not name.startswith("feature_")
    }
    numbers["who"][:] = np.arange(1, agents + 1)[:, None]
    numbers["x"][:], numbers["y"][:] = np.arange(agents)[:, None] % 11, np.arange(ticks) % 9
    numbers["doing"][:] = (np.arange(ticks) // 7) % 3 - 1
    numbers["need"][:], numbers["utility"][:], numbers["price"][:] = 0.5, 3, 1.0
    numbers["reward"][:] = 0.125
    features = len(small["features"])
    numbers |= {
        "feature_at": np.zeros(0, np.uint32),
        "feature_value": np.zeros(0, np.float32),
        "feature_start": np.zeros(features * agents + 1, np.uint32),
    }
    life = {**small["lives"][0], "end": ticks, "left": None}
    return {
        **small,
        "head": {**small["head"], "ticks": ticks, "verdict": []},
        "lives": [{**life, "name": f"agent_{row:03d}", "row": row} for row in range(agents)],
        "events": [[tick, 1, "refused", "wait", "refused", True, False] for tick in range(ticks)],
        "arrays": arrays.table(numbers),
    }


def _large(table: dict[str, Any], few: int, agents: int, ticks: int, longer: int) -> tuple[int, ...]:
    shape = [longer if size == ticks else size for size in table["shape"]]
    return (agents if len(shape) > 1 and shape[0] == few else shape[0], *shape[1:])


@pytest.mark.parametrize(("agents", "ticks"), [(256, 1250), (4, 10_000)])
def test_many_agents_and_ticks(browser: Any, tmp_path: Path, agents: int, ticks: int) -> None:
    arrays = PageArrays()
    small = build_run(capture_of("scenarios/queue_conflict", tmp_path / "capture"), PageArrays())
    run = large_run(arrays, small, agents, ticks)
    path = tmp_path / "report.html"
    path.write_bytes(bundle({"kind": "run", "runs": [run]}, arrays, "large"))
    with Opened(browser, path) as opened:
        page = opened.page
        assert page.locator(".lane-label").count() <= 20, "only lanes in sight have a label"
        if agents > 20:
            page.evaluate("document.querySelector('.lanes').scrollTop = 1e9")
            page.get_by_role("button", name="agent_255").first.click()
            assert opened.text(".agent h2") == "agent_255"
        page.evaluate(f"townlet.go({ticks - 2})")
        assert opened.tick == ticks - 2
        page.keyboard.press("Space")
        opened.until(f"townlet.tick === {ticks - 1}")
        page.keyboard.press("[")
        assert "(1 tick)" in opened.text(".spans")
        assert page.locator("section:has(h2:text-is('Events')) tbody tr").count() == 1
