"""Letters of five by seven pixels: pictures need no font, and look alike everywhere."""

from __future__ import annotations

from functools import cache

import numpy as np

from townlet.arrays import Bool

WIDTH, HEIGHT = 5, 7  # pixels, a letter
ADVANCE = WIDTH + 1  # from one letter to the next

# Each line is a row of dots, those of neighbouring letters beside one another.
_SHAPES = {
    "ABCDEFGHI": """
        .###. ####. .###. ####. ##### ##### .###. #...# .###.
        #...# #...# #...# #...# #.... #.... #...# #...# ..#..
        #...# #...# #.... #...# #.... #.... #.... #...# ..#..
        ##### ####. #.... #...# ####. ####. #.### ##### ..#..
        #...# #...# #.... #...# #.... #.... #...# #...# ..#..
        #...# #...# #...# #...# #.... #.... #...# #...# ..#..
        #...# ####. .###. ####. ##### #.... .###. #...# .###.
    """,
    "JKLMNOPQR": """
        ..### #...# #.... #...# #...# .###. ####. .###. ####.
        ...#. #..#. #.... ##.## ##..# #...# #...# #...# #...#
        ...#. #.#.. #.... #.#.# ##..# #...# #...# #...# #...#
        ...#. ##... #.... #.#.# #.#.# #...# ####. #...# ####.
        ...#. #.#.. #.... #...# #..## #...# #.... #.#.# #.#..
        #..#. #..#. #.... #...# #..## #...# #.... #..#. #..#.
        .##.. #...# ##### #...# #...# .###. #.... .##.# #...#
    """,
    "STUVWXYZ?": """
        .#### ##### #...# #...# #...# #...# #...# ##### .###.
        #.... ..#.. #...# #...# #...# #...# #...# ....# #...#
        #.... ..#.. #...# #...# #...# .#.#. .#.#. ...#. ....#
        .###. ..#.. #...# #...# #.#.# ..#.. ..#.. ..#.. ...#.
        ....# ..#.. #...# .#.#. #.#.# .#.#. ..#.. .#... ..#..
        ....# ..#.. #...# .#.#. ##.## #...# ..#.. #.... .....
        ####. ..#.. .###. ..#.. #...# #...# ..#.. ##### ..#..
    """,
    "0123456789": """
        .###. ..#.. .###. ##### ...#. ##### ..##. ##### .###. .###.
        #..## .##.. #...# ...#. ..##. #.... .#... ....# #...# #...#
        #.#.# ..#.. ....# ..#.. .#.#. ####. #.... ...#. #...# #...#
        #.#.# ..#.. ...#. ...#. #..#. ....# ####. ..#.. .###. .####
        ##..# ..#.. ..#.. ....# ##### ....# #...# ..#.. #...# ....#
        #...# ..#.. .#... #...# ...#. #...# #...# ..#.. #...# ...#.
        .###. .###. ##### .###. ...#. .###. .###. ..#.. .###. .##..
    """,
    ".,:-+/ ": """
        ..... ..... ..... ..... ..... ....# .....
        ..... ..... ..#.. ..... ..#.. ....# .....
        ..... ..... ..#.. ..... ..#.. ...#. .....
        ..... ..... ..... .###. ##### ..#.. .....
        ..... ..#.. ..#.. ..... ..#.. .#... .....
        ..#.. ..#.. ..#.. ..... ..#.. #.... .....
        ..#.. .#... ..... ..... ..... #.... .....
    """,
}


@cache
def shapes() -> dict[str, Bool]:
    """[HEIGHT, WIDTH] the dots of each letter."""
    found = {}
    for letters, picture in _SHAPES.items():
        rows = [line.split() for line in picture.split("\n") if line.strip()]
        for k, letter in enumerate(letters):
            found[letter] = np.array([[dot == "#" for dot in row[k]] for row in rows])
    return found


def letter(text: str) -> str:
    """The letter that stands for a name: its first that can be drawn, large; `?` where there is none."""
    return next((sign for sign in text.upper() if sign.isalnum() and sign in shapes()), "?")


def dots(text: str) -> Bool:
    """[HEIGHT, len(text) * ADVANCE] a line of text; what has no shape is a `?`."""
    line = np.zeros((HEIGHT, len(text) * ADVANCE), bool)
    for k, sign in enumerate(text.upper()):
        line[:, k * ADVANCE : k * ADVANCE + WIDTH] = shapes().get(sign, shapes()["?"])
    return line
