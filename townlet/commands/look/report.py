"""`townlet report`: a page that shows a run moment by moment, a data set, a training, or two side by side."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from townlet.commands.capture.start import start_work
from townlet.commands.data.writer_note import naming_the_writer
from townlet.commands.look.chosen_run import add_choice, span
from townlet.console.formatting import Meter, size
from townlet.console.parsing import Parser
from townlet.console.printing import remark, say
from townlet.errors import UserError
from townlet.planning.interpreted_cost import agent_step

if TYPE_CHECKING:
    from pathlib import Path

    from townlet.dataset.reading.data_set import DataSet
    from townlet.playback.playback import Moment
    from townlet.report.dataset.page import Write
    from townlet.report.sources import Training

    # Makes a page: given what writes the pages that it leads to (None: into the page itself), and their folder's name.
    PageWithFiles = Callable[[Write | None, str], bytes]

EXAMPLES = """\
examples:
  townlet report samples/kitchen                                     writes report.html
  townlet report samples/kitchen --output kitchen.html --open
  townlet report samples/many                                        a data set, and pages of its most telling runs
  townlet report samples/many --scenario kitchen_breakfast --seed 7  one of its runs
  townlet report samples/week --ticks 4000..6000                     these ticks in full, of a long run
  townlet report samples/kitchen --against samples/kitchen-uniform   two runs side by side, and where they part
  townlet report samples/many --against samples/others               two data sets, paired by scenario and seed
  townlet report runs/tiny                                           a training: curves, and its best policy at play

The page plays the stored actions again and shows what happened, tick by tick. It is one file that needs no network:
send it to whoever asks. docs/report.md says what is on it.
"""

FACTOR = 3.0  # of what playing takes, with all that is read off the world


def main(argv: Sequence[str], prog: str = "townlet report") -> int:
    arguments = _parser(prog).parse_args(argv)
    if arguments.golden is not None and arguments.against is None:
        raise UserError("--golden: shows golden figures beside two sides; give --against OTHER as well")

    from townlet.report.output import check_output, write_report
    from townlet.report.sources import other_source, source_at

    target = check_output(arguments.output, overwrite=arguments.overwrite)
    with naming_the_writer(arguments.path):
        sources = [source_at(arguments.path, arguments.scenario, arguments.seed)]
        if arguments.against is not None:
            sources.append(other_source(arguments.against, sources[0], arguments.scenario, arguments.seed))
        played = start_work(lambda: _interpreted_seconds(sources), quiet=arguments.quiet)
        if played is not None:
            return played
        with Meter("ticks played", quiet=arguments.quiet) as meter:
            page = _page(sources, arguments, target, _watching(meter))
    write_report(target, page)
    if not arguments.quiet:
        say(f"{arguments.output}: {size(len(page))}")
        if not arguments.open:
            remark("next: open it in a browser, or use --open")
    if arguments.open:
        _open(target.as_uri())
    return 0


def _parser(prog: str) -> Parser:
    parser = Parser(
        prog, "Write a page that shows a run, a data set, a training, or what differs between two.", EXAMPLES
    )
    parser.add_argument(
        "path",
        metavar="PATH",
        help="a capture (its folder or manifest), a data set, or the folder of a training",
    )
    parser.add_argument(
        "--output", metavar="FILE", default="report.html", help="where to write it; default: report.html"
    )
    parser.add_argument(
        "--against",
        metavar="OTHER",
        help="compare it with this: a run with a run, a data set with a data set",
    )
    parser.add_argument(
        "--golden",
        metavar="FILE",
        help="with --against: golden figures beside both, as `townlet golden` writes them",
    )
    parser.add_argument(
        "--ticks",
        type=span,
        metavar="A..B",
        help="the ticks to show in full; default: all, or the first 5,000",
    )
    add_choice(parser)
    parser.add_argument(
        "--embed",
        action="store_true",
        help="of a data set or a training: replays in the page itself, not in files beside it",
    )
    parser.add_argument("--open", action="store_true", help="open it in the browser")
    parser.add_argument("--overwrite", action="store_true", help="replace a file that is no report")
    parser.add_argument("--quiet", action="store_true")
    return parser


def _page(sources: Sequence[Any], arguments: Any, target: Path, watched: Any) -> bytes:
    from townlet.dataset.reading.capture import Capture
    from townlet.dataset.reading.data_set import DataSet
    from townlet.dataset.versions.drift import read_golden
    from townlet.report.comparison.page import data_set_comparison_page, run_comparison_page
    from townlet.report.run.page import run_page
    from townlet.report.sources import WHAT, models_of

    golden = None if arguments.golden is None else read_golden(arguments.golden)
    ticks = arguments.ticks
    if isinstance(sources[0], Capture):
        sides = [(capture, models_of(capture)) for capture in sources]
        if len(sides) == 1:
            return run_page(*sides[0], span=ticks, watched=watched)
        return run_comparison_page(*sides, golden=golden, span=ticks, watched=watched)
    if ticks is not None:
        raise UserError(f"--ticks: are those of one run; {arguments.path} is {WHAT[type(sources[0])]}")
    if isinstance(sources[0], DataSet):
        if len(sources) > 1:
            return data_set_comparison_page(*sources, golden=golden, watched=watched)
        return _with_files_beside(_data_set_page(sources[0], watched), target, embed=arguments.embed)
    if len(sources) > 1:
        raise UserError("--against: trainings are not compared; compare captures of their policies instead")
    return _with_files_beside(_training_page(sources[0], watched), target, embed=arguments.embed)


def _data_set_page(data_set: DataSet, watched: Any) -> PageWithFiles:
    from townlet.report.dataset.page import data_set_page

    return lambda write, folder: data_set_page(data_set, write, folder=folder, watched=watched)


def _training_page(training: Training, watched: Any) -> PageWithFiles:
    from townlet.commands.look.captures import captured
    from townlet.report.training.page import training_page

    return lambda write, folder: training_page(training.path, captured, write, folder=folder, watched=watched)


def _with_files_beside(page: PageWithFiles, target: Path, *, embed: bool) -> bytes:
    """A page, and beside it those that it leads to; or all in one."""
    from townlet.report.output import check_folder, folder_beside, pages_in

    folder = folder_beside(target)
    if embed:
        return page(None, folder.name)
    check_folder(folder)
    with pages_in(folder) as write:
        return page(write, folder.name)


def _watching(meter: Meter) -> Any:
    def watched(moments: Iterable[Moment]) -> Iterator[Moment]:
        for moment in moments:
            meter.show(moment.tick, 0)
            yield moment

    return watched


def _interpreted_seconds(sources: Sequence[Any]) -> float:
    """What playing takes in plain Python, but for the worlds' making; of a data set it is not known, and much."""
    from townlet.dataset.reading.capture import Capture
    from townlet.report.sources import models_of

    seconds = 0.0
    for capture in sources:
        if not isinstance(capture, Capture):
            return math.inf
        step = agent_step(max(map(len, models_of(capture).values()), default=0))
        seconds += FACTOR * capture.metadata["frame_count"] * step
    return seconds


def _open(address: str) -> None:
    """Show the page; where there is no browser, say so: the page is written all the same."""
    import webbrowser

    if not webbrowser.open(address):
        remark(f"no browser was found here; open {address} in one")
