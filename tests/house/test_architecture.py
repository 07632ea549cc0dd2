"""ARCHITECTURE.md is true: every path in it is there, and every name in it is somebody's."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.house.architecture import TEXT, names, rows
from tests.house.source_tree import PRODUCT, ROOT, sources, tree_of
from townlet.cli import COMMANDS

IN_BACKTICKS = sorted(set(re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", TEXT, flags=re.DOTALL))))
TOP_LEVEL = {path.name for path in ROOT.iterdir()}
MADE_BY_SETUP = {"townlet/_configs/"}  # only in a wheel


@cache
def defined_in(path: str) -> frozenset[str]:
    """The names that a Python file defines: functions, classes, constants, fields, itself."""
    found = {Path(path).stem, path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")}
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return frozenset(found)


@cache
def code_text() -> str:
    """All of the code in one text."""
    return "\n".join((ROOT / path).read_text(encoding="utf-8") for path in sources("townlet"))


def is_path(text: str) -> bool:
    return text.split("/")[0] in TOP_LEVEL


def is_there(path: str) -> bool:
    return path in MADE_BY_SETUP or any(ROOT.glob(re.sub(r"<\w+>", "*", path.rstrip("/"))))


def is_somebodys(text: str) -> bool:
    """Whether the code knows what stands in backticks, by whatever kind of name it is."""
    command, _, rest = text.partition(" ")
    if command == "make":
        return (
            re.search(rf"^{rest}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE) is not None
        )
    if command == "townlet" and rest:
        return rest.split()[0] in COMMANDS
    if command == "python":
        return any(is_there(rest.removeprefix("-m ").replace(".", "/") + end) for end in ("", ".py"))
    if re.fullmatch(r"[\w.]+(\(.*\))?", text) and not re.search(r"\.(json|md|parquet)$", text):
        last = text.partition("(")[0].split(".")[-1]
        return text in LIBRARIES or any(last in defined_in(path) for path in sources(*PRODUCT, "tests"))
    return all(piece in code_text() for piece in re.split(r"<\w+>", text))


LIBRARIES = {name for row in rows("Who may import whom") for name in names(row[-1])}


@pytest.mark.parametrize("path", [text for text in IN_BACKTICKS if is_path(text)])
def test_paths_are_there(path: str) -> None:
    assert is_there(path), f"ARCHITECTURE.md names {path}, which is not there"


@pytest.mark.parametrize("name", [text for text in IN_BACKTICKS if not is_path(text)])
def test_names_are_somebodys(name: str) -> None:
    assert is_somebodys(name), f"ARCHITECTURE.md says `{name}`, which nothing in the code is called"


@pytest.mark.parametrize("row", rows("Where is ..."), ids=lambda row: row[0])
def test_where_things_are(row: list[str]) -> None:
    _, (path,), (name,) = row[0], names(row[1]), names(row[2])
    assert name in defined_in(path), (
        f"ARCHITECTURE.md says that {name} is in {path}, which does not define it"
    )


def test_a_name_that_is_nobodys_is_found() -> None:
    for text in (
        "resurvey_all",
        "make tea",
        "townlet dance",
        "dataset.yaml",
        "--segment-tocks",
        "python -m pipelines.play",
    ):
        assert not is_somebodys(text)
    assert not is_there("townlet/world/rules/weather.py")
