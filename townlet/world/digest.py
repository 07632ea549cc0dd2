"""A digest of the world: equal states, equal digests, on every machine."""

from __future__ import annotations

import hashlib

import numpy as np

from townlet.world.state import World, world_arrays


def world_digest(world: World) -> str:
    """SHA-256 (hex) over the names, dtypes, shapes and little-endian bytes of every array of the state.

    The scratch of a tick counts too: it is part of what a snapshot holds. Negative zero is written as zero, so that
    it cannot tell two equal states apart.
    """
    digest = hashlib.sha256()
    for name, array in world_arrays(world).items():
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        plain = array + 0.0 if array.dtype.kind == "f" else array
        digest.update(np.ascontiguousarray(plain.astype(plain.dtype.newbyteorder("<"), copy=False)).tobytes())
    return digest.hexdigest()
