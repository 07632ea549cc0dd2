"""Profiles: the options of a runner in a file, `--profile NAME` or `--profile FILE`.

A profile is a YAML mapping of Beam's options, by Beam's names: `flink_master: 127.0.0.1:8081`. A flag is `true`, an
option that may be given repeatedly takes a list, one whose value is JSON may be written as a mapping. The command
line wins over the profile. The shipped profiles lie in `deploy/profiles/`.

No Beam here: a profile is a file, and becomes flags that Beam parses later.
"""

from __future__ import annotations

import argparse
import difflib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from townlet.config.source.kinds import is_mapping_of, what_it_is
from townlet.config.source.open_file import is_there
from townlet.config.type_text import quoted
from townlet.config.validation import config_error
from townlet.config.yaml_loader import Document, Entry, read_document
from townlet.errors import Problem, UserError

PACKAGE = Path(__file__).resolve().parents[2]  # townlet
SUFFIX = ".yaml"


def shipped_profiles() -> dict[str, Path]:
    """The shipped profiles by name: inside an installed package, else in the project."""
    installed = PACKAGE / "_profiles"
    root = installed if installed.is_dir() else PACKAGE.parent / "deploy" / "profiles"
    return {path.stem: path for path in sorted(root.glob(f"*{SUFFIX}"))}


def find_profile(name: str) -> Path:
    """The file of a profile: a path, or the name of a shipped one. Raises UserError."""
    shipped = shipped_profiles()
    if name in shipped:
        return shipped[name]
    path = Path(name)
    if is_there(path):
        return path
    near = difflib.get_close_matches(name, shipped, 1)
    hint = f"; did you mean {near[0]}?" if near else f"; there are: {', '.join(shipped)}"
    raise UserError(f"--profile {name}: neither a file nor the name of a shipped profile{hint}")


def flags_of(name: str, given: Sequence[str], parser: argparse.ArgumentParser) -> list[str]:
    """A profile's options as the command line would have them, less those that it has: `given` wins.

    `parser` knows all of Beam's options. Raises UserError; all mistakes at once, with their lines.
    """
    document = read_document(find_profile(name))
    known = parser._option_string_actions
    if not is_mapping_of({flag[2:] for flag in known}, document.data, "runner"):
        found = what_it_is(document.data)  # it may be any file: it is not quoted
        raise config_error([document.problem((), f"expected a mapping of Beam's options, got {found}")])
    given_options = {known[flag].dest for flag in (word.split("=", 1)[0] for word in given) if flag in known}
    problems: list[Problem] = list(document.problems)
    flags: list[str] = []
    for key, entry in document.root.value.items():
        try:
            action = _action(key, known)
            words = _words(key, document.data[key], action, known)
            parser.parse_args(words)
        except UserError as error:
            problems.append(_problem(document, key, entry, str(error)))
            continue
        if action.dest not in given_options:
            flags += words
    if problems:
        raise config_error(problems)
    return flags


def _problem(document: Document, key: str, entry: Entry, message: str) -> Problem:
    return Problem(document.label, entry.line, entry.column, key, message)


def _action(key: str, known: dict[str, argparse.Action]) -> argparse.Action:
    action = known.get(f"--{key}")
    if action is None:
        near = difflib.get_close_matches(f"--{key}", known, 1, cutoff=0.5)
        raise UserError("Beam has no such option" + (f"; did you mean {near[0][2:]}?" if near else ""))
    return action


def _words(key: str, value: Any, action: argparse.Action, known: dict[str, argparse.Action]) -> list[str]:
    if action.nargs == 0:
        if value is not True:
            opposite = f" or write no_{key}: true" if f"--no_{key}" in known else ""
            raise UserError(f"expected true, got {quoted(value)}; leave the line out{opposite}")
        return [f"--{key}"]
    if isinstance(value, list):
        if type(action) is argparse._StoreAction:
            raise UserError(f"expected one value, got {quoted(value)}")
        return [f"--{key}={_text(part)}" for part in value]
    return [f"--{key}={_text(value)}"]


def _text(value: Any) -> str:
    if value is None or isinstance(value, list):
        raise UserError(f"expected a value, got {quoted(value)}")
    if isinstance(value, dict):
        return json.dumps(value)
    return str(value).lower() if isinstance(value, bool) else str(value)
