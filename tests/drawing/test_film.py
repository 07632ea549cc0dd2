"""A tick as a picture: letters, light, what was refused."""

from __future__ import annotations

import numpy as np

from tests.worlds import Scene, Thing, scene
from townlet.arrays import U8
from townlet.drawing.film import (
    BUBBLE,
    INK,
    NIGHT,
    NO_POWER,
    PALETTE,
    REFUSED,
    SHADES,
    STRIDE,
    STRIP,
    Captions,
    colours,
    picture,
)
from townlet.drawing.letters import shapes
from townlet.drawing.scene import scene_of
from townlet.drawing.town import COLOURS, FLOOR, FRAME, TILE, WALL, draw
from townlet.world import state as st
from townlet.world.refusals import WAITS

NOON = 720


def town() -> Scene:
    #   # A .
    #   . B s
    return scene(size=(3, 2), walls=[(0, 0)], agents=[(1, 0), (1, 1)], objects=[Thing("stove", 2, 1)])


def captions(people: tuple[str, ...] = ("alice", "bob"), start: int = 0) -> Captions:
    params = town().params
    return Captions.of(params, ["stove"], people)._replace(tick_of_day=start)


def seen(found: Scene, tick: int = NOON) -> U8:
    """[..., 3] a picture in colours."""
    return colours()[picture(found.world, found.params, tick, captions())]


def has(image: U8, x: int, y: int, colour: tuple[int, int, int]) -> bool:
    tile = image[y * TILE : (y + 1) * TILE, x * TILE : (x + 1) * TILE]
    return bool((tile == colour).all(axis=-1).any())


def test_all_shades_of_all_colours_fit_into_a_gif() -> None:
    assert len({*PALETTE}) == len(PALETTE) <= STRIDE and SHADES * STRIDE <= 256
    assert (colours()[: len(PALETTE)] == PALETTE).all()
    assert NIGHT + NO_POWER < SHADES


def test_a_picture_is_what_environments_draw_with_letters_on_it() -> None:
    image = seen(town())
    assert image.shape == (2 * TILE + STRIP, 3 * TILE, 3)
    plain = draw(scene_of(town().world, town().params))
    changed = (image[: 2 * TILE] != plain).any(axis=-1)
    assert (image[: 2 * TILE][changed] == INK).all()
    letter = changed[3:10, TILE + 6 : TILE + 11]
    assert (letter == shapes()["A"]).all()
    assert (changed[TILE + 4 : TILE + 11, 2 * TILE + 5 : 2 * TILE + 10] == shapes()["S"]).all()


def test_a_refusal_is_a_cross_and_a_chat_a_bubble() -> None:
    found = town()
    assert not has(seen(found), 1, 0, REFUSED)
    found.world.tick.refusal[0] = 1
    found.world.agents.last_action[1], found.world.agents.last_success[1] = st.ACTION_CHAT, True
    image = seen(found)
    assert has(image, 1, 0, REFUSED) and not has(image, 1, 1, REFUSED)
    assert has(image, 1, 1, BUBBLE) and not has(image, 1, 0, BUBBLE)
    found.world.tick.refusal[0] = WAITS
    assert not has(seen(found), 1, 0, REFUSED), "who waits in a queue is not refused"


def test_what_is_taken_has_a_frame() -> None:
    found = town()
    assert not has(seen(found), 2, 1, FRAME)
    found.world.objects.holder[0] = 0
    assert has(seen(found), 2, 1, FRAME)


def test_it_is_dark_at_night_and_darker_without_power() -> None:
    found = town()

    def shade(tick: int) -> int:
        return int(picture(found.world, found.params, tick, captions())[0, 0]) // STRIDE

    hours = [shade(60 * hour) for hour in range(24)]
    assert hours == [4] * 6 + [2] + [0] * 13 + [2] + [4] * 3
    assert shade(NOON + 1440) == 0
    found.world.events.utility[st.POWER] = False
    assert shade(NOON) == NO_POWER and shade(0) == NIGHT + NO_POWER
    image = seen(found)
    assert image[2, 2].sum() < sum(WALL) and image[2 * TILE - 8, 4].sum() < sum(FLOOR)


def test_the_line_below_says_when() -> None:
    assert captions(start=90).minute(30) == 120
    long = scene(size=(12, 2), agents=[(1, 0)])
    strip = picture(long.world, long.params, 70, captions())[2 * TILE :]
    ink = PALETTE.index(INK)
    letters = np.concatenate([shapes()[sign] for sign in "TICK"], axis=1)
    found = np.concatenate([strip[3:10, 4 + 6 * k : 9 + 6 * k] for k in range(4)], axis=1) == ink
    assert (found == letters).all()
    # Where there is little room, the number alone.
    narrow = scene(size=(1, 1), agents=[(0, 0)])
    strip = picture(narrow.world, narrow.params, 70, captions())[TILE:]
    assert (strip[3:10, 4:9] == ink).tolist() == shapes()["7"].tolist()


def test_colours_of_people_are_those_of_their_rows() -> None:
    image = seen(town())
    assert has(image, 1, 0, COLOURS[0]) and has(image, 1, 1, COLOURS[1])


def test_letters_of_who_comes_later() -> None:
    names = ["alice"]
    found = Captions.of(town().params, ["stove"], names).people
    names.append("zoe")
    assert found[2] == "Z" and [*found] == [1, 2] and found.get(9, "?") == "?"
