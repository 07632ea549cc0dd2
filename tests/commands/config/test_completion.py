"""`townlet completion`: what a shell offers, asked of a real bash."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.commands.conftest import Townlet
from townlet.cli import COMMANDS
from townlet.commands.config.completion import SHELLS, parsers, script
from townlet.config.shipped import shipped_configs, shipped_suites

ASK = """
source "$0"
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}; COMPREPLY=()
_shtab_townlet
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def bash_script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("completion") / "townlet.bash"
    file.write_text(script("bash"), encoding="utf-8")
    return file


def offered(file: Path, *words: str, cwd: Path | None = None) -> list[str]:
    """What is offered when Tab is pressed at the end of these words."""
    run = subprocess.run(
        ["bash", "-c", ASK, str(file), *words], capture_output=True, text=True, check=True, cwd=cwd
    )
    assert run.stderr == ""
    return run.stdout.split()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("townlet", "cap"), ["capture"]),
        (("townlet", "train", ""), ["bc", "ppo"]),
        (("townlet", "help", "ver"), ["verify"]),
        (("townlet", "capture", "--ou"), ["--output"]),
        (("townlet", "capture", "--policy", "need"), ["needs", "needs-early"]),
        (("townlet", "capture", "--compression", ""), ["fast", "none", "small"]),
        (("townlet", "capture", "scenarios/queue"), ["scenarios/queue_conflict.yaml"]),
        (("townlet", "completion", "z"), ["zsh"]),
    ],
)
def test_what_is_offered(
    bash_script: Path, tmp_path: Path, words: tuple[str, ...], expected: list[str]
) -> None:
    assert offered(bash_script, *words, cwd=tmp_path) == expected


def test_files_and_folders(bash_script: Path, tmp_path: Path) -> None:
    (tmp_path / "samples").mkdir()
    (tmp_path / "sandy.yaml").touch()
    assert offered(bash_script, "townlet", "verify", "sa", cwd=tmp_path) == ["samples"]
    assert offered(bash_script, "townlet", "capture", "sand", cwd=tmp_path) == ["sandy.yaml"]


def test_all_commands_options_and_shipped_configs(bash_script: Path, tmp_path: Path) -> None:
    assert offered(bash_script, "townlet", "", cwd=tmp_path) == [*COMMANDS, "help"]
    shipped = {*shipped_configs(), *shipped_suites()}
    assert shipped <= set(offered(bash_script, "townlet", "capture", "", cwd=tmp_path))
    for name, _, found in parsers():
        for kind, parser in {"": found}.items() if not isinstance(found, dict) else found.items():
            known = parser[1] if isinstance(parser, tuple) else parser
            words = ("townlet", name, kind) if kind else ("townlet", name)
            options = [option for action in known._actions for option in action.option_strings]
            assert set(offered(bash_script, *words, "-", cwd=tmp_path)) == set(options), words


@pytest.mark.parametrize("shell", SHELLS)
def test_every_script_names_everything(townlet: Townlet, shell: str) -> None:
    said = townlet("completion", shell)
    assert (said.code, said.err) == (0, "") and "\x1b" not in said.out
    assert all(name in said.out for name in (*COMMANDS, "kitchen_breakfast", "dry-run", "needs-early"))
    head = "#compdef townlet\n\n" if shell == "zsh" else ""
    assert said.out.startswith(f"{head}# Completion of Townlet ")
    assert f"#   townlet completion {shell} > ~/." in said.out and "GENERATED" not in said.out
    program = shutil.which(shell)
    if program and shell != "tcsh":
        assert subprocess.run([program, "-n"], input=said.out, text=True, check=False).returncode == 0


def test_a_shell_that_is_not_known(townlet: Townlet) -> None:
    said = townlet("completion", "fish")
    assert said.code == 2 and said.err.startswith("error: argument SHELL: invalid choice: 'fish'")
