"""`townlet events`: what happened in a run, a line each, and why what was refused was refused."""

from __future__ import annotations

import argparse
import difflib
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from townlet.commands.data.writer_note import naming_the_writer
from townlet.commands.look.chosen_run import (
    add_choice,
    capture_at,
    check_known,
    everybody,
    played_again,
    span,
    tick_command,
)
from townlet.console.formatting import is_terminal, json_text
from townlet.console.help_text import columns
from townlet.console.parsing import Parser
from townlet.console.printing import next_step, remark, say
from townlet.escaping import shown

if TYPE_CHECKING:
    from townlet.playback.events import Event

EXAMPLES = """\
examples:
  townlet events samples/queue
  townlet events samples/queue --agent bob --ticks 0..40
  townlet events samples/queue --kind refused                   what was refused, and why
  townlet events samples/many --scenario queue_conflict --seed 3 --json

The stored actions are played again; what is shown cannot differ from the data. docs/events.md says what the kinds are,
and lists every reason.

exit codes: 0 shown, 1 the capture cannot be played again, or is damaged, 2 there is none, or no such agent or tick
"""

TOWN = "town"
WIDEST_NAME, WIDEST_WHAT = 20, 40  # characters of a column, as long as the terminal is wide enough
LEAST = 12  # of a column that folds


def main(argv: Sequence[str], prog: str = "townlet events") -> int:
    arguments = _parser(prog).parse_args(argv)
    with naming_the_writer(arguments.path):
        capture = capture_at(arguments.path, arguments.scenario, arguments.seed)
        playback = played_again(capture, quiet=arguments.quiet)
        if isinstance(playback, int):
            return playback
        people = everybody(capture, playback)
        for name in arguments.agent or ():
            check_known("agent", name, people, f"{arguments.path}: has no")
        first, last = arguments.ticks or (0, playback.ticks - 1)

        from townlet.playback.events import events_of

        chosen = _Choice(arguments.agent, arguments.kind)
        found = chosen.of(events_of(playback, first, last))
        shown_events = _print_json(found) if arguments.json else _print_table(found, people, last)
        if shown_events and not arguments.json and not arguments.quiet:
            assert chosen.first is not None  # shown
            next_step(tick_command(arguments, chosen.first.tick, chosen.first.agent or None))
    if not shown_events and not arguments.quiet:
        remark(f"note: no such event in ticks {first}..{last}")
    return 0


def _parser(prog: str) -> Parser:
    parser = Parser(
        prog, "Show what happened in a run, a line each, and why what was refused was refused.", EXAMPLES
    )
    parser.add_argument(
        "path",
        metavar="PATH",
        help="a capture (its folder or manifest), or a data set with --scenario and --seed",
    )
    parser.add_argument("--agent", metavar="ID", action="append", help="only what it did; may be repeated")
    parser.add_argument("--ticks", type=span, metavar="A..B", help="only these, both included; default: all")
    parser.add_argument(
        "--kind", type=_kind, metavar="KIND", action="append",
        help="only these: refused, start, chat, ...; may be repeated; docs/events.md lists them",
    )  # fmt: skip
    add_choice(parser)
    parser.add_argument("--json", action="store_true", help="print a JSON object a line")
    parser.add_argument("--quiet", action="store_true")
    return parser


def _kind(text: str) -> str:
    from townlet.playback.events import KINDS

    if text in KINDS:
        return text
    near = difflib.get_close_matches(text, KINDS, 1)
    there = f"did you mean {near[0]}?" if near else f"there are {', '.join(KINDS)}"
    raise argparse.ArgumentTypeError(f"there is no kind {text!r}; {there}")


class _Choice:
    """The events that the options ask for."""

    def __init__(self, agents: Sequence[str] | None, kinds: Sequence[str] | None):
        self._agents, self._kinds = agents and {*agents}, kinds and {*kinds}
        self.first: Event | None = None  # of those that were found so far

    def of(self, events: Iterable[Event]) -> Iterator[Event]:
        for event in events:
            if self._has(event):
                self.first = self.first or event
                yield event

    def _has(self, event: Event) -> bool:
        return (not self._agents or event.agent in self._agents) and (
            not self._kinds or event.kind in self._kinds
        )


def facts_of(event: Event) -> dict[str, Any]:
    """An event for scripts; `agent` is null where it is nobody's."""
    return {**event._asdict(), "agent": event.agent or None}


def _print_json(events: Iterable[Event]) -> int:
    number = 0
    for event in events:
        say(json_text(facts_of(event)))
        number += 1
    return number


def _print_table(events: Iterable[Event], people: Sequence[str], last: int) -> int:
    """Print events as they come: widths follow from what is known before the first."""
    number, table = 0, None
    for event in events:
        if table is None:
            table = _Table(
                [max(4, len(str(last))), min(WIDEST_NAME, max(len(shown(name)) for name in [*people, TOWN]))]
            )
            table.line(("tick", "who", "what", "then"))
        table.line((str(event.tick), event.agent or TOWN, event.what, event.then))
        number += 1
    return number


class _Table:
    """Lines of four cells. In a terminal long cells go on below; anywhere else a line stays a line."""

    def __init__(self, widths: Sequence[int]):
        import sys

        self._tick, self._who = widths[0], min(widths[1], max(LEAST, columns() // 5))
        self._folds = is_terminal(sys.stdout)
        left = columns() - self._tick - self._who - 6
        self._what = min(WIDEST_WHAT, max(LEAST, left * 6 // 13))
        self._then = max(LEAST, left - self._what)

    def line(self, cells: Sequence[str]) -> None:
        tick, who, what, then = map(shown, cells)
        if not self._folds:
            say(f"{tick:>{self._tick}}  {who:<{self._who}}  {what:<{WIDEST_WHAT}}  {then}".rstrip())
            return
        parts = (
            textwrap.wrap(text, width)
            for text, width in ((who, self._who), (what, self._what), (then, self._then))
        )
        for number, (a, b, c) in enumerate(zip_longest(*parts, fillvalue="")):
            at = tick if number == 0 else ""
            say(f"{at:>{self._tick}}  {a:<{self._who}}  {b:<{self._what}}  {c}".rstrip())
