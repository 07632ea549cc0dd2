"""`inspect` names the first tick on which a request or a start was refused, and why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from townlet import cli
from townlet.config import load_config
from townlet.report.facts.refused import LASTING, Refused, refused_actions
from townlet.rollout.play import play
from townlet.run import Run, canonical_json
from townlet.samples import ReplaySample, stack_groups

TOWN = """\
config_id: refused
world: {{grid_size: [9, 9]}}
queue_fairness: {{ghost_step_after: 0}}
scenario:
  objects:
    - {{id: shower_1, type: shower, position: [3, 3]}}
    - {{id: fridge_1, type: fridge, position: [5, 3], stock: {{meals: 0}}}}
  agents:
    - id: ana
      position: {at}
      wallet: {wallet}
      schedule: [{entries}]
    - id: bo
      position: [2, 3]
      schedule: [{others}]
"""
REQUEST = "{kind: request, object: shower_1, affordance: use_shower}"
GRANTED = "{kind: request, object: shower_1, affordance: use_shower, until: granted}"
START = "{kind: start, object: shower_1, affordance: use_shower, until: finished}"
ONCE = "{kind: start, object: shower_1, affordance: use_shower}"
WAIT = "{kind: wait}"


def sample(
    folder: Path, *entries: str, others: str = WAIT, at: str = "[3, 4]", wallet: float = 2, ticks: int = 30
) -> ReplaySample:
    """What ana's sample is."""
    path = folder / "town.yaml"
    path.write_text(
        TOWN.format(entries=", ".join(entries), others=others, at=at, wallet=wallet), encoding="utf-8"
    )
    text = canonical_json(load_config(path).to_json_dict())
    run = Run(name="town", seed=0, ticks=ticks, config_json=text, config_path="town.yaml", agent="ana")
    return stack_groups([group for _, group in play(run)])


NO_RESERVATION = "it had no reservation: what is started is requested, and granted, before"
CASES = {
    "never requested": ([START], {}, (30, 30, 0, NO_RESERVATION, 30)),
    "lapsed": (
        [REQUEST, "{kind: wait, ticks: 9}", START], {},
        (20, 20, 10, "it had no reservation: the last one lapsed on tick 7", 20),
    ),
    "given back": (
        [REQUEST, "{kind: release}", START], {},
        (28, 28, 2, "it had no reservation: the last one was given back on tick 1", 28),
    ),
    "used already": (
        [GRANTED, ONCE, ONCE], {"ticks": 3},
        (2, 1, 2, "it was busy", 1),
    ),
    "too far": (
        [GRANTED, START], {"at": "[3, 7]", "ticks": 5},
        (4, 4, 1, "it stood more than a tile away from what it had reserved", 4),
    ),
    "waits": (
        [WAIT, REQUEST, START], {"others": f"{REQUEST}, {START}", "ticks": 9},
        (7, 7, 2, "it waited in the queue, without a reservation", 7),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_why_a_start_was_refused(case: str, tmp_path: Path) -> None:
    entries, options, (attempts, times, tick, reason, lasting) = CASES[case]
    found = next(
        one for one in refused_actions(sample(tmp_path, *entries, **options)) if one.action["kind"] == "start"
    )
    start = {"affordance": "use_shower", "kind": "start"}
    assert found == Refused(start, "shower_1", attempts, times, tick, reason, lasting)


def test_what_it_needs_was_not_there(tmp_path: Path) -> None:
    """Without coins the start fails; its hook makes the agent leave the queue."""
    (found,) = refused_actions(sample(tmp_path, GRANTED, ONCE, WAIT, wallet=0, ticks=3))
    assert (
        found.reason == "its reservation lapsed on this tick, or what it needs was not there and it gave up"
    )
    eat = [part.replace("shower_1", "fridge_1").replace("use_shower", "eat_meal") for part in (GRANTED, ONCE)]
    (found,) = refused_actions(sample(tmp_path, *eat, at="[5, 4]", ticks=2))
    assert (found.object, found.first_tick) == ("fridge_1", 1)
    assert found.reason.startswith("something that it needs was not there: stock, power, water or coins")


def test_why_a_request_was_refused(tmp_path: Path) -> None:
    taken = f"{REQUEST}, {START}"
    found = {
        one.first_tick: one
        for one in refused_actions(sample(tmp_path, WAIT, REQUEST, WAIT, others=taken, ticks=3))
    }
    assert found[1].reason == "the object was taken, closed or cooling down: it waits in the queue"
    (again,) = refused_actions(sample(tmp_path, WAIT, REQUEST, REQUEST, others=taken, ticks=3))
    assert (again.times, again.first_tick) == (2, 1)
    nothing = "{kind: request, affordance: eat_meal}"
    (none,) = refused_actions(sample(tmp_path, nothing, ticks=1))
    assert none.reason == "no such object could be used: none in reach, open, in stock and not cooling down"
    assert none.object is None


def test_nothing_is_said_where_nothing_was_refused_or_nothing_tells(tmp_path: Path) -> None:
    assert refused_actions(sample(tmp_path, GRANTED, START, ticks=20)) == []
    refused = sample(tmp_path, START)
    names = [f"other_{n}" for n in range(refused.features.shape[1])]
    facts = {key: value for key, value in refused.metadata.items() if key != "layout_digest"}
    assert refused_actions(replace(refused, metadata={**facts, "feature_names": names}, deep=False)) == []


def test_inspect_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    sample(tmp_path, REQUEST, "{kind: wait, ticks: 9}", START)
    assert cli.main(["capture", "town.yaml", "--ticks", "30", "--quiet", "--output", "out"]) == 0
    capfd.readouterr()
    assert cli.main(["inspect", "out"]) == 0
    said = capfd.readouterr()
    assert (
        "requests and starts without success (waiting in a queue counts too), and why the first time"
        in said.out
    )
    row = next(line for line in said.out.splitlines() if "start use_shower (shower_1)" in line)
    assert row.split()[-9:] == ["no", "reservation:", "the", "last", "one", "lapsed", "on", "tick", "7"]
    assert (
        "ana: `start use_shower` was refused on each of the last 20 ticks; it had no reservation" in said.err
    )
    assert LASTING <= 20
