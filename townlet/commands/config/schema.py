"""`townlet schema`: the JSON Schema of config, affordance and suite files, for editors and other checkers."""

from __future__ import annotations

from collections.abc import Sequence

from townlet.console.formatting import print_json
from townlet.console.parsing import Parser

EXAMPLES = """\
examples:
  townlet schema > townlet.schema.json
  townlet schema suite > suite.schema.json

An editor for YAML completes and checks keys if the first line of a config is:
  # yaml-language-server: $schema=townlet.schema.json
"""


def main(argv: Sequence[str], prog: str = "townlet schema") -> int:
    parser = Parser(prog, "Print the JSON Schema (2020-12) of a kind of file.", EXAMPLES)
    parser.add_argument(
        "kind",
        nargs="?",
        choices=("config", "affordances", "suite"),
        default="config",
        help="the kind of file; default: config",
    )
    arguments = parser.parse_args(argv)

    from townlet.config.docs import json_schema

    print_json(json_schema(arguments.kind), indent=2)
    return 0
