"""Random numbers as a function: a draw is named by (seed, tick, arrival number, use), not by who drew before it.

Philox4x32-10 (Salmon, Moraes, Dror, Shaw: *Parallel random numbers: as easy as 1, 2, 3*, SC 2011), counter based, so
a draw that is added to one rule shifts no other rule's numbers and a worker carries no generator state. All
arithmetic is on uint64 values below 2**64, so that compiled and uncompiled runs agree bit for bit.
"""

from __future__ import annotations

import numpy as np

from townlet.world.jit import kernel

# What a draw is for. Part of the data's definition: never renumber.
USE_MOVE_TIE = 1  # two claimants of one tile
USE_CHAT = 2  # does the chat succeed
USE_EVENT = 3  # perturbations of a day: agent = hash of the event's name, tick = day
USE_POLICY = 4  # the action that a stochastic policy samples
USE_PLACEMENT = 5  # tiles of objects and agents that have no position
USE_PERSONALITY = 6  # profiles drawn from personalities.distribution
USE_IDENTITY = 7  # the hashed identity in the social snippet
USE_START = 8  # needs, wallets and the time of day of scenario.starts

_M0 = np.uint64(0xD2511F53)
_M1 = np.uint64(0xCD9E8D57)
_W0 = np.uint64(0x9E3779B9)
_W1 = np.uint64(0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)
_11 = np.uint64(11)
_UNIT = 1.0 / 9007199254740992.0  # 2**-53


@kernel
def philox(c0, c1, c2, c3, k0, k1):
    """Ten rounds of Philox4x32: counter (c0..c3) and key (k0, k1), all uint64 below 2**32 -> four such words."""
    for _ in range(10):
        p0 = _M0 * c0
        p1 = _M1 * c2
        c0 = (p1 >> _32) ^ c1 ^ k0
        c1 = p1 & _LOW
        c2 = (p0 >> _32) ^ c3 ^ k1
        c3 = p0 & _LOW
        k0 = (k0 + _W0) & _LOW
        k1 = (k1 + _W1) & _LOW
    return c0, c1, c2, c3


@kernel
def draw(seed, tick, who, use, index):
    """A uniform float64 in [0, 1) with 53 random bits, named by its arguments (all int64, >= 0).

    `who` is an arrival number (or a name's 31-bit hash), `use` one of the constants above, `index` counts the draws
    of one use.
    """
    s = np.uint64(seed)
    t = np.uint64(tick)
    c3 = (np.uint64(use) + (np.uint64(index) << np.uint64(8)) + ((t >> _32) << np.uint64(24))) & _LOW
    a, b, _, _ = philox(t & _LOW, np.uint64(who) & _LOW, np.uint64(0x54574E4C), c3, s & _LOW, s >> _32)
    bits = ((a << _32) | b) >> _11
    return float(bits) * _UNIT
