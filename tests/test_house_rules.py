"""The import table of ARCHITECTURE.md, and the few other rules that every file of the project keeps."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PRODUCT = ("townlet", "pipelines", "scripts", "bench")  # what the table is about; tests may import anything
LONGEST = 400  # lines; a longer file wants a second look, and then a reason here
LONGER_FOR_A_REASON = {
    "townlet/world/state.py": "the glossary: a line an array",
}

ABOVE_THE_WORLD = (
    "townlet.generator.generate",
    "townlet.cli",
    "townlet.config",
    "townlet.dataset",
    "townlet.env",
    "townlet.observation",
    "townlet.policy",
    "townlet.report",
    "townlet.rollout.play",
    "townlet.run",
    "townlet.rollout.loop",
    "townlet.train",
)
SIMULATION = ("townlet.generator.generate", "townlet.rollout.loop", "townlet.rollout.play")
COMPILING = ("townlet.world.jit", "townlet.world.rng")  # the decorator and the draws: no state, no rules

# (who, never imports what, save for what): the names are prefixes of dotted module names.
TABLE: list[tuple[str, tuple[str, ...], tuple[str, ...]]] = [
    ("townlet", ("apache_beam",), ()),
    ("scripts", ("apache_beam", "numba", "townlet.world"), ()),
    ("townlet.config", ("townlet",), ("townlet.config", "townlet.errors", "townlet.arrays")),
    ("townlet.world", ABOVE_THE_WORLD, ()),
    ("townlet.world.rules", ("townlet.world.rules", "townlet.world.step"), ()),
    (
        "townlet.observation",
        ("townlet.policy", "townlet.dataset", "townlet.cli", *SIMULATION),
        (),
    ),
    (
        "townlet.policy",
        ("townlet.world", "townlet.dataset", "townlet.cli", *SIMULATION),
        (*COMPILING, "townlet.generator.generate"),
    ),
    ("townlet.dataset", ("townlet.world", "townlet.observation", "townlet.cli", *SIMULATION), ()),
    # The compiler's cache is warmed before workers need it.
    (
        "pipelines",
        ("townlet.world", "townlet.generator.generate", "townlet.observation"),
        ("townlet.world.jit",),
    ),
]

# What a process may not have loaded after importing these modules and all below them.
HEAVY = ("apache_beam", "numba", "onnxruntime", "pyarrow", "torch")
LIGHT: list[tuple[str, tuple[str, ...]]] = [
    ("townlet", (*HEAVY, "numpy")),
    ("townlet.cli", (*HEAVY, "numpy")),
    ("townlet.config", HEAVY),
    ("townlet.dataset", ("apache_beam", "numba", "torch", "townlet.world")),
]


def within(name: str, prefixes: tuple[str, ...]) -> bool:
    return any(name == prefix or name.startswith(prefix + ".") for prefix in prefixes)


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@cache
def sources(*folders: str) -> tuple[Path, ...]:
    return tuple(sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py")))


def absolute(path: Path, node: ast.ImportFrom) -> str:
    """The module that a `from ... import` names, its leading dots resolved."""
    if not node.level:
        return node.module or ""
    package = path.relative_to(ROOT).parent.parts
    above = package[: len(package) - node.level + 1]
    return ".".join((*above, *filter(None, [node.module])))


@cache
def imports(path: Path) -> tuple[tuple[str, int, bool], ...]:
    """Every module that a file imports: (dotted name, line, whether at the module's top level)."""
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    lazy = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(node)
    }
    found = []
    for node in ast.walk(tree):
        top = id(node) not in lazy
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno, top) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = absolute(path, node)
            found += [(f"{base}.{alias.name}", node.lineno, top) for alias in node.names]
    return tuple(found)


@pytest.mark.parametrize(
    ("who", "never", "save"), TABLE, ids=[f"{row[0]}-{i}" for i, row in enumerate(TABLE)]
)
def test_import_table(who: str, never: tuple[str, ...], save: tuple[str, ...]) -> None:
    broken = [
        f"{path.relative_to(ROOT)}:{line}: {who} never imports {name}"
        for path in sources(*PRODUCT)
        if within(module_name(path), (who,))
        for name, line, _ in imports(path)
        if within(name, never) and not within(name, save)
    ]
    assert not broken, "\n".join(broken)


def test_only_one_file_imports_numba() -> None:
    owners = {
        str(path.relative_to(ROOT))
        for path in sources(*PRODUCT)
        for name, _, _ in imports(path)
        if within(name, ("numba", "llvmlite"))
    }
    assert owners <= {"townlet/world/jit.py"}


def test_only_the_command_line_imports_pipelines_and_it_does_so_lazily() -> None:
    broken = [
        f"{path.relative_to(ROOT)}:{line}: imports {name}"
        for path in sources("townlet")
        for name, line, top in imports(path)
        if within(name, ("pipelines",)) and (top or path.name != "cli.py")
    ]
    assert not broken, "\n".join(broken)


@pytest.mark.parametrize(("root", "without"), LIGHT, ids=[row[0] for row in LIGHT])
def test_stays_light(root: str, without: tuple[str, ...]) -> None:
    """With all modules below it (save for `townlet`), in a process in which nothing else is loaded."""
    folder = ROOT / Path(*root.split("."))
    below = [root] if root == "townlet" else [root, *map(module_name, sorted(folder.rglob("*.py")))]
    code = (
        f"import importlib, sys\n"
        f"for name in {below!r}: importlib.import_module(name)\n"
        f"print('\\n'.join(sys.modules))\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert run.returncode == 0, run.stderr
    loaded = run.stdout.split()
    heavy = sorted({prefix for prefix in without for name in loaded if within(name, (prefix,))})
    assert not heavy, f"importing {root} loads {', '.join(heavy)}"


def test_files_are_short() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in sources(*PRODUCT, "tests")
    }
    long = {path: lines for path, lines in lengths.items() if lines > LONGEST}
    assert set(long) <= set(LONGER_FOR_A_REASON), f"longer than {LONGEST} lines: {long}"
    assert set(LONGER_FOR_A_REASON) <= set(long), "an exception stands for a file that needs none any more"


def test_files_say_what_they_hold() -> None:
    vague = {"utils", "util", "helpers", "helper", "manager", "common", "misc"}
    found = [str(path.relative_to(ROOT)) for path in sources(*PRODUCT, "tests") if path.stem in vague]
    assert not found


def test_readme_names_the_two_commands() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert "make capture" in lines
    assert "make test" in lines
