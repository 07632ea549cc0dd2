"""What Python and notebooks show of everything that Townlet hands out, and its nearest names.

Each test says what is typed, and what appears.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import townlet.dataset
import townlet.env
from tests.dataset.towns import capture_lives, town_run
from townlet import notebook
from townlet.arguments import Named, no_such
from townlet.commands.capture.run_golden import GoldenOutcome
from townlet.config.load import load_config
from townlet.dataset import load_capture
from townlet.dataset.store.local import LocalStore
from townlet.env.vector import TownVectorEnv
from townlet.errors import NoSuchItem, NoSuchName, UserError, WrongArgument
from townlet.notebook import Shown
from townlet.planning.plan import Request, plan
from townlet.playback.playback import Playback
from townlet.simulation import SimulationLoop

HOSTILE = "</td><script>alert(1)</script>\"'><img src=x onerror=alert(1)>\u202e\x1b[31m\n"


class Shared(NamedTuple):
    data: Any
    capture: Any
    loop: Any
    step: Any


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Shared:
    folder = tmp_path_factory.mktemp("notebook")
    capture_lives(LocalStore(folder / "data"), town_run(), town_run(seed=1))
    data = townlet.dataset.open(folder / "data")
    loop = SimulationLoop("queue_conflict")
    return Shared(data, load_capture(Path(data.capture(*data.runs[0]).path)), loop, loop.step())


# What a notebook shows: what is typed, and how its line begins.
THINGS: dict[str, tuple[Callable[[Shared], Any], str]] = {
    "capture": (lambda s: s.capture, "<Capture "),
    "data": (lambda s: s.data, "<DataSet "),
    "data[0]": (lambda s: s.data[0], "ReplaySample('"),
    "data.samples": (lambda s: s.data.samples, "<"),
    "data.lives()": (lambda s: s.data.lives(), "<Lives of <DataSet "),
    "data.windows(8)": (lambda s: s.data.windows(8), "<"),
    "data.windows(8)[0]": (lambda s: s.data.windows(8)[0], "<Window of "),
    "data.joint(...)": (lambda s: s.data.joint(*s.data.runs[0]), "<Joint of "),
    "data.layout": (lambda s: s.data.layout, "<Layout features "),
    "data.statistics()": (lambda s: s.data.statistics(), "<Statistics over "),
    "data._sample_index": (lambda s: s.data._sample_index, "<SampleIndex of "),
    "data._sample_index.runs": (lambda s: s.data._sample_index.runs, "<Runs of 2 runs"),
    "loop": (lambda s: s.loop, "<SimulationLoop of queue_conflict, seed "),
    "loop.step()": (lambda s: s.step, "<StepResult tick 0, rewards alice "),
    "loop.observations": (lambda s: s.loop.observations, "<Observations tick 1, agents alice, "),
    "loop.observations['alice']": (lambda s: s.loop.observations["alice"], "<Observation of alice, tick 1, "),
    "loop.action_space": (lambda s: s.loop.action_space, "<ActionSpace of 21 actions, by id wait, move north, "),
    "loop.layout": (lambda s: s.loop.layout, "<Layout variant hybrid, "),
    "loop.snapshot()": (lambda s: s.loop.snapshot(), "<Snapshot tick 1, "),
    "loop.policy_runtime": (lambda s: s.loop.policy_runtime, "<PolicyRuntime of queue_conflict, "),
    "load_config(...)": (lambda s: load_config("queue_conflict"), "<Resolved config queue_conflict, agents 3: "),
    "TownVectorEnv(...)": (lambda s: TownVectorEnv("queue_conflict", 2), "<TownVectorEnv of queue_conflict, towns 2, "),
    "golden(...)": (lambda s: GoldenOutcome({}, True), "<GoldenOutcome written True, moved metrics nothing to "),
    "plan(...)": (lambda s: plan(Request(("queue_conflict",))), "<Plan of 1 run, scenarios queue_conflict, "),
}  # fmt: skip


class Page(HTMLParser):
    """The tags and texts of a piece of HTML."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.depth, self.texts = 0, []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)
        self.depth += 1

    def handle_endtag(self, tag: str) -> None:
        self.depth -= 1

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.mark.parametrize("typed", THINGS)
def test_a_line_and_a_table(shared: Shared, typed: str) -> None:
    make, begins = THINGS[typed]
    thing = make(shared)
    line = repr(thing)
    assert line.startswith(begins) and "\n" not in line and len(line) < 1000, line
    page = Page(thing._repr_html_())
    assert page.depth == 0 and page.tags == {"table", "caption", "tbody", "tr", "th", "td"}
    assert set(map(str, thing._facts())) <= set(page.texts)
    assert {name for name in dir(type(thing)) if name.startswith("__")} <= set(dir(thing))


