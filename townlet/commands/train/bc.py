"""`townlet train bc`: a network that does what the policy of a data set did."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from townlet.commands.train.options import add_network, decimal, hidden
from townlet.console.formatting import print_json, took
from townlet.console.parsing import Parser, positive, whole
from townlet.console.printing import next_step, remark, say
from townlet.errors import UserError
from townlet.escaping import shown, typed

EXAMPLES = """\
examples:
  {prog} samples/teacher --output clone.onnx
  {prog} samples/teacher --output clone.onnx --epochs 20 --dagger 2

Rows with one legal action teach nothing and are left out; rare actions weigh more (n^-0.5). At the end clone and
teacher play the runs' towns with seeds that the data set does not have, side by side.
--dagger N: N times, the clone plays, the teacher says what it would have done, and the clone learns from that too.

exit codes: 0 done, 2 wrong usage or data, 130 interrupted
"""


def main(argv: Sequence[str], prog: str = "townlet train bc") -> int:
    started = time.monotonic()
    arguments = _parser(prog).parse_args(argv)
    from townlet.dataset.reading.data_set import open
    from townlet.train.cloning.bc import Clone
    from townlet.train.cloning.playback import Playback
    from townlet.train.ppo.checkpoint import local_path, write_whole
    from townlet.train.settings import CloneSettings

    output = local_path("--output", arguments.output)
    _check_output(output, arguments)
    settings = CloneSettings(**_settings(arguments))
    data = open(arguments.data)
    clone = Clone(data, settings)
    playback = None
    if arguments.play or arguments.dagger:
        playback = Playback.of(data, clone.layout, arguments.ticks)
    rows: list[dict[str, Any]] = []
    report = _reporter(arguments, rows)
    clone.run(settings.epochs, report)
    for number in range(1, arguments.dagger + 1):
        assert playback is not None
        added = playback.visit(clone, number, arguments.play or 16)
        remark(f"dagger {number}: {added:,} rows that the clone came to, with its teacher's labels")
        clone.run(settings.epochs, report)
    model = clone.model()
    write_whole(output, model)
    scores = playback.compare(model, arguments.play) if playback is not None and arguments.play else {}
    _print(arguments, output, rows, scores)
    if not arguments.quiet and not arguments.json:
        remark(f"took {took(time.monotonic() - started)}")
        words = ("--policy", "needs", "--policy", f"network:{output}")
        next_step(f"townlet evaluate CONFIG {typed(*words)}")
    return 0


def _parser(prog: str) -> Parser:
    usage = f"{prog} DATA --output MODEL [options]"
    parser = Parser(
        prog, "Clone the policy of a data set (behaviour cloning).", EXAMPLES.format(prog=prog), usage=usage
    )
    parser.add_argument("data", metavar="DATA", help="a data set, a version of one, or a capture")
    parser.add_argument("--output", required=True, metavar="MODEL", help="the ONNX file to write")
    parser.add_argument("--overwrite", action="store_true", help="replace the file that is there")
    parser.add_argument("--epochs", type=positive, metavar="N", help="over all rows; default: 10")
    parser.add_argument("--batch", type=positive, metavar="N", help="rows of a step; default: 1024")
    parser.add_argument(
        "--lr", type=decimal, metavar="X", help="learning rate, falling to a tenth; default: 1e-3"
    )
    parser.add_argument("--seed", type=whole, metavar="N", help="of first weights and order; default: 0")
    parser.add_argument(
        "--validation",
        type=decimal,
        metavar="X",
        help="share of the runs that is held out; 0: none; default: 0.1",
    )
    parser.add_argument(
        "--class-power", type=decimal, metavar="X", help="an action taken n times weighs n^-X; default: 0.5"
    )
    parser.add_argument(
        "--memory-mb", type=decimal, metavar="X", help="of rows that are mixed at a time; default: 1000"
    )
    add_network(parser)
    parser.add_argument("--dagger", type=whole, default=0, metavar="N", help="rounds; default: 0")
    parser.add_argument(
        "--play",
        type=whole,
        default=16,
        metavar="N",
        help="runs beside the teacher at the end; default: 16; 0: none",
    )
    parser.add_argument(
        "--ticks", type=positive, metavar="N", help="of those runs; default: those of the data's runs"
    )
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("--json", action="store_true", help="print what was reached as JSON")
    return parser


def _check_output(output: Path, arguments: argparse.Namespace) -> None:
    if output.is_dir() or (output.exists() and not output.is_file()):
        raise UserError(f"--output: expected a file to write, found a folder: {shown(str(output))}")
    if output.exists() and not arguments.overwrite:
        raise UserError(f"--output: {shown(str(output))} is there already; --overwrite replaces it")
    if not output.parent.is_dir():
        raise UserError(f"--output: expected a folder to write into, {shown(str(output.parent))} is none")


def _settings(arguments: argparse.Namespace) -> dict[str, Any]:
    from dataclasses import fields

    from townlet.train.settings import CloneSettings

    given = {field.name: getattr(arguments, field.name) for field in fields(CloneSettings)}
    given["hidden"] = None if arguments.hidden is None else hidden(arguments.hidden)
    return {name: value for name, value in given.items() if value is not None}


def _reporter(arguments: argparse.Namespace, rows: list[dict[str, Any]]) -> Any:
    def report(epoch: Any) -> None:
        recall = epoch.recall
        rows.append({"epoch": epoch.number, "loss": epoch.loss} | (recall._asdict() if recall else {}))
        if arguments.quiet or arguments.json:
            return
        if len(rows) == 1:
            say(
                f"{'epoch':>5} {'loss':>8} {'accuracy':>9} {'recall':>7} {'requests':>9}   (of held-out runs)"
            )
        met = f"{recall.accuracy:9.4f} {recall.macro:7.3f} {recall.requests:9.3f}" if recall else ""
        say(f"{epoch.number:5} {epoch.loss:8.4f} {met}".rstrip())

    return report


def _print(
    arguments: argparse.Namespace, output: Path, rows: list[dict[str, Any]], scores: dict[str, Any]
) -> None:
    if arguments.json:
        played = {name: score.to_json_dict() for name, score in scores.items()}
        print_json({"model": str(output), "epochs": rows, "played": played})
    elif not arguments.quiet:
        for name, score in scores.items():
            say(
                f"{name}: return {score.mean:.1f} +- {score.error:.1f} over {score.runs} runs, "
                f"{score.ended:.2f} lives ended a run"
            )
        say(f"{output}: written")
