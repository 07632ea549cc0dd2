"""`townlet COMMAND ...`. Each command is a module of its own, imported when it is typed: help stays quick."""

from __future__ import annotations

import difflib
import gc
import importlib
import sys
import textwrap
from collections.abc import Sequence
from typing import NamedTuple

from townlet import __version__
from townlet.console.colour import BOLD, is_coloured, painted
from townlet.console.entry_point import run_as_process
from townlet.console.errors import check_working_folder, report
from townlet.console.help_text import columns, wrapped
from townlet.console.interpreted import command_line
from townlet.console.limits import MB, check_memory, check_threads, threads_of_numpy
from townlet.console.streams import check_output
from townlet.errors import UserError

# Objects until garbage is looked for. Importing some 1,700 modules would set that off hundreds of times, for a tenth of
# all that a small capture takes; nothing here makes circles of objects that have to go soon.
COLLECTED_AFTER = 50_000


LEAST_MEMORY = 450 * MB  # that a command maps with the libraries that it needs; refused it, they crash


class Command(NamedTuple):
    module: str  # has main(argv, prog) -> exit code
    summary: str


COMMANDS = {
    "capture": Command(
        "townlet.commands.capture.capture", "simulate configs or suites and write replay samples"
    ),
    "plan": Command("townlet.commands.capture.plan", "show what a capture would do, and what it would cost"),
    "regenerate": Command(
        "townlet.commands.capture.regenerate",
        "make the next version of a data set, if configs or rules changed",
    ),
    "golden": Command(
        "townlet.commands.capture.golden", "write the golden metrics of a suite, and show what changed"
    ),
    "rollback": Command(
        "townlet.commands.data.rollback", "make an earlier version of a data set the current one again"
    ),
    "warm": Command(
        "townlet.commands.capture.warm", "compile the simulation, before the first capture needs it"
    ),
    "evaluate": Command(
        "townlet.commands.train.evaluate", "compare policies in the same towns, with standard errors"
    ),
    "list": Command(
        "townlet.commands.look.list_", "list the shipped configs, or the data sets and versions in a place"
    ),
    "inspect": Command("townlet.commands.look.inspect", "show what is in a capture, a data set or a sample"),
    "events": Command(
        "townlet.commands.look.events", "show what happened in a run, and why what was refused was refused"
    ),
    "report": Command(
        "townlet.commands.look.report", "write a page that shows a run moment by moment, or a data set"
    ),
    "card": Command("townlet.commands.look.card", "write the data card of a data set with pictures"),
    "gif": Command("townlet.commands.look.gif", "write a moving picture of a capture"),
    "verify": Command(
        "townlet.commands.data.verify", "check the files of a capture or data set, and replay it"
    ),
    "diff": Command("townlet.commands.data.diff", "show what differs between two captures or two data sets"),
    "gc": Command(
        "townlet.commands.data.gc",
        "delete leftovers of interrupted captures, and files that no manifest lists",
    ),
    "export": Command("townlet.commands.data.export", "write samples as Parquet, LeRobot or Minari"),
    "train": Command(
        "townlet.commands.train.train", "clone the policy of a data set, or improve one by playing (PPO)"
    ),
    "new": Command("townlet.commands.config.new", "write a commented config to start from"),
    "validate": Command(
        "townlet.commands.config.validate", "check configs and suites, and show the budget of a day"
    ),
    "actions": Command("townlet.commands.config.actions", "list the actions of a config, with their ids"),
    "schema": Command("townlet.commands.config.schema", "print the JSON Schema of configs, for editors"),
    "completion": Command(
        "townlet.commands.config.completion", "print what lets a shell complete commands and options"
    ),
}

EXAMPLES = """\
examples:
  townlet capture scenarios/kitchen_breakfast.yaml --output samples/kitchen
  townlet inspect samples/kitchen
  townlet verify samples/kitchen --replay

townlet COMMAND --help, or townlet help COMMAND, shows the options of a command; townlet --version; `townlet completion`
lets your shell complete all of it.
"""

# Those that do something, or whose exit code is the answer, whoever reads what they print.
ASKED_FOR = {
    "-h",
    "--help",
    "--json",
    "--dry-run",
    "-n",
    "-nq",
    "-qn",
}  # and here, what is printed is the answer
WORKING = {
    "capture",
    "regenerate",
    "golden",
    "rollback",
    "warm",
    "verify",
    "diff",
    "gc",
    "export",
    "train",
    "new",
    "validate",
    "report",
}


def run() -> int:
    """The entry point of the process `townlet`; returns its exit code."""
    gc.set_threshold(COLLECTED_AFTER)
    with command_line("townlet.cli:main", sys.argv[1:]):
        return run_as_process(lambda: main(sys.argv[1:]))


def main(argv: Sequence[str]) -> int:
    """Run one command in this process; returns its exit code. What is wrong is one message on standard error."""
    try:
        code = _dispatch(list(argv))
        if not code and _is_asked_for_output(argv):
            check_output()
        return code
    except (Exception, KeyboardInterrupt) as error:
        return report(error)


def _is_asked_for_output(argv: Sequence[str]) -> bool:
    """Whether what is printed is all that is asked for: without it, nothing was done."""
    return not argv or argv[0] not in WORKING or not ASKED_FOR.isdisjoint(argv)


def _dispatch(arguments: list[str]) -> int:
    if arguments[:1] == ["help"] and len(arguments) > 1:  # `townlet help capture`
        arguments = [*arguments[1:], "--help"]
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(usage(coloured=is_coloured(sys.stdout)))
        return 0 if arguments else 2
    name, *rest = arguments
    if name in ("-V", "--version"):
        print(f"townlet {__version__}")
        return 0
    if name not in COMMANDS:
        near = difflib.get_close_matches(name, COMMANDS, 1)
        hint = f"did you mean {near[0]}?" if near else f"the commands are {', '.join(COMMANDS)}"
        raise UserError(f"unknown command {name!r}; {hint}")
    if not {"-h", "--help"} & {*rest}:
        check_working_folder()
        check_memory(0, f"townlet {name}", whole=LEAST_MEMORY)
        check_threads(threads_of_numpy())
    try:
        return importlib.import_module(COMMANDS[name].module).main(rest, f"townlet {name}")
    except SystemExit as ended:  # argparse, after --help
        return ended.code if isinstance(ended.code, int) else 0


def usage(*, coloured: bool = False) -> str:
    """What `townlet --help` prints, for the width of the terminal."""
    width, most = max(map(len, COMMANDS)) + 4, columns()
    lines = []
    for name, command in COMMANDS.items():
        first, *more = textwrap.wrap(command.summary, most - width)
        lines += [f"  {painted(name, BOLD) if coloured else name}{' ' * (width - 2 - len(name))}{first}"]
        lines += [f"{' ' * width}{line}" for line in more]
    return "\n".join([
        "usage: townlet COMMAND [options]",
        "",
        "A small-town life simulation whose product is replay data.",
        "",
        "commands:",
        *lines,
        "",
        wrapped(EXAMPLES, most),
    ])  # fmt: skip


if __name__ == "__main__":
    sys.exit(run())
