"""The project's own files as data: which there are, and what each imports."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("townlet", "pipelines", "scripts", "bench", "deploy")  # tests may import anything

# Public names of the docs, kept where users import them from. They pass on and do nothing else; no file of ours
# imports through them, so they are left out of the graph of imports.
RE_EXPORTS = (
    "townlet/dataset/__init__.py",  # lazily: whoever wants one module of the package need not load the others
    "townlet/env/__init__.py",  # likewise
    "townlet/policy/replay.py",
    "townlet/policy/runtime.py",
    "townlet/simulation.py",
)


class Import(NamedTuple):
    name: str  # dotted; for `from a import b`: a.b
    line: int
    at_top: bool  # whether importing the file imports it: not inside a function, nor for annotations only


@cache
def sources(*folders: str) -> tuple[str, ...]:
    """Paths of all Python files below the folders, posix, relative to the repository."""
    found = (path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return tuple(sorted(path.relative_to(ROOT).as_posix() for path in found))


@cache
def tree_of(path: str) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"), filename=path)


def is_for_annotations(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


@cache
def imports(path: str) -> tuple[Import, ...]:
    """Everything that a file imports."""
    lazy = {
        id(inner)
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or is_for_annotations(node)
        for inner in ast.walk(node)
    }
    found = []
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found += [Import(alias.name, node.lineno, id(node) not in lazy) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}:{node.lineno}: expected an absolute import, got a relative one"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found += [Import(name, node.lineno, id(node) not in lazy) for name in names]
    return tuple(found)


@cache
def file_of(name: str) -> str | None:
    """The file of ours that an imported name lies in; None for what is not ours."""
    while name:
        stem = name.replace(".", "/")
        for path in (f"{stem}.py", f"{stem}/__init__.py"):
            if (ROOT / path).is_file():
                return path
        name = name.rpartition(".")[0]
    return None
