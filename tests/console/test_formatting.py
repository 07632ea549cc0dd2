"""Numbers, tables and counts as people read them."""

from __future__ import annotations

import io
import json
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
    for stream, said in (
        (Terminal(), "\r[--------------------] 0 of 3 done\033[K\r[######--"),
        (io.StringIO(), ""),
    ):
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


def test_seeds_are_numbers_with_a_text_beside_them(capsys: pytest.CaptureFixture[str]) -> None:
    """2^63 - 1 is read as 2^63 by whatever knows numbers of 53 bits only, as JavaScript does."""
    seed = 2**63 - 1
    document = {
        "runs": [{"seed": seed, "ticks": 1}],
        "seeds": [0, seed],
        "none": {"seed": None},
        "schema": {"seed": {}},
    }
    figures.print_json(document)
    first = json.loads(capsys.readouterr().out)
    assert first["runs"] == [{"seed": seed, "seed_text": str(seed), "ticks": 1}]
    assert first["seeds"] == [0, seed] and first["seed_texts"] == ["0", str(seed)]
    assert first["none"] == {"seed": None} and first["schema"] == {"seed": {}}
    assert json.loads(figures.json_text(document)) == first
    assert document["runs"] == [{"seed": seed, "ticks": 1}], "what was handed over stays as it is"


def test_a_table_keeps_what_is_in_a_cell_there(capsys: pytest.CaptureFixture[str]) -> None:
    figures.print_table(("na\nme", "b"), [("x\ny\x1b[31m", "東京 🏠"), ("[red]z", "\u202e")])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines] == [
        [r"na\x0ame", "b"], [r"x\x0ay\x1b[31m", "東京", "🏠"], ["[red]z", r"\u202e"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("done", "total", "drawn"),
    [
        (0, 3, "[--------------------]"),
        (1, 2, "[##########----------]"),
        (3, 3, "[####################]"),
        (9, 3, "[####################]"),
    ],
)
def test_bar(done: int, total: int, drawn: str) -> None:
    assert figures.bar(done, total) == drawn


def test_a_terminal_sees_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is typed: `townlet verify DIR`, on a terminal. What appears: a bar, and nothing at the end."""

    stream = Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setattr(figures, "LIVE_INTERVAL_S", 0.0)
    with figures.Meter("captures", quiet=False) as meter:
        meter.show(1, 4)
    assert stream.getvalue().startswith("\r[#####---------------] 1 of 4 captures, ")
    assert stream.getvalue().endswith("\r\033[K")
    stream.truncate(0)
    list(figures.counted("ab", "replayed", quiet=False))
    assert "[##########----------] 1 of 2 replayed" in stream.getvalue()


def test_a_number_of_things_in_a_few_characters() -> None:
    said = [figures.counted_as(how_many, "frame") for how_many in (0, 1, 2, 68_100)]
    assert said == ["0 frames", "1 frame", "2 frames", "68.1k frames"]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0 s"), (12.34, "12.3 s"), (61, "1:01"), (3700, "1:01:40")]
)
def test_took(seconds: float, text: str) -> None:
    assert figures.took(seconds) == text
