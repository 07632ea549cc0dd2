"""Links between pages lead somewhere: to a file that is there, and to a heading that is in it."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
import yaml

from tests.documentation.pages import DOCS, PAGES, ROOT

TEXTS = ("README.md", "ARCHITECTURE.md", *(f"docs/{page}" for page in PAGES))
_FENCED = re.compile(r"^ *```.*?^ *```$", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"\[[^\]\[]*(?:\[[^\]]*\][^\]\[]*)?\]\(([^()\s]+)(?: \"[^\"]*\")?\)")
_HEADING = re.compile(r"^#+ (.*?)(?: \{ ?#([\w-]+) ?\})?$", re.MULTILINE)
_ELSEWHERE = ("http:", "https:", "mailto:")


def words(path: str) -> str:
    return _FENCED.sub("", (ROOT / path).read_text(encoding="utf-8"))


def links(path: str) -> list[str]:
    return _LINK.findall(_CODE.sub("code", words(path)))


@cache
def anchors(path: Path) -> set[str]:
    """The names of a page's headings, as the site and common viewers of Markdown make them."""
    found = set()
    for heading, own in _HEADING.findall(words(path.relative_to(ROOT).as_posix())):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        found.add(own or re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", text)).strip("-"))
    return found


@pytest.mark.parametrize("path", TEXTS)
def test_links_lead_somewhere(path: str) -> None:
    for link in links(path):
        if link.startswith(_ELSEWHERE):
            continue
        name, _, anchor = link.partition("#")
        target = (ROOT / path).parent / name if name else ROOT / path
        assert target.exists(), f"{path}: {link}: expected a file, found nothing at {target}"
        if anchor:
            assert anchor in anchors(target.resolve()), f"{path}: {link}: no such heading in {target.name}"


def test_links_are_found() -> None:
    assert len([link for path in TEXTS for link in links(path)]) > 80


def test_pages_lead_nowhere_out_of_the_site() -> None:
    """What is not below docs/ is not in the site."""
    for page in PAGES:
        for link in links(f"docs/{page}"):
            if not link.startswith(_ELSEWHERE) and link.partition("#")[0]:
                target = ((DOCS / page).parent / link.partition("#")[0]).resolve()
                assert target.is_relative_to(DOCS), f"docs/{page}: {link} is outside of docs/"


def test_every_page_has_a_place_in_the_navigation() -> None:
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    navigation = yaml.safe_load(text[text.index("\nnav:") :])["nav"]

    def pages(entry: object) -> list[str]:
        if isinstance(entry, str):
            return [entry]
        below = entry.values() if isinstance(entry, dict) else entry
        return [page for each in below for page in pages(each)]  # type: ignore[union-attr]

    assert sorted(pages(navigation)) == sorted(PAGES)
