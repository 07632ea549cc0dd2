"""The capture command: options -> plan -> pipeline -> what was written. Beam is imported for work only."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from townlet.commands.capture import options as capture_options
from townlet.commands.capture.outcome import as_json, print_outcome
from townlet.commands.capture.run_capture import RunnerOptions, capture
from townlet.commands.capture.start import start
from townlet.console.entry_point import run_as_process
from townlet.console.errors import check_working_folder, finished_runs_are_kept, report
from townlet.console.formatting import print_json
from townlet.console.interpreted import command_line
from townlet.console.parsing import Parser
from townlet.console.printing import remark
from townlet.planning.plan import Plan, plan


def main(
    argv: Sequence[str], prog: str = "townlet capture", *, positional: bool = True, many: bool = True
) -> int:
    """Capture what the command line asks for. Returns the exit code; raises TownletError for mistakes."""
    parser = capture_options.capture_parser(prog, positional=positional, many=many)
    arguments, runner_options = prepare(parser, argv)
    request = capture_options.request(arguments)
    played = None if runner_options.flags else start(request, quiet=arguments.quiet)
    if played is not None:
        return played
    planned = plan(request)
    if arguments.dry_run:
        from townlet.commands.capture.plan_tables import show

        command = capture_options.command_line(prog, argv, without=("--dry-run", "--json"))
        options = {"json": arguments.json, "quiet": arguments.quiet, "overwrite": arguments.overwrite}
        show(planned, arguments.output, command, **options)
        return 0
    print_notices(planned, runner_options)
    with finished_runs_are_kept():
        outcome = capture(planned, arguments.output, runner_options, overwrite=arguments.overwrite)
    if arguments.json:
        print_json(as_json(outcome))
    else:
        print_outcome(outcome, quiet=arguments.quiet)
    return 1 if outcome.failures else 0


def prepare(parser: Parser, argv: Sequence[str]) -> tuple[argparse.Namespace, RunnerOptions]:
    """Our options, and how the work is done. Raises UserError for wrong options of Beam's too, before any work."""
    arguments, flags = capture_options.parse(parser, argv)
    runner_options = RunnerOptions(tuple(flags), arguments.workers, arguments.quiet)
    if flags:
        from townlet.pipelines.runners.options import beam_options

        beam_options(flags, workers=runner_options.workers)
    return arguments, runner_options


def print_notices(planned: Plan, runner_options: RunnerOptions) -> None:
    """What the user should know of the configs, to standard error."""
    for notice in () if runner_options.quiet else planned.notices:
        remark(f"note: {notice}")


def script(argv: Sequence[str], prog: str, *, positional: bool = True) -> int:
    """`main` as the process of another entry point, for one config: prints errors instead of raising them."""
    with command_line("townlet.commands.capture.capture:run_script", list(argv), prog, positional):
        return run_as_process(lambda: run_script(argv, prog, positional))


def run_script(argv: Sequence[str], prog: str, positional: bool) -> int:
    """`script` in this process, whatever else it is for."""
    try:
        check_working_folder()
        return main(argv, prog, positional=positional, many=False)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0
    except (Exception, KeyboardInterrupt) as error:
        return report(error)
