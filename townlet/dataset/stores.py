"""Which store a place names: a folder of this machine, or a prefix in an object store."""

from __future__ import annotations

import os

from ..errors import OutputError
from .store import LocalStore, Store


def open_store(place: str | os.PathLike[str]) -> Store:
    """The store of a place as a user names it. Raises OutputError (a UserError) for one that is none.

    Nothing is made, and nothing needs to be there.
    """
    name = os.fspath(place)
    if not name.strip():
        raise OutputError("expected a folder, got nothing")
    scheme, _, rest = name.partition("://")
    if rest and scheme.isalnum():
        raise OutputError(f"expected a folder on this machine, got {name!r}")
    return LocalStore(name)
