"""What holds for all commands, those that are still to be written as well."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.conftest import Townlet
from townlet import __version__, cli
from townlet.commands.config.completion import parsers
from townlet.console.parsing import QUIET, SHORT, Parser


def every() -> Iterator[tuple[str, Parser]]:
    """What is typed for a command, and its parser; of a group each of its kinds."""
    for name, _, found in parsers():
        if isinstance(found, dict):
            yield from ((f"{name} {kind}", parser) for kind, (_, parser) in found.items())
        else:
            yield name, found


EVERY = dict(every())


def test_all_are_here() -> None:
    assert {typed.split()[0] for typed in EVERY} == set(cli.COMMANDS)


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("typed", ["", *EVERY])
def test_help_fits_the_terminal(
    townlet: Townlet, monkeypatch: pytest.MonkeyPatch, typed: str, width: int
) -> None:
    """A word that is longer by itself, such as a path, is left in one piece."""
    monkeypatch.setenv("COLUMNS", str(width))
    said = townlet(*typed.split(), "--help")
    assert said.code == 0 and not said.err
    long = [line for line in said.out.splitlines() if len(line) > width]
    assert all(len(line.removesuffix(" \\").split()) == 1 for line in long), long
    assert townlet("help", *typed.split()).out == said.out


@pytest.mark.parametrize("typed", EVERY)
def test_options_mean_the_same_everywhere(typed: str) -> None:
    short = {"-h": "--help", **{short: long for long, short in SHORT.items()}}
    for action in EVERY[typed]._actions:
        letters = [name for name in action.option_strings if re.fullmatch("-[A-Za-z]", name)]
        assert all(short.get(letter) in action.option_strings for letter in letters), letters
        assert all(SHORT.get(name, name) in action.option_strings for name in action.option_strings)
        if "--quiet" in action.option_strings:
            assert action.help == QUIET


def test_a_command_after_help_that_is_none(townlet: Townlet) -> None:
    said = townlet("help", "captur")
    assert said == (2, "", "error: unknown command 'captur'; did you mean capture?\n")


# What prints for a program or an editor alone: a line on standard error would be one too many in a start-up file.
FOR_PROGRAMS = {"schema", "completion"}
# What is made, or an exit code, is all that these are asked for: with --quiet they print nothing where all went well.
# The others print their answer.
SILENT = {
    "capture", "regenerate", "golden", "rollback", "warm", "report", "card", "gif", "verify", "diff", "gc", "export",
    "train", "new", "validate",
}  # fmt: skip
NEXT = {
    "capture queue_conflict --ticks 5 --output out": "townlet inspect out",
    "plan queue_conflict --ticks 5 --output plan": "townlet capture queue_conflict --ticks 5 --output plan",
    "regenerate queue_conflict --ticks 5 --output kept": "townlet list kept",
    "regenerate queue_conflict --ticks 5 --output new -n": "townlet regenerate queue_conflict --ticks 5 --output new",
    "golden queue_conflict --ticks 5 --golden g.json":
        "give it to `townlet regenerate` as --golden g.json",
    "evaluate queue_conflict --ticks 3 --seeds 0 --policy idle":
        "townlet capture queue_conflict --policy idle --output samples/evaluated",
    "inspect kitchen": "townlet report kitchen",
    "inspect village": "townlet report village",
    "inspect kitchen --tick 3": "townlet inspect kitchen --tick 3 --agent alice",
    "events kitchen --ticks 2..5": "townlet inspect kitchen --tick 2 --agent",
    "verify kitchen": "townlet verify kitchen --replay",
    "verify kitchen --replay": "townlet inspect kitchen",
    "diff kitchen kitchen": "townlet inspect kitchen",
    "gc village -n": "townlet verify village",
    "export kitchen --to parquet --output rows": "python -c 'import pandas; print(pandas.read_parquet(",
    "validate queue_conflict": "townlet capture queue_conflict --output samples/queue_conflict",
    "actions queue_conflict": "townlet validate queue_conflict",
    "list": "townlet capture kitchen_breakfast --output samples/kitchen",
    "list village": "townlet inspect village",
    "new bakery": "edit it, and then",
    "report kitchen": "open it in a browser, or use --open",
}  # fmt: skip


@pytest.fixture
def place(tmp_path: Path, kitchen: Path, village: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a capture and a data set."""
    (tmp_path / "kitchen").symlink_to(kitchen)
    (tmp_path / "village").symlink_to(village)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("typed", NEXT)
def test_what_to_do_next_and_silence(townlet: Townlet, place: Path, typed: str) -> None:
    """What is typed, and the line that appears; with --quiet or --json none, and with --quiet nothing but an answer."""
    words, command = typed.split(), typed.split()[0]
    said = townlet(*words)
    assert said.code == 0, said.err
    lines = [line for line in said.err.splitlines() if line.startswith("next: ")]
    assert len(lines) == 1 and lines[0].startswith(f"next: {NEXT[typed]}")
    _other_output(words)
    quiet = townlet(*words, "-q")
    assert (quiet.code, quiet.err) == (0, "")
    if command in SILENT and "-n" not in words:
        assert quiet.out == ""
    elif command not in ("gc", "regenerate"):
        assert quiet.out
    if any("--json" in action.option_strings for action in EVERY[command]._actions):
        _other_output(words)
        assert "next: " not in townlet(*words, "--json").err


def _other_output(words: list[str]) -> None:
    """What is written only where nothing is yet is written beside."""
    for at, word in enumerate(words):
        if word in ("rows", "out", "kept", "bakery"):
            words[at] = f"{word}2" if not Path(f"{word}2").exists() else f"{word}3"


@pytest.mark.parametrize("typed", EVERY)
def test_every_command_can_be_quiet_and_says_what_to_do_next(typed: str) -> None:
    """Also of those that are still to be written, as far as can be told without running them."""
    options = [name for action in EVERY[typed]._actions for name in action.option_strings]
    name, *kind = typed.split()
    if name in FOR_PROGRAMS:
        assert "--quiet" not in options
        return
    assert "--quiet" in options
    module = cli.COMMANDS[name].module if not kind else f"townlet.commands.train.{kind[0]}"
    source = _source(module)
    below = re.findall(r"from (townlet\.commands\.[\w.]+) import", source)
    sources = [source, *map(_source, below)]
    assert any("next_step(" in text or '"next: ' in text for text in sources)


def _source(module: str) -> str:
    return Path(str(importlib.import_module(module).__file__)).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "typed",
    ["capture queue_conflict --ticks 5 -o out", "regenerate queue_conflict --ticks 5 -o kept",
     "golden queue_conflict --ticks 5 --golden g.json"],
)  # fmt: skip
def test_how_long_it_took(townlet: Townlet, place: Path, typed: str) -> None:
    """What appears at the end: `took 0.3 s`; not with --quiet, and not where nothing had to be done."""
    said = townlet(*typed.split())
    assert len(re.findall(r"(?m)^took \d+\.\d s$", said.err)) == 1
    assert "took" not in townlet(*typed.split(), "--quiet").err
    if not typed.startswith("golden"):
        assert "took" not in townlet(*typed.split()).err


def test_python_m_townlet() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "townlet", "--version"], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, f"townlet {__version__}\n", "")
