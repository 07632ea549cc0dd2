"""`townlet gif`: a capture as a moving picture."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from townlet.commands.capture.start import start_work
from townlet.commands.data.writer_note import naming_the_writer
from townlet.console.formatting import Meter, number, size
from townlet.console.parsing import Parser, positive, span, whole
from townlet.console.printing import next_step, say
from townlet.errors import UserError
from townlet.planning.interpreted_cost import agent_step

if TYPE_CHECKING:
    from townlet.arrays import U8
    from townlet.dataset.reading.capture import Capture
    from townlet.playback.playback import Playback
    from townlet.policy_text import Models

EXAMPLES = """\
examples:
  townlet gif samples/queue --output queue.gif
  townlet gif samples/town --ticks 400..700 --every 5 --output morning.gif
  townlet gif samples/many --scenario kitchen_breakfast --seed 7 --scale 3 --fps 20

The stored actions are played again. A disc with a letter is somebody, with a bar for each need below; a square is an
object, with a frame while it is reserved or used; a cross: what was tried was refused; a bubble: a chat was begun. It
gets dark at night, and where the power is off. The same capture gives the same bytes, with the same Pillow.
"""

MOST_PICTURES = 2_000
MOST_PIXELS = 4_096  # along a side
MOST_PIXELS_TOGETHER = 2**29  # of all pictures: they are in memory until the last is drawn, two bytes a pixel
FASTEST = 50  # pictures a second: what browsers show


def main(argv: Sequence[str], prog: str = "townlet gif") -> int:
    arguments = _parser(prog).parse_args(argv)

    from townlet.drawing.gif import import_pillow, is_ours
    from townlet.report.output import Kind, check_output, write_report

    import_pillow()
    kind = Kind("moving picture", "town.gif", is_ours)
    target = check_output(arguments.output, overwrite=arguments.overwrite, kind=kind)
    with naming_the_writer(arguments.path):
        capture, models = _source(arguments)
        played = start_work(lambda: _interpreted_seconds(capture, models), quiet=arguments.quiet)
        if played is not None:
            return played
        data, pictures = _made(capture, models, arguments)
    write_report(target, data)
    if not arguments.quiet:
        say(f"{arguments.output}: {number(pictures, 'picture')}, {size(len(data))}")
        next_step("open it in a browser")
    return 0


def _parser(prog: str) -> Parser:
    parser = Parser(prog, "Write a moving picture of a town from above: a GIF.", EXAMPLES)
    parser.add_argument(
        "path",
        metavar="PATH",
        help="the folder of a capture, its manifest, or a data set with --scenario and --seed",
    )
    parser.add_argument(
        "--output", metavar="FILE", default="town.gif", help="where to write it; default: town.gif"
    )
    parser.add_argument("--scenario", metavar="NAME", help="of a data set: the run of this scenario")
    parser.add_argument("--seed", type=whole, metavar="N", help="of a data set: the run with this seed")
    parser.add_argument("--ticks", type=span, metavar="A..B", help="the ticks to show; default: all")
    parser.add_argument(
        "--every", type=positive, metavar="N", default=1, help="a picture every N ticks; default: 1"
    )
    parser.add_argument(
        "--fps", type=_fps, metavar="N", default=10, help=f"pictures a second, 1 to {FASTEST}; default: 10"
    )
    parser.add_argument(
        "--scale", type=positive, metavar="N", default=2,
        help="16 times as many pixels for a tile, along each side; default: 2",
    )  # fmt: skip
    parser.add_argument(
        "--overwrite", action="store_true", help="replace a file that `townlet gif` has not made"
    )
    parser.add_argument("--quiet", action="store_true")
    return parser


def _fps(text: str) -> int:
    value = whole(text)
    if not 1 <= value <= FASTEST:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 to {FASTEST}, got {text!r}")
    return value


def _source(arguments: argparse.Namespace) -> tuple[Capture, Models]:
    """The capture, and the networks that act in it. Raises UserError where one is missing."""
    from townlet.dataset.reading.capture import Capture
    from townlet.report.sources import WHAT, models_of, source_at

    source = source_at(arguments.path, arguments.scenario, arguments.seed)
    if not isinstance(source, Capture):
        raise UserError(
            f"{arguments.path}: is {WHAT[type(source)]}; expected a capture, or a run of a data set that --scenario "
            "and --seed choose"
        )
    return source, models_of(source)


def _interpreted_seconds(capture: Capture, models: Models) -> float:
    """What playing takes in plain Python, but for the world's making."""
    return capture.metadata["frame_count"] * agent_step(max(map(len, models.values()), default=0))


def _made(capture: Capture, models: Models, arguments: argparse.Namespace) -> tuple[bytes, int]:
    """The GIF, and of how many pictures it was made. Raises UserError for what is too long, or too large."""
    from townlet.drawing.film import colours
    from townlet.drawing.gif import encode
    from townlet.playback.playback import Playback

    playback = Playback(capture, models)
    first, last = arguments.ticks or (0, playback.ticks - 1)
    ticks = range(first, last + 1, arguments.every)
    if len(ticks) > MOST_PICTURES:
        fitting = -(-(last + 1 - first) // MOST_PICTURES)
        raise UserError(
            f"--every {arguments.every} makes {len(ticks):,} pictures of ticks {first}..{last}: expected at most "
            f"{MOST_PICTURES:,}; choose fewer ticks, or --every {fitting} or more"
        )
    _check_size(playback, arguments.scale, len(ticks))
    with Meter("ticks played", quiet=arguments.quiet) as meter:
        pictures = _pictures(playback, ticks, meter)
        return encode(pictures, colours(), round(100 / arguments.fps), arguments.scale), len(ticks)


def _check_size(playback: Playback, scale: int, pictures: int) -> None:
    """Refuse pictures that are too large for most who would look at them, and more of them than memory should hold."""
    from townlet.drawing.town import TILE

    height, width = playback.generated.params.town.wall.shape
    fitting = MOST_PIXELS // (TILE * max(height, width))
    if scale > max(1, fitting):
        raise UserError(
            f"--scale {scale}: makes pictures of {width * TILE * scale:,} by {height * TILE * scale:,} pixels; "
            f"expected a scale of at most {max(1, fitting)} for a town of {width} by {height} tiles"
        )
    pixels = height * width * (TILE * scale) ** 2
    if pictures * pixels > MOST_PIXELS_TOGETHER:
        raise UserError(
            f"makes {pictures:,} pictures of {pixels:,} pixels: expected at most {MOST_PIXELS_TOGETHER // pixels:,} of "
            "that size; choose fewer ticks, a larger --every, or a smaller --scale"
        )


def _pictures(playback: Playback, ticks: range, meter: Meter) -> Iterator[U8]:
    """The town at the end of each of some ticks."""
    from townlet.drawing.film import Captions, picture

    generated = playback.generated
    captions = Captions.of(generated.params, generated.names.object_types, playback.registry.names)
    for moment in playback.moments(ticks.start, ticks.stop - 1):
        if moment.tick in ticks:
            meter.show(moment.tick, ticks.stop)
            yield picture(moment.world, generated.params, moment.tick, captions)
