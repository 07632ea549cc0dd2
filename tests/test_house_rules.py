"""The rules of the house: who may import whom (the table of ARCHITECTURE.md), no circles, and what is where.

`tests/house/test_layout.py` holds where files lie. What a file imports counts wherever it does so: at its top, inside
a function, or for its annotations only.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

import pytest

from tests.house.architecture import ImportRow, import_table
from tests.house.source_tree import PRODUCT, RE_EXPORTS, ROOT, file_of, imports, sources, tree_of

NO_BEAM = "No Beam here: "  # how a file of townlet/pipelines begins the line that says why it imports none

# What a process may not have loaded after importing these modules and all below them.
HEAVY = ("apache_beam", "numba", "onnxruntime", "pyarrow", "torch")
LIGHT: list[tuple[str, tuple[str, ...]]] = [
    ("townlet", (*HEAVY, "numpy")),
    ("townlet.cli", (*HEAVY, "numpy")),
    ("townlet.config", HEAVY),
    ("townlet.dataset", ("apache_beam", "numba", "torch", "townlet.world")),
]


def row_of(path: str) -> ImportRow | None:
    """The row of the table that a file is of: the one with the longest name that fits."""
    fitting = [
        (len(name), row) for row in import_table() for name in row.packages if row.is_name_of(name, path)
    ]
    return max(fitting)[1] if fitting else None


# Who may import whom
def test_every_file_is_of_a_row_and_every_row_of_a_file() -> None:
    files = {path: row_of(path) for path in sources(*PRODUCT)}
    homeless = [path for path, row in files.items() if row is None]
    assert not homeless, f"no row of the import table of ARCHITECTURE.md is about {', '.join(homeless)}"
    empty = [row.packages[0] for row in import_table() if row not in files.values()]
    assert not empty, f"the import table of ARCHITECTURE.md has rows about nothing: {', '.join(empty)}"


def offences(path: str, row: ImportRow) -> Iterator[str]:
    """What a file imports and its row does not allow."""
    for name, line, at_top in imports(path):
        target, where = file_of(name), f"{path}:{line}: {row.packages[0]}"
        if target is None:
            library = name.split(".")[0]
            if library not in sys.stdlib_module_names and library not in row.libraries:
                yield f"{where} does not import the library {library}"
        elif row_of(target) == row or row.allows(target):
            continue
        elif not row.allows_in_functions(target):
            yield f"{where} never imports {target}"
        elif at_top:
            yield f"{where} imports {target} in functions only"


@pytest.mark.parametrize("row", import_table(), ids=lambda row: row.packages[0])
def test_import_table(row: ImportRow) -> None:
    files = [path for path in sources(*PRODUCT) if row_of(path) == row and path not in RE_EXPORTS]
    broken = [offence for path in files for offence in offences(path, row)]
    assert not broken, "\n".join(broken)


def test_packages_form_no_circle() -> None:
    """The table itself allows none."""
    first = {row.packages[0]: row for row in import_table()}
    graph = {
        name: [
            other
            for other in first
            if other != name and any(row.allows_package(n) for n in first[other].packages)
        ]
        for name, row in first.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        pytest.fail(f"the import table allows a circle: {' -> '.join(circle.args[1])}")


# Circles
def folders() -> list[str]:
    return sorted({path.rpartition("/")[0] for path in sources("townlet", "bench")})


def children(folder: str) -> dict[str, dict[str, str]]:
    """By file or folder in a folder, which of the others it imports, and where: {importer: {imported: "file:line"}}."""
    depth, graph = folder.count("/") + 2, {}
    for path in sources(folder):
        if path in RE_EXPORTS:
            continue
        edges = graph.setdefault("/".join(path.split("/")[:depth]), {})
        for name, line, _ in imports(path):
            target = file_of(name)
            if target and target.startswith(f"{folder}/") and target not in RE_EXPORTS:
                edges.setdefault("/".join(target.split("/")[:depth]), f"{path}:{line}")
    for name, edges in graph.items():
        edges.pop(name, None)
    return graph


@pytest.mark.parametrize("folder", folders())
def test_no_circle_among_the_files_and_folders_of_a_folder(folder: str) -> None:
    """So there is none between files anywhere: the smallest folder that holds a whole circle would show it."""
    graph = children(folder)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        found = circle.args[1][::-1]
        steps = [f"{graph[a][b]}: {a} -> {b}" for a, b in pairwise(found)]
        pytest.fail("a circle of imports:\n" + "\n".join(steps))


# Public names
def only_passes_on(node: ast.stmt) -> bool:
    if isinstance(node, ast.If):
        return (
            ast.unparse(node.test) == "TYPE_CHECKING"
            and all(map(only_passes_on, node.body))
            and not node.orelse
        )
    if isinstance(node, ast.FunctionDef):
        return node.name in ("__getattr__", "__dir__")
    if isinstance(node, ast.Assign):
        return all(ast.unparse(target) in ("__all__", "_MODULES") for target in node.targets)
    return isinstance(node, ast.Import | ast.ImportFrom)


@pytest.mark.parametrize("path", RE_EXPORTS)
def test_modules_that_re_export_do_nothing_else(path: str) -> None:
    assert ast.get_docstring(tree_of(path)), "it says what it stands for"
    assert all(map(only_passes_on, tree_of(path).body[1:]))


def test_no_file_of_ours_imports_through_them() -> None:
    found = [
        f"{path}:{line}: imports {name} from {file_of(name)}"
        for path in sources("townlet", "pipelines", "scripts", "deploy")
        for name, line, _ in imports(path)
        if file_of(name) in RE_EXPORTS and path not in RE_EXPORTS
    ]
    assert not found, "\n".join(found)


# Libraries
def test_every_file_of_the_pipeline_imports_beam_or_says_why_not() -> None:
    for path in sources("townlet/pipelines"):
        said = ast.get_docstring(tree_of(path)) or ""
        reason = [line for line in said.splitlines() if line.startswith(NO_BEAM) and len(line) > len(NO_BEAM)]
        uses = any(name.split(".")[0] == "apache_beam" for name, _, _ in imports(path))
        if tree_of(path).body:
            assert uses != bool(reason), (
                f"{path}: expected an import of Beam, or a line `{NO_BEAM}...` in the docstring"
            )


def test_numba_is_imported_where_kernels_are_compiled_and_nowhere_else() -> None:
    compilers = ("numba", "llvmlite")
    owners = {
        path for path in sources(*PRODUCT) for name, _, _ in imports(path) if name.split(".")[0] in compilers
    }
    assert {path.rpartition("/")[0] for path in owners} == {"townlet/compiler"}


@pytest.mark.parametrize(("root", "without"), LIGHT, ids=[row[0] for row in LIGHT])
def test_stays_light(root: str, without: tuple[str, ...]) -> None:
    """With all modules below it (save for `townlet`), in a process in which nothing else is loaded."""
    folder = root.replace(".", "/")
    below = [path.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for path in sources(folder)]
    code = (
        f"import importlib, sys\n"
        f"for name in {[root] if root == 'townlet' else [root, *below]!r}: importlib.import_module(name)\n"
        f"print('\\n'.join(sys.modules))\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert run.returncode == 0, run.stderr
    loaded = run.stdout.split()
    heavy = sorted({prefix for prefix in without for name in loaded if f"{name}.".startswith(f"{prefix}.")})
    assert not heavy, f"importing {root} loads {', '.join(heavy)}"


# The two commands
def test_readme_names_the_two_commands() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert "make capture" in lines
    assert "make test" in lines
