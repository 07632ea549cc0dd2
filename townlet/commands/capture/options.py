"""The options of a capture: ours, parsed strictly, and Beam's, which pass through and are checked as well.

Beam itself discards a flag that it does not know with one log line, so that a mistyped flag of ours would
silently not count. Here every flag is either ours or one that Beam knows, or an error that names the nearest.
What Beam knows is asked (`townlet.pipelines.runners.options`) only when there is a flag that is not ours.
"""

from __future__ import annotations

import argparse
from collections.abc import Collection, Sequence
from typing import Any

from townlet.config.suite import parse_seeds
from townlet.console.parsing import Parser, is_number_in_other_digits, whole
from townlet.errors import UserError
from townlet.escaping import typed
from townlet.planning.request import Request
from townlet.vocabulary import COMPRESSIONS, POLICIES

EXAMPLES = """\
examples:
  {prog} {config} --output samples/kitchen
  {prog} {config} --ticks 1000 --seed 7 --policy uniform --output samples/other
  {prog} {config} --seeds 0..99 --workers 2 --output samples/many     a data set of 100 runs
  {prog} {suite} --output samples/smoke     a suite: every shipped scenario
  {prog} {suite} --output samples/smoke --dry-run     what is missing, and what it would cost
  {prog} samples/kitchen --from-tick 60 --policy idle --ignore-schedules --output samples/idle     same up to tick 60

Beam's options have Beam's names (--runner FlinkRunner --flink_master ...). The default runner is this process.
--workers N starts N threads, or N processes for large work (--direct_running_mode multi_threading or
multi_processing chooses); never more than there are runs, or than two for each core.
Run the same command again to continue an interrupted capture. Where everything is there, it does nothing.

exit codes: 0 done, 1 some runs failed (the others are written), 2 wrong usage or config, 130 interrupted
(143 by SIGTERM, 129 by SIGHUP)
"""


def capture_parser(prog: str, *, positional: bool, many: bool = True) -> Parser:
    """All options but Beam's. `positional`: configs and suites are so named, not by --config and --suite."""
    first = ("CONFIG ..." if many else "CONFIG") if positional else "--config CONFIG | --suite SUITE"
    example = ("" if positional else "--config ") + "scenarios/kitchen_breakfast.yaml"
    suite = ("" if positional else "--suite ") + "suites/smoke.yaml"
    parser = Parser(
        prog,
        "Simulate the towns of YAML configs and write a replay sample for each agent.",
        EXAMPLES.format(prog=prog, config=example, suite=suite),
        usage=f"{prog} {first} --output DIR [options]",
    )
    add_sources(parser, positional, many)
    add_capture_options(parser)
    return parser


def add_capture_options(parser: Parser) -> Any:
    """All options of a capture but its sources and its output; returns the last group of them."""
    played = add_played(parser)
    add_limit(played)
    played.add_argument(
        "--from-tick",
        type=whole,
        metavar="T",
        help="of a capture: up to tick T do what is stored, and go on otherwise, by another --policy or --seed",
    )
    written = add_written(parser)
    written.add_argument(
        "--overwrite",
        action="store_true",
        help="replace the capture that is in the output folder, in one step at the end",
    )
    work = add_work(parser)
    work.add_argument(
        "--dry-run",
        action="store_true",
        help="show what is there, what is missing and what it would cost; do nothing",
    )
    return work


def command_line(prog: str, argv: Sequence[str], without: Collection[str] = ()) -> str:
    """A command to be pasted: these words less some flags, which take no value."""
    end = list(argv).index("--") if "--" in argv else len(argv)
    words = [word for word in argv[:end] if word not in without]
    return f"{prog} {typed(*words, *argv[end:])}"


def add_played(parser: Parser) -> Any:
    """The options for what is simulated; returns their group."""
    what = parser.add_argument_group("what is simulated")
    what.add_argument(
        "--ticks", type=whole, metavar="N", help="ticks to simulate; default: the scenario's, else 200"
    )
    seeds = what.add_mutually_exclusive_group()
    seeds.add_argument(
        "--seed", type=whole, metavar="N", help="the run's seed; default: the config's, else 0"
    )
    seeds.add_argument(
        "--seeds", metavar="0..99", help="several seeds, a run each, as a data set: 0..99 or 1,5,8..11"
    )
    what.add_argument(
        "--policy", metavar="P", help=f"policy of agents without a schedule: {', '.join(POLICIES)}"
    )
    what.add_argument("--agent", metavar="ID", help="write the samples of this agent only")
    what.add_argument(
        "--auto-seed-agents",
        action="store_true",
        help="add alice, bob and one object of each kind, if a config has no agents",
    )
    what.add_argument(
        "--ignore-schedules",
        action="store_true",
        help="let the policy act for all agents, also for those with a schedule",
    )
    return what


def add_limit(played: Any) -> None:
    """The option that selects the first runs of a plan."""
    played.add_argument(
        "--limit", type=whole, metavar="N", help="only the first N runs, as configs and suites list them"
    )


