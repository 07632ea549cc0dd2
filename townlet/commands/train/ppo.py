"""`townlet train ppo`: capture, learn, capture."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from townlet.commands.capture import options as capture_options
from townlet.commands.capture.run_capture import RunnerOptions
from townlet.commands.train.options import add_network, decimal, hidden, read_model_file
from townlet.console.errors import finished_runs_are_kept
from townlet.console.formatting import print_json, took
from townlet.console.parsing import Parser, positive, whole
from townlet.console.printing import next_step, remark, say
from townlet.escaping import typed

EXAMPLES = """\
examples:
  {prog} training/tiny.yaml --output runs/tiny
  {prog} training/small.yaml --output runs/small --ticks 720 --runs 16
  {prog} training/small.yaml --output runs/better --init clone.onnx
  {prog} training/small.yaml --output runs/small --keep-captures --workers 2
  {prog} training/small.yaml --output runs/far --keep-captures --profile flink

Where `scenario.starts` draws the time of day, needs and places, short runs of many seeds teach more than few long ones
(--ticks, --runs): they see more beginnings. Trials always are as long as the config says.

The folder gets best.onnx (by seeds that are kept for choosing), last.onnx, metrics.jsonl, curves.png and files for
TensorBoard. Run the same command again to continue: it comes to the same weights as without the stop. More
--iterations continue further. With --keep-captures each iteration is a data set below captures/, made by the pipeline
on any runner (Beam's options pass through); without, the same frames are played in memory.

exit codes: 0 done, 1 a run of a capture failed, 2 wrong usage, config or model, 130 interrupted
"""

# Of a training that begins with a model: its actor is to move only as far as its critic can tell, which learns first.
FROM_MODEL = {"lr": 2e-4, "entropy": 0.0, "warmup": 6}


def main(argv: Sequence[str], prog: str = "townlet train ppo") -> int:
    started = time.monotonic()
    arguments, flags = capture_options.parse(_parser(prog), argv)
    from townlet.train.playing import InMemory
    from townlet.train.ppo.training import Rhythm, train
    from townlet.train.settings import PpoSettings
    from townlet.train.towns import Towns

    init = None if arguments.init is None else read_model_file(arguments.init, "--init")
    settings = PpoSettings(**_settings(arguments))
    rhythm = Rhythm(
        arguments.iterations, arguments.checkpoint_every, arguments.choose_every, arguments.choose_runs
    )
    towns = Towns.of(_request(arguments))
    runner_options = _runner_options(arguments, flags)
    in_memory = InMemory(towns.models)
    play = in_memory
    if arguments.keep_captures:
        from townlet.commands.train.kept import Kept

        play = Kept(Path(arguments.output) / "captures", runner_options, towns.models)
    with finished_runs_are_kept():
        outcome = train(
            towns, arguments.output, settings, rhythm, play, in_memory, init=init, report=_report(arguments)
        )
    _print(outcome, arguments)
    if not arguments.quiet and not arguments.json:
        if not outcome.already_there:
            remark(f"took {took(time.monotonic() - started)}")
        model = outcome.folder / ("last.onnx" if outcome.best is None else "best.onnx")
        words = (*arguments.sources, "--policy", "needs", "--policy", f"network:{model}")
        next_step(f"townlet evaluate {typed(*words)}")
    return 0


def _parser(prog: str) -> Parser:
    usage = f"{prog} CONFIG|SUITE ... --output DIR [options]"
    parser = Parser(prog, "Improve a policy by playing (PPO).", EXAMPLES.format(prog=prog), usage=usage)
    what = parser.add_argument_group("what is trained")
    what.add_argument(
        "sources", nargs="+", metavar="CONFIG", help="config or suite files, or names of shipped ones"
    )
    what.add_argument("--output", required=True, metavar="DIR", help="the folder of the training")
    what.add_argument(
        "--init", metavar="MODEL", help="begin with this model of `townlet train`; not with a new one"
    )
    what.add_argument(
        "--ticks",
        type=whole,
        metavar="N",
        help="ticks of a run that is learned from; default: the scenario's",
    )
    what.add_argument(
        "--ignore-schedules",
        action="store_true",
        help="let the policy act for all agents, also for those with one",
    )
    add_network(what)
    _add_learning(parser)
    _add_rhythm(parser)
    group = capture_options.add_work(parser)
    group.add_argument(
        "--keep-captures", action="store_true", help="keep every iteration's samples, as a data set each"
    )
    return parser


def _add_learning(parser: Parser) -> None:
    """The numbers of PPO; what is not given has the default of `PpoSettings`, or of `FROM_MODEL`."""
    how = parser.add_argument_group("how it learns")
    how.add_argument("--seed", type=whole, metavar="N", help="of all that is drawn; default: 0")
    how.add_argument("--runs", type=positive, metavar="N", help="of each config in an iteration; default: 8")
    for name, default, text in (
        ("gamma", "0.995", "discount of a tick"),
        ("lambda", "0.95", "of advantages, at ticks with a choice"),
        ("clip", "0.2", "of the ratio of probabilities"),
        ("lr", "5e-4; 2e-4 with --init", "learning rate of the actor"),
        ("value-lr", "1e-3", "learning rate of the critic"),
        ("entropy", "0.003; 0 with --init", "weight of the entropy bonus"),
        ("kl-stop", "0.03", "an iteration's epochs of the actor end at this divergence; 0: never"),
        ("max-grad", "0.5", "norm that gradients are cut to"),
        (
            "follow-hints",
            "6",
            "what logits of moves gain at first where the path hint shows them",
        ),
    ):
        dest = "lam" if name == "lambda" else name.replace("-", "_")
        how.add_argument(
            f"--{name}", dest=dest, type=decimal, metavar="X", help=f"{text}; default: {default}"
        )
    for name, default, text in (
        ("epochs", "6", "of the actor in an iteration"),
        ("value-epochs", "2", "of the critic"),
        ("batch", "512", "rows of a step"),
    ):
        how.add_argument(f"--{name}", type=positive, metavar="N", help=f"{text}; default: {default}")
    how.add_argument(
        "--warmup",
        type=whole,
        metavar="N",
        help="first iterations of the critic alone; default: 6 with --init, else 0",
    )


def _add_rhythm(parser: Parser) -> None:
    rhythm = parser.add_argument_group("how long, and what is kept")
    rhythm.add_argument("--iterations", type=positive, default=200, metavar="N", help="default: 200")
    rhythm.add_argument(
        "--checkpoint-every", type=positive, default=10, metavar="N", help="iterations; default: 10"
    )
    rhythm.add_argument(
        "--choose-every", type=positive, default=10, metavar="N",
        help="iterations after which the model is tried, and kept as best.onnx where it is; default: 10",
    )  # fmt: skip
    rhythm.add_argument(
        "--choose-runs",
        type=positive,
        default=16,
        metavar="N",
        help="runs of each config in a trial; default: 16",
    )


def _settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """The settings that were given, and the defaults of a training that begins with a model."""
    from dataclasses import fields

    from townlet.train.settings import PpoSettings

    given = {field.name: getattr(arguments, field.name) for field in fields(PpoSettings)}
    given["hidden"] = None if arguments.hidden is None else hidden(arguments.hidden)
    found = {name: value for name, value in given.items() if value is not None}
    if arguments.init is None:
        return found
    for name in ("hidden", "activation", "follow_hints"):
        if name in found:
            from townlet.errors import UserError

            raise UserError(
                f"--{name.replace('_', '-')}: expected none beside --init, whose model has its own"
            )
    return FROM_MODEL | found


def _request(arguments: argparse.Namespace) -> Any:
    from townlet.planning.request import Request

    return Request(sources=tuple(arguments.sources), ignore_schedules=arguments.ignore_schedules)


def _runner_options(arguments: argparse.Namespace, flags: Sequence[str]) -> RunnerOptions:
    """Beam's options. Raises UserError for wrong ones, and where nothing is captured that they could be about."""
    from townlet.errors import UserError

    if (flags or arguments.workers is not None) and not arguments.keep_captures:
        what = flags[0] if flags else "--workers"
        raise UserError(f"{what}: expected --keep-captures beside it; without, runs are played in memory")
    if flags:
        from townlet.pipelines.runners.options import beam_options

        beam_options(list(flags), workers=arguments.workers)
    return RunnerOptions(tuple(flags), arguments.workers, quiet=True)


def _report(arguments: argparse.Namespace) -> Any:
    """A line an iteration, unless nobody wants one."""
    from townlet.train.ppo.progress import header, line

    shown: list[int] = []

    def report(row: Any) -> None:
        if arguments.quiet or arguments.json:
            return
        if not shown:
            say(header())
        shown.append(row["iteration"])
        say(line(row))

    return report


def _print(outcome: Any, arguments: argparse.Namespace) -> None:
    facts = {
        "folder": str(outcome.folder), "iterations": outcome.iterations, "steps": outcome.steps,
        "best_return": outcome.best, "best_iteration": outcome.best_iteration,
        "already_there": outcome.already_there,
    }  # fmt: skip
    if arguments.json:
        print_json(facts)
    elif not arguments.quiet:
        known = "already trained" if outcome.already_there else "trained"
        best = (
            ""
            if outcome.best is None
            else f"; best.onnx is of iteration {outcome.best_iteration}: {outcome.best:.1f}"
        )
        say(
            f"{outcome.folder}: {known}, {outcome.iterations} iterations, {outcome.steps:,} agent-steps{best}"
        )
