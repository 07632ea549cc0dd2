"""A digest of the world: equal states, equal digests, on every machine."""

from __future__ import annotations

import hashlib

import numpy as np

from townlet.world.state import World, world_arrays

# They say why an action had no success, and nothing that follows reads them: digests are older than they are, and
# tell worlds apart by what happens.
ONLY_TOLD = (
    "tick.refusal", "tick.refusal_by", "tick.refusal_object", "tick.refusal_number", "tick.refusal_limit",
)  # fmt: skip


def world_digest(world: World) -> str:
    """SHA-256 (hex) over the names, dtypes, shapes and little-endian bytes of every array of the state.

    The scratch of a tick counts too, all but ONLY_TOLD: it is part of what a snapshot holds. Negative zero is written
    as zero, so that it cannot tell two equal states apart.
    """
    digest = hashlib.sha256()
    for name, array in world_arrays(world).items():
        if name in ONLY_TOLD:
            continue
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        plain = array + 0.0 if array.dtype.kind == "f" else array
        digest.update(np.ascontiguousarray(plain.astype(plain.dtype.newbyteorder("<"), copy=False)).tobytes())
    return digest.hexdigest()
