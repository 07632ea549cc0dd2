"""A capture as pictures, one a tick: the town from above with its people's letters, its light, and what was refused.

A picture is an array of numbers of colours. There are few colours, and eight shades of light of each: all fit into the
256 of a GIF, so that nothing is rounded to a colour nearby.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from townlet.arrays import I64, U8, Bool
from townlet.drawing.letters import ADVANCE, HEIGHT, dots, letter
from townlet.drawing.scene import scene_of
from townlet.drawing.town import COLOURS, FLOOR, FRAME, LINE, NEED, TILE, WALL, draw, shade
from townlet.world import state as st
from townlet.world.records import plain
from townlet.world.refusals import WAITS

PAPER, INK, REFUSED, BUBBLE = (255, 255, 255), (20, 20, 24), (200, 16, 32), (250, 250, 210)
PALETTE = (
    *COLOURS, *(shade(kind) for kind in range(len(COLOURS))), FLOOR, WALL, LINE, FRAME, NEED, PAPER, INK, REFUSED,
    BUBBLE,
)  # fmt: skip
SHADES = 8  # of light: 0 = full daylight, 7 = night without power
STRIDE = 32  # numbers of colours from one shade to the next
NIGHT, NO_POWER = 4, 3  # shades darker
STRIP = HEIGHT + 6  # pixels, of the line below that says when

# Hours of the day in which it gets light, and dark.
DAWN, DUSK = (5, 7), (19, 21)
MINUTES = 24 * 60


class Captions(NamedTuple):
    """What pictures say beside the world: letters of people and of things, and how long a day is."""

    people: Mapping[int, str]  # by arrival number
    types: Sequence[str]  # by the type's index
    ticks_per_day: int
    tick_of_day: int  # at tick zero

    @classmethod
    def of(cls, params: st.Params, object_types: Sequence[str], names: Sequence[str]) -> Captions:
        """`names`: everybody who has ever lived, in the order of arrival; may grow."""
        size = params.town.size.tolist()
        return cls(_Letters(names), [letter(name) for name in object_types], size[3], size[4])

    def minute(self, tick: int) -> int:
        """The minute of the day at a tick, 0 to 1439."""
        return (tick + self.tick_of_day) % self.ticks_per_day * MINUTES // self.ticks_per_day

    def shades(self, tick: int) -> int:
        """How many shades darker than at noon it is: 0, by night NIGHT."""
        minute = self.minute(tick)
        (rise, day), (sink, night) = ((60 * first, 60 * last) for first, last in (DAWN, DUSK))
        if minute < day:
            return NIGHT - max(0, minute - rise) * NIGHT // (day - rise)
        return min(NIGHT, max(0, minute - sink) * (NIGHT + 1) // (night - sink))


class _Letters(Mapping[int, str]):
    """Letters by arrival number, of names that may come yet."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names

    def __getitem__(self, arrival: int) -> str:
        if not 1 <= arrival <= len(self._names):
            raise KeyError(arrival)
        return letter(self._names[arrival - 1])

    def __iter__(self) -> Iterator[int]:
        return iter(range(1, len(self._names) + 1))

    def __len__(self) -> int:
        return len(self._names)


def picture(world: st.World, params: st.Params, tick: int, captions: Captions) -> U8:
    """[H * TILE + STRIP, W * TILE] the town at the end of a tick, before who leaves is removed, as numbers of colours.

    A cross is on whom the tick refused what was tried, a bubble beside who began a chat; an object that is reserved or
    used has a frame.
    """
    scene = scene_of(world, params)
    image = draw(scene)
    taken = {(x, y) for x, y in scene.agents.tolist()}
    for (x, y), kind in zip(scene.objects.tolist(), scene.types.tolist(), strict=True):
        if (x, y) not in taken:
            _write(_tile(image, x, y), 5, 4, captions.types[int(kind)])
    agents, refusals = plain(world.agents), plain(world.tick)["refusal"]
    for row, (x, y) in zip(scene.rows.tolist(), scene.agents.tolist(), strict=True):
        tile = _tile(image, x, y)
        if 0 < refusals[row] < WAITS:
            tile[_CROSS] = REFUSED
        elif agents["last_action"][row] == st.ACTION_CHAT and agents["last_success"][row]:
            tile[0:4, 11:15], tile[4, 11] = BUBBLE, BUBBLE
        name = captions.people.get(int(agents["arrival"][row]), "?")
        _write(tile, 6, 3, name, _on(COLOURS[row % len(COLOURS)]))
    dark = captions.shades(tick) + (0 if bool(world.events.utility[st.POWER]) else NO_POWER)
    shade = min(dark, SHADES - 1)
    return np.concatenate(
        [_numbers(image) + np.uint8(STRIDE * shade), _strip(image.shape[1], tick, captions)]
    )


def colours() -> U8:
    """[256, 3] red, green, blue of the numbers: PALETTE in each shade, the rest black."""
    table = np.zeros((SHADES, STRIDE, 3), np.int64)
    light = np.array(PALETTE)
    for dark in range(SHADES):
        # Dark is bluish: red goes first.
        left = np.array([100 - 9 * dark, 100 - 8 * dark, 100 - 5 * dark])
        table[dark, : len(PALETTE)] = light * left // 100
    return table.reshape(-1, 3).astype(np.uint8)


def _tile(image: U8, x: int, y: int) -> U8:
    return image[y * TILE : (y + 1) * TILE, x * TILE : (x + 1) * TILE]


def _write(image: U8, x: int, y: int, text: str, colour: tuple[int, int, int] = INK) -> None:
    """Write onto an image, as much as there is room for."""
    shape = dots(text)[:, : max(0, image.shape[1] - x)]
    image[y : y + HEIGHT, x : x + shape.shape[1]][shape] = colour


def _on(colour: tuple[int, int, int]) -> tuple[int, int, int]:
    """The colour of letters on a colour: dark on bright, bright on dark."""
    red, green, blue = colour
    return INK if 3 * red + 6 * green + blue > 1_100 else PAPER


def _cross_shape() -> Bool:
    """[TILE, TILE] two strokes from corner to corner."""
    along = np.arange(TILE)
    one = abs(along[:, None] - along[None]) <= 1
    inside = (along >= 1) & (along < TILE - 1)
    return (one | one[:, ::-1]) & inside[:, None] & inside[None]


_CROSS = _cross_shape()


def _strip(width: int, tick: int, captions: Captions) -> U8:
    """[STRIP, width] the tick, and the time of day as far as it fits."""
    line = np.full((STRIP, width, 3), PAPER, np.uint8)
    hours, minutes = divmod(captions.minute(tick), 60)
    texts = (f"tick {tick}  {hours:02}:{minutes:02}", f"tick {tick}", f"{tick}")
    text = next((text for text in texts if len(text) * ADVANCE + 4 <= width), texts[-1])
    _write(line, 4, 3, text)
    return _numbers(line)


@cache
def _order() -> tuple[I64, I64]:
    """The colours of PALETTE as single numbers, sorted, and which each is."""
    single = _single(np.array(PALETTE, np.uint8))
    which = np.argsort(single, kind="stable")
    return single[which], which


def _single(image: U8) -> I64:
    red, green, blue = (image[..., part].astype(np.int64) for part in range(3))
    return (red << 16) | (green << 8) | blue


def _numbers(image: U8) -> U8:
    """[H, W] the number of each pixel's colour, all of which are in PALETTE."""
    single, which = _order()
    return which[np.searchsorted(single, _single(image))].astype(np.uint8)
