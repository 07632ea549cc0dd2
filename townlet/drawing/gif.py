"""Pictures one after another as a GIF, by Pillow. The same pictures give the same bytes, with the same Pillow."""

from __future__ import annotations

import importlib
import io
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from townlet.arrays import U8
from townlet.errors import UserError

MARK = b"made by townlet gif"  # the comment that says whose a file is
INSTALL = "pictures need Pillow, which is not installed here: pip install 'townlet[report]'"
LONGEST_WAIT = 65_535  # hundredths of a second: a picture can be shown no longer


def import_pillow() -> Any:
    """The module `PIL.Image`. Raises UserError where it is not installed."""
    try:
        return importlib.import_module("PIL.Image")
    except ModuleNotFoundError as error:
        if error.name not in ("PIL", "PIL.Image"):
            raise
        raise UserError(INSTALL) from None


def is_ours(beginning: bytes) -> bool:
    """Whether a file that begins like this was made here."""
    return beginning.startswith(b"GIF89a") and MARK in beginning


def encode(pictures: Iterable[U8], palette: U8, wait: int, scale: int = 1) -> bytes:
    """A GIF that is played again and again.

    `pictures`: [H, W] numbers of colours, all of one size; `palette`: [256, 3] red, green, blue; `wait`: hundredths of
    a second until the next; `scale`: pixels of the GIF for one of a picture, along each side.
    """
    image_module = import_pillow()
    frames: list[Any] = []
    waits: list[int] = []
    for numbers in _enlarged(pictures, scale):
        if frames and numbers.tobytes() == frames[-1].tobytes():  # nothing has changed
            waits[-1] = min(LONGEST_WAIT, waits[-1] + wait)
            continue
        frame = image_module.fromarray(numbers)
        frame.putpalette(palette.tobytes())
        frames.append(frame)
        waits.append(wait)
    out = io.BytesIO()
    _save(frames, out, [10 * hundredths for hundredths in waits])
    return out.getvalue()


def _save(frames: Sequence[Any], out: io.BytesIO, milliseconds: list[int]) -> None:
    frames[0].save(
        out, format="GIF", save_all=True, append_images=frames[1:], duration=milliseconds, loop=0, optimize=False,
        disposal=1, comment=MARK,
    )  # fmt: skip


def _enlarged(pictures: Iterable[U8], scale: int) -> Iterable[U8]:
    return (np.ascontiguousarray(one.repeat(scale, axis=0).repeat(scale, axis=1)) for one in pictures)
