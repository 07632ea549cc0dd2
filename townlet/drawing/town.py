"""A town drawn from above, as an image or as text: walls, floor, objects, who stands where. NumPy is all it needs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from townlet.arrays import F64, I64, U8, Bool

TILE = 16  # pixels
FLOOR, WALL, LINE, FRAME = (236, 233, 224), (88, 84, 92), (222, 218, 206), (50, 48, 54)
# Told apart also by most who see few colours (Okabe and Ito); black, which stands for frames here, is left out.
COLOURS = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (0, 114, 178),
    (213, 94, 0),
    (204, 121, 167),
)
NEED = (0, 150, 90)  # the full part of a need's bar; the rest is FRAME
BODY = 5  # pixels from the middle of an agent to its rim


class Scene(NamedTuple):
    """What is drawn. O objects, A agents."""

    wall: Bool  # [H, W]
    objects: I64  # [O, 2]  x, y
    types: I64  # [O]  index of the type
    taken: Bool  # [O]  reserved, or in use
    agents: I64  # [A, 2]  x, y of who lives
    rows: I64  # [A]  whose
    needs: F64  # [A, N]  satisfaction, 0 to 1


def draw(scene: Scene) -> U8:
    """[H * TILE, W * TILE, 3] red, green, blue.

    An object is a square in the colour of its type, framed while somebody has reserved or uses it; an agent is a disc
    in the colour of its row, with a bar for each need below.
    """
    height, width = scene.wall.shape
    tiles = np.where(scene.wall[..., None], np.array(WALL, np.uint8), np.array(FLOOR, np.uint8))
    image = tiles.repeat(TILE, axis=0).repeat(TILE, axis=1)
    image[::TILE], image[:, ::TILE] = LINE, LINE
    for (x, y), kind, taken in zip(
        scene.objects.tolist(), scene.types.tolist(), scene.taken.tolist(), strict=True
    ):
        tile = _tile(image, x, y)
        tile[2:-2, 2:-2] = FRAME if taken else shade(kind)
        tile[4:-4, 4:-4] = shade(kind)
    disc = _disc()
    for (x, y), row, needs in zip(scene.agents.tolist(), scene.rows.tolist(), scene.needs, strict=True):
        tile = _tile(image, x, y)
        tile[disc[1]], tile[disc[0]] = FRAME, COLOURS[row % len(COLOURS)]
        _bars(tile, needs)
    return image[: height * TILE, : width * TILE]


def _tile(image: U8, x: int, y: int) -> U8:
    return image[y * TILE : (y + 1) * TILE, x * TILE : (x + 1) * TILE]


def shade(kind: int) -> tuple[int, int, int]:
    """An object's colour: paler than an agent's."""
    red, green, blue = ((2 * 255 + part) // 3 for part in COLOURS[kind % len(COLOURS)])
    return red, green, blue


def _disc() -> tuple[Bool, Bool]:
    """[TILE, TILE] an agent, and an agent with its rim; a little above the middle."""
    along = np.arange(TILE) - TILE / 2 + 0.5
    away = (along[:, None] + 2) ** 2 + along[None] ** 2
    return away <= (BODY - 1) ** 2, away <= BODY**2


def _bars(tile: U8, needs: F64) -> None:
    """A bar of four pixels for each need, side by side, on the last lines of the tile."""
    for n, need in enumerate(needs.tolist()):
        first = 1 + n * 5
        tile[-3:-1, first : first + 4] = FRAME
        tile[-3:-1, first : first + round(4 * min(1.0, max(0.0, need)))] = NEED


def write_text(scene: Scene, types: tuple[str, ...]) -> str:
    """A letter a tile, a line a row: # wall, . floor, an object as the first letter of its type, small (taken: large);
    an agent as the number of its row, from 1 (from the tenth on +), and several on one tile as *.
    """
    letters = [["#" if wall else "." for wall in row] for row in scene.wall.tolist()]
    for (x, y), kind, taken in zip(
        scene.objects.tolist(), scene.types.tolist(), scene.taken.tolist(), strict=True
    ):
        letters[y][x] = types[kind][0].upper() if taken else types[kind][0].lower()
    seen: set[tuple[int, int]] = set()
    for (x, y), row in zip(scene.agents.tolist(), scene.rows.tolist(), strict=True):
        one = str(row + 1) if row < 9 else "+"
        letters[y][x] = "*" if (x, y) in seen else one
        seen.add((x, y))
    return "\n".join("".join(row) for row in letters)
