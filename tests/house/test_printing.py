"""What is printed goes through `townlet.console`, which escapes it: new code is safe without a thought."""

from __future__ import annotations

import ast

from tests.house.source_tree import sources, tree_of

# Files that print by themselves, and what: nothing in it comes from files, names or arguments.
BY_THEMSELVES = {
    "townlet/cli.py": "help, and the version",
    "townlet/console/formatting.py": "tables, JSON and progress: escaped there",
    "townlet/console/printing.py": "the one place",
    "townlet/compiler/warmup.py": "how many kernels are compiled, and a note, escaped there",
    "townlet/pipelines/progress/display.py": "how many runs are done",
    "townlet/pipelines/runners/engine_worker.py": "to the log of an engine, escaped there",
}


def prints(path: str) -> bool:
    """Whether a file calls `print`, or writes to a standard stream."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
            return True
        if isinstance(node, ast.Attribute) and node.attr == "write":
            written = ast.unparse(node.value)
            if written in ("sys.stdout", "sys.stderr", "sys.__stdout__", "sys.__stderr__"):
                return True
    return False


def test_only_the_console_prints() -> None:
    found = {path for path in sources("townlet", "pipelines") if prints(path)}
    assert found == set(BY_THEMSELVES), "use `say` and `remark` of townlet.console.printing, or print_table"
