"""What moved between a golden file and the same runs played now, and whether it may."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.golden.records import Golden, text_of

WORLD = "world"  # digest of the state: also of how it is laid out, which nobody captures
DIGESTS = (WORLD, "frames")


@dataclass(frozen=True)
class Move:
    """One number, or digest, that is not what it was."""

    run: str
    tick: int
    name: str  # dotted, as `people.alice.wallet`
    stored: Any
    found: Any

    def __str__(self) -> str:
        where = f"{self.run}, after tick {self.tick}: {self.name}"
        return f"{where}: stored {_text(self.stored)}, found {_text(self.found)}"


@dataclass(frozen=True)
class Comparison:
    """Whether one golden file is up to date, and what has changed."""

    reason: str  # "" = it is what would be written now
    moved: tuple[Move, ...] = ()
    allowed: bool = True  # whether it may be written anew

    def text(self, *, whole: bool = False) -> str:
        """The reason, and what moved, a line each: all of it, or of each run only the first tick."""
        first: dict[str, int] = {}
        shown = [move for move in self.moved if first.setdefault(move.run, move.tick) == move.tick or whole]
        lines = [self.reason, *(f"  {move}" for move in shown)]
        if len(shown) < len(self.moved):
            lines.append(
                f"  and {len(self.moved) - len(shown)} more: `python -m tests.golden --check` lists them"
            )
        return "\n".join(lines)


def compare(stored: Golden | None, found: Golden) -> Comparison:
    """Whether a golden file is up to date; if not, why, and whether `make golden` may write it.

    What is captured moves only with RULES_VERSION (or FORMAT_VERSION): they stand in every fingerprint, and
    are what tells those who have older captures that theirs are of other rules. A config's content stands
    there by itself.
    """
    if stored is None:
        return Comparison("there is no golden file: `make golden` writes it")
    moved = tuple(moves(stored, found))
    raised = []
    for name in ("rules_version", "format_version"):
        before, now = getattr(stored, name), getattr(found, name)
        if now < before:
            return Comparison(
                f"{name.upper()} (townlet/run.py) is {now}, and was {before}: it never falls", moved, False
            )
        raised += [f"{name.upper()} was raised from {before} to {now}"] if now > before else []
    if stored.config_digest != found.config_digest:
        raised.append("the config was changed")
    if not raised and any(move.name != WORLD for move in moved):
        return Comparison(
            f"the golden runs moved while RULES_VERSION (townlet/run.py) is still {found.rules_version}: "
            "undo what moved them, or raise it and `make golden`",
            moved,
            allowed=False,
        )
    if text_of(stored) == text_of(found):
        return Comparison("")
    otherwise = "only the state is laid out otherwise" if moved else "other ticks or numbers are looked at"
    return Comparison(f"{' and '.join(raised) or otherwise}: `make golden` writes the file anew", moved)


def moves(stored: Golden, found: Golden) -> Iterator[Move]:
    """Every number that is in both and differs, by run and tick; those of a tick before its digests."""
    for run, now in found.runs.items():
        then = stored.runs.get(run, {}).get("after", {})
        for tick in now["after"]:
            was, numbers = dict(_flat(then.get(tick, {}))), dict(_flat(now["after"][tick]))
            for name in sorted(numbers, key=DIGESTS.__contains__):
                if name in was and was[name] != numbers[name]:
                    yield Move(run, tick, name, was[name], numbers[name])


def _flat(numbers: Mapping[str, Any], before: Sequence[str] = ()) -> Iterator[tuple[str, Any]]:
    for name, value in numbers.items():
        if isinstance(value, Mapping):
            yield from _flat(value, (*before, name))
        else:
            yield ".".join((*before, name)), value


def _text(value: Any) -> str:
    return f"{value[:12]}..." if isinstance(value, str) and len(value) == 64 else str(value)
