"""The page of the rules, made from their docstrings."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from scripts.reference.markdown import code, escaped, of_docstring, table

WORLD = Path(__file__).resolve().parents[2] / "townlet" / "world"
DETAILS = {
    "target_selection": "Which object is meant",
    "preconditions": "What can be had",
    "reservations": "Queues and reservations",
    "relations": "Ties",
    "rng": "Draws",
}
INTRODUCTION = """\
# The rules

<!-- Made by `make docs` from the docstrings of townlet/world; a test holds it there. -->

A tick is one call of `townlet.world.step.step`, which calls the rules in this order; its file is their specification.
Everybody has seen its observation and chosen before. Rules of a step see what the steps before have done. After the
tick, who leaves is observed once more; then it is removed, and newcomers come.

"""
_STEP = re.compile(r"Step (\d+) of a tick: (.*?)(?:\n\n|$)", re.DOTALL)


def docstring(path: Path) -> str:
    """Of a module, with its indentation as in the file. Raises ValueError where it has none."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    if text is None:
        raise ValueError(f"{path}: expected a docstring")
    return text


def rules() -> list[tuple[int, str, str, str]]:
    """Number of the step, name of the rule, what it is about, and the rest of what its docstring says."""
    found = []
    for path in sorted((WORLD / "rules").glob("*.py")):
        if path.name == "__init__.py":
            continue
        text = docstring(path)
        step = _STEP.match(text)
        if step:
            found.append((int(step[1]), path.stem, " ".join(step[2].split()), text[step.end() :]))
    return sorted(found)


def render() -> str:
    """The text of docs/reference/rules.md."""
    return "\n".join([INTRODUCTION, *_parts()]).rstrip() + "\n"


def _linked(text: str) -> str:
    """A file that has a chapter below is named by that."""
    for name, heading in DETAILS.items():
        text = text.replace(
            f"`townlet/world/{name}.py`", f"[{heading}](#{heading.lower().replace(' ', '-')})"
        )
    return text


def _parts() -> Iterator[str]:
    rows = [
        (str(number), f"[`{name}`](#{number}-{name})", _linked(escaped(about)))
        for number, name, about, _ in rules()
    ]
    yield table(("step", "rule", "what it is about"), rows)
    yield (
        "[Schedules](#schedules) say what scripted agents do; the headings below that say what several rules do "
        "alike.\n"
    )
    for number, name, about, text in rules():
        yield f"## {number}. {name}\n"
        yield f"{_linked(escaped(about[0].upper() + about[1:]))}\n"
        yield _linked(of_docstring(text))
        yield f"File: {code(f'townlet/world/rules/{name}.py')}\n"
    yield "## Schedules\n"
    yield of_docstring(docstring(WORLD / "rules" / "schedule.py"))
    for name, heading in DETAILS.items():
        yield f"## {heading}\n"
        yield of_docstring(docstring(WORLD / f"{name}.py"))
