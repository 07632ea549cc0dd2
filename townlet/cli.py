"""`townlet COMMAND ...`. Each command is a module of its own, imported when it is typed: help stays quick."""

from __future__ import annotations

import difflib
import gc
import importlib
import sys
from collections.abc import Sequence
from typing import NamedTuple

from townlet import __version__
from townlet.console.entry_point import run_as_process
from townlet.console.errors import check_working_folder, report
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
    "warm": Command(
        "townlet.commands.capture.warm", "compile the simulation, before the first capture needs it"
    ),
    "evaluate": Command(
        "townlet.commands.train.evaluate", "compare policies in the same towns, with standard errors"
    ),
    "inspect": Command("townlet.commands.data.inspect", "show what is in a capture, a data set or a sample"),
    "verify": Command(
        "townlet.commands.data.verify", "check the files of a capture or data set, and replay it"
    ),
    "diff": Command("townlet.commands.data.diff", "show what differs between two captures or two data sets"),
    "gc": Command(
        "townlet.commands.data.gc",
        "delete leftovers of interrupted captures, and files that no manifest lists",
    ),
    "export": Command("townlet.commands.data.export", "write the samples of a data set as Parquet"),
    "train": Command(
        "townlet.commands.train.train", "clone the policy of a data set, or improve one by playing (PPO)"
    ),
    "validate": Command(
        "townlet.commands.config.validate", "check configs and suites, and show the budget of a day"
    ),
    "actions": Command("townlet.commands.config.actions", "list the actions of a config, with their ids"),
    "schema": Command("townlet.commands.config.schema", "print the JSON Schema of configs, for editors"),
}

# Those that do something, or whose exit code is the answer, whoever reads what they print.
WORKING = {"capture", "regenerate", "golden", "warm", "verify", "diff", "gc", "export", "train", "validate"}


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
    return not argv or argv[0] not in WORKING or not {"-h", "--help", "--json", "--dry-run"}.isdisjoint(argv)


def _dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(usage())
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


def usage() -> str:
    """What `townlet --help` prints."""
    width = max(map(len, COMMANDS))
    lines = [f"  {name:{width}}  {command.summary}" for name, command in COMMANDS.items()]
    return "\n".join([
        "usage: townlet COMMAND [options]",
        "",
        "A small-town life simulation whose product is replay data.",
        "",
        "commands:",
        *lines,
        "",
        "examples:",
        "  townlet capture scenarios/kitchen_breakfast.yaml --output samples/kitchen",
        "  townlet inspect samples/kitchen",
        "  townlet verify samples/kitchen --replay",
        "",
        "townlet COMMAND --help shows the options of a command; townlet --version.",
    ])  # fmt: skip


if __name__ == "__main__":
    sys.exit(run())
