"""What a regeneration changes, and which metrics have changed, as people read it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from townlet.commands.capture.outcome import shortened
from townlet.console.formatting import print_table
from townlet.console.printing import say
from townlet.dataset.versions.changes import Changes, ChangeState
from townlet.dataset.versions.drift import Drift, Movement
from townlet.run import seed_spans

LARGEST = 9.99  # of a drift that is shown; above, the number means nothing
LONGEST = 24  # characters of the seeds in a row


def print_changes(changes: Changes) -> None:
    """A row for each scenario and status, with the reason; then the sums."""
    rows = [
        (scenario, state, str(len(seeds)), _spans(seeds), reason)
        for scenario, state, seeds, reason in changes.by_scenario()
    ]
    columns = ("scenario", "status", "runs", "seeds", "why")
    print_table(columns, shortened(rows), numbers=["runs"])
    say(summary(changes))


def summary(changes: Changes) -> str:
    """`30 runs: 20 unchanged, 10 changed`."""
    counts: list[tuple[ChangeState, int]] = [
        (state, number) for state, number in changes.counts().items() if number
    ]
    return f"{runs(len(changes.runs))}: " + ", ".join(f"{number} {state}" for state, number in counts)


def runs(number: int) -> str:
    return f"{number} run{'s' if number != 1 else ''}"


def print_drift(movements: Sequence[Movement]) -> None:
    """A row for each metric that changed, the largest change first."""
    rows = [
        (
            movement.scenario,
            movement.figure or "(all)",
            movement.of or ("gone" if movement.now is None else "new"),
            _number(movement.golden),
            _number(movement.now),
            _percent(movement.drift),
        )
        for movement in movements
    ]
    print_table(
        ("scenario", "metric", "statistic", "golden", "now", "change"), shortened(rows), numbers=_NUMBERS
    )


def how_far(drift: Drift) -> str:
    """`12 of 344 metrics changed, by at most 1.3 % (tolerance 2 %)`."""
    moved = len(drift.movements)
    if not moved:
        return f"none of {drift.compared} metrics changed"
    return (
        f"{moved} of {drift.compared} metrics changed, by at most {_percent(drift.movements[0].drift)} "
        f"(tolerance {_percent(drift.tolerance)})"
    )


_NUMBERS = ("golden", "now", "change")


def _spans(seeds: Sequence[int]) -> str:
    """`0..9,12`, cut where it is long."""
    text = ",".join(seed_spans(seeds))
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.6g}"


def _percent(drift: float) -> str:
    if not math.isfinite(drift):
        return "-"
    return f"> {LARGEST:.0%}".replace("%", " %") if drift > LARGEST else f"{100 * drift:.3g} %"
