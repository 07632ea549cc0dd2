"""Networks that configs, suites and command lines name: their files found and read, their paths replaced by digests.

A path is relative to the file that names it, else to the working folder. A network that is named by its digest, as in
a capture, is looked for where captures and data sets keep models.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from townlet.config.source.open_file import is_folder, is_there, read_bytes
from townlet.errors import ConfigError, UserError
from townlet.escaping import shown
from townlet.policy_text import (
    MODEL_FOLDER,
    MOST_MODEL_BYTES,
    SHORT_DIGEST,
    is_network,
    model_file,
    parse_network,
)

LONGEST_NAME = 120  # letters of a path in a message


class NetworkReader:
    """Reads each model once, for all texts of one file (or of one command) that name it.

    `folders`: where the file lies that names them; none for a command line.
    """

    def __init__(self, folders: Sequence[Path] = ()) -> None:
        self.models: dict[str, bytes] = {}  # what was read so far, by SHA-256 (hex)
        self._folders = list(folders)
        self._known: dict[str, str] = {}  # digests by path

    def by_digest(self, policy: str) -> str:
        """A policy's name with a network's path replaced by its file's SHA-256; any other name as it is.

        Raises UserError, whose message does not say who names the network, for a file that is not there, is no ordinary
        file, cannot be read or is too large, and for a kept model that is not what its name says.
        """
        if not is_network(policy):
            return policy
        network = parse_network(policy)
        if network.model not in self._known:
            self._known[network.model] = self._read(network.model, network.by_digest)
        return str(replace(network, model=self._known[network.model]))

    def _read(self, name: str, is_digest: bool) -> str:
        found = next(self._kept(name) if is_digest else self._named(name), None)
        if found is None:
            raise UserError(_no_kept(name) if is_digest else self._none_at(name))
        label = name[:SHORT_DIGEST] if is_digest else _quoted(name)
        try:
            data = read_bytes(found, label, MOST_MODEL_BYTES)
        except ConfigError as error:
            raise UserError(f"network {label}: {error.problems[0].message}") from None
        digest = hashlib.sha256(data).hexdigest()
        if is_digest and digest != name:
            raise UserError(
                f"network {label}: {shown(found)} is not the model that its name says: it was changed"
            )
        self.models[digest] = data
        return digest

    def _named(self, name: str) -> Iterator[Path]:
        """The files that a path leads to."""
        for folder in (*self._folders, Path()):
            with contextlib.suppress(ValueError):
                if is_there(folder / name):
                    yield folder / name

    def _none_at(self, name: str) -> str:
        places = ["beside the file that names it"] if self._folders else []
        folder = any(is_folder(place / name) for place in (*self._folders, Path()))
        what = "a folder" if folder else "none"
        where = " or ".join([*places, "in the working folder"])
        return f"expected an ONNX file, found {what} at {_quoted(name)} {where}"

    def _kept(self, digest: str) -> Iterator[Path]:
        """Where a model with this digest may be kept: beside a capture, in its data set, or where people copy it."""
        for folder in (*self._folders, Path()):
            places = [folder / MODEL_FOLDER, folder]
            if len(folder.parents) > 2 and folder.parents[1].name == "runs":
                places.append(folder.parents[2] / MODEL_FOLDER)
            for place in places:
                if is_there(place / model_file(digest)):
                    yield place / model_file(digest)
            yield from _with_prefix(folder, digest)


def _with_prefix(folder: Path, digest: str) -> list[Path]:
    """The model of a capture that stands alone: `<prefix>_<digest>.onnx`."""
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    return [folder / name for name in sorted(names) if name.endswith(f"_{model_file(digest)}")]


def _quoted(name: str) -> str:
    return shown(repr(name))[:LONGEST_NAME]


def _no_kept(digest: str) -> str:
    return (
        f"expected the model {digest[:SHORT_DIGEST]}, found it neither beside the capture nor in its data set: copy "
        f"{MODEL_FOLDER}/{model_file(digest)} of the data set that the run was captured into beside this file"
    )
