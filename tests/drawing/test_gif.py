"""Pictures one after another as a GIF."""

from __future__ import annotations

import io
import sys

import numpy as np
import pytest

from townlet.arrays import U8
from townlet.drawing import gif
from townlet.drawing.film import colours
from townlet.errors import UserError


def pictures(count: int = 4) -> list[U8]:
    found = [np.zeros((6, 8), np.uint8) for _ in range(count)]
    for k, one in enumerate(found):
        one[2, k] = 40 + k
    return found


def test_without_pillow_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(UserError, match=r"pip install 'townlet\[report\]'"):
        gif.encode(pictures(), colours(), 10)


@pytest.mark.page
def test_what_is_read_back_is_what_was_drawn() -> None:
    image_module = gif.import_pillow()
    data = gif.encode(pictures(), colours(), 12, scale=2)
    assert gif.is_ours(data[:4096]) and not gif.is_ours(b"GIF89a" + bytes(4000))
    with image_module.open(io.BytesIO(data)) as image:
        assert (image.size, image.n_frames, image.info["loop"]) == ((16, 12), 4, 0)
        for k, numbers in enumerate(pictures()):
            image.seek(k)
            assert image.info["duration"] == 120
            found = np.asarray(image.convert("RGB"))
            assert (found[::2, ::2] == colours()[numbers]).all() and (found[::2] == found[1::2]).all()
    assert data == gif.encode(pictures(), colours(), 12, scale=2)


@pytest.mark.page
def test_a_picture_like_the_one_before_is_shown_longer() -> None:
    image_module = gif.import_pillow()
    first, other = pictures(2)
    with image_module.open(io.BytesIO(gif.encode([first, first, first, other], colours(), 10))) as image:
        assert image.n_frames == 2 and image.info["duration"] == 300
    with image_module.open(io.BytesIO(gif.encode([first, first], colours(), gif.LONGEST_WAIT))) as image:
        assert image.info["duration"] == 10 * gif.LONGEST_WAIT
