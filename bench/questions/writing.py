"""(b) The same to NPZ files, beside what NumPy's own writers manage for the very same arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import numpy as np

from bench.measure import Spent, in_turns, median, ratio
from bench.scale import Scale
from bench.tables import Column, Row, Table, at_least
from bench.towns import STANDARD, runs_of, write_town
from townlet.dataset.format.npz import write_npz
from townlet.rollout.play import play
from townlet.run import Run
from townlet.samples import ReplaySample, stack_groups
from townlet.vocabulary import COMPRESSIONS

SAVEZ = "np.savez"
SAVEZ_COMPRESSED = "np.savez_compressed"
FASTER = 1.6  # than np.savez alone, from the simulation to the file
COLUMNS = (
    Column("steps/s (CPU)", "rate"),
    Column("steps/s (wall)", "rate"),
    Column("x np.savez (CPU)", "ratio"),
    Column("a step", "bytes"),
)

Writer = Callable[[Path, ReplaySample], None]


def ours(compression: str) -> Writer:
    """Townlet's writer."""

    def write(path: Path, sample: ReplaySample) -> None:
        with open(path, "wb") as file:
            write_npz(file, sample.arrays(), compression)

    return write


def numpys(save: Callable[..., None]) -> Writer:
    """One of NumPy's."""
    return lambda path, sample: save(path, **sample.arrays())


WRITERS: dict[str, Writer] = {
    SAVEZ: numpys(np.savez),
    SAVEZ_COMPRESSED: numpys(np.savez_compressed),
    **{compression: ours(compression) for compression in COMPRESSIONS},
}


def simulated(run: Run) -> Iterable[ReplaySample]:
    """The samples of a run, one after the other."""
    return (stack_groups([group]) for _, group in play(run))


def write_all(folder: Path, samples: Iterable[ReplaySample], write: Writer) -> None:
    for number, sample in enumerate(samples):
        write(folder / f"{number}.npz", sample)


def simulate_and_write(run: Run, folder: Path, write: Writer) -> None:
    write_all(folder, simulated(run), write)


def written_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def answer(scale: Scale, place: Path) -> Table:
    run = runs_of(write_town(place), scale.ticks)[0]
    samples = list(simulated(run))
    steps = sum(sample.timesteps for sample in samples)
    folders = {name: place / name for name in WRITERS}
    for folder in folders.values():
        folder.mkdir()
    works = {name: partial(write_all, folders[name], samples, WRITERS[name]) for name in WRITERS}
    works |= {
        f"simulate, {name}": partial(simulate_and_write, run, folders[name], WRITERS[name])
        for name in COMPRESSIONS
    }
    spent = in_turns(works, scale.repeats)
    sizes = {what: written_bytes(folders[what.removeprefix("simulate, ")]) for what in works}
    rows = [_row(what, taken, spent[SAVEZ], steps, sizes[what]) for what, taken in spent.items()]
    return Table(
        f"agent-steps a second to NPZ files: {STANDARD} agents, {scale.ticks:,} ticks",
        COLUMNS,
        tuple(rows),
        ("All write the same arrays into files; `simulate, ...` plays the run as well.",),
    )


def _row(what: str, taken: list[Spent], savez: list[Spent], steps: int, size: int) -> Row:
    middle = median(taken)
    figures = (steps / middle.cpu, steps / middle.wall, ratio(savez, taken), size / steps)
    goals = (at_least(COLUMNS[2].name, FASTER),) if what.endswith("fast") else ()
    return Row(what, dict(zip((column.name for column in COLUMNS), figures, strict=True)), goals)
