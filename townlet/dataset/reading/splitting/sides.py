"""On which side of a split each run stands, and what is said where a split would be none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from townlet.arrays import I64, Bool
from townlet.dataset.reading.sample_index import SampleIndex
from townlet.dataset.reading.selection import hash_place, held_out
from townlet.dataset.reading.splitting.units import units_of
from townlet.errors import UserError
from townlet.escaping import shown
from townlet.run import seed_spans

DIGITS = 6  # of a share that a message suggests, at most
SALTS = 1000  # that are tried for a message


class Unit(NamedTuple):
    """Runs that stand on one side together, named by the least of them."""

    scenario: str
    seed: int


def validation_runs(index: SampleIndex, chosen: I64, fraction: float, salt: str) -> Bool:
    """[runs of the index] Which are validated with.

    `chosen`: the runs that samples are to be split of. Raises UserError where one of the sides would have none of them,
    unless `fraction` is 0 or 1, which asks for that.
    """
    units = units_of(index)
    firsts = {int(first): _unit(index, int(first)) for first in np.unique(units)}
    out = {first: held_out(*unit, fraction, salt) for first, unit in firsts.items()}
    sides = np.array([out[first] for first in units.tolist()], bool)
    here = np.unique(chosen)
    if 0 < fraction < 1 and len(here) and (sides[here].all() or not sides[here].any()):
        own = [firsts[first] for first in np.unique(units[here]).tolist()]
        raise UserError(
            f"{index.store}: split: {_refusal(index, here, own, fraction, salt, bool(sides[here].all()))}"
        )
    return sides


def _unit(index: SampleIndex, run: int) -> Unit:
    return Unit(*index.runs.keys[run])


def _refusal(
    index: SampleIndex, runs: I64, units: Sequence[Unit], fraction: float, salt: str, all_out: bool
) -> str:
    """Why nothing is on one side, and what would do."""
    empty = "training" if all_out else "validation"
    if len(units) == 1:
        return f"the {empty} side would be empty, whatever the share: {_one_unit(index, runs)}"
    what = f"{len(runs)} runs here"
    if len(runs) > len(units):
        what = f"{len(units)} units here ({len(runs)} runs; those that share a life are one unit)"
    with_what = f"validation={fraction:g}" + (f" and salt={salt!r}" if salt else "")
    said = f"the {empty} side would be empty: of the {what} the hash puts none there with {with_what}"
    share = _share(units, salt, all_out)
    other = next((str(n) for n in range(1, SALTS) if _divides(units, fraction, str(n))), None)
    ways = [f"validation={share}"] if share else []
    ways += [f"salt='{other}'"] if other else []
    return f"{said}; {' or '.join(ways)} leaves runs on both sides" if ways else f"{said}; take another share"


def _one_unit(index: SampleIndex, runs: I64) -> str:
    spans: dict[str, list[int]] = {}
    for run in runs.tolist():
        unit = _unit(index, run)
        spans.setdefault(unit.scenario, []).append(unit.seed)
    names = ", ".join(
        f"{shown(name)} seed {', '.join(seed_spans(seeds)[:3])}" for name, seeds in list(spans.items())[:3]
    )
    if len(runs) == 1:
        why, by_hand = f"there is one run ({names})", "agents: filter(agent=...)"
    else:
        why = (
            f"the {len(runs)} runs here ({names}) are linked by lives that are equal, or begin as another's "
            "does: what is validated with would stand in what is learnt from"
        )
        by_hand = "runs: filter(seed=...)"
    return f"{why}; capture runs that differ, or, to split all the same, choose {by_hand}"


def _divides(units: Sequence[Unit], fraction: float, salt: str) -> bool:
    sides = {held_out(*unit, fraction, salt) for unit in units}
    return len(sides) == 2


def _share(units: Sequence[Unit], salt: str, all_out: bool) -> str:
    """The share nearest to the one asked for, in few digits, with which both sides have units; "" = none found."""
    places = [hash_place(*unit, salt) for unit in units]
    for digits in range(1, DIGITS + 1):
        scale = 10**digits
        exact = (max(places) if all_out else min(places)) * scale
        share = math.floor(exact) / scale if all_out else math.ceil(exact) / scale
        if 0 < share < 1 and _divides(units, share, salt):
            return f"{share:.{digits}f}"
    return ""
