"""Which store a place names: a folder of this machine, or a prefix in a bucket of an object store."""

from __future__ import annotations

import os
import stat

from townlet.dataset.store.contract import Store
from townlet.dataset.store.local import LocalStore
from townlet.dataset.store.object_store import ObjectStore
from townlet.dataset.store.object_store_client import Bucket, split_address
from townlet.dataset.store.os_errors import translate_os_error
from townlet.errors import OutputError, UserError
from townlet.escaping import shown


def is_remote(place: str | os.PathLike[str]) -> bool:
    """Whether a place is named by an address (`s3://bucket/prefix`) and not by a folder of this machine."""
    scheme, mark, _ = os.fspath(place).partition("://")
    return bool(mark) and scheme.isalnum()


def open_store(place: str | os.PathLike[str], *, check_connection: bool = True) -> Store:
    """The store of a place as a user names it: a folder, `s3://bucket/prefix`, `gs://...` or `az://...`.

    Nothing is made, and nothing needs to be there, except the bucket. Raises OutputError (a UserError) for a
    place that is none, and at once for a bucket that cannot be reached, or not with the credentials that are
    found. Without `check_connection`, a bucket is first asked when something is wanted of it, and then as often as
    it takes.
    """
    name = os.fspath(place)
    if not name.strip():
        raise OutputError("expected a folder, or s3://bucket/prefix, got nothing")
    try:
        usable = "\0" not in name and bool(os.fsencode(name))
    except UnicodeEncodeError:
        usable = False
    if not usable:
        raise OutputError(
            f"{shown(name)}: cannot be the name of a folder: it holds a character that none may have"
        )
    if not is_remote(name):
        return LocalStore(name)
    address, prefix = split_address(name)
    store = ObjectStore(Bucket(address), prefix)
    if check_connection:
        store.check()
    return store


def expect_folder(store: Store, place: str | os.PathLike[str] | None = None) -> None:
    """Raise UserError where a local store is no folder that is there, OutputError where it cannot be looked at.

    `place`: what messages call it.
    """
    if not isinstance(store, LocalStore):
        return
    try:
        with translate_os_error("read", str(store), allow_missing=True):
            is_folder = stat.S_ISDIR(os.stat(store.root).st_mode)
    except FileNotFoundError:
        found = "nothing there"
    else:
        if is_folder:
            return
        found = "a file"
    name = shown(os.fspath(place) if place is not None else store)
    raise UserError(f"{name}: expected the folder of a capture or a data set, found {found}")
