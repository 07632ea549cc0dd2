"""`townlet card`: the data card of a data set, with pictures."""

from __future__ import annotations

from collections.abc import Sequence

from townlet.commands.data.writer_note import naming_the_writer
from townlet.compiler.warmup import warm_if_possible
from townlet.console.formatting import number, size
from townlet.console.parsing import Parser
from townlet.console.printing import next_step, say
from townlet.errors import UserError
from townlet.escaping import typed_path

EXAMPLES = """\
examples:
  townlet card samples/many --output cards/many

The folder gets README.md, which is the data set's own card as it is now with pictures at its end, a plot of each
scenario and a picture of its town. The data set itself stays as it is, so that its bytes do not depend on what is
installed where it was captured. It needs matplotlib and Pillow: pip install 'townlet[report]'.
"""


def main(argv: Sequence[str], prog: str = "townlet card") -> int:
    parser = Parser(
        prog, "Write the data card of a data set with pictures, as a folder of its own.", EXAMPLES
    )
    parser.add_argument("path", metavar="DATASET", help="the folder of a data set, or its s3://bucket/prefix")
    parser.add_argument("--output", required=True, metavar="DIR", help="the folder to write")
    parser.add_argument("--quiet", action="store_true")
    arguments = parser.parse_args(argv)

    from townlet.dataset.reading.capture import Capture
    from townlet.report.card.card import card_files
    from townlet.report.card.output import check_folder, write_folder
    from townlet.report.sources import Training, source_at

    target = check_folder(arguments.output)
    with naming_the_writer(arguments.path):
        source = source_at(arguments.path)
        if isinstance(source, Capture | Training):
            raise UserError(f"{arguments.path}: expected a data set; only these have a data card")
        warm_if_possible(quiet=arguments.quiet)
        files = card_files(source)
    write_folder(target, files)
    if not arguments.quiet:
        pictures = sum(name.endswith(".png") for name in files)
        say(
            f"{arguments.output}: README.md and {number(pictures, 'picture')}, {size(sum(map(len, files.values())))}"
        )
        next_step(f"townlet report {typed_path(arguments.path)}")
    return 0
