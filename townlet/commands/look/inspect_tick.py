"""`townlet inspect PATH --tick N`: everything about one tick of a run, in words."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from townlet.commands.look.chosen_run import (
    add_choice,
    capture_at,
    check_known,
    everybody,
    played_again,
    tick_command,
)  # fmt: skip
from townlet.console.formatting import print_json
from townlet.console.help_text import columns
from townlet.console.parsing import Parser, whole
from townlet.console.printing import next_step, remark, say
from townlet.errors import UserError
from townlet.escaping import shown

LABEL = 10  # characters of the words before each line
LEGEND = ". is 0, digits are counts, * is more than 9, + and - are other numbers"


def add_options(parser: Parser) -> None:
    """The options of `inspect` that are about one tick."""
    parser.add_argument(
        "--tick", type=whole, metavar="N", help="of a run: what everybody did at this tick, and why"
    )
    parser.add_argument(
        "--agent",
        metavar="ID",
        action="append",
        help="with --tick: only this one, and what it saw; may be repeated",
    )
    add_choice(parser)


def refuse_without_tick(arguments: argparse.Namespace) -> None:
    """Raise UserError for options that are about a tick, where none is asked for."""
    for name in ("agent", "scenario", "seed"):
        if getattr(arguments, name) is not None:
            raise UserError(f"--{name}: goes with --tick, which says at which tick of a run to look")


def inspect_tick(arguments: argparse.Namespace) -> int:
    """Show a tick of a run. Returns the exit code."""
    from townlet.playback.at_tick import at_tick
    from townlet.report.sources import models_of

    capture = capture_at(arguments.path, arguments.scenario, arguments.seed)
    playback = played_again(capture, quiet=arguments.json or arguments.quiet)
    if isinstance(playback, int):
        return playback
    people = everybody(capture, playback)
    for name in arguments.agent or ():
        check_known("agent", name, people, f"{arguments.path}: has no")
    facts = at_tick(playback, models_of(capture), arguments.tick, arguments.agent)
    if arguments.json:
        print_json(facts)
        return 0
    say(
        f"tick {facts['tick']} of {playback.ticks}, day {facts['day']}, tick {facts['tick_of_day']} of the day"
    )
    for one in facts["agents"]:
        say()
        _show(one, with_map=arguments.agent is not None)
    there = {one["agent"] for one in facts["agents"]}
    gone = [name for name in arguments.agent or () if name not in there]
    for name in gone:
        remark(f"note: {name} did not live at tick {arguments.tick}")
    if facts["agents"] and not arguments.agent and not arguments.quiet:
        next_step(tick_command(arguments, arguments.tick, facts["agents"][0]["agent"]))
    return 0


def _show(one: Mapping[str, Any], *, with_map: bool) -> None:
    x, y = one["position"]
    say(f"{one['agent']} at ({x}, {y}), decided by {one['policy']}")
    _line("does", _doing(one["doing"]))
    _line("needs", "  ".join(f"{name} {value:.3f}" for name, value in one["needs"].items()))
    _line("wallet", f"{one['wallet']:.2f} coins")
    _line("action", _action(one["action"]))
    if one["likely"]:
        _line("likely", ", ".join(f"{each['action']} {each['probability']:.3f}" for each in one["likely"]))
    _line("legal", ", ".join(one["legal"]))
    terms = [f"{name} {value:+.4f}" for name, value in one["reward_terms"].items() if value]
    _line("reward", f"{one['reward']:+.4f}{': ' if terms else ''}{', '.join(terms)}")
    if one["value"]:
        _line("value", f"{one['value']:+.4f}")
    if with_map:
        _show_map(one["map"])


def _line(label: str, text: str) -> None:
    """A labelled text, folded to the terminal; names in it are words like others."""
    import textwrap

    for number, part in enumerate(textwrap.wrap(shown(text), columns() - LABEL - 2) or [""]):
        say(f"  {label if number == 0 else '':<{LABEL}}{part}")


def _doing(doing: Mapping[str, Any]) -> str:
    from townlet.playback.reasons import ticks

    words = str(doing["what"])
    if "affordance" in doing:
        joined = {"queues": "queues for", "uses": "uses"}.get(words, f"{words} for")
        if words == "uses":
            words = str(doing["affordance"])
        else:
            words = f"{joined} {doing['affordance']}"
    if "job" in doing:
        words += f" as {doing['job']}"
    if "object" in doing:
        words += f" at {doing['object']}"
    if "ticks_left" in doing:
        words += f", {ticks(doing['ticks_left'])} left with this one"
    if "until_tick" in doing:
        words += f", until tick {doing['until_tick']}"
    if "ahead" in doing:
        words += f", {doing['ahead']} ahead"
    return words


def _action(action: Mapping[str, Any]) -> str:
    words = str(action["action"])
    if action["object"] is not None:
        words += f" at {action['object']}"
    if action["target"] is not None:
        words += f" to {action['target']}"
    words += f", probability {action['probability']:.3f}"
    if action["why"] is not None:
        waits = str(action["reason"]).startswith("waits")
        words += f": {'' if waits else 'refused: '}{action['why']}"
    return words + (" (expected)" if action["expected_to_fail"] else "")


def _show_map(channels: Mapping[str, Sequence[Sequence[float]]]) -> None:
    """The window of each channel, as many beside one another as the terminal holds, the agent in the middle."""
    blocks = [[shown(name), *("".join(map(_symbol, row)) for row in rows)] for name, rows in channels.items()]
    _line("sees", f"the tiles around it, north is up; {LEGEND}")
    width = max(len(line) for block in blocks for line in block) + 2
    beside = max(1, (columns() - 4) // width)
    for first in range(0, len(blocks), beside):
        say()
        for lines in zip(*blocks[first : first + beside], strict=True):
            say("    " + "".join(f"{line:<{width}}" for line in lines).rstrip())


def _symbol(number: float) -> str:
    if number == 0:
        return "."
    if number == int(number) and number > 0:
        return str(int(number)) if number < 10 else "*"
    return "+" if number > 0 else "-"