def test_what_is_hostile_is_text() -> None:
    """A town of this name. What appears is its letters: no tag of it, no character that turns or colours a line."""

    class Thing(Shown):
        def _facts(self) -> dict[str, Any]:
            return {HOSTILE: HOSTILE, "long": "x" * 10_000}

    line, page = repr(Thing()), Page(Thing()._repr_html_())
    assert not {"\n", "\x1b", "\u202e"} & set(line) and len(line) < 1000
    assert page.tags == {"table", "caption", "tbody", "tr", "th", "td"}
    assert (
        page.texts.count(HOSTILE.replace("\u202e", "\\u202e").replace("\x1b", "\\x1b").replace("\n", "\\x0a"))
        == 2
    )


def test_an_agent_by_name(shared: Shared) -> None:
    """`capture["..."]` is all of an agent, whatever segments there are."""
    agent = shared.capture.agents[0]
    assert shared.capture[agent].content_digest() == shared.capture.joined(agent).content_digest()
    assert shared.capture._ipython_key_completions_() == list(shared.capture.agents)


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (lambda s: s.capture[s.capture.agents[0] + "x"], r"^no agent '\w+x'; did you mean \w+\?$"),
        (lambda s: s.capture["?"], r"^no agent '\?'; there (is|are) "),
        (lambda s: s.data.windows(8)[0]["reward"], r"^no array 'reward'; did you mean rewards\?$"),
        (lambda s: s.data.joint(*s.data.runs[0])["alve"], r"^no array 'alve'; did you mean alive\?$"),
        (lambda s: s.data[0].array("offmask"), r"^no array 'offmask'; did you mean off_mask\?$"),
        (lambda s: s.data[0].feature("need_hungr"), r"^no feature 'need_hungr'; did you mean need_hunger\?$"),
        (lambda s: s.data[0].reward_term("?"), r"^no reward term '\?'; there are "),
        (lambda s: s.data.samples["reward_sun"], r"^no column 'reward_sun'; did you mean reward_sum\?$"),
        (lambda s: s.data.capture("toun", 0), r"^no scenario 'toun'; "),
        (lambda s: s.loop.observations["alcie"], r"^no agent 'alcie'; did you mean alice\?$"),
        (lambda s: next(iter(s.capture.metrics.values()))["reward_sun"], r"^no metric 'reward_sun'; did you"),
        (lambda s: s.capture.metrics["x"], r"^no sample 'x'; "),
    ],
)
def test_the_nearest_name(shared: Shared, typed: Callable[[Shared], Any], message: str) -> None:
    with pytest.raises(NoSuchName, match=message) as raised:
        typed(shared)
    assert isinstance(raised.value, KeyError) and isinstance(raised.value, UserError)


@pytest.mark.parametrize("index", [1.5, True, None, b"alice"])
def test_what_is_no_index(shared: Shared, index: Any) -> None:
    for thing in (shared.capture, shared.data, shared.data._sample_index.runs, shared.data.windows(8)):
        with pytest.raises(WrongArgument, match=r"^index: expected a whole number, got"):
            thing[index]
        with pytest.raises(NoSuchItem):
            thing[10**9]


