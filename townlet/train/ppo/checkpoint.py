"""A training's state in one file: written whole or not at all, read without running anything that is in it.

An NPZ (arrays by name) with a JSON text of the numbers beside them. It holds the weights and moments bit by bit, so
that whoever goes on from it comes to the weights that would have come without the stop.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from townlet import arguments
from townlet.dataset.store.os_errors import translate_os_error
from townlet.errors import UserError
from townlet.escaping import shown
from townlet.run import canonical_json

FACTS = "facts"  # the array that holds the JSON text


def local_path(what: str, place: str) -> Path:
    """The path of a file or folder of this machine. Raises UserError for a URL."""
    if "://" in arguments.path(what, place):
        raise UserError(f"{what}: expected a path on this machine, got {shown(place)}")
    return Path(place)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file, or replace it, in one step: whoever reads sees the old one or the new one."""
    beside = path.with_name(f".{path.name}.new")
    with translate_os_error("write", str(path)):
        with open(beside, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)


def write_checkpoint(path: Path, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> None:
    """Write arrays and facts (JSON), whole."""
    buffer = io.BytesIO()
    text = np.frombuffer(canonical_json(dict(facts)).encode(), np.uint8)
    np.savez(buffer, allow_pickle=False, **{**arrays, FACTS: text})
    write_whole(path, buffer.getvalue())


def read_checkpoint(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays and facts. Raises UserError for what is not a checkpoint."""
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        facts = json.loads(arrays.pop(FACTS).tobytes())
        if not isinstance(facts, dict):
            raise ValueError("no facts")
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(
            f"{shown(str(path))}: expected a checkpoint of a training, found something else ({shown(str(error))}); "
            "move the folder away to train anew"
        ) from None
    return arrays, facts


def put_parts(arrays: dict[str, np.ndarray], name: str, part: Any, optimiser: Any) -> None:
    """Add a network part's weights, and the moments of its Adam."""
    for index, parameter in enumerate(part.parameters()):
        arrays[f"{name}_{index}"] = parameter.detach().numpy().copy()
        state = optimiser.state.get(parameter, {})
        for key in ("exp_avg", "exp_avg_sq", "step"):
            if key in state:
                arrays[f"{name}_{index}_{key}"] = state[key].numpy().copy()


def take_parts(arrays: Mapping[str, np.ndarray], name: str, part: Any, optimiser: Any) -> None:
    """The reverse. Raises ValueError or KeyError for arrays of another network."""
    from townlet.train.with_torch import torch

    for index, parameter in enumerate(part.parameters()):
        stored = arrays[f"{name}_{index}"]
        if stored.shape != tuple(parameter.shape):
            raise ValueError(f"{name}_{index}: expected shape {tuple(parameter.shape)}, found {stored.shape}")
        with torch.no_grad():
            parameter.copy_(torch.from_numpy(stored))
        keys = [key for key in ("exp_avg", "exp_avg_sq", "step") if f"{name}_{index}_{key}" in arrays]
        if keys:
            optimiser.state[parameter] = {
                key: torch.from_numpy(arrays[f"{name}_{index}_{key}"].copy()) for key in keys
            }
