"""`townlet export`: a data set in a format that other tools query."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from townlet.console.formatting import counted, print_json, print_table, size
from townlet.console.parsing import Parser
from townlet.errors import UserError

FORMATS = ("parquet",)

EXAMPLES = """\
examples:
  townlet export samples/many --to parquet --output samples/many-parquet
  townlet export samples/many --to parquet --output few --scenario kitchen_breakfast --seed 0..9 --agent alice

Writes a file a scenario: a row a timestep, features and reward terms as columns, maps and action masks as
fixed-size binary with dtype and shape in the schema's metadata. docs/reading.md shows how to read them.
"""


def main(argv: Sequence[str], prog: str = "townlet export") -> int:
    parser = Parser(prog, "Write the samples of a data set or capture as Parquet.", EXAMPLES)
    parser.add_argument(
        "path", metavar="DIR", help="a data set, a version of one, a versioned one, or a capture"
    )
    parser.add_argument("--to", choices=FORMATS, required=True, help="the format")
    parser.add_argument("--output", metavar="OUT", required=True, help="a new folder")
    parser.add_argument("--scenario", metavar="NAME", action="append", help="only this one; may be repeated")
    parser.add_argument(
        "--seed", "--seeds", dest="seeds", metavar="0..99", help="only these: 7, 0..99 or 1,5"
    )
    parser.add_argument("--agent", metavar="ID", action="append", help="only this one; may be repeated")
    parser.add_argument("--quiet", action="store_true", help="print errors only")
    parser.add_argument("--json", action="store_true", help="print what was written as JSON")
    arguments = parser.parse_args(argv)

    from townlet.dataset.export.parquet import export_parquet

    chosen = _chosen(arguments)

    def progress(samples: Any) -> Iterator[Any]:
        return counted(samples, f"samples of {samples.scenarios[0]} written", quiet=arguments.quiet)

    written = export_parquet(chosen, arguments.output, progress)
    if arguments.json:
        files = [{"file": str(file.path), "rows": file.rows, "size": file.size} for file in written]
        print_json({"samples": len(chosen), "files": files})
    elif not arguments.quiet:
        rows = [(str(file.path), f"{file.rows:,}", size(file.size)) for file in written]
        print_table(("file", "rows", "size"), rows, numbers=("rows", "size"))
    return 0


def _chosen(arguments: Any) -> Any:
    """The samples that the options ask for."""
    from townlet.config.suite import parse_seeds
    from townlet.dataset.reading.data_set import open

    opened = open(arguments.path)
    seeds = None
    if arguments.seeds is not None:
        seeds = parse_seeds(arguments.seeds)
        missing = sorted(set(seeds) - {seed for _, seed in opened.runs})
        if len(missing) == len(seeds):
            raise UserError(f"{arguments.path}: has no run of seed {arguments.seeds}")
    return opened.filter(scenario=arguments.scenario, seed=seeds, agent=arguments.agent)
