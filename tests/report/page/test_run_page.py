"""The page of a run in Chromium: it plays, steps, jumps, follows and zooms, by mouse and by keyboard alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.report.page.browser import Opened
from tests.report.run.captures import Shown, capture_of
from townlet.report.bundle import PageArrays, bundle
from townlet.report.run.run_data import build_run

pytestmark = pytest.mark.page


@pytest.fixture(scope="module")
def queue(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Shown]:
    """Alice, Bob and Cora want one shower."""
    return written(tmp_path_factory.mktemp("queue"), "scenarios/queue_conflict")


@pytest.fixture(scope="module")
def winter(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Shown]:
    """Otto faints, and newcomers take his place."""
    return written(tmp_path_factory.mktemp("winter"), "scenarios/hard_winter")


def written(folder: Path, config: str, **how: Any) -> tuple[Path, Shown]:
    shown = Shown(capture_of(config, folder / "capture"), **how)
    path = folder / "report.html"
    path.write_bytes(shown.page)
    return path, shown


def test_it_plays_and_pauses(browser: Any, queue: tuple[Path, Shown]) -> None:
    with Opened(browser, queue[0]) as opened:
        page = opened.page
        assert opened.tick == 0 and page.evaluate("townlet.frames") == 0, "nothing plays by itself"
        page.get_by_label("Speed").select_option("64")
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Play").click()
        opened.until("townlet.tick > 5")
        page.get_by_role("button", name="Pause").click()
        stopped = opened.tick
        frames = page.evaluate("townlet.frames")
        page.wait_for_timeout(200)
        assert opened.tick == stopped and page.evaluate("townlet.frames") == frames > 0
        page.locator("h1").click()
        page.keyboard.press("Space")
        opened.until("townlet.tick === 119")
        assert page.get_by_role("button", name="Play").is_visible(), "it stops at the last tick"


def test_it_steps_and_jumps(browser: Any, queue: tuple[Path, Shown]) -> None:
    with Opened(browser, queue[0]) as opened:
        page = opened.page
        for key, tick in (("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1)):
            page.keyboard.press(key)
            assert opened.tick == tick
        field = page.get_by_label("Tick", exact=True)
        for typed, tick in (("70", 70), ("9999", 119), ("-4", 0)):
            field.fill(typed)
            field.press("Enter")
            assert opened.tick == tick and field.input_value() == str(tick)
        page.locator(".verdict button").first.click()
        assert re.search(
            rf"^To tick {opened.tick}$", page.locator(".verdict button").first.get_attribute("title")
        )


def test_a_step_is_told_once_to_who_listens(browser: Any, queue: tuple[Path, Shown]) -> None:
    with Opened(browser, queue[0], "#t=0&agent=bob") as opened:
        page = opened.page
        for _ in range(3):
            page.keyboard.press("ArrowRight")
        live = page.locator(".player [aria-live]")
        opened.until("document.querySelector('.player [aria-live]').textContent !== ''")
        action = page.evaluate("townlet.at(3, 'bob').action")
        assert live.text_content().startswith(f"Tick 3: bob, {action}")


def test_the_address_says_what_is_shown(browser: Any, queue: tuple[Path, Shown]) -> None:
    with Opened(browser, queue[0], "#t=7&agent=bob") as opened:
        page = opened.page
        assert opened.tick == 7 and opened.text(".agent h2") == "bob"
        page.locator(".player select").nth(1).select_option("1")
        page.get_by_role("button", name="One tick on").click()
        opened.until("location.hash === '#t=8&agent=alice'")
        page.evaluate("location.hash = '#t=30&agent=cora'")
        opened.until("townlet.tick === 30")
        assert opened.text(".agent h2") == "cora"


# What the page would do later is done between the new address and its event.
TYPED_MEANWHILE = """() => {
    const { setTimeout } = window, later = [];
    window.setTimeout = (what) => later.push(what);
    document.querySelector('.player [aria-label="One tick on"]').click();
    window.setTimeout = setTimeout;
    location.hash = '#t=30&agent=cora';
    for (const what of later) what();
    return later.length;
}"""


def test_an_address_that_is_typed_while_one_is_to_be_written_is_gone_to(
    browser: Any, queue: tuple[Path, Shown]
) -> None:
    with Opened(browser, queue[0], "#t=7&agent=bob") as opened:
        assert opened.page.evaluate(TYPED_MEANWHILE) > 0
        opened.until("townlet.tick === 30")
        assert opened.text(".agent h2") == "cora"


def test_the_panel_says_what_the_arrays_say(browser: Any, winter: tuple[Path, Shown]) -> None:
    path, shown = winter
    terms, needs = shown.run["terms"], shown.run["needs"]
    with Opened(browser, path) as opened:
        page = opened.page
        assert len(shown.lives) > 1
        for life in (*shown.lives, shown.lives[0]):
            name = life["name"]
            tick = (life["born"] + life["end"]) // 2
            page.evaluate("([t, name]) => { location.hash = `#t=${t}&agent=${name}`; }", [tick, name])
            opened.until(f"townlet.tick === {tick}")
            row, at = life["row"], tick - shown.first
            reward = shown.arrays["reward"][row, at]
            assert as_number(page.locator("dl.numbers dd").first.inner_text()) == pytest.approx(
                reward, abs=6e-4
            )
            bars = page.locator("section.agent .bar").all_inner_texts()
            told = {text.split("\n")[0]: as_number(text.split("\n")[-1]) for text in bars}
            for k, term in enumerate(terms):
                assert told[term] == pytest.approx(shown.arrays["term"][row, k, at], abs=6e-4)
            for n, need in enumerate(needs):
                if need not in terms:
                    assert told[need] == pytest.approx(shown.arrays["need"][row, n, at], abs=6e-4)
            action = shown.run["actions"][shown.arrays["action"][row, at]]
            assert page.locator(".action b").inner_text() == action


def as_number(text: str) -> float:
    return float(text.replace("\u2212", "-").replace(",", "").replace("+", ""))


def test_what_an_agent_sees_may_do_and_which_features_changed(
    browser: Any, queue: tuple[Path, Shown]
) -> None:
    path, shown = queue
    with Opened(browser, path, "#t=6&agent=bob") as opened:
        page = opened.page
        page.get_by_role("tab", name="Sees").click()
        assert page.locator(".sights figure").count() == len(shown.run["town"]["channels"])
        page.keyboard.press("ArrowRight")
        assert page.get_by_role("tab", name="May do").get_attribute("aria-selected") == "true"
        legal = page.locator(".actions li.legal").all_inner_texts()
        assert legal == [shown.run["actions"][a] for a in page.evaluate("townlet.at(6, 'bob').mask")] != []
        page.get_by_role("tab", name="Features").click()
        features = shown.features(shown.row("bob"))
        changed = [shown.run["features"][f] for f in (features[6] != features[5]).nonzero()[0].tolist()]
        assert page.locator(".features td:first-child").all_inner_texts() == changed != []


def test_clicks_follow(browser: Any, queue: tuple[Path, Shown]) -> None:
    path, shown = queue
    with Opened(browser, path) as opened:
        page = opened.page
        assert opened.text(".agent h2") == "Everybody"
        assert page.locator(".everybody tbody tr").count() == 3
        page.get_by_role("button", name="Follow cora").first.click()
        assert opened.text(".agent h2") == "cora"
        box = page.locator(".map canvas").bounding_box()
        tile = box["width"] / shown.run["town"]["width"]
        x, y = page.evaluate("townlet.at(0, 'alice').position")
        page.mouse.click(box["x"] + (x + 0.5) * tile, box["y"] + (y + 0.5) * tile)
        assert opened.text(".agent h2") == "alice"
        page.locator("h1").click()
        page.keyboard.press("f")
        assert opened.text(".agent h2") == "bob"
        page.keyboard.press("u")
        assert opened.text(".agent h2") == "Everybody"


def test_a_drag_selects_a_span_and_the_wheel_zooms(browser: Any, queue: tuple[Path, Shown]) -> None:
    with Opened(browser, queue[0]) as opened:
        page = opened.page
        lanes = page.locator(".over")
        lanes.scroll_into_view_if_needed()
        box = lanes.bounding_box()
        place = lambda tick: box["x"] + (tick + 0.5) / 120 * box["width"]  # noqa: E731
        page.mouse.click(place(60), box["y"] + 40)
        assert opened.tick == 60
        page.mouse.move(place(20), box["y"] + 40)
        page.mouse.down()
        page.mouse.move(place(49), box["y"] + 40, steps=5)
        page.mouse.up()
        assert "ticks 20 to 49 (30 ticks)" in opened.text(".spans")
        page.wait_for_timeout(100)
        assert (
            page.locator("section:has(h2:text-is('Lives in the span')) tbody td").first.inner_text() == "30"
        )
        ticks = page.locator("section:has(h2:text-is('Events')) tbody th").all_inner_texts()
        assert all(20 <= int(tick) <= 49 for tick in ticks)
        page.mouse.move(place(60), box["y"] + 40)
        before = page.evaluate("document.querySelector('.span').getBoundingClientRect().width")
        page.mouse.wheel(0, -500)
        opened.until(f"document.querySelector('.span').getBoundingClientRect().width > {before * 1.5}")
        page.get_by_role("button", name="Whole run").click()
        assert "the whole run (120 ticks)" in opened.text(".spans")


def test_a_drag_along_rewards_moves_the_cursor(browser: Any, queue: tuple[Path, Shown]) -> None:
    with Opened(browser, queue[0]) as opened:
        page = opened.page
        chart = page.locator("figure:has(bdi:text-is('Reward so far')) svg[role=slider]")
        page.locator(".plot").first.scroll_into_view_if_needed()
        chart.evaluate("(svg) => { svg.dataset.first = 'yes'; }")
        box = chart.bounding_box()
        place = lambda share: box["x"] + 52 + share * (box["width"] - 62)  # noqa: E731
        page.mouse.move(place(0.25), box["y"] + 40)
        page.mouse.down()
        page.mouse.move(place(0.75), box["y"] + 40, steps=6)
        page.mouse.up()
        assert opened.tick == 89, "three quarters of 119"
        chart.focus()
        page.keyboard.press("Shift+ArrowRight")
        assert opened.tick == 90
        page.wait_for_timeout(100)
        assert chart.get_attribute("data-first") == "yes", "it is the same chart all the time"
        assert "the whole run" in opened.text(".spans")


def test_on_paper_all_plots_are_drawn(browser: Any, queue: tuple[Path, Shown]) -> None:
    with Opened(browser, queue[0]) as opened:
        page = opened.page
        plots = page.locator(".plots .plot")
        assert page.locator(".plots .plot figure").count() < plots.count()
        page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        assert page.locator(".plots .plot figure").count() == plots.count() > 6


def test_canvases_follow_colours_and_width(browser: Any, queue: tuple[Path, Shown]) -> None:
    with Opened(browser, queue[0], color_scheme="light") as opened:
        page = opened.page
        page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        heat = page.locator("figure:has(bdi:text-matches('^Where')) canvas")
        heat.scroll_into_view_if_needed()
        picture = heat.evaluate("(canvas) => canvas.toDataURL()")
        page.emulate_media(color_scheme="dark")
        opened.until(
            f"[...document.querySelectorAll('canvas')].every((one) => one.toDataURL() !== {picture!r})"
        )
        width = heat.bounding_box()["width"]
        page.set_viewport_size({"width": 360, "height": 900})
        page.wait_for_timeout(100)
        narrow = heat.bounding_box()
        assert narrow["width"] < width
        page.set_viewport_size({"width": 1280, "height": 900})
        page.wait_for_timeout(100)
        assert heat.bounding_box()["width"] == width


def test_a_head_with_many_warnings_and_no_command(browser: Any, tmp_path: Path) -> None:
    arrays = PageArrays()
    run = build_run(capture_of("scenarios/queue_conflict", tmp_path / "capture", ticks=12), arrays)
    run["head"] |= {"warnings": [f"warning {k}" for k in range(8)], "command": ""}
    path = tmp_path / "report.html"
    path.write_bytes(bundle({"kind": "run", "runs": [run]}, arrays, "many"))
    with Opened(browser, path) as opened:
        page = opened.page
        assert page.locator("#top .command").count() == 0
        seen = page.locator("#top .warning:visible")
        assert seen.all_inner_texts() == [f"warning {k}" for k in range(5)]
        page.get_by_text("3 more warnings").click()
        assert seen.count() == 8


def test_a_part_says_what_it_does_not_have(browser: Any, tmp_path: Path) -> None:
    path, shown = written(tmp_path, "scenarios/queue_conflict", span=(20, 60))
    with Opened(browser, path, "#t=20&agent=bob") as opened:
        page = opened.page
        page.get_by_role("tab", name="Sees").click()
        reserved = page.locator(".sights figure:has-text('reservations')")
        assert "not in this page" in reserved.inner_text()
        page.get_by_role("tab", name="Features").click()
        told = page.locator("section.agent").get_by_text("All features, as they are at the first tick shown.")
        assert told.count() == 1
        assert page.locator(".features tbody tr").count() == len(shown.run["features"])
        lanes = page.locator("figure:has(bdi:text-is('What each agent did most'))")
        names = lanes.locator("svg > text[text-anchor=end]").all_text_contents()
        assert names[1:] == [life["name"] for life in shown.lives], "behind the name of the axis"
        page.get_by_role("tab", name="Sees").click()
        page.locator("h1").click()
        page.keyboard.press("ArrowRight")
        assert opened.tick == 21 and "Σ" in reserved.inner_text()


def test_keys_do_what_their_list_says(browser: Any, queue: tuple[Path, Shown]) -> None:
    with Opened(browser, queue[0]) as opened:
        page = opened.page
        page.keyboard.press("?")
        listed = page.locator("dialog kbd").all_inner_texts()
        assert {"Space", "→", "n", "[", "?"} <= set(listed)
        page.keyboard.press("Escape")
        assert not page.locator("dialog").is_visible()
        page.keyboard.press("n")
        first = opened.tick
        page.keyboard.press("n")
        assert opened.tick > first
        page.keyboard.press("p")
        assert opened.tick == first
        page.evaluate("townlet.go(30)")
        page.keyboard.press("[")
        page.evaluate("townlet.go(40)")
        page.keyboard.press("]")
        assert "ticks 30 to 40 (11 ticks)" in opened.text(".spans")
        page.keyboard.press("0")
        assert "the whole run" in opened.text(".spans")


def test_events_are_filtered_and_lead_to_their_tick(browser: Any, queue: tuple[Path, Shown]) -> None:
    path, shown = queue
    with Opened(browser, path) as opened:
        page = opened.page
        events = page.locator("section:has(h2:text-is('Events'))")
        refused = [event for event in shown.run["events"] if event[5]]
        events.get_by_label("Kind").select_option("refused")
        assert events.locator("tbody tr").count() == len(refused) > 0
        events.get_by_label("Agent").select_option(str(shown.life("cora")))
        mine = [event for event in refused if event[1] == shown.life("cora")]
        assert events.locator("tbody tr").count() == len(mine) > 0
        events.locator("tbody button").last.click()
        assert opened.tick == mine[-1][0] and opened.text(".agent h2") == "cora"


def test_the_keyboard_alone_reaches_everything(browser: Any, queue: tuple[Path, Shown]) -> None:
    """From the start to the end of the page by Tab, each place with a ring, and never held."""
    with Opened(browser, queue[0], "#t=7&agent=bob") as opened:
        page = opened.page
        seen: list[str] = []
        for _ in range(400):
            page.keyboard.press("Tab")
            here = page.evaluate(
                """() => {
                    const e = document.activeElement;
                    if (e === document.body) return null;
                    const s = getComputedStyle(e);
                    const ring = s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0;
                    return [e.tagName + " " + (e.textContent || e.getAttribute("aria-label") || ""), ring];
                }"""
            )
            if here is None:
                break
            assert here[1], f"no ring around {here[0][:60]}"
            seen.append(here[0])
        else:
            pytest.fail(f"Tab goes on without end: {seen[-5:]}")
        for wanted in ("Play", "« event", "Keys", "Now", "Span from here", "Copy as CSV"):
            assert any(wanted in one for one in seen), f"Tab never came to {wanted!r}"


def test_without_motion_nothing_glides(browser: Any, queue: tuple[Path, Shown]) -> None:
    with Opened(browser, queue[0], reduced_motion="reduce") as opened:
        page = opened.page
        page.wait_for_timeout(300)
        assert opened.tick == 0, "nothing plays by itself"
        page.get_by_label("Speed").select_option("1")
        page.get_by_role("button", name="Play").click()
        before = page.evaluate("document.querySelector('.cursor').style.transform")
        page.wait_for_timeout(400)
        assert opened.tick == 0 and page.evaluate("townlet.frames") > 2
        assert page.evaluate("document.querySelector('.cursor').style.transform") == before
        page.get_by_label("Speed").select_option("64")
        opened.until("townlet.tick > 3")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_is_found_by_axe(browser: Any, winter: tuple[Path, Shown], scheme: str) -> None:
    with Opened(browser, winter[0], "#t=70&agent=otto", color_scheme=scheme) as opened:
        opened.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        for part in opened.page.locator(".plot").all():
            part.scroll_into_view_if_needed()
        opened.page.wait_for_timeout(300)
        assert opened.violations() == []


@pytest.mark.parametrize("width", [360, 1280, 2560])
def test_no_width_needs_scrolling_to_the_side(browser: Any, winter: tuple[Path, Shown], width: int) -> None:
    with Opened(browser, winter[0], viewport={"width": width, "height": 800}) as opened:
        for part in opened.page.locator(".plot").all():
            part.scroll_into_view_if_needed()
        opened.page.wait_for_timeout(200)
        assert opened.page.evaluate("document.scrollingElement.scrollWidth") <= width
