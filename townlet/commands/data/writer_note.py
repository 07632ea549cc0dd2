"""For commands that read an output: if somebody writes there meanwhile, that is said, and explains what is found."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from townlet.console.printing import remark
from townlet.errors import TownletError


@contextlib.contextmanager
def naming_the_writer(place: str) -> Iterator[None]:
    """Inside, an output is read. Where another process writes to it, a note on standard error says which."""
    before = _writer(place) if os.path.isdir(place) else ""
    try:
        yield
    except TownletError as error:
        if before and before not in str(error):
            _note(before)
        raise
    else:
        writer = _writer(place) or before
        if writer:
            _note(writer)


def _note(writer: str) -> None:
    remark(f"note: {writer} is writing here: what was read may change, or be in the middle of it")


def _writer(place: str) -> str:
    from townlet.dataset.store.open_store import is_remote, open_store
    from townlet.dataset.store.writer import writer_of

    if is_remote(place) or os.path.isdir(place):
        with contextlib.suppress(TownletError):
            return writer_of(open_store(place, check_connection=False))
    return ""
