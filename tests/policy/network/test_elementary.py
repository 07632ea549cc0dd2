"""exp, log and tanh: how far they are from the truth, and the very bits that they give."""

from __future__ import annotations

import math

import numpy as np
import pytest

from townlet.policy.network.elementary import exp, log, plain, tanh_of

WIDE = np.longdouble


def ulps(found: np.ndarray, truth: np.ndarray) -> float:
    """The largest distance, in units of the last place of the truth in the type of what was found."""
    return float((np.abs(found.astype(WIDE) - truth) / np.spacing(np.abs(truth).astype(found.dtype))).max())


def test_exp_is_within_one_ulp() -> None:
    rng = np.random.default_rng(0)
    parts = (
        rng.uniform(-708, 709.7, 1500),
        rng.uniform(-1, 1, 1500),
        rng.uniform(-30, 0, 1500),
        rng.normal(0, 1e-8, 300),
    )
    x = np.concatenate(parts)
    assert ulps(np.array([exp(float(number)) for number in x]), np.exp(x.astype(WIDE))) < 1
    # where rounding to a multiple of ln 2 goes over from one to the next
    edges = np.array([(k + 0.5) * math.log(2) + step for k in range(-8, 8) for step in (-1e-12, 0, 1e-12)])
    assert ulps(np.array([exp(float(number)) for number in edges]), np.exp(edges.astype(WIDE))) < 1


def test_log_is_within_one_ulp() -> None:
    rng = np.random.default_rng(1)
    parts = (rng.uniform(1, 40, 1500), rng.uniform(0.5, 2, 1500), 1 + rng.normal(0, 1e-6, 500),
             np.exp(rng.uniform(-300, 300, 300)), [math.sqrt(2), math.nextafter(math.sqrt(2), 0)])  # fmt: skip
    x = np.concatenate(parts)
    assert ulps(np.array([log(float(number)) for number in x]), np.log(x.astype(WIDE))) < 1


def test_tanh_is_within_nine_tenths_of_an_ulp() -> None:
    least, most = np.float32(1e-6).view(np.int32), np.float32(12).view(np.int32)
    x = np.arange(least, most, 4999, dtype=np.int32).view(np.float32)
    found = tanh_of(x)
    assert ulps(found, np.tanh(x.astype(WIDE))) < 0.9
    assert np.abs(found).max() == 1
    np.testing.assert_array_equal(tanh_of(-x), -found)


def test_the_ends() -> None:
    assert [exp(0.0), exp(-1e30), exp(-709.0), exp(float("nan"))] == [1, 0, 0, 0]
    assert [exp(710.0), exp(1e30)] == [math.inf] * 2
    assert [log(1.0), log(math.inf)] == [0, math.inf]
    assert [log(0.0), log(-1.0)] == [-math.inf] * 2
    assert tanh_of([1e30, -math.inf, 0.0, 9.02]).tolist() == [1, -1, 0, 1]
    assert np.isnan(tanh_of([math.nan])).all()
    assert np.signbit(tanh_of([-0.0])).all()


GOLDEN_EXP = {
    -700.0: "0x1.14f2b0fb9307fp-1010", -20.5: "0x1.57a3afeed00acp-30", -1.0: "0x1.78b56362cef38p-2",
    -0.1: "0x1.cf46d99d52b3ap-1", 0.3: "0x1.599058c8c1a96p+0", 5.0: "0x1.28d389970338fp+7",
}  # fmt: skip
GOLDEN_LOG = {
    1e-09: "-0x1.4b927f32bffb8p+4", 1.0000001: "0x1.ad7f2847b6492p-24", 1.5: "0x1.9f323ecbf984cp-2",
    2.0: "0x1.62e42fefa39efp-1", 7.25: "0x1.fb22e98a1c24ep+0", 25.0: "0x1.9c041f7ed8d33p+1",
}  # fmt: skip
GOLDEN_TANH = {
    0.0001: "0x1.a36e2e0000000p-14", 0.25: "0x1.f597ea0000000p-3", -1.0: "-0x1.85efac0000000p-1",
    3.5: "0x1.ff112c0000000p-1", 8.0: "0x1.fffffa0000000p-1",
}  # fmt: skip


@pytest.mark.parametrize(
    ("function", "golden"),
    [(exp, GOLDEN_EXP), (log, GOLDEN_LOG), (lambda x: float(tanh_of([x])[0]), GOLDEN_TANH)],
    ids=["exp", "log", "tanh"],
)
def test_these_bits(function, golden: dict[float, str]) -> None:
    """On every machine, compiled or not."""
    assert {x: float(function(x)).hex() for x in golden} == {
        x: float.fromhex(text).hex() for x, text in golden.items()
    }


def test_compiled_or_not() -> None:
    rng = np.random.default_rng(2)
    for x in rng.uniform(-50, 10, 300).tolist():
        assert exp(x) == plain(exp)(x)
        assert log(math.exp(x)) == plain(log)(math.exp(x))
