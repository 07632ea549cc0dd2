"""Pages opened from a file in Chromium, with the network blocked, and what they say on the console."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.conftest import AXE

LONGEST = 20.0  # seconds that a test waits for anything


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser without a window, for several tests."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


class Opened:
    """A page that is shown; whatever it says on the console, and whatever it asks the network for."""

    def __init__(self, browser: Any, path: Path, address: str = "", **how: Any) -> None:
        self.said: list[str] = []
        self.asked: list[str] = []
        self.context = browser.new_context(
            offline=True, **{"viewport": {"width": 1280, "height": 900}, **how}
        )
        self.page = self.context.new_page()
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: self.said.append(dialog.message) or dialog.dismiss())
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(f"{path.as_uri()}{address}")
        self.until("window.townlet !== undefined")
        self.page.evaluate("townlet.ready")

    def __enter__(self) -> Opened:
        return self

    def __exit__(self, *error: object) -> None:
        self.context.close()
        if error[0] is None:
            assert self.said == [], "a page says nothing on the console"
            assert [url for url in self.asked if not url.startswith(("file:", "data:", "blob:"))] == []

    @property
    def tick(self) -> int:
        return self.page.evaluate("townlet.tick")

    def until(self, script: str) -> None:
        """Wait until an expression is true. (`wait_for_function` evaluates text, which the page forbids.)"""
        end = time.monotonic() + LONGEST
        while not self.page.evaluate(script):
            assert time.monotonic() < end, f"after {LONGEST} s not yet true: {script}"
            self.page.wait_for_timeout(30)

    def text(self, selector: str) -> str:
        return self.page.locator(selector).first.inner_text()

    def violations(self) -> list[str]:
        """What axe-core finds that is serious: the rule, and where."""
        self.page.add_script_tag(path=str(AXE))
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        return [
            f"{one['id']}: {node['target']} {node.get('failureSummary', '')[:300]}"
            for one in found
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"]
        ]