def test_names_that_are_many_or_none() -> None:
    assert str(no_such("agent", "?", [])) == "no agent '?'; there are none"
    assert str(no_such("agent", 3, ["bob"])) == "no agent 3; there is bob"
    assert str(no_such("agent", "?", map(str, range(13)))).endswith("7, 8, 9 and 3 more")
    named = Named("metric", {"a": 1})
    assert named == {"a": 1} and pickle.loads(pickle.dumps(named)) == named
    with pytest.raises(NoSuchName, match=r"^no metric 'aa'; did you mean a\?"):
        pickle.loads(pickle.dumps(named))["aa"]


def test_feature_and_term_by_name(shared: Shared) -> None:
    sample = shared.data[0]
    names = sample.metadata["feature_names"]
    assert np.array_equal(sample.feature(names[3]), sample.features[:, 3])
    terms = sample.metadata["reward_term_names"]
    assert np.array_equal(sample.reward_term(terms[-1]), sample.reward_terms[:, -1])


@pytest.mark.page
def test_a_sample_as_pandas(shared: Shared) -> None:
    """`sample.to_pandas()`: a row a timestep, the columns of the Parquet export."""
    sample = shared.data[0]
    table = sample.to_pandas()
    assert len(table) == sample.timesteps
    assert table["tick"].tolist() == sample.tick.tolist()
    assert table["next_value"].tolist() == sample.value_preds[1:].tolist()
    assert table["position_y"].tolist() == sample.positions[:, 1].tolist()
    assert table["action_name"].tolist() == [sample.metadata["action_names"][i] for i in sample.actions]
    assert table["reward"].dtype == np.float32 and table["done"].dtype == bool
    assert not table["off_mask"].any() and set(table["agent_id"]) == {sample.agent_id}
    features = [name for name in table if name.startswith("feature_")]
    assert np.array_equal(table[features].to_numpy(), sample.features)


@pytest.mark.page
def test_a_data_set_as_pandas(shared: Shared) -> None:
    """`data.samples.to_pandas()`: a row a sample. `data.to_pandas()`: a row a timestep, with whose it is."""
    rows = shared.data.samples.to_pandas()
    assert list(rows) == list(shared.data.samples) and len(rows) == len(shared.data)
    assert list(shared.data.samples.to_pandas(["seed"])) == ["seed"]
    table = shared.data.to_pandas()
    assert len(table) == shared.data.frame_count
    sums = table.groupby(["scenario", "seed", "arrival", "segment"])["reward"].sum().to_numpy()
    assert np.allclose(
        sums, rows.sort_values(["scenario", "seed", "arrival", "segment"])["reward_sum"], atol=1e-4
    )
    assert not len(shared.data.filter(seed=[]).to_pandas())


def test_without_pandas(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(notebook.importlib, "import_module", missing)
    for typed in (shared.data.to_pandas, shared.data.samples.to_pandas, shared.data[0].to_pandas):
        with pytest.raises(
            UserError, match=r"^to_pandas: needs pandas, which is not installed here: pip install"
        ):
            typed()


@pytest.mark.parametrize("module", [townlet.dataset, townlet.env])
def test_dir_is_complete(module: Any) -> None:
    """`dir(townlet.dataset)`, and Tab after it, name what is loaded only when it is used."""
    assert set(module.__all__) <= set(dir(module)) and "__name__" in dir(module)


def test_what_is_played_again(tmp_path: Path) -> None:
    """`Playback(capture)` and its moments are lines, not pages of arrays."""
    from townlet import cli

    words = ["capture", "queue_conflict", "--ticks", "3", "--quiet", "--output", str(tmp_path / "queue")]
    assert cli.main(words) == 0
    playback = Playback(load_capture(tmp_path / "queue"))
    assert repr(playback).startswith("<Playback of <Capture queue_conflict seed ")
    lines = [repr(moment) for moment in playback.moments(1)]
    assert lines == ["<Moment tick 1, 3 agents>", "<Moment tick 2, 3 agents>"]
