"""(o) The page of a day of ten agents: how large it is, and how long it takes to make once the run is played again."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench.measure import in_turns, median
from bench.questions.networks import Driven
from bench.scale import Scale
from bench.tables import Column, Row, Table, at_most
from townlet.commands.capture.run_capture import RunnerOptions, capture
from townlet.dataset.capture.find_models import find_models
from townlet.dataset.reading.capture import Capture, load_capture
from townlet.planning.plan import Plan, Request, plan
from townlet.playback.playback import Playback
from townlet.policy_text import Models
from townlet.report.run.page import run_page

AGENTS, HIDDEN = 10, 128
COLUMNS = (
    Column("page", "bytes"),
    Column("after the replay (wall)", "seconds"),
    Column("in all (wall)", "seconds"),
    Column("in all (CPU)", "seconds"),
)
PAGE, AFTER, WALL, CPU = (column.name for column in COLUMNS)
LARGEST = {"needs": 1e6, "network": 2e6}  # bytes
LONGEST = 2.0  # seconds after the replay


def answer(scale: Scale, place: Path) -> Table:
    driven = Driven.of(HIDDEN, AGENTS, place)
    plans = {
        "needs": plan(Request((str(driven.config),), ticks=scale.report_ticks)),
        "network": driven.planned("compiled", scale.report_ticks, 1, place),
    }
    captures = {name: captured(planned, place / name) for name, planned in plans.items()}
    works: dict[str, Callable[[], object]] = {}
    for name, (found, models) in captures.items():
        works[f"{name}: played again"] = partial(play_again, found, models)
        works[f"{name}: page"] = partial(run_page, found, models)
    spent = in_turns(works, scale.repeats)
    rows = []
    for name, (found, models) in captures.items():
        page, replay = (median(spent[f"{name}: {what}"]) for what in ("page", "played again"))
        size = len(run_page(found, models))
        figures = {PAGE: size, AFTER: max(0.0, page.wall - replay.wall), WALL: page.wall, CPU: page.cpu}
        goals = (at_most(PAGE, LARGEST[name]), at_most(AFTER, LONGEST))
        rows.append(Row(f"{AGENTS} agents, {name}", figures, goals))
    title = f"the page of a run of {scale.report_ticks:,} ticks"
    notes = (f"Extended observation. The network: actor and critic of two hidden layers of {HIDDEN} each.",)
    return Table(title, COLUMNS, tuple(rows), notes)


def captured(planned: Plan, place: Path) -> tuple[Capture, Models]:
    """A plan's run, captured alone, and the networks that act in it."""
    outcome = capture(planned, str(place), RunnerOptions(workers=1, quiet=True))
    if outcome.failures:
        raise RuntimeError(str(outcome.failures[0]))
    runs = [entry.folder for entry in outcome.runs]
    found = load_capture(place / runs[0] if runs else place)
    return found, find_models(found.store, found.folder, found.metadata).found


def play_again(found: Capture, models: Models) -> None:
    """All moments, none of which is kept."""
    deque(Playback(found, models).moments(), maxlen=0)
