"""`townlet plan`, and `townlet capture --dry-run`: what is there, what is missing and why, and what it will cost.

Nothing is written, and other writers are not locked out.
"""

from __future__ import annotations

from collections.abc import Sequence

from townlet.commands.capture import options as capture_options
from townlet.commands.capture.capture import prepare
from townlet.commands.capture.plan_tables import show
from townlet.commands.capture.start import start
from townlet.console.parsing import Parser
from townlet.planning.plan import plan

EXAMPLES = """\
examples:
  townlet plan suites/smoke.yaml --output samples/smoke
  townlet plan nightly --output samples/nightly --all     one line for each run
  townlet plan nightly --output samples/nightly --json

Ticks are known; frames, bytes and core-seconds are estimated: a few hundred ticks of each config are simulated
in memory. The command that does what the plan says is printed at the end.

Every option of `townlet capture` may be given, so that one word turns a capture into its plan.

exit codes: 0 there is a plan (whatever is missing), 2 wrong usage or config
"""


NOT_OF_A_CAPTURE = ("--all", "--json", "--dry-run")  # left out of the command that is printed


def main(argv: Sequence[str], prog: str = "townlet plan") -> int:
    parser = _parser(prog)
    argv = parser.in_long_form(argv)
    arguments, runner_options = prepare(parser, argv)
    request = capture_options.request(arguments)
    played = None if runner_options.flags else start(request, quiet=arguments.quiet)
    if played is not None:
        return played
    planned = plan(request)
    command = capture_options.command_line("townlet capture", argv, without=NOT_OF_A_CAPTURE)
    options = {"each": arguments.all, "json": arguments.json, "quiet": arguments.quiet}
    show(planned, arguments.output, command, overwrite=arguments.overwrite, **options)
    return 0


def _parser(prog: str) -> Parser:
    """The options of a capture, whose command line becomes that of a plan by its first word; and `--all`."""
    parser = Parser(
        prog,
        "Show which runs a capture would make, which of them are there, and what the others will cost.",
        EXAMPLES,
        usage=f"{prog} CONFIG|SUITE ... --output DIR [options]",
    )
    capture_options.add_sources(parser)
    work = capture_options.add_capture_options(parser)
    work.add_argument("--all", action="store_true", help="one line for each run, however many there are")
    return parser
