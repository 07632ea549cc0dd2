"""The page of the Python API: public names with signatures and docstrings, read from the source files."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from scripts.reference.markdown import block, code, escaped, of_docstring

ROOT = Path(__file__).resolve().parents[2]
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


class Public(NamedTuple):
    file: str  # where they are defined
    names: str  # with spaces between them
    imported_from: str = ""  # what users write, where it is not the file's module

    @property
    def module(self) -> str:
        return self.imported_from or self.file.removesuffix(".py").replace("/", ".")


class Chapter(NamedTuple):
    heading: str
    text: str
    public: tuple[Public, ...]


CHAPTERS = (
    Chapter(
        "Reading",
        "[A guide](../reading.md) shows how they work together.",
        (
            Public("townlet/dataset/reading/data_set.py", "open DataSet", "townlet.dataset"),
            Public("townlet/dataset/reading/capture.py", "load_capture Capture", "townlet.dataset"),
            Public("townlet/samples.py", "ReplaySample"),
            Public("townlet/dataset/reading/sample_index.py", "SampleColumns"),
            Public("townlet/dataset/reading/windows.py", "Windows Window"),
            Public("townlet/dataset/reading/selection.py", "Ordered"),
            Public("townlet/dataset/reading/joint.py", "Joint"),
            Public("townlet/dataset/reading/layouts.py", "Layout LayoutError"),
            Public("townlet/dataset/reading/statistics.py", "Statistics Spread"),
            Public("townlet/dataset/export/parquet.py", "export_parquet", "townlet.dataset.export"),
            Public("townlet/dataset/export/minari.py", "export_minari", "townlet.dataset.export"),
            Public("townlet/dataset/export/lerobot.py", "export_lerobot", "townlet.dataset.export"),
        ),
    ),
    Chapter(
        "Stepping a town",
        "[Environments](../environments.md) has examples of all three.",
        (
            Public("townlet/rollout/loop.py", "SimulationLoop StepResult", "townlet.simulation"),
            Public("townlet/rollout/runtime.py", "PolicyRuntime", "townlet.policy.runtime"),
            Public("townlet/frames.py", "frames_to_replay_sample", "townlet.policy.replay"),
            Public("townlet/env/vector.py", "TownVectorEnv", "townlet.env"),
            Public("townlet/env/parallel.py", "TownParallelEnv", "townlet.env"),
        ),
    ),
    Chapter(
        "Playing a capture again",
        "[Events](../events.md) shows how.",
        (
            Public("townlet/playback/playback.py", "Playback Moment"),
            Public("townlet/playback/events.py", "events_of Event"),
        ),
    ),
    Chapter(
        "Policies",
        "[Who decides](../policies.md), and [what a network's file holds](../models.md).",
        (
            Public(
                "townlet/policy/base.py", "Policy PolicyBatch PolicyActions AgentPolicy Observation Decision"
            ),
            Public("townlet/policy/network/read_model.py", "load_model"),
            Public("townlet/policy/network/write_model.py", "write_model"),
        ),
    ),
    Chapter(
        "Capturing",
        "What the commands of these names do, without changing the process that calls.",
        (
            Public("townlet/planning/plan.py", "plan"),
            Public("townlet/planning/request.py", "Request"),
            Public("townlet/commands/capture/run_capture.py", "capture RunnerOptions"),
            Public("townlet/commands/capture/run_regenerate.py", "regenerate RegenerateOptions"),
            Public("townlet/config/load.py", "load_config"),
        ),
    ),
    Chapter(
        "Errors",
        "All that Townlet raises on purpose is a `TownletError`; its text is meant to be read by people.",
        (
            Public(
                "townlet/errors.py",
                "TownletError UserError ConfigError OutputError WrongArgument NoSuchName NoSuchItem CorruptSampleError",
            ),
        ),
    ),
)

INTRODUCTION = """\
# Python API

<!-- Made by `make docs` from the source; a test holds it there. -->

These names are stable: they change only with a line in the [changelog](../changelog.md). Others may be used, and may
move. Types of arrays: `F32` is a NumPy array of float32, `I64` of int64, `Bool` of bool, and so on.

"""


def render() -> str:
    """The text of docs/reference/python.md."""
    lines = [INTRODUCTION]
    for chapter in CHAPTERS:
        lines.append(f"## {chapter.heading}\n\n{chapter.text}\n")
        for public in chapter.public:
            tree = ast.parse((ROOT / public.file).read_text(encoding="utf-8"))
            for name in public.names.split():
                lines += _described(public.module, _defined(tree, name, public.file))
    return "\n".join(lines).rstrip() + "\n"


def _defined(tree: ast.Module, name: str, file: str) -> FunctionNode | ast.ClassDef:
    for node in tree.body:
        if isinstance(node, FunctionNode | ast.ClassDef) and node.name == name:
            return node
    raise ValueError(f"{file}: expected {name}, which is public")


def _described(module: str, node: FunctionNode | ast.ClassDef) -> Iterator[str]:
    yield f"### `{node.name}` {{ #{module.replace('.', '-')}-{node.name} }}\n"
    if not isinstance(node, ast.ClassDef):
        yield block(f"from {module} import {node.name}\n\n{_signature(node, node.name)}", "python")
        yield of_docstring(ast.get_docstring(node) or "")
        return
    bases = ", ".join(map(ast.unparse, node.bases))
    heading = f"class {node.name}{f'({bases})' if bases else ''}"
    fields = "".join(f"\n    {line}" for line in _fields(node))
    yield block(f"from {module} import {node.name}\n\n{heading}{':' if fields else ''}{fields}", "python")
    yield of_docstring(ast.get_docstring(node) or "")
    rows = list(_methods(node))
    if rows:
        yield "\n".join(rows)


def _signature(node: FunctionNode, name: str, bound: bool = False) -> str:
    arguments = ast.unparse(node.args)
    if bound:
        first, _, rest = arguments.partition(",")
        arguments = rest.strip() if first in ("self", "cls") else arguments
    returned = f" -> {ast.unparse(node.returns)}" if node.returns and name[:1] != "_" else ""
    return f"{name}({arguments}){returned}"


def _fields(node: ast.ClassDef) -> Iterator[str]:
    """What is given to a class of plain fields."""
    for each in node.body:
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name) and each.target.id[0] != "_":
            yield ast.unparse(each)


def _methods(node: ast.ClassDef) -> Iterator[str]:
    for each in node.body:
        if not isinstance(each, FunctionNode):
            continue
        said = ast.get_docstring(each)
        decorators = {ast.unparse(decorator) for decorator in each.decorator_list}
        if each.name == "__init__":
            yield f"- {code(_signature(each, node.name, bound=True).partition(' -> ')[0])}"
        elif each.name[0] != "_" and said:
            is_property = bool(decorators & {"property", "cached_property", "functools.cached_property"})
            shown = (
                each.name
                if is_property
                else _signature(each, f".{each.name}", bound="staticmethod" not in decorators)
            )
            first = " ".join(said.split("\n\n")[0].split())
            yield f"- {code(shown)}: {escaped(first)}"
    yield ""
