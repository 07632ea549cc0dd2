"""The page on what agents see."""

from __future__ import annotations

from pathlib import Path

from townlet.observation import docs

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_is_current() -> None:
    """`make docs` writes it."""
    assert (ROOT / docs.PAGE).read_text(encoding="utf-8") == docs.render()


def test_the_page_is_written_where_it_is_asked_for(tmp_path: Path) -> None:
    assert docs.main([str(tmp_path / "pages" / "seen.md")]) == 0
    assert (tmp_path / "pages" / "seen.md").read_text(encoding="utf-8") == docs.render()
