"""What a run's page holds is what its samples hold, at every tick; and what is added is true of the town."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.report.run.captures import SCENARIOS, Shown, capture_of
from tests.rollout.digests import shipped
from tests.rollout.test_replay import captured
from townlet.dataset.reading.capture import Capture
from townlet.dataset.store import local as store
from townlet.errors import UserError
from townlet.report.run.bins import bin_ticks
from townlet.report.run.doing import HOLDS, IDLE, QUEUES, WALKS, WORKS
from townlet.report.run.run_data import MOST_TICKS


@pytest.fixture(autouse=True, scope="module")
def no_syncing() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "_sync_file_system", lambda path: True)
        yield


@pytest.fixture(scope="module", params=SCENARIOS)
def scenario(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Capture, Shown]:
    capture = capture_of(f"scenarios/{request.param}", tmp_path_factory.mktemp("capture"))
    return capture, Shown(capture)


@pytest.fixture(scope="module")
def queue(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    return Shown(capture_of("scenarios/queue_conflict", tmp_path_factory.mktemp("queue")))


def test_arrays_are_those_of_the_samples(scenario: tuple[Capture, Shown]) -> None:
    capture, shown = scenario
    arrays = shown.arrays
    assert len(capture) == len(shown.lives) > 0
    for sample in capture:
        row, ticks = shown.row(sample.agent_id), sample.tick - shown.first
        assert (arrays["who"][row, ticks] == shown.life(sample.agent_id)).all()
        assert np.array_equal(arrays["reward"][row, ticks], sample.rewards)
        assert np.array_equal(arrays["term"][row][:, ticks].T, sample.reward_terms)
        assert np.array_equal(arrays["need"][row][:, ticks].T, sample.features[:, :3])
        assert np.array_equal(arrays["x"][row, ticks], sample.positions[:, 0])
        assert np.array_equal(arrays["y"][row, ticks], sample.positions[:, 1])
        assert np.array_equal(arrays["action"][row, ticks], sample.actions)
        assert np.array_equal(arrays["log_prob"][row, ticks], sample.old_log_probs)
        assert np.array_equal(arrays["value"][row, ticks], sample.value_preds[:-1])
        bits = np.unpackbits(arrays["mask"][row][:, ticks], axis=0, bitorder="little").T
        assert np.array_equal(bits[:, : sample.action_mask.shape[1]], sample.action_mask)
        assert np.array_equal(shown.features(row)[ticks], sample.features)


def test_whether_actions_succeeded_is_what_is_seen_next(scenario: tuple[Capture, Shown]) -> None:
    capture, shown = scenario
    for sample in capture:
        column = sample.metadata["feature_names"].index("last_action_success")
        seen = np.append(sample.features[1:, column], sample.final_features[column])
        found = shown.arrays["success"][shown.row(sample.agent_id), sample.tick - shown.first]
        assert np.array_equal(found, seen)
        refusal = shown.arrays["refusal"][shown.row(sample.agent_id), sample.tick - shown.first]
        waits = (refusal == 0) & (found == 0)  # to wait in a queue is no refusal
        names = np.array(sample.metadata["action_names"])[sample.actions]
        assert all("request" in name for name in names[waits])
        assert not refusal[found == 1].any()


def test_who_does_not_live_has_nothing(scenario: tuple[Capture, Shown]) -> None:
    arrays = scenario[1].arrays
    nobody = arrays["who"] == 0
    for name in ("reward", "action", "x", "need", "term", "doing", "left", "success"):
        by_tick = np.moveaxis(arrays[name], -1, 1)
        assert not by_tick[nobody].any(), name


def test_the_same_bytes_twice(scenario: tuple[Capture, Shown]) -> None:
    capture, shown = scenario
    assert Shown(capture).page == shown.page


def test_what_is_done_in_queue_conflict(queue: Shown) -> None:
    """Of three who want the shower the second gets it first; worked out from the scenario's schedules."""
    shower = [entry["name"] for entry in queue.run["affordances"]].index("use_shower")
    duration = queue.run["affordances"][shower]["duration"]
    for name in ("alice", "bob", "cora"):
        doing, left = (queue.arrays[key][queue.row(name)] for key in ("doing", "left"))
        (busy,) = np.nonzero(doing == shower)
        assert busy.tolist() == list(range(busy[0], busy[0] + duration))
        assert left[busy].tolist() == list(range(duration, 0, -1))
        assert not left[doing != shower].any()
        others = {code for code in doing.tolist() if code != shower}
        assert others <= {IDLE, WALKS, QUEUES, HOLDS}
    alice = queue.arrays["doing"][queue.row("alice")]
    assert HOLDS in alice[:5] and QUEUES in alice


