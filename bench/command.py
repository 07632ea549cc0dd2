"""Measure how fast Townlet is, and how much memory it takes; print one table a question."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench.machine import Machine, Neighbours
from bench.scale import FULL, QUICK, Scale
from bench.tables import Table, show

# Letter -> module; each has answer(scale, place) -> Table.
QUESTIONS = {
    "a": "bench.questions.simulating",
    "b": "bench.questions.writing",
    "c": "bench.questions.pipeline",
    "d": "bench.questions.workers",
    "e": "bench.questions.memory",
    "f": "bench.questions.starting",
    "g": "bench.questions.many_runs",
    "h": "bench.questions.data_sets",
    "i": "bench.questions.flink",
    "j": "bench.questions.many_indexed",
    "k": "bench.questions.networks",
    "l": "bench.questions.environments",
    "m": "bench.questions.learning",
    "n": "bench.questions.evaluating",
    "o": "bench.questions.looking.reports",
    "p": "bench.questions.looking.playing",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Answer the questions that are asked for. Returns the exit code."""
    arguments = _parser().parse_args(argv)
    scale, machine = QUICK if arguments.quick else FULL, Machine.this()
    print(machine, flush=True)
    if arguments.quick:
        print("quick: sizes so small that the figures say nothing", flush=True)
    tables: dict[str, Table] = {}
    for letter in arguments.only:
        print(f"({letter}) ...", file=sys.stderr, flush=True)
        tables[letter] = ask(letter, scale)
        show(letter, tables[letter], sys.stdout, judged=not arguments.quick)
    if arguments.json is not None:
        found = {letter: table.to_json_dict() for letter, table in tables.items()}
        document = {"machine": machine.to_json_dict(), "quick": arguments.quick, "tables": found}
        arguments.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 0


def ask(letter: str, scale: Scale) -> Table:
    """Answer one question, in a folder that is gone afterwards."""
    module, neighbours = importlib.import_module(QUESTIONS[letter]), Neighbours()
    with tempfile.TemporaryDirectory(prefix="townlet-bench-") as place:
        table = module.answer(scale, Path(place))
    return replace(table, notes=(*table.notes, f"{neighbours}."))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m bench", description=__doc__, allow_abbrev=False)
    parser.add_argument(
        "--quick", action="store_true", help="small sizes: to see that it works, not how fast"
    )
    parser.add_argument(
        "--only",
        type=_letters,
        default=list(QUESTIONS),
        metavar="a,b",
        help=f"of {', '.join(QUESTIONS)}; default: all",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the tables as JSON, too")
    return parser


def _letters(text: str) -> list[str]:
    letters = text.split(",")
    for letter in letters:
        if letter not in QUESTIONS:
            raise argparse.ArgumentTypeError(f"expected letters of {', '.join(QUESTIONS)}, got {letter!r}")
    return letters
