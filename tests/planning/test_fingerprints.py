"""The fingerprints of all that is shipped: a capture of an earlier version is recognised by them, and gone on with."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path

import pytest

from townlet.config.shipped import shipped_configs
from townlet.planning.plan import Request, plan

STORED = json.loads((Path(__file__).parent / "fingerprints.json").read_text(encoding="utf-8"))
SUITES = ("nightly", "smoke")
OPTIONS = {
    "as shipped": {},
    "short": {"ticks": 7, "seeds": (5,), "segment_ticks": 3, "prefix": "other", "compression": "none"},
    "otherwise": {"policy": "uniform", "seeds": (2**63 - 1,), "ignore_schedules": True, "auto_seed_agents": True},
}  # fmt: skip


@cache
def found() -> dict[str, dict[str, str]]:
    """Of each config, by the options of its run; of each suite, a digest over those of its runs."""
    configs = {
        config: {how: plan(Request((config,), **asked)).runs[0].fingerprint for how, asked in OPTIONS.items()}  # type: ignore[arg-type]
        for config in shipped_configs()
    }
    return {**configs, **{f"suite {name}": {"all runs": of_suite(name)} for name in SUITES}}


def of_suite(name: str) -> str:
    runs = plan(Request((f"suites/{name}.yaml",))).runs
    lines = sorted(f"{run.folder} {run.fingerprint}\n" for run in runs)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


@pytest.mark.parametrize("name", sorted(STORED))
def test_fingerprints_of_shipped_configs_stay(name: str) -> None:
    assert found()[name] == STORED[name]


def test_every_shipped_config_and_suite_is_held() -> None:
    """A new one is added to fingerprints.json by hand; one that is there does not change."""
    assert set(STORED) <= set(found())
    suites = {path.stem for path in (Path(__file__).parents[2] / "configs" / "suites").glob("*.yaml")}
    assert set(STORED) == {*shipped_configs(), *(f"suite {name}" for name in suites)}
