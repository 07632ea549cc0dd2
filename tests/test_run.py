"""A run's fingerprint: quick, and the same as by its definition."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, fields, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from townlet import run as runs
from townlet.run import Branch, Run, Stretch, canonical_json, seed_spans

texts = some.text(max_size=8)
values: Any = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
configs = some.fixed_dictionaries(
    {"config": values, "affordances": values, "name": texts, "config_path": texts}
)


@some.composite
def any_branch(draw: some.DrawFn) -> Branch:
    digest, scenario, seed = "cd" * 32, draw(texts), draw(some.integers(0, 9))
    ticks = sorted(draw(some.sets(some.integers(1, 99), min_size=1, max_size=3)))
    before = tuple(Stretch(tick, seed, draw(some.none() | texts), draw(some.booleans())) for tick in ticks)
    changes = tuple(draw(some.lists(texts, max_size=2)))
    return Branch(content_digest=digest, scenario=scenario, seed=seed, before=before, changes=changes)


@some.composite
def any_run(draw: some.DrawFn) -> Run:
    return Run(
        name=draw(texts),
        seed=draw(some.integers(0, 2**63 - 1)),
        ticks=draw(some.integers(1, 2**31 - 1)),
        config_json=canonical_json(draw(configs)),
        config_path=draw(texts),
        policy=draw(some.none() | texts | some.just(f"network:{'ab' * 32}?mode=greedy")),
        agent=draw(some.none() | texts),
        auto_seeded=draw(some.booleans()),
        ignore_schedules=draw(some.booleans()),
        segment_ticks=draw(some.integers(0, 2**31)),
        compression=draw(some.sampled_from(["fast", "none", "small"])),
        prefix=draw(texts),
        folder=draw(texts),
        check=draw(some.booleans()),
        branch=draw(some.none() | any_branch()),
    )


def by_definition(run: Run) -> str:
    """SHA-256 over the canonical JSON of one mapping, as DESIGN has it."""
    facts = asdict(run)
    for name in ("name", "folder", "config_path", "check", "config_json", "config_digest", "fingerprint"):
        del facts[name]
    branch = facts.pop("branch")
    if branch is not None:
        before = [list(stretch) for stretch in run.branch.before] if run.branch is not None else []
        facts["branch"] = {"content_digest": branch["content_digest"], "before": before}
    config = json.loads(run.config_json)
    facts["config"] = {key: config[key] for key in config if key not in ("name", "config_path")}
    facts["format_version"], facts["rules_version"] = runs.FORMAT_VERSION, runs.RULES_VERSION
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(any_run(), some.integers(0, 9))
def test_fingerprints_are_those_of_the_definition(run: Run, seed: int) -> None:
    assert run.fingerprint == by_definition(run)
    other = replace(run, seed=seed)  # what is kept of the config is not spoiled by its first use
    assert other.fingerprint == by_definition(other)
    assert run.fingerprint == by_definition(replace(run))


def test_a_config_is_parsed_once_for_all_of_its_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that ten thousand runs of a suite are planned in a second."""
    parsed: list[str] = []
    real = json.loads
    monkeypatch.setattr(runs.json, "loads", lambda text: parsed.append(text) or real(text))
    config = {"config": {"seed": 8_411}, "affordances": {}, "name": "a", "config_path": "a.yaml"}
    first = Run(name="a", seed=0, ticks=2, config_json=canonical_json(config))
    assert len({replace(first, seed=seed).fingerprint for seed in range(1000)}) == 1000
    assert len(parsed) == 1


def test_what_is_not_in_a_fingerprint() -> None:
    config = {"config": {}, "affordances": {}, "name": "a", "config_path": "a.yaml"}
    run = Run(name="a", seed=1, ticks=2, config_json=canonical_json(config))
    renamed = canonical_json({**config, "name": "b", "config_path": "b.yaml"})
    elsewhere = replace(
        run, name="b", folder="runs/b/seed-1", config_path="b.yaml", check=True, config_json=renamed
    )
    assert elsewhere.fingerprint == run.fingerprint
    deciding = {field.name for field in fields(Run) if field.init} - {
        "name",
        "folder",
        "config_path",
        "check",
        "model_digest",  # follows from the policy
    }
    others = {name: "x" if isinstance(getattr(run, name), str | None) else 7 for name in deciding}
    others["config_json"] = canonical_json({**config, "config": {"seed": 1}})
    others["branch"] = Branch(
        content_digest="ab" * 32, scenario="a", seed=1, before=(Stretch(1, 1, None, False),)
    )
    fingerprints = {replace(run, **{name: value}).fingerprint for name, value in others.items()}
    assert len(fingerprints) == len(deciding) and run.fingerprint not in fingerprints


def test_what_of_a_branch_is_in_a_fingerprint() -> None:
    """The parent's content, and how its ticks were played; not its name, which the content does not say either."""
    config = {"config": {}, "affordances": {}, "name": "a", "config_path": "a.yaml"}
    branch = Branch(content_digest="ab" * 32, scenario="a", seed=1, before=(Stretch(5, 1, "needs", False),))
    run = Run(name="a", seed=1, ticks=9, config_json=canonical_json(config), branch=branch)
    same = replace(branch, scenario="b", seed=2, changes=("seed 1 -> 2",))
    assert replace(run, branch=same).fingerprint == run.fingerprint
    for other in (
        replace(branch, content_digest="cd" * 32),
        replace(branch, before=(Stretch(4, 1, "needs", False),)),
        replace(branch, before=(Stretch(5, 2, "needs", False),)),
        replace(branch, before=(Stretch(5, 1, None, False),)),
        replace(branch, before=(Stretch(5, 1, "needs", True),)),
        None,
    ):
        assert replace(run, branch=other).fingerprint != run.fingerprint
    assert run.ref().with_config({run.config_digest: run.config_json}) == run
    assert json.loads(json.dumps(branch.facts())) == branch.facts(), "as a manifest has it"


def test_the_models_of_a_run() -> None:
    """Its own policy's, which the manifest says by itself, and those that its config names."""
    own, everybodys, als = ("ab" * 32, "cd" * 32, "ef" * 32)
    section = {
        "default": f"network:{everybodys}?temperature=2.0",
        "agents": {"al": f"network:{als}", "bo": "needs"},
    }
    config = {"config": {"policy": section}, "affordances": {}, "name": "a", "config_path": "a.yaml"}
    run = Run(name="a", seed=1, ticks=2, config_json=canonical_json(config))
    assert (run.model_digest, run.models) == (None, (everybodys, als))
    network = replace(run, policy=f"network:{own}?mode=greedy")
    assert (network.model_digest, network.models) == (own, (own, everybodys, als))
    assert network.ref().model_digest == own
    again = replace(network, policy="needs")
    assert again.model_digest is None and again.fingerprint == replace(run, policy="needs").fingerprint
    for strange in (
        None,
        [],
        {"policy": []},
        {"policy": {"default": 3, "agents": []}},
    ):  # others may have written it
        assert replace(run, config_json=canonical_json({**config, "config": strange})).models == ()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_no_canonical_json_of_what_is_no_number(value: float) -> None:
    with pytest.raises(ValueError):
        canonical_json({"a": value})


@pytest.mark.parametrize(
    ("seeds", "shown"),
    [([], []), ([3], ["3"]), ([9, 1, 2, 0, 12, 8], ["0..2", "8..9", "12"]), (range(100), ["0..99"])],
)
def test_seeds_at_a_glance(seeds: Iterable[int], shown: list[str]) -> None:
    assert seed_spans(seeds) == shown
