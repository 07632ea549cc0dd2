"""Why an action had no success, in words: the codes of `townlet/world/refusals.py`, with names in the place of rows."""

from __future__ import annotations

from collections.abc import Callable

from townlet.vocabulary import COMPARISONS, FACTS
from townlet.world import refusals
from townlet.world import state as st
from townlet.world.refusals import REASONS

BLOCKS = ("in_use", "reserved", "behind")
# Codes whose words are always the same.
_WORDS = {
    "none": "",
    "map_edge": "edge of the map",
    "wall": "wall",
    "nothing_to_release": "nothing to release",
    "no_object": "no object offers it",
    "unreachable": "no object that offers it can be reached",
    "no_power": "no power",
    "no_water": "no water",
    "not_reserved": "not reserved",
    "nobody_near": "nobody near",
    "gone": "it lives no more",
    "itself": "a chat with itself",
}


def is_refusal(code: int) -> bool:
    """Whether the action failed; False too for a request that waits in a queue, and for success."""
    return 0 < code < refusals.WAITS


def reason_text(
    code: int,
    by: str | None = None,
    number: float = 0.0,
    object: str | None = None,
    limit: float = 0.0,
    condition: str | None = None,
) -> str:
    """The words for a reason; "" for none. What the arguments mean is said by code in `townlet/world/refusals.py`.

    `by` and `object` are names, `condition` the precondition as in the affordance file. Names come as they are:
    whoever prints the text escapes it.
    """
    reason = REASONS[code]
    if reason in _WORDS:
        return _WORDS[reason]
    if reason in BLOCKS:
        words = {
            "in_use": f"in use by {by}",
            "reserved": f"reserved by {by}",
            "behind": f"behind {by} in the queue",
        }
        rotates = reason == "reserved"  # blocks change nothing for who uses the object, or only waits
        return words[reason] + (_of("block", number, limit) if rotates else "")
    if reason in ("no_meals", "no_ingredients"):
        found = f"has {limit:.0f}" if limit >= 0 else "none within reach has them"
        return f"no {reason.removeprefix('no_')}: takes {number:.0f}, {found}"
    if reason.startswith("waits"):
        return _waiting(reason, by, number)
    return _sentence(reason, by, number, object, limit, condition)


def _sentence(
    reason: str, by: str | None, number: float, object: str | None, limit: float, condition: str | None
) -> str:
    if reason == "busy":
        return f"busy at {object}: {ticks(number)} left"
    if reason == "tile_taken":
        return f"tile taken by {by}" + _of("blocked move", number, limit)
    if reason == "other_object":
        return f"it names another object than {object}"
    if reason == "committed":
        return f"committed until tick {number:.0f}"
    if reason == "not_offered":
        return f"{object} does not offer it"
    if reason == "cooling_down":
        return f"cooling down until tick {number:.0f}"
    if reason == "condition":
        return f"precondition does not hold: {condition or 'not known'}, is {limit:.6g}"
    if reason == "none_in_reach":
        return "none in reach" + (f": {object} is {tiles(number)} away" if object is not None else "")
    if reason == "too_far":
        return f"too far: distance {number:.0f}, needs {limit:.0f}"
    if reason == "cannot_pay":
        costs, has = _coins(number, limit)
        return f"cannot pay: costs {costs}, has {has}"
    return f"chat declined by {by}"


def _waiting(reason: str, by: str | None, number: float) -> str:
    if reason == "waits":
        return f"waits: {number:.0f} ahead ({by})"
    if reason == "waits_for_cooldown":
        return f"waits: cooling down until tick {number:.0f}"
    ahead = f", {number:.0f} ahead" if number > 0 else ""
    return f"waits: no {reason.removeprefix('waits_for_')}{ahead}"


def refusal_text(
    tick: st.StepScratch, row: int, params: st.Params, agent: Callable[[int], str], objects: tuple[str, ...]
) -> str:
    """The words for what `tick` says of a row; "" where its action had success. `agent`: the name of a row."""
    by, o, number = int(tick.refusal_by[row]), int(tick.refusal_object[row]), float(tick.refusal_number[row])
    code = int(tick.refusal[row])
    return reason_text(
        code,
        None if by == st.NOBODY else agent(by),
        number,
        None if o == st.NOTHING else objects[o],
        float(tick.refusal_limit[row]),
        condition_text(params, int(number)) if code == refusals.CONDITION else None,
    )


def condition_text(params: st.Params, p: int) -> str:
    """Precondition `p` of `Params.town.condition`, as an affordance file has it: `wallet >= 0.7`."""
    given = params.town.condition
    return f"{FACTS[given.fact[p]]} {COMPARISONS[given.compare[p]]} {float(given.value[p]):.6g}"


def ticks(number: float) -> str:
    """1 tick, 2 ticks."""
    return f"{number:.0f} tick{'' if number == 1 else 's'}"


def tiles(number: float) -> str:
    """1 tile, 2 tiles."""
    return f"{number:.0f} tile{'' if number == 1 else 's'}"


def _of(what: str, number: float, limit: float) -> str:
    """` (block 1 of 3)`; nothing where none are counted, or no number of them changes anything."""
    return f" ({what} {number:.0f} of {limit:.0f})" if number > 0 and limit > 0 else ""


def _coins(first: float, second: float) -> tuple[str, str]:
    """Two amounts, with as many decimals as it takes to tell them apart."""
    for decimals in (2, 4, 8):
        texts = f"{first:.{decimals}f}", f"{second:.{decimals}f}"
        if texts[0] != texts[1]:
            return texts
    return repr(first), repr(second)
