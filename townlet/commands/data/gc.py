"""`townlet gc`: delete leftovers of interrupted captures, and files that no manifest lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from townlet.console.formatting import print_json, print_table, size
from townlet.console.parsing import Parser
from townlet.console.printing import next_step, remark, say
from townlet.escaping import typed_path

if TYPE_CHECKING:
    from townlet.dataset.checking.gc import GcReport

EXAMPLES = """\
examples:
  townlet gc samples/nightly --dry-run     what would be deleted, and why
  townlet gc samples/nightly
  townlet gc samples/nightly --all         also what an interrupted command could continue from

Files of finished captures are never deleted, nor are captures that the index does not list yet. No other writer
may be at work.

exit codes: 0 done, 1 an index is damaged (nothing is deleted), 2 not an output of Townlet, or in use
"""

SHOWN = 40  # lines


def main(argv: Sequence[str], prog: str = "townlet gc") -> int:
    parser = Parser(
        prog,
        "Delete leftovers of interrupted captures, and files that no manifest lists.",
        EXAMPLES,
    )
    parser.add_argument("path", metavar="DIR", help="a capture, a data set, a versioned data set; or its URL")
    parser.add_argument("--dry-run", action="store_true", help="show what would be deleted, delete nothing")
    parser.add_argument(
        "--all",
        action="store_true",
        help="also runs that are simulated and not published, and versions that are being built",
    )
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("--json", action="store_true", help="print what was deleted as JSON")
    arguments = parser.parse_args(argv)

    from townlet.dataset.checking.gc import gc

    report = gc(arguments.path, dry_run=arguments.dry_run, everything=arguments.all)
    if arguments.json:
        print_json(report.to_json_dict())
    elif not arguments.quiet:
        _show(report, arguments.path)
        path = typed_path(arguments.path)
        again = arguments.dry_run and report.gone
        next_step(f"townlet gc {path}{' --all' * arguments.all}" if again else f"townlet verify {path}")
    return 0


def _show(report: GcReport, path: str) -> None:
    if report.gone:
        rows = [(leftover.name, size(leftover.size), leftover.why) for leftover in report.gone[:SHOWN]]
        print_table(("name", "size", "why"), rows, numbers=["size"])
    if len(report.gone) > SHOWN:
        say(f"... and {len(report.gone) - SHOWN} more")
    for name in report.finished:
        say(f"{name}: given its final name, which an interrupted writer had not done")
    if report.said:
        remark(f"note: {report.said}")
    for kept in report.kept[:SHOWN]:
        remark(f"kept: {kept.name}: {kept.why}")
    if len(report.kept) > SHOWN:
        remark(f"kept: and {len(report.kept) - SHOWN} more")
    done = "would be deleted" if report.dry_run else "deleted"
    count = len(report.gone)
    say(f"{path}: {f'{count} {done}, {size(report.size)}' if count else 'nothing to delete'}")
