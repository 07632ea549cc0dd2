"""The capture command: options -> plan -> pipeline -> what was written. Beam is imported for work only."""

from __future__ import annotations

import argparse
import json
import time
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
from townlet.errors import UserError
from townlet.escaping import shown
from townlet.planning.plan import Plan, plan

MOST_NAMED = 8  # agents that a note lists


def main(
    argv: Sequence[str], prog: str = "townlet capture", *, positional: bool = True, many: bool = True
) -> int:
    """Capture what the command line asks for. Returns the exit code; raises TownletError for mistakes."""
    started = time.monotonic()
    parser = capture_options.capture_parser(prog, positional=positional, many=many)
    argv = parser.in_long_form(argv)
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
    if arguments.policy is not None and not runner_options.quiet:
        _note_schedules(planned)
    with finished_runs_are_kept():
        outcome = capture(planned, arguments.output, runner_options, overwrite=arguments.overwrite)
    if arguments.json:
        print_json(as_json(outcome))
    else:
        print_outcome(outcome, time.monotonic() - started, quiet=arguments.quiet)
    return 1 if outcome.failures else 0


def prepare(parser: Parser, argv: Sequence[str]) -> tuple[argparse.Namespace, RunnerOptions]:
    """Our options, and how the work is done. Raises UserError for wrong options of Beam's too, before any work."""
    arguments, flags = capture_options.parse(parser, argv)
    if arguments.workers is not None and arguments.workers < 0:
        raise UserError(f"--workers: expected 0 (one for each core) or more, got {arguments.workers}")
    runner_options = RunnerOptions(tuple(flags), arguments.workers, arguments.quiet)
    if flags:
        from townlet.pipelines.runners.options import beam_options

        beam_options(flags, workers=runner_options.workers)
    return arguments, runner_options


def print_notices(planned: Plan, runner_options: RunnerOptions) -> None:
    """What the user should know of the configs, to standard error."""
    for notice in () if runner_options.quiet else planned.notices:
        remark(f"note: {notice}")


def _note_schedules(planned: Plan) -> None:
    """Say for which towns a --policy decides for nobody who lives there at the start."""
    from townlet.config.load import Resolved

    first = {run.config_digest: run for run in planned.runs if not run.ignore_schedules}
    for digest, run in first.items():
        resolved = Resolved.from_json_dict(json.loads(planned.configs[digest]))
        own = resolved.config.policy.agents
        names = [shown(agent.id) for agent in resolved.agents if agent.schedule or agent.id in own]
        if names and len(names) == len(resolved.agents):
            more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
            remark(
                f"note: {shown(run.name or resolved.name)}: {', '.join(names[:MOST_NAMED])}{more} follow a schedule or "
                "a policy of their own; --ignore-schedules takes the schedules out"
            )


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
