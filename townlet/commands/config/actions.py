"""`townlet actions`: the actions of a config, by id."""

from __future__ import annotations

from collections.abc import Sequence

from townlet.console.formatting import print_json, print_table
from townlet.console.parsing import Parser
from townlet.console.printing import next_step
from townlet.escaping import typed_path

EXAMPLES = """\
examples:
  townlet actions examples/town.yaml
  townlet actions town.yaml --json      the samples' action_lookup: canonical JSON -> id
"""


def main(argv: Sequence[str], prog: str = "townlet actions") -> int:
    parser = Parser(
        prog,
        "List the actions of a config. The ids are the same in every run over the same affordances.",
        EXAMPLES,
    )
    parser.add_argument("config", metavar="CONFIG", help="a config file, or the name of a shipped config")
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("--json", action="store_true", help="print action_dim and action_lookup")
    arguments = parser.parse_args(argv)

    from townlet.config.load import load_config
    from townlet.policy.actions import ActionSpace

    entries = load_config(arguments.config).affordances.affordances
    actions = ActionSpace([entry.id for entry in entries])
    if arguments.json:
        facts = {"action_dim": actions.dim, "action_lookup": actions.lookup}
        print_json(facts)
        return 0
    by_id = {entry.id: entry for entry in entries}
    rows = []
    for number, (action, text) in enumerate(zip(actions.actions, actions.json, strict=True)):
        entry = by_id.get(action.get("affordance", ""))
        where = f"{' or '.join(entry.types)}, {entry.duration} ticks" if entry else ""
        rows.append(
            (
                str(number),
                action["kind"],
                action.get("affordance") or action.get("direction", ""),
                where,
                text,
            )
        )
    print_table(("id", "kind", "what", "where and how long", "canonical JSON"), rows, numbers=("id",))
    if not arguments.quiet:
        next_step(f"townlet validate {typed_path(arguments.config)}")
    return 0
