"""`townlet completion`: what lets a shell complete commands, options, shipped configs and files."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from townlet.console.parsing import Parser, parser_of
from townlet.console.printing import say

EXAMPLES = """\
examples:
  townlet completion bash > ~/.local/share/bash-completion/completions/townlet
  townlet completion zsh > ~/.zfunc/_townlet     a folder that is in $fpath before compinit is called
  townlet completion tcsh > ~/.townlet.tcsh      and `source ~/.townlet.tcsh` in ~/.tcshrc

Open a new shell then. Print it again after an update of Townlet: it knows the commands and shipped configs of the
version that printed it.
"""

SHELLS = ("bash", "zsh", "tcsh")
FOLDERS = ("DATASET", "DIR", "OUT", "PLACE")  # what a value's name in the help says of it
FILES = ("A", "B", "DATA", "FILE", "MODEL", "OTHER", "PATH")
CONFIGS = ("CONFIG", "SUITE")


def main(argv: Sequence[str], prog: str = "townlet completion") -> int:
    parser = Parser(
        prog, "Print a script that lets a shell complete what is typed after `townlet`.", EXAMPLES
    )
    parser.add_argument("shell", metavar="SHELL", choices=SHELLS, help=f"{', '.join(SHELLS)}")
    shell = parser.parse_args(argv).shell
    for line in script(shell).splitlines():
        say(line.replace("\t", "    "))
    return 0


def script(shell: str) -> str:
    """The script for one of `SHELLS`."""
    import shtab

    root = argparse.ArgumentParser("townlet")
    root.add_argument("-V", "--version", action="version", help="print the version")
    commands = root.add_subparsers()
    known = list(parsers())
    for name, summary, parser in known:
        _add(commands, name, summary, parser)
    names = commands.add_parser("help", help="show the options of a command", add_help=False)
    names.add_argument("command", choices=[name for name, _, _ in known])
    return _with_own_head(shtab.complete(root, shell), shell)


def _with_own_head(text: str, shell: str) -> str:
    """With a head that says what the help of this command says, in the place of shtab's, which has other paths."""
    from townlet import __version__

    first = ["#compdef townlet", ""] if shell == "zsh" else []  # which zsh looks for
    rest = text.splitlines()[len(first) :]
    body = next(at for at, line in enumerate(rest) if not line.startswith("#"))
    where = next(line.strip() for line in EXAMPLES.splitlines() if f"completion {shell} " in line)
    own = [f"# Completion of Townlet {__version__}. Print it again after an update:", f"#   {where}"]
    return "\n".join([*first, *own, *rest[body:], ""])


Found = Parser | dict[str, tuple[str, Parser]]


def parsers() -> Iterator[tuple[str, str, Found]]:
    """Name, summary and parser of every command; of a group of commands, what is in it by name."""
    from townlet.cli import COMMANDS

    for name, command in COMMANDS.items():
        module, prog = importlib.import_module(command.module), f"townlet {name}"
        found = _kinds(module, prog) if hasattr(module, "KINDS") else parser_of(module.main, prog)
        yield name, command.summary, found


def _kinds(module: Any, prog: str) -> dict[str, tuple[str, Parser]]:
    """The commands of a group: its module has KINDS, names with summaries, and hands on what follows such a name."""
    return {
        kind: (summary, parser_of(partial(_of_kind, module, kind), prog))
        for kind, summary in module.KINDS.items()
    }


def _of_kind(module: Any, kind: str, words: Sequence[str], prog: str) -> int:
    return module.main([kind, *words], prog)


def _add(commands: Any, name: str, summary: str, found: Found) -> None:
    if isinstance(found, dict):
        kinds = commands.add_parser(name, help=summary).add_subparsers()
        for kind, (about, parser) in found.items():
            _add(kinds, kind, about, parser)
        return
    for action in found._actions:
        complete = _values(action)
        if complete is not None:
            action.complete = complete  # type: ignore[attr-defined]
    commands.add_parser(name, help=summary, parents=[found], add_help=False)


def _values(action: argparse.Action) -> Any:
    """What may stand as an argument's value, as shtab is told; None where nobody knows, or choices say it."""
    import shtab

    if action.choices is not None or action.nargs == 0:
        return None
    name = action.metavar or action.dest.upper()
    if name in FOLDERS:
        return shtab.DIRECTORY
    if name in FILES:
        return shtab.FILE
    if name in CONFIGS:
        return _configs()
    return _policies() if action.dest == "policy" else None


def _configs() -> Any:
    """Shipped configs and suites, and files."""
    from townlet.config.shipped import shipped_configs, shipped_suites

    words = " ".join([*shipped_configs(), *shipped_suites()])
    return {
        "bash": "_townlet_configs",
        "zsh": "_townlet_configs",
        "tcsh": f"({words})",
        "preamble": {
            "bash": f'_townlet_configs() {{\n  compgen -W "{words}" -- "$1"\n  _shtab_compgen_files "$1"\n}}\n',
            "zsh": f"_townlet_configs() {{\n  compadd -- {words}\n  _files\n}}\n",
        },
    }


def _policies() -> Any:
    from townlet.vocabulary import POLICIES

    words = " ".join(POLICIES)
    return {
        "bash": "_townlet_policies",
        "zsh": f"({words})",
        "tcsh": f"({words})",
        "preamble": {"bash": f'_townlet_policies() {{\n  compgen -W "{words} network:" -- "$1"\n}}\n'},
    }
