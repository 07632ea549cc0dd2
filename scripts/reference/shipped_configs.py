"""The page of shipped configs, with a picture of each."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from scripts.reference.markdown import code, escaped, table
from scripts.reference.picture import picture_of
from townlet.config.load import Resolved, load_config
from townlet.config.schema import DEFAULT_TICKS
from townlet.config.suite import load_suite

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
FOLDERS = {
    "scenarios": (
        "Scenarios",
        "Agents follow schedules, so that something is sure to happen; tests say in numbers what.",
    ),
    "examples": ("Towns", "Agents follow policies; anything that the rules allow may happen."),
    "training": (
        "Towns to learn in",
        "Each day begins otherwise, and the mask is `guided`. [Figures of each](../training-configs.md).",
    ),
}
INTRODUCTION = """\
# Shipped configs

<!-- Made by `make docs` from configs/; a test holds it there. -->

Every command takes their names, with or without the folder: `townlet capture queue_conflict --output samples/queue`.
The pictures show tick 0: squares are objects, with the first letter of their type; discs are agents, with the first
letter of their name.

"""


def _paths(folder: str) -> list[Path]:
    return sorted((CONFIGS / folder).glob("*.yaml"))


def pictures() -> dict[str, partial[str]]:
    """What makes each picture, by the name of its file in docs/."""
    return {
        f"docs/pictures/{path.stem if folder != 'training' else f'training_{path.stem}'}.svg": partial(
            _picture, path
        )
        for folder in FOLDERS
        for path in _paths(folder)
    }


def _picture(path: Path) -> str:
    return picture_of(load_config(path), f"{path.stem} at tick 0")


def render() -> str:
    """The text of docs/reference/configs.md."""
    return "\n".join([INTRODUCTION, *_configs(), *_suites()]).rstrip() + "\n"


def _configs() -> Iterator[str]:
    for folder, (heading, text) in FOLDERS.items():
        yield f"## {heading}\n\n{text}\n"
        for path in _paths(folder):
            yield from _described(folder, path, load_config(path))


def _described(folder: str, path: Path, resolved: Resolved) -> Iterator[str]:
    scenario = resolved.config.scenario
    stem = path.stem if folder != "training" else f"training_{path.stem}"
    yield f"### {escaped(path.stem)}{f' {{ #{stem} }}' if stem != path.stem else ''}\n"
    yield f"![Map of {path.stem} at tick 0](../pictures/{stem}.svg)\n"
    yield escaped(scenario.description if scenario else "") + "\n"
    objects = [each.type for each in resolved.objects]
    counted = [f"{objects.count(kind)} {kind}" for kind in sorted(set(objects))]
    scripted = [each.id for each in resolved.agents if each.schedule]
    ticks = scenario.ticks if scenario and scenario.ticks else DEFAULT_TICKS
    rows = [
        ("file", code(f"configs/{folder}/{path.name}")),
        ("ticks", str(ticks)),
        ("agents", f"{len(resolved.agents)}, of which {len(scripted)} follow a schedule"),
        ("objects", escaped(", ".join(counted))),
        ("jobs", escaped(", ".join(resolved.config.jobs)) or "none"),
    ]
    yield table(("", ""), rows)


def _suites() -> Iterator[str]:
    yield "## Suites\n"
    rows = []
    for path in _paths("suites"):
        suite = load_suite(path)
        runs = ", ".join(f"{run.name} ({len(run.seeds)})" for run in suite.runs)
        rows.append((code(path.stem), escaped(runs)))
    yield table(("suite", "runs (seeds)"), rows)