def test_objects_are_used_by_whom_does_it(queue: Shown) -> None:
    (shower,) = [o for o, thing in enumerate(queue.run["town"]["objects"]) if thing["id"] == "shower_1"]
    user, holder, waiting = (queue.arrays[name][shower] for name in ("user", "holder", "waiting"))
    doing, queued = queue.arrays["doing"], queue.arrays["queued_at"]
    for t in range(len(user)):
        waits = int(((queued[:, t] == shower) & (queue.arrays["place"][:, t] > 0)).sum())
        assert waiting[t] == waits
        if holder[t]:
            assert queued[queue.lives[holder[t] - 1]["row"], t] == shower
        if user[t] and queue.arrays["left"][queue.lives[user[t] - 1]["row"], t] > 1:
            assert doing[queue.lives[user[t] - 1]["row"], t] >= 0
    assert set(user[user > 0]) == {1, 2, 3}


def test_the_verdict_of_queue_conflict(queue: Shown) -> None:
    verdict = queue.run["head"]["verdict"]
    texts = [part["text"] for part in verdict]
    assert texts[:3] == ["3 lives", "0 deaths", "use_shower finished 3 times"]
    assert "no reward clipped" in texts
    (refusals,) = [part for part in verdict if "refusal" in part["text"]]
    assert refusals["text"].startswith(f"{(queue.arrays['refusal'] > 0).sum()} refusals")
    refused = (queue.arrays["refusal"] > 0) & (queue.arrays["refusal"] < queue.run["reasons"].index("waits"))
    assert refusals["text"].split()[0] == str(int(refused.sum()))
    assert refused[queue.row(refusals["agent"]), refusals["tick"]]
    assert refusals["text"].endswith(" refusals, all expected"), "the schedules say so of each"
    (rivalry,) = [part for part in verdict if part["text"].startswith("rivalry peaked at")]
    peak = queue.arrays["rivalry"].max()
    assert rivalry["text"] == f"rivalry peaked at {peak:.2f}"
    assert queue.arrays["rivalry"][queue.row(rivalry["agent"]), rivalry["tick"]] == peak


def test_events_are_those_of_the_command(queue: Shown) -> None:
    """`townlet events` says the same; here each names its life."""
    events = queue.run["events"]
    assert [
        0,
        queue.life("alice"),
        "request",
        "request use_shower at shower_1",
        "granted",
        False,
        False,
    ] in events
    refused = {(life, tick) for tick, life, *_, is_refused, _ in events if is_refused}
    waits = queue.run["reasons"].index("waits")
    rows, ticks = np.nonzero((queue.arrays["refusal"] > 0) & (queue.arrays["refusal"] < waits))
    assert refused == {
        (int(queue.arrays["who"][row, t]), t) for row, t in zip(rows, ticks.tolist(), strict=True)
    }
    assert all(is_expected for *_, is_refused, is_expected in events if is_refused), (
        "the schedules say `blocked`"
    )


def test_deaths_and_newcomers(tmp_path: Path) -> None:
    shown = Shown(capture_of("scenarios/hard_winter", tmp_path))
    otto, newcomer = shown.lives
    assert otto["left"] == "fainted" and newcomer["left"] is None
    assert otto["row"] == newcomer["row"] == 0
    assert newcomer["born"] > otto["end"]
    assert newcomer["end"] == shown.run["head"]["ticks"]
    who = shown.arrays["who"][0]
    assert np.flatnonzero(who == 1).tolist() == list(range(otto["end"]))
    assert np.flatnonzero(who == 2).tolist() == list(range(newcomer["born"], newcomer["end"]))
    assert {"text": "1 fainted", "tick": otto["end"] - 1, "agent": "otto"} in shown.run["head"]["verdict"]


def test_shifts_are_work(tmp_path: Path) -> None:
    shown = Shown(capture_of("scenarios/employment_punctuality", tmp_path))
    on_shift = shown.run["features"].index("on_shift")
    doing = shown.arrays["doing"]
    for name in ("pia", "leo"):
        row = shown.row(name)
        works = doing[row, :-1] == WORKS
        assert works.any()
        assert shown.features(row)[1:, on_shift][works].all(), "who works is seen to be on shift afterwards"


