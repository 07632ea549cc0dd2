"""The one run that a command looks at, played again: a capture, or a run of a data set."""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from townlet.commands.capture.start import start_work
from townlet.console.parsing import Parser, whole
from townlet.errors import CorruptSampleError, UserError
from townlet.escaping import shown, typed, typed_path
from townlet.planning.interpreted_cost import agent_step

if TYPE_CHECKING:
    from townlet.dataset.reading.capture import Capture
    from townlet.playback.playback import Playback
    from townlet.policy_text import Models

_SPAN = re.compile(r"([0-9]{1,18})(?:\.\.([0-9]{1,18}))?", re.ASCII)
MOST_NAMED = 8  # names that a message lists


def add_choice(parser: Parser) -> None:
    """The options that choose a run of a data set."""
    parser.add_argument("--scenario", metavar="NAME", help="of a data set: the run of this scenario")
    parser.add_argument("--seed", type=whole, metavar="N", help="of a data set: the run with this seed")


def tick_command(arguments: argparse.Namespace, tick: int, agent: str | None = None) -> str:
    """What is typed to see all about a tick of the same run."""
    words = [] if arguments.scenario is None else ["--scenario", arguments.scenario]
    words += [] if arguments.seed is None else ["--seed", str(arguments.seed)]
    words += ["--tick", str(tick), *([] if agent is None else ["--agent", agent])]
    return f"townlet inspect {typed_path(arguments.path)} {typed(*words)}"


def span(text: str) -> tuple[int, int]:
    """An option's value: `60..80`, both included, or one tick."""
    found = _SPAN.fullmatch(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"expected a first and a last tick, as in 60..80, got {text!r}")
    first = int(found[1])
    last = first if found[2] is None else int(found[2])
    if last < first:
        raise argparse.ArgumentTypeError(f"expected the first tick before the last, got {text}")
    return first, last


def capture_at(place: str, scenario: str | None, seed: int | None) -> Capture:
    """The capture at a place, or the one run of a data set that fits. Raises UserError where there is not one."""
    from townlet.dataset.reading.capture import Capture
    from townlet.dataset.reading.data_set import DataSet
    from townlet.report.sources import WHAT, source_at

    source = source_at(place, scenario, seed)
    if not isinstance(source, Capture):
        choose = "choose a run with --scenario and --seed"
        if not isinstance(source, DataSet):
            choose = "expected a capture, or a data set with --scenario and --seed"
        raise UserError(f"{place}: is {WHAT[type(source)]}; {choose}")
    return source


def check_known(what: str, name: str, known: Iterable[str], no: str = "there is no") -> None:
    """Raise UserError for a name that is none of the known ones: which is nearest, or which there are."""
    names = list(dict.fromkeys(known))
    if name in names:
        return
    near = difflib.get_close_matches(name, names, 1)
    if near:
        there = f"did you mean {shown(near[0])}?"
    else:
        more = ", ..." if len(names) > MOST_NAMED else ""
        there = f"there are {', '.join(map(shown, names[:MOST_NAMED]))}{more}"
    raise UserError(f"{no} {what} {shown(name)!r}; {there}")


def played_again(capture: Capture, *, quiet: bool) -> Playback | int:
    """The capture, ready to be played; or the exit code of a process of its own that has done all the work.

    Raises CorruptSampleError, as `verify --replay` does, where it cannot be played: by this version of the
    simulation, or without a model that is not there.
    """
    from townlet.playback.playback import Playback
    from townlet.report.sources import models_of

    try:
        models = models_of(capture)
    except UserError as error:
        raise CorruptSampleError(str(error)) from error
    played = start_work(lambda: _interpreted_seconds(capture, models), quiet=quiet)
    return Playback(capture, models) if played is None else played


def _interpreted_seconds(capture: Capture, models: Models) -> float:
    """What playing takes in plain Python, but for the world's making."""
    return capture.metadata["frame_count"] * agent_step(max(map(len, models.values()), default=0))


def everybody(capture: Capture, playback: Playback) -> list[str]:
    """All who ever lived in a run, as far as is stored, in the order of their arrival."""
    stored = sorted({(record.arrival, record.agent_id) for record in capture.samples})
    return list(dict.fromkeys([*playback.generated.names.agents, *(name for _, name in stored)]))
