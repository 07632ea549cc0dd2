"""Numbers, tables and counts as people read them."""

from __future__ import annotations

import io
import sys

import pytest

from townlet.console import formatting as figures


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (512, "512"), (9999, "9999"), (68_100, "68.1k"), (3.4e6, "3.4M"), (2e9, "2.0G")],
)
def test_count(number: float, text: str) -> None:
    assert figures.count(number) == text


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 B"), (999, "999 B"), (68_100, "68.1 kB"), (3.4e6, "3.4 MB"), (2e9, "2.0 GB")]
)
def test_size(number: float, text: str) -> None:
    assert figures.size(number) == text


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (7.4, "0:07"), (754, "12:34"), (3723, "1:02:03")])
def test_clock(seconds: float, text: str) -> None:
    assert figures.clock(seconds) == text


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("quiet", [False, True])
def test_counted(monkeypatch: pytest.MonkeyPatch, quiet: bool) -> None:
    monkeypatch.setattr(figures, "LIVE_INTERVAL_S", 0)
    for stream, said in ((Terminal(), "\r0 of 3 done\033[K\r1 of 3 done\033[K"), (io.StringIO(), "")):
        monkeypatch.setattr(sys, "stderr", stream)
        assert list(figures.counted("abc", "done", quiet=quiet)) == ["a", "b", "c"]
        assert stream.getvalue().startswith("" if quiet else said)
        assert bool(stream.getvalue()) == (bool(said) and not quiet)


def test_a_table_is_never_cut_in_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    figures.print_table(("name", "size"), [("x" * 150, "1"), ("[bold]", "22")], numbers=("size",))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["name", "size"]
    assert lines[1].endswith("   1")
    assert lines[2].startswith("[bold] ")
