"""(h) What commands take on data sets of many samples: a plan, nothing to do, verify, diff, open, regenerate, gc."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.measure import median, python, townlet
from bench.monitor import Monitored, monitor
from bench.scale import Scale
from bench.suites import AGENTS, SCENARIOS, TICKS, ManyRuns, file_bytes, link_tree
from bench.tables import Column, Goal, Row, Table, at_least, at_most
from bench.towns import STANDARD, write_town
from townlet.dataset.store.open_store import open_store
from townlet.dataset.versions.versions import finish_publishing, publish, utc_now

OPEN_WALL = 2.0  # seconds, of whatever has up to 100,000 samples
VERIFY_RATE = 500  # MB/s a core, where files are large
COLUMNS = (
    Column("samples/s (wall)", "rate"),
    Column("MB/s (wall)", "rate"),
    Column("MB/s (CPU)", "rate"),
    Column("wall", "seconds"),
    Column("CPU", "seconds"),
    Column("memory", "bytes"),
)
SAMPLES_WALL, MB_WALL, MB_CPU, WALL, CPU, MEMORY = (column.name for column in COLUMNS)
OPEN = "open, first sample"


class Size(NamedTuple):
    """Of a data set."""

    samples: int
    bytes: int


def open_first(place: str) -> None:
    """Open a data set and read its first sample."""
    import townlet.dataset

    townlet.dataset.open(place)[0]


def answer(scale: Scale, place: Path) -> Table:
    rows: list[Row] = []
    _run(townlet("capture", write_town(place, AGENTS), "--ticks", 1, "--quiet", "--output", place / "warm"))
    for samples, repeats in scale.samples:
        folder = place / f"{samples}"
        rows += _of_many(ManyRuns.write(folder / "suite", samples), folder, repeats)
        shutil.rmtree(folder)
    rows += _of_large(scale, place / "large")
    notes = (
        f"Runs of {AGENTS} samples, {TICKS} ticks each, of {SCENARIOS} scenarios. A process each, start included.",
        "MB/s (CPU): of a core. Memory: of all processes of a command, each at its highest.",
        f"{scale.large_samples} large samples: {scale.ticks:,} ticks each, not compressed.",
    )
    return Table("what commands take on data sets of many samples", COLUMNS, tuple(rows), notes)


def _of_many(suite: ManyRuns, folder: Path, repeats: int) -> list[Row]:
    """The rows of a data set of many small samples. It is made by a capture, and copied by links."""
    plain, copy, versioned = folder / "plain", folder / "copy", folder / "versioned"
    capture = townlet("capture", suite.file, "--quiet", "--output", plain)
    captured = _run(capture)
    size = Size(suite.samples, file_bytes(plain)[1])
    link_tree(plain, copy)
    link_tree(plain, versioned / "versions" / "1")
    store = open_store(versioned)
    publish(store, 1)
    finish_publishing(store, utc_now())
    regenerate = townlet("regenerate", suite.file, "--quiet", "--output", versioned)
    works = {
        "capture again": capture,
        "plan": townlet("plan", suite.file, "--output", plain),
        **_verifying(plain),
        "diff of two copies": townlet("diff", plain, copy),
        OPEN: python(open_first, str(plain)),
        "gc, nothing to do": townlet("gc", plain),
        "regenerate, nothing changed": regenerate,
    }
    spent = {"capture": [captured], **_in_turns(works, repeats)}
    suite.edit(0)
    spent[f"regenerate, 1 of {SCENARIOS} scenarios changed"] = [_run(regenerate)]
    goals = {OPEN: (at_most(WALL, OPEN_WALL),)}
    return [_row(what, taken, size, goals.get(what, ())) for what, taken in spent.items()]


def _of_large(scale: Scale, place: Path) -> list[Row]:
    """How fast files are read where there are few and large ones."""
    place.mkdir()
    options = (
        "--policy",
        "needs",
        "--seeds",
        f"0..{scale.large_samples // STANDARD - 1}",
        "--ticks",
        scale.ticks,
    )
    words = (write_town(place), *options, "--compression", "none", "--quiet", "--output", place / "output")
    captured = _run(townlet("capture", *words))
    size = Size(scale.large_samples, file_bytes(place / "output")[1])
    spent = {"capture": [captured], **_in_turns(_verifying(place / "output"), scale.child_repeats)}
    fast = (at_least(MB_CPU, VERIFY_RATE),)
    return [
        _row(what, taken, size, fast if what.startswith("verify") else (), "large ")
        for what, taken in spent.items()
    ]


def _verifying(place: Path) -> dict[str, list[str]]:
    return {
        f"verify, {workers} worker{'s' if workers > 1 else ''}": townlet(
            "verify", place, "--workers", workers
        )
        for workers in (1, 2)
    }


def _run(command: Sequence[str]) -> Monitored:
    return monitor(command, lambda: (), interval=0.05)


def _in_turns(works: Mapping[str, Sequence[str]], repeats: int) -> dict[str, list[Monitored]]:
    """As `bench.measure.in_turns`, for processes; the first round counts, as what it reads was just written."""
    taken: dict[str, list[Monitored]] = {what: [] for what in works}
    for _ in range(repeats):
        for what, command in works.items():
            taken[what].append(_run(command))
    return taken


def _row(what: str, taken: list[Monitored], size: Size, goals: tuple[Goal, ...], kind: str = "") -> Row:
    middle = median([monitored.spent for monitored in taken])
    figures = {WALL: middle.wall, CPU: middle.cpu, MEMORY: max(monitored.peak for monitored in taken)}
    figures[SAMPLES_WALL] = size.samples / middle.wall
    if what.startswith(("capture", "verify")) and what != "capture again":
        figures |= {MB_WALL: size.bytes / 1e6 / middle.wall, MB_CPU: size.bytes / 1e6 / middle.cpu}
    return Row(f"{size.samples:,} {kind}samples: {what}", figures, goals)