@pytest.mark.campaign
def test_a_span_and_bins(tmp_path: Path) -> None:
    capture = capture_of("scenarios/observation_baseline", tmp_path, ticks=MOST_TICKS + 300)
    part, start = Shown(capture, span=(100, 149)), Shown(capture)
    assert start.arrays["reward"].shape == (1, MOST_TICKS) and start.first == 0
    assert part.arrays["reward"].shape == (1, 50) and part.first == 100
    (notice,) = part.run["head"]["notices"]
    assert notice.startswith("ticks 100 to 149 of 5,300 are shown in full, the others in bins of 4")
    assert part.run["bins"]["ticks"] == bin_ticks(MOST_TICKS + 300) == 4
    for name in ("reward", "need", "action", "doing", "advantage", "return_to_go", "value"):
        assert np.array_equal(part.arrays[name], start.arrays[name][..., 100:150]), name
    for name in capture.agents:
        row, sample = part.row(name), capture.joined(name)
        assert np.array_equal(part.features(row), sample.features[100:150])
        rewards = sample.rewards.astype(np.float64).reshape(-1, 4).sum(axis=1)
        assert np.allclose(part.arrays["bin_reward"][row], rewards, rtol=1e-6, atol=1e-6)
        needs = sample.features[:, :3].astype(np.float64).reshape(-1, 4, 3).mean(axis=1).T
        assert np.allclose(part.arrays["bin_need"][row], needs, rtol=1e-6)
        doing = start.arrays["doing"][row].reshape(-1, 4)
        for b, code in enumerate(part.arrays["bin_doing"][row, : len(doing)].tolist()):
            times = [int((doing[b] == each).sum()) for each in doing[b].tolist()]
            assert int((doing[b] == code).sum()) == max(times)


@pytest.mark.parametrize(
    ("span", "message"),
    [
        ((10, 120), r"--ticks: expected some of 0\.\.119, which the run has, got 10\.\.120"),
        ((5, 4), r"--ticks: expected some of 0\.\.119, which the run has, got 5\.\.4"),
    ],
)
def test_spans_that_are_not_there(tmp_path: Path, span: tuple[int, int], message: str) -> None:
    with pytest.raises(UserError, match=message):
        Shown(capture_of("scenarios/queue_conflict", tmp_path), span=span)


def test_a_span_that_is_too_long(tmp_path: Path) -> None:
    capture = capture_of("scenarios/observation_baseline", tmp_path, ticks=MOST_TICKS + 1)
    with pytest.raises(
        UserError, match=r"at most 5,000 ticks of 1 agents are shown.*choose fewer, 0\.\.4999 for"
    ):
        Shown(capture, span=(0, MOST_TICKS))


def test_segments_are_one_life(tmp_path: Path) -> None:
    whole = Shown(captured(shipped("scenarios/kitchen_breakfast", 100, "uniform"), tmp_path / "whole"))
    cut = Shown(
        captured(shipped("scenarios/kitchen_breakfast", 100, "uniform", segment_ticks=37), tmp_path / "cut")
    )
    assert set(whole.arrays) == set(cut.arrays)
    for name, array in whole.arrays.items():
        assert np.array_equal(array, cut.arrays[name], equal_nan=array.dtype.kind == "f"), name


def test_of_one_agent_alone(tmp_path: Path) -> None:
    """What the others did is played again by their policies; what follows from their samples is not known."""
    capture = captured(
        shipped("examples/small_town", 120, "uniform", agent="bob", ignore_schedules=False), tmp_path
    )
    shown = Shown(capture)
    bob = shown.row("bob")
    assert np.array_equal(shown.arrays["reward"][bob], capture[0].rewards)
    assert (shown.arrays["who"] > 0).all()
    for name in ("advantage", "return_to_go", "entropy"):
        known = np.isfinite(shown.arrays[name]).all(axis=1)
        assert known.tolist() == [row == bob for row in range(len(known))], name


def test_a_description_is_text(tmp_path: Path) -> None:
    run = shipped("scenarios/queue_conflict", 5, None)
    hostile = "</script><img src=x onerror=boom()>\u202e"
    text = run.config_json.replace('"description":"Alice', f'"description":"{hostile}Alice')
    capture = captured(replace(run, config_json=text), tmp_path)
    page = Shown(capture)
    assert page.run["head"]["description"].startswith("</script><img src=x onerror=boom()>\\u202eAlice")
    assert b"<img" not in page.page