def add_written(parser: Parser) -> Any:
    """The options for how samples are written; returns their group."""
    how = parser.add_argument_group("what is written")
    how.add_argument("--prefix", metavar="P", help="what file names start with; default: rollout_sample")
    how.add_argument(
        "--segment-ticks",
        type=whole,
        metavar="N",
        help="split rollouts into samples of N ticks; 0: never; default: as many as keep their frames under 256 MB, "
        "fewer for a very large town",
    )
    how.add_argument("--compression", choices=COMPRESSIONS, help="of the NPZ files; default: fast")
    return how


def add_work(parser: Parser) -> Any:
    """The options for how the work is done, and what is printed; returns their group."""
    group = parser.add_argument_group("how it runs")
    group.add_argument(
        "--workers",
        type=whole,
        default=None,
        metavar="N",
        help="workers on this machine; default: 1; 0: one for each core",
    )
    group.add_argument(
        "--profile", metavar="P", help="Beam's options from a YAML file, or a shipped one: flink, spark, ..."
    )
    group.add_argument(
        "--check", action="store_true", help="check the simulation's invariants after every tick (slow)"
    )
    group.add_argument("--quiet", action="store_true")
    group.add_argument("--json", action="store_true", help="print what was written as JSON")
    return group


def add_sources(parser: Parser, positional: bool = True, many: bool = True) -> None:
    """What is captured, and where to."""
    group = parser.add_argument_group("input and output")
    if positional:
        group.add_argument(
            "sources",
            nargs="+" if many else 1,
            metavar="CONFIG",
            help="a config file, a suite file, the name of a shipped one, or a capture, to make it again",
        )
    else:
        group.add_argument(
            "--config", action="append", default=[], metavar="CONFIG", help="may be given repeatedly"
        )
        group.add_argument(
            "--suite", action="append", default=[], metavar="SUITE", help="may be given repeatedly"
        )
    group.add_argument(
        "--output",
        required=True,
        metavar="DIR",
        help="the folder of the capture or data set, or s3://bucket/prefix",
    )


def parse(parser: Parser, argv: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """Our options as a namespace, and Beam's flags as they were typed. Raises UserError."""
    ours, beams = _split(parser, argv)
    arguments = parser.parse_args(ours)
    if not hasattr(arguments, "sources"):
        arguments.sources = [*arguments.suite, *arguments.config]
        if not arguments.sources:
            raise UserError(f"expected --config or --suite (see {parser.prog} --help)")
    if arguments.profile is not None:
        from townlet.pipelines.runners.options import beam_parser
        from townlet.pipelines.runners.profiles import flags_of

        given = beams if arguments.workers is None else [*beams, "--direct_num_workers"]
        beams = [*flags_of(arguments.profile, given, beam_parser()), *beams]
    for word in beams:
        value = word.partition("=")[2] if word.startswith("-") else word
        if is_number_in_other_digits(value):
            raise UserError(f"expected a number in digits 0 to 9 among Beam's options, got {value!r}")
    return arguments, beams


def request(arguments: argparse.Namespace) -> Request:
    """What is to be captured."""
    seeds = None
    if arguments.seeds is not None:
        try:
            seeds = parse_seeds(arguments.seeds)
        except UserError as error:
            raise UserError(f"--{error}") from None
    return Request(
        sources=tuple(arguments.sources),
        ticks=arguments.ticks,
        seeds=(arguments.seed,) if arguments.seed is not None else seeds,
        policy=arguments.policy,
        agent=arguments.agent,
        auto_seed_agents=arguments.auto_seed_agents,
        ignore_schedules=arguments.ignore_schedules,
        segment_ticks=arguments.segment_ticks,
        compression=arguments.compression,
        prefix=arguments.prefix,
        check=arguments.check,
        as_data_set=seeds is not None,
        limit=getattr(arguments, "limit", None),  # and not every command may leave runs out
        from_tick=getattr(arguments, "from_tick", None),
    )


def _split(parser: Parser, argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Our tokens, flags before names, and Beam's flags with their values, however they were mixed."""
    known = {flag: action for action in parser._actions for flag in action.option_strings}
    names: list[str] = []
    ours: list[str] = []
    beams: list[str] = []
    tokens = parser.in_long_form(argv)
    while tokens:
        token = tokens.pop(0)
        flag, equals, _ = token.partition("=")
        if token == "--":
            names += tokens
            break
        if not token.startswith("-") or token == "-":
            names.append(token)
        elif flag not in known:
            from townlet.pipelines.runners import options as runner_options

            beams.append(token)
            if runner_options.takes_value(flag, list(known)) and not equals and tokens:
                beams.append(tokens.pop(0))
        elif known[flag].nargs is None and not equals and tokens:
            ours.append(f"{flag}={tokens.pop(0)}")  # in one piece: the value may begin with a dash
        else:
            ours.append(token)
    return ([*ours, "--", *names] if names else ours), beams
