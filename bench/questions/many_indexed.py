"""(j) The index at a million runs: what opening, extending and comparing take, and what memory writing it needs."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from bench.made_up import MANIFEST_SIZE, MadeUp
from bench.measure import python
from bench.monitor import Monitored, monitor
from bench.questions.memory import SAME
from bench.scale import Scale
from bench.suites import file_bytes, link_tree
from bench.tables import Column, Goal, Row, Table, at_most
from townlet.dataset.format.paths import inside
from townlet.dataset.index import shard_summaries
from townlet.dataset.index.index_document import SHARD_SEEDS, RunKey
from townlet.dataset.index.staged_runs import FILE_RUNS, StagedRuns, stage_runs
from townlet.dataset.index.write_index import write_index
from townlet.dataset.store.local import LocalStore

AGENTS = 2
COLUMNS = (
    Column("wall", "seconds"),
    Column("CPU", "seconds"),
    Column("memory", "bytes"),
    Column("size", "bytes"),
)
WALL, CPU, MEMORY, SIZE = (column.name for column in COLUMNS)


def answer(scale: Scale, place: Path) -> Table:
    few, many, most = scale.indexed_runs
    rows: list[Row] = []
    steps = {runs: _write(runs, place) for runs in (few, many)}
    for runs, step in steps.items():
        goals = (at_most(MEMORY, SAME * steps[few].peak),) if runs == many else ()
        rows.append(_row(f"{runs:,} runs: the step that writes the index", step, goals))
    for runs in (many, most):
        rows += _of_made_up(runs, place / f"{runs}")
    notes = (
        f"Made-up runs of {AGENTS} samples, of {MadeUp(1).scenarios} scenarios: an index, and nothing that it names.",
        "Extended: by a run that makes a new shard, and by one in a full shard. A process each, start included.",
    )
    return Table("the index of a data set of many runs", COLUMNS, tuple(rows), notes)


def make(runs: int, place: str) -> None:
    """The index of so many made-up runs."""
    MadeUp(runs, agents=AGENTS).write(LocalStore(place))


def stage(runs: int, place: str) -> None:
    """So many runs as workers stage them: any run in any file."""
    made_up, store = MadeUp(runs, agents=AGENTS), LocalStore(place)
    keys = list(made_up.keys())
    files = -(-runs // FILE_RUNS)
    staged = (stage_runs(store, (made_up.indexed(*key) for key in keys[n::files])) for n in range(files))
    (Path(place) / "staged").write_text("\n".join(f"{one.sha256} {one.count} {one.size}" for one in staged))


def write(place: str) -> None:
    """The last step of a capture: one index of all staged runs."""
    shard_summaries.read_first_run = lambda *_: shard_summaries.FirstRun(
        "made up"
    )  # no manifest is there to be read
    lines = [line.split() for line in (Path(place) / "staged").read_text().splitlines()]
    staged = [StagedRuns(sha256, int(count), int(size)) for sha256, count, size in lines]
    write_index(LocalStore(place), [], staged=staged)


def open_all(place: str) -> None:
    """Open a data set and count what is in it."""
    import townlet.dataset

    opened = townlet.dataset.open(place)
    assert len(opened) == opened.metadata["sample_count"]


def choose(place: str) -> None:
    """Open a data set and look up a figure of one run."""
    import townlet.dataset

    opened = townlet.dataset.open(place)
    assert len(opened.filter(scenario=opened.scenarios[-1], seed=1).samples["figure_00_mean"])


def read_column(place: str) -> None:
    """Open a data set and read a figure of all samples."""
    import townlet.dataset

    townlet.dataset.open(place).samples["figure_00_mean"].mean()


def extend(place: str, runs: int, scenario: str, seed: int) -> None:
    """Add a run to the index, or write it anew."""
    shard_summaries.read_first_run = lambda *_: shard_summaries.FirstRun("made up")
    write_index(LocalStore(place), [MadeUp(runs, agents=AGENTS).indexed(scenario, seed)])


def compare(place: str, other: str) -> None:
    """Find what two data sets do not have in common."""
    from townlet.dataset.checking.diff_sides import differing, open_side

    differences, same = differing(open_side(place), open_side(other))
    assert differences
    assert same


def _write(runs: int, place: Path) -> Monitored:
    folder = place / f"written {runs}"
    _run(python(stage, runs, str(folder)))
    step = _run(python(write, str(folder)))
    shutil.rmtree(folder)
    return step


def _of_made_up(runs: int, folder: Path) -> list[Row]:
    copy = folder.with_name(f"{folder.name} copy")
    _run(python(make, runs, str(folder)))
    link_tree(folder, copy)
    last = runs // MadeUp(runs).scenarios - 1
    inside_shard = ("scenario_000", last - 1)
    _make_manifests(copy, MadeUp(runs), inside_shard)
    works = {
        "open": python(open_all, str(folder)),
        "open, one run by scenario and seed": python(choose, str(folder)),
        "open, a figure of all": python(read_column, str(folder)),
        "extended by one, a new shard": python(extend, str(copy), runs, "scenario_000", last + SHARD_SEEDS),
        "extended by one, a full shard": python(extend, str(copy), runs, *inside_shard),
        "diff with what it was before": python(compare, str(folder), str(copy)),
    }
    rows = [_row(f"{runs:,} runs: {what}", _run(command)) for what, command in works.items()]
    rows.append(Row(f"{runs:,} runs: dataset.json", {SIZE: (folder / "dataset.json").stat().st_size}))
    rows.append(Row(f"{runs:,} runs: index/", {SIZE: file_bytes(folder / "index")[1]}))
    shutil.rmtree(folder)
    shutil.rmtree(copy)
    return rows


def _make_manifests(folder: Path, made_up: MadeUp, key: RunKey) -> None:
    """Files of the right size where a writer looks for the captures of a shard."""
    scenario, seed = key
    first = seed - seed % SHARD_SEEDS
    for other in range(first, min(first + SHARD_SEEDS, made_up.runs // made_up.scenarios)):
        entry = made_up.entry(scenario, other)
        path = folder / inside(entry.folder, entry.manifest)
        path.parent.mkdir(parents=True)
        path.write_bytes(bytes(MANIFEST_SIZE))


def _run(command: Sequence[str]) -> Monitored:
    return monitor(command, lambda: (), interval=0.02)


def _row(what: str, monitored: Monitored, goals: tuple[Goal, ...] = ()) -> Row:
    spent = monitored.spent
    return Row(what, {WALL: spent.wall, CPU: spent.cpu, MEMORY: monitored.peak}, goals)
