"""`townlet list`: what is shipped; or which data sets and versions are in a place."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from townlet.console.formatting import count, is_terminal, number, print_json, print_table, size
from townlet.console.help_text import columns
from townlet.console.parsing import Parser
from townlet.console.printing import next_step, say
from townlet.escaping import typed_path

EXAMPLES = """\
examples:
  townlet list                  the shipped configs, suites and affordances
  townlet list samples          the captures and data sets in a folder
  townlet list data/nightly     the versions of a data set: when each was made, what changed, whether it is published
  townlet list s3://bucket/data --json

exit codes: 0 listed, 1 a file that says what is current is damaged, 2 nothing there that is Townlet's
"""

LONGEST_WHY = 100  # characters
WIDE_ENOUGH = 100  # columns, for a time of day beside notes whose words are whole


def main(argv: Sequence[str], prog: str = "townlet list") -> int:
    parser = Parser(prog, "List what is shipped, or the data sets and versions in a place.", EXAMPLES)
    parser.add_argument(
        "place", nargs="?", metavar="PLACE", help="a folder or a URL; without it: what is shipped"
    )
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    arguments = parser.parse_args(argv)
    if arguments.place is None:
        from townlet.commands.look.shipped import shipped_facts

        facts: Mapping[str, Any] = shipped_facts()
        show = _show_shipped
    else:
        from townlet.commands.look.places import facts_of_place

        facts = facts_of_place(arguments.place)
        show = _show_versions if "versions" in facts else _show_outputs
    if arguments.json:
        print_json(facts)
    else:
        show(facts)
        if not arguments.quiet:
            _print_what_next(arguments.place, facts)
    return 0


def _print_what_next(place: str | None, facts: Mapping[str, Any]) -> None:
    """To look into what is there: the place itself, or the first in it of which it is known what it holds."""
    if place is None:
        next_step("townlet capture kitchen_breakfast --output samples/kitchen")
        return
    if not facts.get("itself", True):
        outputs = facts["outputs"]
        first = next((one for one in outputs if one["samples"] is not None), outputs[0])
        place = f"{place.rstrip('/')}/{first['name']}"
    next_step(f"townlet inspect {typed_path(place)}")


def _show_shipped(facts: Mapping[str, Any]) -> None:
    from townlet.commands.look.shipped import line_of_config

    say("configs (a name is enough: `townlet capture kitchen_breakfast --output samples/kitchen`)")
    print_table(("name", "what"), [(one["name"], line_of_config(one)) for one in facts["configs"]])
    say()
    say("suites")
    suites = [
        (one["name"], f"{number(one['runs'], 'run')}: {', '.join(one['configs'])}") for one in facts["suites"]
    ]
    print_table(("name", "what"), suites)
    say()
    say("affordances (what objects offer, where a config names no file of its own)")
    rows = [
        (one["name"], " or ".join(one["objects"]), str(one["ticks"]), _effects(one["effects"]))
        for one in facts["affordances"]
    ]
    print_table(("name", "at", "ticks", "effects"), rows, numbers=("ticks",))


def _effects(effects: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:+g}" for name, value in effects.items()) or "-"


def _show_versions(facts: Mapping[str, Any]) -> None:
    say(f"data set {facts['place']}: {number(len(facts['versions']), 'version')}, {_which(facts['current'])}")
    say()
    rows = []
    for one in facts["versions"]:
        why = one["why"] if len(one["why"]) <= LONGEST_WHY else f"{one['why'][: LONGEST_WHY - 3]}..."
        runs = "-" if one["runs"] is None else count(one["runs"])
        taken = "-" if one["size"] is None else size(one["size"])
        rows.append((str(one["version"]), one["state"], _when(one["finished"]), runs, taken, why))
    print_table(
        ("version", "state", "made (UTC)", "runs", "size", "what changed"),
        rows,
        numbers=("version", "runs", "size"),
    )


def _which(current: int | None) -> str:
    return "none is current" if current is None else f"version {current} is current"


def _when(finished: str | None, *, to_the_day: bool = False) -> str:
    """To the minute, or to the day."""
    return "-" if finished is None else finished[: 10 if to_the_day else 16].replace("T", " ")


def _show_outputs(facts: Mapping[str, Any]) -> None:
    say(f"{facts['place']}: {number(len(facts['outputs']), 'output')}")
    say()
    is_narrow = is_terminal(sys.stdout) and columns() < WIDE_ENOUGH
    rows = [
        (
            one["name"],
            one["kind"],
            "-" if one["runs"] is None else count(one["runs"]),
            "-" if one["samples"] is None else count(one["samples"]),
            "-" if one["size"] is None else size(one["size"]),
            _when(one["finished"], to_the_day=is_narrow),
            one["note"],
        )
        for one in facts["outputs"]
    ]
    print_table(
        ("name", "kind", "runs", "samples", "size", "made (UTC)", "note"),
        rows,
        numbers=("runs", "samples", "size"),
    )
