"""The site: built with warnings as errors, complete in itself, and read from a disk without any network."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import AXE
from tests.documentation.pages import DOCS, PAGES, ROOT
from townlet import cli

pytestmark = pytest.mark.page


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


def test_every_page_is_there(site: Path) -> None:
    for page in PAGES:
        assert (site / page).with_suffix(".html").is_file()


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    loaded = re.compile(r"""<(?:script|link|img|iframe|source)\b[^>]*?(?:src|href)=["']?(https?:)?//""")
    for path in site.rglob("*.html"):
        assert not loaded.search(path.read_text(encoding="utf-8")), path
    for path in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(https?:)?//", path.read_text(encoding="utf-8")), path


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"]) as chromium,
    ):
        yield chromium


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_pages_open_from_a_disk_without_a_network(site: Path, browser: Any, scheme: str, width: int) -> None:
    """With nothing on the console, and nothing wider than the window."""
    context = browser.new_context(offline=True, color_scheme=scheme, viewport={"width": width, "height": 800})
    said: list[str] = []
    page = context.new_page()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("requestfailed", lambda request: said.append(request.url))
    for name in ("index.md", "config.md", "reference/files.md", "reference/configs.md"):
        page.goto((site / name).with_suffix(".html").as_uri())
        page.wait_for_selector("article h1")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name
    assert not said
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_is_in_the_way_of_anybody(site: Path, browser: Any, scheme: str) -> None:
    with browser.new_context(offline=True, color_scheme=scheme) as context:
        page = context.new_page()
        for name in ("index", "tutorials/bakery", "reference/files", "reference/configs"):
            page.goto((site / f"{name}.html").as_uri())
            page.add_script_tag(path=str(AXE))
            found = page.evaluate("axe.run()")["violations"]
            serious = [each["id"] for each in found if each["impact"] in ("serious", "critical")]
            assert not serious, f"{name}: {serious}"


def test_the_moving_picture_is_what_the_command_makes(tmp_path: Path) -> None:
    """With the version of Pillow that is locked."""
    capture, picture = tmp_path / "queue", tmp_path / "queue.gif"
    assert cli.main(["capture", "queue_conflict", "--quiet", "--output", str(capture)]) == 0
    assert cli.main(["gif", str(capture), "--ticks", "0..96", "--fps", "8", "--output", str(picture)]) == 0
    assert picture.read_bytes() == (DOCS / "pictures" / "queue_conflict.gif").read_bytes()


def test_search_finds_from_a_disk(site: Path, browser: Any) -> None:
    with browser.new_context(offline=True, viewport={"width": 1280, "height": 800}) as context:
        page = context.new_page()
        page.goto((site / "index.html").as_uri())
        page.fill("input.md-search__input", "reservation")
        page.wait_for_selector(".md-search-result__item")
        assert "rules" in " ".join(page.locator(".md-search-result__item").all_inner_texts()).lower()
