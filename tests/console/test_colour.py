"""Colour is for terminals whose users want it; what a program reads is plain."""

from __future__ import annotations

import io

import pytest

from townlet.console.colour import is_coloured, painted, with_label
from townlet.console.printing import next_step, remark
from townlet.escaping import typed_path


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm", "NO_COLOR": ""}, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
        ({}, False),
    ],
)
def test_when_there_is_colour(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], coloured: bool
) -> None:
    for name in ("TERM", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert is_coloured(Terminal()) is coloured
    assert not is_coloured(io.StringIO()) and not is_coloured(None)


@pytest.mark.parametrize("label", ["error:", "warning:", "note:", "next:", "failed:"])
def test_a_label_is_set_off_and_the_rest_is_plain(label: str) -> None:
    found = with_label(f"{label} a name: error: x")
    assert found.startswith("\x1b[") and found.endswith("m a name: error: x".replace("m ", "\x1b[0m ", 1))
    assert with_label("town.yaml:3: error: x") == "town.yaml:3: error: x"


def test_a_name_cannot_paint(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is typed: a config called `\\x1b[31m`. What appears: its letters, behind a label in colour."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    stream = Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    remark("error: no \x1b[31mtown\nnote: forged")
    label = painted("error:", "1;31")
    assert stream.getvalue() == f"{label} no \\x1b[31mtown\\x0anote: forged\n"


def test_the_next_step_is_ready_to_be_pasted(capsys: pytest.CaptureFixture[str]) -> None:
    next_step(f"townlet inspect {typed_path('a folder; rm -r')}")
    assert capsys.readouterr().err == "next: townlet inspect 'a folder; rm -r'\n"
