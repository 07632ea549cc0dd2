"""Wrong arguments from Python, function by function of README and docs: each is a UserError that says which one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import townlet.dataset
from tests.dataset.towns import capture_lives, town_run
from townlet import arguments
from townlet.commands.capture.run_capture import RunnerOptions, capture
from townlet.commands.capture.run_regenerate import RegenerateOptions, regenerate
from townlet.config.load import load_config
from townlet.dataset import load_capture
from townlet.dataset.export import export_parquet
from townlet.dataset.store.local import LocalStore
from townlet.errors import NoSuchItem, NoSuchName, UserError
from townlet.planning.plan import Request, plan
from townlet.policy.replay import frames_to_replay_sample
from townlet.policy.runtime import PolicyRuntime
from townlet.simulation import SimulationLoop

TOWN = ("kitchen_breakfast",)
NAN, INFINITY = float("nan"), float("inf")


class Given(NamedTuple):
    data: Any
    loop: Any
    folder: Path


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Given:
    folder = tmp_path_factory.mktemp("arguments")
    capture_lives(LocalStore(folder / "data"), town_run(), town_run(seed=1))
    return Given(townlet.dataset.open(folder / "data"), SimulationLoop(TOWN[0]), folder)


def planned(**fields: Any) -> Any:
    return plan(Request(**{"sources": TOWN, "ticks": 2, **fields}))


Call = Callable[[Given], Any]
OF_DATA_SETS: dict[str, tuple[Call, str]] = {
    "open a number": (lambda g: townlet.dataset.open(5), r"open: place: expected a path .*, got 5"),  # type: ignore[arg-type]
    "open nothing": (lambda g: townlet.dataset.open(None), r"open: place: expected a path .*, got None"),  # type: ignore[arg-type]
    "open bytes": (lambda g: townlet.dataset.open(b"x"), "open: place: expected a path"),  # type: ignore[arg-type]
    "open a name of no file": (lambda g: townlet.dataset.open("a\0b"), r"expected a path .*, got 'a\\x00b'"),
    "open an empty name": (lambda g: townlet.dataset.open(""), "expected a folder, or s3"),
    "a capture of a number": (lambda g: load_capture(5), "load_capture: path: expected a path"),  # type: ignore[arg-type]
    "filter by a number": (lambda g: g.data.filter(scenario=5), "filter: scenario: expected a text, or several, got 5"),
    "filter by unknown": (lambda g: g.data.filter(scenario="town2"), "no scenario 'town2' .* did you mean town?"),
    "filter by a seed of text": (lambda g: g.data.filter(seed="a"), "expected a seed or several, got 'a'"),
    "filter by one of several": (lambda g: g.data.filter(seed=[1, "a"]), "seed: expected a whole number, got 'a'"),
    "filter by half a seed": (lambda g: g.data.filter(seed=1.5), "expected a seed or several, got 1.5"),
    "filter by truth": (lambda g: g.data.filter(seed=True), "filter: seed: expected a whole number, got True"),
    "filter by agents": (lambda g: g.data.filter(agent=[None]), "filter: agent: expected a text, or several, got"),
    "filter by an expression": (lambda g: g.data.filter("reward_sum > 0"), "expected a function of the columns"),
    "filter by no column": (lambda g: g.data.filter(lambda samples: samples["nope"] > 0), "no column 'nope'"),
    "filter by one truth": (lambda g: g.data.filter(lambda samples: True), "True or False for each of"),
    "split beyond": (lambda g: g.data.split(validation=2), "validation: expected a fraction from 0 to 1, got 2"),
    "split by nothing": (lambda g: g.data.split(validation=NAN), "expected a fraction from 0 to 1, got nan"),
    "remember a text": (lambda g: g.data.remembering("a"), "remembering: megabytes: expected a number of 0 or more"),
    "remember less than nothing": (lambda g: g.data.remembering(-1), "expected a number of 0 or more, got -1"),
    "remember for ever": (lambda g: g.data.remembering(INFINITY), "expected a number of 0 or more, got inf"),
    "remember beyond a float": (lambda g: g.data.remembering(10**400), "expected a number of 0 or more, got 1000"),
    "remapped to a number": (lambda g: g.data.remapped(5), "remapped: expected a layout, .*, got int"),
    "windows of none": (lambda g: g.data.windows(0), "expected a length and a stride of at least 1, got 0"),
    "windows of a text": (lambda g: g.data.windows("a"), "windows: length: expected a whole number, got 'a'"),
    "windows of halves": (lambda g: g.data.windows(2.5), "windows: length: expected a whole number, got 2.5"),
    "windows that stand": (lambda g: g.data.windows(4, 0), "expected a length and a stride of at least 1, got 4 and 0"),
    "windows by a text": (lambda g: g.data.windows(4, "a"), "windows: stride: expected a whole number, got 'a'"),
    "windows dropped": (lambda g: g.data.windows(4, drop_short="no"), "drop_short: expected True or False, got 'no'"),
    "joint of no tick": (lambda g: g.data.joint("town", 0, range(20, 10)), r"at least one tick, got range\(20, 10\)"),
    "joint with gaps": (lambda g: g.data.joint("town", 0, range(0, 9, 2)), "without a gap, got a step of 2"),
    "joint of a pair": (lambda g: g.data.joint("town", 0, (0, 5)), r"expected ticks as a range, .*, got \(0, 5\)"),
    "joint of nobody": (lambda g: g.data.joint("town", 0, range(900, 910)), "nobody lives in ticks 900 to 909"),
    "joint of no seed": (lambda g: g.data.joint("town", 99), "seed 99: has no sample"),
    "joint of a text": (lambda g: g.data.joint("town", "a"), "joint: seed: expected a whole number, got 'a'"),
    "joint of a number": (lambda g: g.data.joint(5, 0), "joint: scenario: expected a text, got 5"),
    "joined of nobody": (lambda g: g.data.joined("town", 0, "zoe"), "no agent 'zoe' in this data set"),
    "joined of a number": (lambda g: g.data.joined("town", 0, 5), "joined: agent: expected a text, got 5"),
    "no such run": (lambda g: g.data.capture("town", 99), "has no run town seed 99"),
    "a run of a list": (lambda g: g.data.capture(["town"], 0), "capture: scenario: expected a text"),
    "shuffled by a text": (lambda g: g.data.shuffled("a"), "shuffled: seed: expected a whole number, got 'a'"),
    "shuffled by nothing": (lambda g: g.data.shuffled(None), "shuffled: seed: expected a whole number, got None"),
    "shuffled in half an epoch": (lambda g: g.data.shuffled(1, 0.5), "shuffled: epoch: expected a whole number"),
    "a shard of none": (lambda g: g.data.shard(0, 0), "shard: count: expected a whole number of 1 or more, got 0"),
    "a shard beyond": (lambda g: g.data.shard(3, 2), r"expected an index in 0\.\.1 of 2 shards, got 3"),
    "a shard by a text": (lambda g: g.data.shard("a", 2), "shard: index: expected a whole number, got 'a'"),
    "an item by a name": (lambda g: g.data["a"], "index: expected a whole number, got 'a'"),
    "an item beyond": (lambda g: g.data[10_000], r"expected an index in 0\.\."),
    "a life by a name": (lambda g: g.data.lives()["a"], "index: expected a whole number, got 'a'"),
    "columns of a number": (lambda g: g.data.samples.to_arrow(5), "names: expected a text, or several, got 5"),
    "a column that is none": (lambda g: g.data.samples["nope"], "no column 'nope'; there are scenario, seed"),
    "tensors of a number": (lambda g: g.data.torch(arrays=5), "torch: arrays: expected a text, or several, got 5"),
    "tensors of no array": (lambda g: g.data.windows(4).torch(arrays="nope"), "no array 'nope'; there are"),
    "a stream by a text": (lambda g: g.data.torch_stream(seed="a"), "torch_stream: seed: expected a whole"),
    "a stream by a half": (lambda g: g.data.windows(4).torch_stream(seed=0.5), "torch_stream: seed: expected a whole"),
    "a sample by a half": (lambda g: g.data.capture("town", 0)[0.5], r"index: expected a whole number, got 0\.5"),
    "a sample of nobody": (lambda g: g.data.capture("town", 0)["zoe"], "no agent 'zoe'; there are alice"),
    "a sample beyond": (lambda g: g.data.capture("town", 0)[99], r"expected an index in 0\.\."),
    "a life of nobody": (lambda g: g.data.capture("town", 0).joined("zoe"), "no agent 'zoe'; there are alice"),
    "export to a number": (lambda g: export_parquet(g.data, 5), "export_parquet: output: expected a path"),  # type: ignore[arg-type]
    "export of a number": (lambda g: export_parquet(5, g.folder / "x"), "expected a data set, .*, got int"),  # type: ignore[arg-type]
}  # fmt: skip
OF_TOWNS: dict[str, tuple[Call, str]] = {
    "a config of a number": (lambda g: load_config(5), "load_config: path: expected a path"),  # type: ignore[arg-type]
    "a config of no name": (lambda g: load_config(""), "expected the path of a config, got nothing"),
    "a config of no file": (lambda g: load_config("a\0b"), "load_config: path: expected a path"),
    "a config below a number": (lambda g: load_config(TOWN[0], root=5), "load_config: root: expected a path"),  # type: ignore[arg-type]
    "a loop of a number": (lambda g: SimulationLoop(5), "config: expected a file's path"),  # type: ignore[arg-type]
    "a loop of no file": (lambda g: SimulationLoop("zz"), "zz: .*found nothing under this name"),
    "a loop of half a seed": (lambda g: SimulationLoop(TOWN[0], 1.5), "seed: expected a whole number, got 1.5"),  # type: ignore[arg-type]
    "a loop of a large seed": (lambda g: SimulationLoop(TOWN[0], 2**63), r"seed: expected 0 to 2\^63 - 1"),
    "a loop with no policy": (lambda g: SimulationLoop(TOWN[0], policy="zz"), "policy: expected one of"),
    "a loop with an object": (lambda g: SimulationLoop(TOWN[0], policy=object()), "policy: expected a policy's name"),  # type: ignore[arg-type]
    "a loop with a word": (lambda g: SimulationLoop(TOWN[0], ignore_schedules="no"), "expected True or False"),  # type: ignore[arg-type]
    "a step with a list": (lambda g: g.loop.step(["a"]), "step: expected actions by agent, got list"),
    "a step of nobody": (lambda g: g.loop.step({"zoe": 0}), "step: 'zoe' is not alive; alive are alice, bob"),
    "a step of no action": (lambda g: g.loop.step({"alice": 999}), "alice: action: expected an id from 0 to"),
    "a step of half an action": (lambda g: g.loop.step({"alice": 1.5}), "alice: action: expected an id"),
    "a step of an unknown kind": (lambda g: g.loop.step({"alice": {"kind": "zz"}}), "is not an action of this config"),
    "restored from a number": (lambda g: g.loop.restore(5), "restore: expected a snapshot, got int"),
    "a runtime of a number": (lambda g: PolicyRuntime(5), "config: expected a file's path"),  # type: ignore[arg-type]
    "frames of nobody": (lambda g: g.loop.policy_runtime.collect_trajectory("zoe"), "agent: expected one of alice"),
    "frames cleared by a word": (lambda g: g.loop.policy_runtime.collect_trajectory(clear="no"), "clear: expected"),
    "a policy for nobody": (lambda g: g.loop.policy_runtime.policy_for(5), "agent: expected one of alice, bob, got 5"),
    "decide of a number": (lambda g: g.loop.policy_runtime.decide(5), "decide: expected observations by agent"),
    "decide of actions": (lambda g: g.loop.policy_runtime.decide({"alice": 0}), "decide: expected observations"),
    "a sample of a number": (lambda g: frames_to_replay_sample(5), "expected a list of frames, found int"),  # type: ignore[arg-type]
    "a sample of nothing": (lambda g: frames_to_replay_sample([]), "expected at least one frame, found none"),
    "a sample of numbers": (lambda g: frames_to_replay_sample([5]), r"frames\[0\]: expected a mapping, found int"),  # type: ignore[list-item]
    "a plan of a number": (lambda g: plan(5), "plan: expected a Request, got int"),  # type: ignore[arg-type]
    "a plan of letters": (lambda g: planned(sources="town.yaml"), r"sources: expected one or more, such as \('town"),
    "a plan of nothing": (lambda g: planned(sources=()), "sources: expected one or more"),
    "a plan of numbers": (lambda g: planned(sources=(5,)), "sources: expected a path"),
    "ticks of text": (lambda g: planned(ticks="5"), "--ticks: expected a whole number, got '5'"),
    "half ticks": (lambda g: planned(ticks=1.5), "--ticks: expected a whole number, got 1.5"),
    "ticks of truth": (lambda g: planned(ticks=True), "--ticks: expected a whole number, got True"),
    "one seed for several": (lambda g: planned(seeds=3), "--seeds: expected one or more, .*, got 3"),
    "no seed": (lambda g: planned(seeds=()), "--seeds: expected one or more"),
    "a seed of text": (lambda g: planned(seeds=("a",)), "--seed: expected a whole number, got 'a'"),
    "a policy of a number": (lambda g: planned(policy=5), "--policy: expected one of"),
    "segments of text": (lambda g: planned(segment_ticks="a"), "--segment-ticks: expected a whole number, got 'a'"),
    "a prefix of a number": (lambda g: planned(prefix=5), "--prefix: expected a text, got 5"),
    "a limit of text": (lambda g: planned(limit="a"), "--limit: expected a whole number, got 'a'"),
    "a check of a word": (lambda g: planned(check="yes"), "--check: expected True or False, got 'yes'"),
    "capture of a number": (lambda g: capture(5, str(g.folder / "x")), "capture: expected what plan gives, got int"),  # type: ignore[arg-type]
    "capture to a number": (lambda g: capture(planned(), 5), "capture: output: expected a path"),  # type: ignore[arg-type]
    "capture by a number": (lambda g: capture(planned(), str(g.folder / "x"), 5), "expected RunnerOptions, got int"),  # type: ignore[arg-type]
    "overwriting by a word": (
        lambda g: capture(planned(), str(g.folder / "x"), overwrite="no"),  # type: ignore[arg-type]
        "capture: overwrite: expected True or False, got 'no'",
    ),
    "a tolerance that lets all pass": (
        lambda g: regenerate(planned(), str(g.folder / "x"), RunnerOptions(), RegenerateOptions(tolerance=NAN)),
        "regenerate: tolerance: expected a number of 0 or more, got nan",
    ),
    "no version to keep": (
        lambda g: regenerate(planned(), str(g.folder / "x"), RunnerOptions(), RegenerateOptions(keep=0)),
        "regenerate: keep: expected a whole number of 1 or more, got 0",
    ),
    "workers of text": (
        lambda g: capture(planned(), str(g.folder / "x"), RunnerOptions(workers="a")),  # type: ignore[arg-type]
        "workers: expected a whole number of 0 or more, got 'a'",
    ),
    "flags in one text": (
        lambda g: capture(planned(), str(g.folder / "x"), RunnerOptions(flags="--x")),  # type: ignore[arg-type]
        "flags: expected Beam's options, each a text, got the text '--x'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", [*OF_DATA_SETS, *OF_TOWNS])
def test_a_wrong_argument_is_a_clear_error(given: Given, what: str) -> None:
    call, message = {**OF_DATA_SETS, **OF_TOWNS}[what]
    with pytest.raises(UserError, match=message) as raised:
        call(given)
    assert len(str(raised.value)) < 1000
    assert not (given.folder / "x").exists()


def test_what_python_expects_is_raised_too(given: Given) -> None:
    """A mapping's `get`, a loop over indices, and those who catch what Python raises."""
    assert given.data.samples.get("nope") is None
    with pytest.raises(KeyError):
        given.data.samples["nope"]
    with pytest.raises(IndexError):
        given.data[10_000]
    assert str(NoSuchName("no column 'x'")) == "no column 'x'", "and not quoted, as a KeyError is"
    assert issubclass(NoSuchItem, UserError)


def test_numbers_of_numpy_are_as_good() -> None:
    assert arguments.whole("x", np.int64(3)) == 3 and type(arguments.whole("x", np.int64(3))) is int
    assert arguments.number("x", np.float32(0.5)) == 0.5
    assert arguments.switch("x", np.bool_(True)) is True
    assert arguments.texts("x", (name for name in "ab")) == ("a", "b")
    assert arguments.path("x", Path("a")) == "a"


class _Shy:
    def __repr__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize("value", ["\x1b[31m" * 1000, object(), [1] * 10_000, "\n", _Shy()])
def test_a_value_is_quoted_in_one_short_line(value: object) -> None:
    with pytest.raises(UserError) as raised:
        arguments.whole("x", value, 0)
    assert len(str(raised.value)) < 150 and str(raised.value).isprintable()


def test_a_number_of_thousands_of_digits() -> None:
    """Python itself does not write it."""
    for check in (arguments.whole, arguments.number):
        with pytest.raises(UserError, match=r"x: expected a .* of 0 or more, got int"):
            check("x", -(10**5000), 0)
