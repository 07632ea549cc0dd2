"""Digests of how a sample begins: lives that are equal, or begin alike, are found by them without being read.

Time is cut into fixed blocks of ticks, which end at ticks 8, 32, 128, 256, 384, ...; for each of them that a sample
touches there is a digest of the sample's timesteps from its first one to the end of the block (in the last block: to
the sample's end). They cover what was seen, done and got (`EXPERIENCE`). What a policy said of itself is not in them
(`old_log_probs`, `value_preds`): the same experience is the same, however likely it was thought to be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xxhash

FIRST_BLOCK_ENDS = (8, 32)  # ticks: most runs that differ at all do so early
BLOCK = 128  # ticks of every later block
DIGITS = 16  # of one digest, hexadecimal

# In this order.
EXPERIENCE = (
    "map", "features", "actions", "rewards", "dones", "tick", "action_args", "action_mask", "reward_terms", "positions",
)  # fmt: skip


def block_ends(first_tick: int, steps: int) -> tuple[int, ...]:
    """The timesteps of a sample, counted from its first, before which its blocks end; the last one is `steps`."""
    last = first_tick + steps
    ends = [tick for tick in FIRST_BLOCK_ENDS if first_tick < tick < last]
    ends += range(max(BLOCK, (first_tick // BLOCK + 1) * BLOCK), last, BLOCK)
    return (*(tick - first_tick for tick in ends), steps)


class BeginningDigests:
    """Takes the bytes of an array in C order, in pieces, and keeps XXH3-128 of its first rows, for several numbers.

    It costs no second look at the bytes: the digest of the whole array is on its way to each of them.
    """

    def __init__(self, row_bytes: int = 0, ends: Sequence[int] = ()) -> None:
        """`ends`: numbers of rows, rising; the bytes that come later are in `hexdigest` only."""
        self.found: list[bytes] = []
        self._ends = [end * row_bytes for end in ends]
        self._digest = xxhash.xxh3_128()
        self._seen = 0  # bytes

    def update(self, data: memoryview) -> None:
        digest, found, seen = self._digest, self.found, self._seen
        self._seen += len(data)
        start = 0
        for end in self._ends[len(found) :]:
            if end > self._seen:
                break
            digest.update(data[start : end - seen])
            found.append(digest.digest())
            start = end - seen
        if start < len(data):
            digest.update(data[start:])

    def hexdigest(self) -> str:
        """Of all that came."""
        return self._digest.hexdigest()


def joined_digests(by_array: Mapping[str, Sequence[bytes]]) -> str:
    """One digest (`DIGITS` hexadecimal digits) for each block, one after the other, of those of all of `EXPERIENCE`."""
    blocks = zip(*(by_array[name] for name in EXPERIENCE), strict=True)
    return "".join(xxhash.xxh3_64_hexdigest(b"".join(some)) for some in blocks)


def block_digests(arrays: Mapping[str, np.ndarray], ends: Sequence[int]) -> str:
    """The same of arrays at hand. `ends` as `block_ends` gives them: other ends, other digests."""
    found = {}
    for name in EXPERIENCE:
        array = np.ascontiguousarray(arrays[name])
        digests = BeginningDigests(array[:1].nbytes, ends)
        digests.update(array.reshape(-1).view(np.uint8).data)
        found[name] = digests.found
    return joined_digests(found)
