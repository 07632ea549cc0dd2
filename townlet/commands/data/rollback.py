"""`townlet rollback`: an earlier version of a data set becomes the current one again."""

from __future__ import annotations

from collections.abc import Sequence

from townlet.console.formatting import count, number, print_json, size
from townlet.console.parsing import Parser, positive
from townlet.console.printing import next_step, remark, say
from townlet.escaping import typed, typed_path

EXAMPLES = """\
examples:
  townlet list data/nightly              which versions there are, and what changed in each
  townlet rollback data/nightly 11       version 11 is the one that readers open from now on
  townlet rollback data/nightly 12       and forward again

Every file of the version is checked before. Nothing is deleted: later versions stay where they are. The next
`townlet regenerate` compares its suite with the version that is current then, and makes one with a new number: mend
the suite first, or it makes what you went back from once more.

exit codes: 0 done, or it was the current one already; 1 its files are not what was written; 2 no such version, or it
was never published
"""


def main(argv: Sequence[str], prog: str = "townlet rollback") -> int:
    parser = Parser(prog, "Make an earlier version of a data set the current one, in one step.", EXAMPLES)
    parser.add_argument("place", metavar="PLACE", help="a data set with versions: its folder, or its URL")
    parser.add_argument("version", metavar="VERSION", type=positive, help="the number of the version")
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("--json", action="store_true", help="print what was done as JSON")
    arguments = parser.parse_args(argv)

    from townlet.commands.data.run_rollback import roll_back
    from townlet.dataset.store.lock import output_lock
    from townlet.dataset.store.open_store import expect_folder, open_store

    store = open_store(arguments.place)
    expect_folder(store, arguments.place)
    with output_lock(arguments.place):
        done = roll_back(store, arguments.version)
    if arguments.json:
        facts = {"place": str(store), "before": done.before, "current": done.version, "newest": done.newest}
        print_json({**facts, "changed": done.report is not None})
        return 0
    if arguments.quiet:
        return 0
    if done.said:
        remark(f"note: {done.said}")
    if done.report is None:
        say(f"{store}: version {done.version} is the current one already")
        return 0
    checked = (
        f"{number(done.report.captures, 'run')}, {count(done.report.files)} files, {size(done.report.size)}"
    )
    say(
        f"{store}: version {done.version} is current (checked: {checked}); before, it was version {done.before}"
    )
    remark(f"to undo this: townlet rollback {typed(arguments.place, str(done.before))}")
    next_step(f"townlet list {typed_path(arguments.place)}")
    return 0
