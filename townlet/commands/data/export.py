"""`townlet export`: a data set in a format that other tools read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from townlet.console.formatting import counted, print_json, print_table, size
from townlet.console.parsing import Parser
from townlet.console.printing import next_step
from townlet.errors import UserError
from townlet.escaping import typed

FORMATS = ("parquet", "lerobot", "minari")

EXAMPLES = """\
examples:
  townlet export samples/many --to parquet --output samples/many-parquet
  townlet export samples/many --to parquet --output few --scenario kitchen_breakfast --seed 0..9 --agent alice
  townlet export samples/many --to lerobot --output samples/many-lerobot --scenario kitchen_breakfast
  townlet export samples/many --to minari --output samples/many-minari

parquet: a file a scenario, a row a timestep, features and reward terms as columns, maps and action masks as
  fixed-size binary with dtype and shape in the schema's metadata. docs/reading.md shows how to read them.
minari: a data set a scenario, an episode a life; MINARI_DATASETS_PATH names the folder. Needs townlet[offline-rl].
lerobot: one data set in LeRobot's layout v3.0, an episode a life. All samples need one layout: choose a scenario.
docs/exports.md shows how to read the others, and what stands where: what is seen after a life's last step, too.
"""


def main(argv: Sequence[str], prog: str = "townlet export") -> int:
    parser = Parser(
        prog, "Write the samples of a data set or capture in a format that other tools read.", EXAMPLES
    )
    parser.add_argument(
        "path", metavar="DIR", help="a data set, a version of one, a versioned one, or a capture"
    )
    parser.add_argument("--to", choices=FORMATS, default=FORMATS[0], help="the format (default: parquet)")
    parser.add_argument("--output", metavar="OUT", required=True, help="a new folder")
    parser.add_argument("--scenario", metavar="NAME", action="append", help="only this one; may be repeated")
    parser.add_argument(
        "--seed", "--seeds", dest="seeds", metavar="0..99", help="only these: 7, 0..99 or 1,5"
    )
    parser.add_argument("--agent", metavar="ID", action="append", help="only this one; may be repeated")
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("--json", action="store_true", help="print what was written as JSON")
    arguments = parser.parse_args(argv)

    chosen = _chosen(arguments)
    if arguments.to == "parquet":
        return _rows(chosen, arguments)
    return _episodes(chosen, arguments)


def _rows(chosen: Any, arguments: Any) -> int:
    """Export tables of timesteps."""
    from townlet.dataset.export.parquet import export_parquet

    def progress(samples: Any) -> Iterator[Any]:
        return counted(samples, f"samples of {samples.scenarios[0]} written", quiet=arguments.quiet)

    written = export_parquet(chosen, arguments.output, progress)
    if arguments.json:
        files = [{"file": str(file.path), "rows": file.rows, "size": file.size} for file in written]
        print_json({"samples": len(chosen), "files": files})
    elif not arguments.quiet:
        rows = [(str(file.path), f"{file.rows:,}", size(file.size)) for file in written]
        print_table(("file", "rows", "size"), rows, numbers=("rows", "size"))
        shows = (
            f"import pandas; print(pandas.read_parquet({json.dumps(str(written[0].path))}))"
            if written
            else ""
        )
        next_step(typed("python", "-c", shows) if shows else "townlet inspect " + typed(arguments.path))
    return 0


def _episodes(chosen: Any, arguments: Any) -> int:
    """Export data sets of episodes."""
    from townlet.dataset.export import export_lerobot, export_minari
    from townlet.dataset.reading.layouts import LayoutError

    export = export_minari if arguments.to == "minari" else export_lerobot

    def progress(episodes: Any) -> Iterator[Any]:
        return counted(episodes, "episodes written", quiet=arguments.quiet)

    try:
        written = export(chosen, arguments.output, progress)
    except LayoutError as error:
        raise LayoutError(*error.lines[:-1], "choose samples of one layout: --scenario NAME") from None
    if arguments.json:
        data_sets = [{**one._asdict(), "path": str(one.path)} for one in written]
        print_json({"samples": len(chosen), "data_sets": data_sets})
    elif not arguments.quiet:
        rows = [(one.name, f"{one.episodes:,}", f"{one.steps:,}", size(one.size)) for one in written]
        print_table(("data set", "episodes", "steps", "size"), rows, numbers=("episodes", "steps", "size"))
        next_step("docs/exports.md shows how to read them")
    return 0


def _chosen(arguments: Any) -> Any:
    """The samples that the options ask for."""
    from townlet.config.suite import parse_seeds
    from townlet.dataset.reading.data_set import open

    opened = open(arguments.path)
    seeds = None
    if arguments.seeds is not None:
        try:
            seeds = parse_seeds(arguments.seeds)
        except UserError as error:
            raise UserError(f"--{error}") from None
        missing = sorted(set(seeds) - {seed for _, seed in opened.runs})
        if len(missing) == len(seeds):
            raise UserError(f"{arguments.path}: has no run of seed {arguments.seeds}")
    try:
        return opened.filter(scenario=arguments.scenario, seed=seeds, agent=arguments.agent)
    except UserError as error:  # which speaks of the parameters of Python
        raise UserError(re.sub(r"^filter: no (scenario|agent) ", r"--\1: no \1 ", str(error))) from None
