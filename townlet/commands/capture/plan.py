"""`townlet plan`, and `townlet capture --dry-run`: what is there, what is missing and why, and what it will cost.

Nothing is written, and other writers are not locked out.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence

from townlet.commands.capture import options as capture_options
from townlet.commands.capture.plan_tables import as_json as json_of
from townlet.commands.capture.plan_tables import print_plan
from townlet.commands.capture.start import start
from townlet.console.formatting import print_json
from townlet.console.parsing import Parser
from townlet.planning.plan import Plan, plan
from townlet.planning.plan_status import plan_status

EXAMPLES = """\
examples:
  townlet plan suites/smoke.yaml --output samples/smoke
  townlet plan nightly --output samples/nightly --all     one line for each run
  townlet plan nightly --output samples/nightly --json

Ticks are known; frames, bytes and core-seconds are estimated: a few hundred ticks of each config are simulated
in memory. The command that does what the plan says is printed at the end.

exit codes: 0 there is a plan (whatever is missing), 2 wrong usage or config
"""


def main(argv: Sequence[str], prog: str = "townlet plan") -> int:
    parser = Parser(
        prog,
        "Show which runs a capture would make, which of them are there, and what the others will cost.",
        EXAMPLES,
        usage=f"{prog} CONFIG|SUITE ... --output DIR [options]",
    )
    capture_options.add_sources(parser)
    capture_options.add_limit(capture_options.add_played(parser))
    capture_options.add_written(parser)
    printed = parser.add_argument_group("what is printed")
    printed.add_argument("--all", action="store_true", help="one line for each run, however many there are")
    printed.add_argument("--quiet", action="store_true", help="no progress, no notices")
    printed.add_argument("--json", action="store_true", help="print the plan as JSON, run by run")
    arguments = parser.parse_args(argv)
    request = capture_options.request(arguments)
    played = start(request, quiet=arguments.quiet)
    if played is not None:
        return played
    planned = plan(request)
    capture = shlex.join(["townlet", "capture", *(word for word in argv if word not in ("--all", "--json"))])
    options = {"each": arguments.all, "as_json": arguments.json, "quiet": arguments.quiet}
    show(planned, arguments.output, capture, **options)
    return 0


def show(
    planned: Plan,
    output: str,
    command: str,
    *,
    each: bool = False,
    as_json: bool = False,
    quiet: bool = False,
    overwrite: bool = False,
) -> None:
    """Compare with the output, estimate, and print. Raises OutputError where the output cannot be one.

    `command`: the line that captures what is planned. `each`: one line for each run.
    """
    status = plan_status(planned, output, quiet=quiet, overwrite=overwrite)
    if as_json:
        print_json(json_of(status))
        return
    if not quiet:
        for notice in planned.notices:
            print(f"note: {notice}", file=sys.stderr)
    print_plan(status, command, each=each)
