"""Letters made of pixels."""

from __future__ import annotations

from townlet.drawing.letters import ADVANCE, HEIGHT, WIDTH, dots, letter, shapes


def test_every_letter_has_its_own_shape() -> None:
    found = shapes()
    assert {*"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789?.,:-+/ "} == {*found}
    assert all(shape.shape == (HEIGHT, WIDTH) for shape in found.values())
    assert len({shape.tobytes() for shape in found.values()}) == len(found)
    assert not found[" "].any()


def test_a_line_of_text() -> None:
    line = dots("it")
    assert line.shape == (HEIGHT, 2 * ADVANCE)
    assert (line[:, :WIDTH] == shapes()["I"]).all() and (line[:, ADVANCE:-1] == shapes()["T"]).all()
    assert (dots("\u202e") == dots("?")).all()
    assert dots("").shape == (HEIGHT, 0)
    assert "\n".join("".join(" #"[int(dot)] for dot in row).rstrip() for row in dots("L")) == (
        "#\n#\n#\n#\n#\n#\n#####"
    )


def test_the_letter_of_a_name() -> None:
    names = ("alice", "_bob", "9lives", "\u202eeve", "(", "", "\u00e9mile")
    assert [letter(name) for name in names] == ["A", "B", "9", "E", "?", "?", "M"]
