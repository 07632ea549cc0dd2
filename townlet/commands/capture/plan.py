"""`townlet plan`, and `townlet capture --dry-run`: what is there, what is missing and why, and what it will cost.

Nothing is written, and nobody is kept from writing.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from townlet.commands.capture import options as capture_options
from townlet.commands.capture.plan_tables import as_json as json_of
from townlet.commands.capture.plan_tables import print_plan
from townlet.console.formatting import print_json
from townlet.console.parsing import Parser
from townlet.planning.plan import Plan, plan
from townlet.planning.plan_status import look

EXAMPLES = """\
examples:
  townlet plan suites/smoke.yaml --output samples/smoke
  townlet plan nightly --output samples/nightly --all     each run on a line of its own
  townlet plan nightly --output samples/nightly --json

Ticks are known; frames, bytes and core-seconds are estimated: a few hundred ticks of each config are played
in memory. `townlet capture` with the same words does what the plan says.

exit codes: 0 there is a plan (whatever is missing), 2 wrong usage or config
"""


def main(argv: Sequence[str], prog: str = "townlet plan") -> int:
    parser = Parser(
        prog,
        "Say which runs a capture would make, what of them is there, and what the rest will cost.",
        EXAMPLES,
        usage=f"{prog} CONFIG|SUITE ... --output DIR [options]",
    )
    capture_options.add_sources(parser)
    capture_options.add_limit(capture_options.add_played(parser))
    capture_options.add_written(parser)
    said = parser.add_argument_group("what is said")
    said.add_argument("--all", action="store_true", help="a line for each run, however many there are")
    said.add_argument("--quiet", action="store_true", help="no progress, no notices")
    said.add_argument("--json", action="store_true", help="print the plan as JSON, run by run")
    arguments = parser.parse_args(argv)
    planned = plan(capture_options.request(arguments))
    show(planned, arguments.output, each=arguments.all, as_json=arguments.json, quiet=arguments.quiet)
    return 0


def show(
    planned: Plan,
    output: str,
    *,
    each: bool = False,
    as_json: bool = False,
    quiet: bool = False,
    overwrite: bool = False,
) -> None:
    """Look, estimate, and print. `each`: a line for each run. Raises OutputError where the output is no place."""
    prospect = look(planned, output, quiet=quiet, overwrite=overwrite)
    if prospect.of("missing"):
        from townlet.pipelines.runners.warmup import warm

        warm(planned.runs[0], quiet=quiet)
    if as_json:
        print_json(json_of(prospect))
        return
    if not quiet:
        for notice in planned.notices:
            print(f"note: {notice}", file=sys.stderr)
    print_plan(prospect, each=each)
