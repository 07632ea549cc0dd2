"""exp, log and tanh of our own, from + - * / alone: the same bits on every machine, compiled or not.

Mathematical libraries differ in the last bits, and what decides a draw must not. Errors are measured against 80-bit
arithmetic (tests/policy/network/test_elementary.py), in units of the last place (ulp) of the result:

    exp   float64, within 1 ulp where the result is a normal number; 0 below that, infinity above
    log   float64, within 1 ulp of positive normal numbers
    tanh  float32 of any float64 number, within 0.9 ulp: torch's, which is within 1 of the truth, is at most 2 away

exp: x = k ln 2 + r with |r| <= ln 2 / 2, and Taylor's polynomial of degree 13, whose remainder there is below 2^-57.
log: x = m 2^k with m in [sqrt(1/2), sqrt(2)), and log m = 2 artanh s, s = (m - 1) / (m + 1), as a series to s^23.
tanh: x P(x^2) / Q(x^2) with P and Q of degree 4, the rational function of least relative error (2^-25.5) for
0 < x <= 9.02; tanh(9.02) is 1 in float32. Evaluated in float64, since float32 would add several ulp.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from townlet.arrays import F32
from townlet.world.jit import inlined, kernel

LEAST_EXP, MOST_EXP = -708.0, 709.78  # beyond, exp is no normal number
_LOG2_E = 1.4426950408889634
_LN2_HIGH, _LN2_LOW = 0.6931471803691238, 1.9082149292705877e-10  # ln 2; the high part times any k is exact
_SQRT2 = 1.4142135623730951
MOST_TANH = 9.02
_P0, _P1, _P2, _P3, _P4 = (
    float.fromhex("0x1.ffffff4bdd7dfp-1"), float.fromhex("0x1.120438c0be81fp-3"),
    float.fromhex("0x1.c9f81636880f5p-9"), float.fromhex("0x1.5954d6de7bf3fp-16"),
    float.fromhex("0x1.c9a24efb46861p-27"),
)  # fmt: skip
_Q1, _Q2, _Q3, _Q4 = (
    float.fromhex("0x1.de5765921f243p-2"), float.fromhex("0x1.a7df05e8b9593p-6"),
    float.fromhex("0x1.584183dbeba0fp-12"), float.fromhex("0x1.a0b76a504b69ap-21"),
)  # fmt: skip


@inlined
def power_of_two(k):
    """2^k as a float64, -1022 <= k <= 1023, by squaring: every product is exact."""
    base = 2.0 if k >= 0 else 0.5
    left = k if k >= 0 else -k
    power = 1.0
    while left > 0:
        if left & 1:
            power *= base
        left >>= 1
        if left > 0:
            base *= base
    return power


@kernel
def exp(x):
    """e^x of a float64; NaN gives 0."""
    if not x >= LEAST_EXP:
        return 0.0
    if x > MOST_EXP:
        return np.inf
    k = int(x * _LOG2_E + (0.5 if x >= 0.0 else -0.5))
    r = (x - k * _LN2_HIGH) - k * _LN2_LOW
    tail = 1.0 / 720 + r * (1.0 / 5040 + r * (1.0 / 40320 + r * (1.0 / 362880 + r * (1.0 / 3628800 + r * (
        1.0 / 39916800 + r * (1.0 / 479001600 + r * (1.0 / 6227020800)))))))  # fmt: skip
    tail = 0.5 + r * (1.0 / 6 + r * (1.0 / 24 + r * (1.0 / 120 + r * tail)))
    result = 1.0 + (r + r * r * tail)
    return result * 2.0 * power_of_two(k - 1) if k > 0 else result * power_of_two(k)


@kernel
def log(x):
    """The natural logarithm of a positive, finite float64; -infinity for what is not positive."""
    if not x > 0.0:
        return -np.inf
    if x == np.inf:
        return x
    m, k = x, 0
    while m >= _SQRT2:
        m *= 0.5
        k += 1
    while m < 0.5 * _SQRT2:
        m *= 2.0
        k -= 1
    s = (m - 1.0) / (m + 1.0)
    z = s * s
    tail = 1.0 / 15 + z * (1.0 / 17 + z * (1.0 / 19 + z * (1.0 / 21 + z * (1.0 / 23))))
    tail = 1.0 / 5 + z * (1.0 / 7 + z * (1.0 / 9 + z * (1.0 / 11 + z * (1.0 / 13 + z * tail))))
    f = m - 1.0
    half = 0.5 * f * f
    return k * _LN2_HIGH - ((half - (s * (half + 2.0 * z * (1.0 / 3 + z * tail)) + k * _LN2_LOW)) - f)


@inlined
def rational(x):
    """tanh of a float64 number, or of an array of them, within [-MOST_TANH, MOST_TANH]."""
    z = x * x
    above = _P0 + z * (_P1 + z * (_P2 + z * (_P3 + z * _P4)))
    below = 1.0 + z * (_Q1 + z * (_Q2 + z * (_Q3 + z * _Q4)))
    return x * above / below


@inlined
def tanh(x):
    """tanh of a float64 number as a float64, to be rounded to float32; NaN gives NaN."""
    if x > MOST_TANH:
        x = MOST_TANH
    if x < -MOST_TANH:
        x = -MOST_TANH
    return rational(x)


def tanh_of(numbers: ArrayLike) -> F32:
    """The same for an array of any shape, in plain NumPy: float32."""
    wide = np.clip(np.asarray(numbers, np.float64), -MOST_TANH, MOST_TANH)
    return plain(rational)(wide).astype(np.float32)


def plain(kernel):
    """The Python function behind a kernel, which takes arrays as well."""
    return getattr(kernel, "py_func", kernel)
