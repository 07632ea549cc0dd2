"""A town drawn: what stands on which tile, in pixels and in letters."""

from __future__ import annotations

import numpy as np

from townlet.drawing.town import COLOURS, FLOOR, FRAME, NEED, TILE, WALL, Scene, draw, write_text

SCENE = Scene(
    wall=np.array([[True, False, False], [False, False, False]]),
    objects=np.array([[1, 0], [2, 0]]),
    types=np.array([0, 1]),
    taken=np.array([False, True]),
    agents=np.array([[0, 1], [2, 1], [2, 1]]),
    rows=np.array([0, 3, 9]),
    needs=np.array([[1.0, 0.0, 0.5], [0.5, 0.5, 0.5], [0.0, 0.0, 0.0]]),
)


def pixel(x: int, y: int, right: int = TILE // 2, down: int = TILE // 2 - 2) -> tuple[int, ...]:
    return tuple(draw(SCENE)[y * TILE + down, x * TILE + right].tolist())


def test_an_image() -> None:
    image = draw(SCENE)
    assert image.shape == (2 * TILE, 3 * TILE, 3) and image.dtype == np.uint8
    assert pixel(0, 0) == WALL and pixel(1, 1) == FLOOR
    assert pixel(0, 1) == COLOURS[0] and pixel(2, 1) == COLOURS[9 % len(COLOURS)]
    free, taken = pixel(1, 0), pixel(2, 0)
    assert len({free, taken, FLOOR, WALL, *COLOURS}) == 4 + len(COLOURS)
    assert pixel(2, 0, 3, 3) == FRAME and pixel(1, 0, 3, 3) == free
    assert (draw(SCENE) == image).all()


def test_needs_are_bars() -> None:
    line = draw(SCENE)[2 * TILE - 2, :TILE].tolist()
    full, empty, half = line[1:5], line[6:10], line[11:15]
    assert full == [[*NEED]] * 4 and empty == [[*FRAME]] * 4 and half == [[*NEED]] * 2 + [[*FRAME]] * 2


def test_text() -> None:
    assert write_text(SCENE, ("bed", "stove")) == "#bS\n1.*"
