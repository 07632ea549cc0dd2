"""The page of commands, made from their parsers."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator

from scripts.reference.markdown import block, code, escaped, table
from townlet.cli import COMMANDS
from townlet.commands.config.completion import parsers

INTRODUCTION = """\
# Commands

<!-- Made by `make docs` from the parsers; a test holds it there. -->

`townlet COMMAND --help` prints the same. Options may stand in any order; but for the short names of
some, none may be shortened.

"""
CODES = """\
## Exit codes

What every command keeps to; where one has others, they stand with it.

| code | |
|---|---|
| 0 | done |
| 1 | the work was done, and not all is well: a run failed, files are damaged, two data sets differ |
| 2 | nothing was done: wrong usage, a mistake in a config, an output that cannot be used |
| 3 | `regenerate`: the metrics left their bands, the new version is not current |
| 129, 130, 143 | ended by SIGHUP, SIGINT (Ctrl-C), SIGTERM; what was begun is put right first |

An error is one message on standard error, which says where, what was expected, what was found and what to do. Where
there is a traceback to see, `TOWNLET_TRACEBACK=1` shows it.
"""


def render() -> str:
    """The text of docs/reference/commands.md."""
    lines = [INTRODUCTION]
    rows = [(f"[`{name}`](#{_anchor(name)})", escaped(command.summary)) for name, command in COMMANDS.items()]
    lines.append(table(("command", "what it does"), rows))
    for name, summary, found in parsers():
        if isinstance(found, dict):
            lines.append(f"## `{name}`\n\n{escaped(_sentence(summary))}\n")
            for kind, (_, parser) in found.items():
                lines += _described(f"{name} {kind}", parser, "###")
        else:
            lines += _described(name, found, "##")
    return "\n".join([*lines, CODES]).rstrip() + "\n"


def _anchor(name: str) -> str:
    return name.replace(" ", "-")


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _described(name: str, parser: argparse.ArgumentParser, heading: str) -> Iterator[str]:
    yield f"{heading} `{name}`\n"
    yield f"{escaped(parser.description or '')}\n"
    yield block(_usage(parser))
    for group in parser._action_groups:
        rows = [
            (_spelled(action), _help(action, parser))
            for action in group._group_actions
            if action.help != argparse.SUPPRESS and "--help" not in action.option_strings
        ]
        if rows:
            title = {"positional arguments": "arguments"}.get(group.title or "", group.title or "options")
            yield table((title, ""), rows)
    yield from _epilog(parser.epilog or "")


def _usage(parser: argparse.ArgumentParser) -> str:
    """What is typed, the arguments first. Not argparse's own, which differs from one Python to the next."""
    if parser.usage:
        return parser.usage
    words = [parser.prog]
    for action in parser._actions:
        if not action.option_strings:
            several = action.nargs in ("+", "*", argparse.REMAINDER)
            named = f"{_named(action)}{' ...' if several else ''}"
            words.append(f"[{named}]" if action.nargs in ("?", "*") else named)
        elif action.required:
            words.append(f"{action.option_strings[-1]} {_named(action)}")
    return " ".join([*words, "[options]"])


def _named(action: argparse.Action) -> str:
    if action.metavar:
        return action.metavar if isinstance(action.metavar, str) else " ".join(action.metavar)
    if action.choices:
        return "{" + ",".join(map(str, action.choices)) + "}"
    return action.dest.upper()


def _spelled(action: argparse.Action) -> str:
    """An option with its names, the short one first, and its value behind the last."""
    if not action.option_strings:
        return code(_named(action))
    value = "" if action.nargs == 0 else f" {_named(action)}"
    *others, last = sorted(action.option_strings, key=len)
    return ", ".join(code(name) for name in (*others, f"{last}{value}"))


def _help(action: argparse.Action, parser: argparse.ArgumentParser) -> str:
    facts = {**vars(action), "prog": parser.prog}
    return escaped((action.help or "") % facts)


def _epilog(text: str) -> Iterator[str]:
    """Examples as code, all else as text."""
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        head, _, rest = paragraph.partition("\n")
        if not paragraph:
            continue
        if head.endswith(":") and all(line.startswith("  ") for line in rest.splitlines()):
            yield f"{escaped(_sentence(head)[:-1])}\n"
            yield block("\n".join(line[2:] for line in rest.splitlines()))
        else:
            yield (
                escaped(_sentence(" ".join(paragraph.split())).removesuffix(".").removesuffix(".") + ".")
                + "\n"
            )
