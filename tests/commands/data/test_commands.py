"""validate, schema, actions, verify and inspect: what they print, and for whom."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.commands.conftest import Townlet
from townlet.config.shipped import shipped_configs, shipped_suites
from townlet.dataset.format.models import Clip, Rewards
from townlet.report.facts.warnings import warnings_of


def test_validate_shows_the_budget_and_the_notices(townlet: Townlet) -> None:
    said = townlet("validate", "small_town")
    assert said.code == 0
    assert "alice" in said.out
    assert said.err.splitlines()[-2:] == [
        "small_town: ok",
        "next: townlet capture small_town --output samples/small_town",
    ]


def test_validate_names_every_mistake_of_every_file(townlet: Townlet, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text("config_id: x\nrivlary: 1\nworld: {grid_size: 7}\n")
    said = townlet("validate", tmp_path / "one.yaml", "kitchen_breakfast", tmp_path / "two.yaml")
    assert said.code == 2
    assert said.err.count("rivlary") == 2
    assert said.err.count("grid_size") == 2
    assert "kitchen_breakfast: ok" in said.err
    assert "two.yaml: not valid" in said.err


def test_validate_for_scripts(townlet: Townlet, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("config_id: x\nrivlary: 1\n")
    said = townlet("validate", "small_town", tmp_path / "bad.yaml", "--json")
    assert said.code == 2
    good, bad = said.json
    assert good["ok"] is True
    assert {agent["agent_id"] for agent in good["configs"][0]["budget"]["agents"]} >= {"alice", "bob"}
    assert bad["ok"] is False
    assert bad["problems"][0]["line"] == 2


def test_validate_a_suite_with_its_configs(townlet: Townlet, tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text("config_id: x\n")
    (tmp_path / "bad.yaml").write_text("config_id: x\nrivlary: 1\n")
    suite = tmp_path / "suite.yaml"
    suite.write_text("name: s\nruns: [{config: good.yaml}, {config: good.yaml, name: b, seeds: 1}]\n")
    assert len(townlet("validate", suite, "--json").json[0]["configs"]) == 1
    suite.write_text(
        "name: s\nruns: [{config: good.yaml, seeds: 3..1}, {config: bad.yaml}, {config: no.yaml}]\n"
    )
    for said in (townlet("validate", suite), townlet("capture", suite, "--output", tmp_path / "out")):
        assert said.code == 2
        for mistake in (
            "suite.yaml:2:35: runs[0].seeds",
            "bad.yaml:2:1: unknown key 'rivlary'",
            "at 'no.yaml'",
        ):
            assert mistake in said.err


@pytest.mark.parametrize("name", [*shipped_configs(), *shipped_suites()])
def test_shipped_configs_are_valid(townlet: Townlet, name: str) -> None:
    assert townlet("validate", name).code == 0


@pytest.mark.parametrize(
    ("kind", "key"), [("config", "config_id"), ("affordances", "affordances"), ("suite", "runs")]
)
def test_schema(townlet: Townlet, kind: str, key: str) -> None:
    assert key in json.dumps(townlet("schema", kind).json)
    assert townlet("schema").json == townlet("schema", "config").json


def test_actions(townlet: Townlet) -> None:
    said = townlet("actions", "kitchen_breakfast", "--json").json
    assert said["action_dim"] == len(said["action_lookup"])
    assert said["action_lookup"]['{"kind":"wait"}'] == 0
    table = townlet("actions", "kitchen_breakfast").out.splitlines()
    assert len(table) == said["action_dim"] + 1
    assert table[1].split()[:2] == ["0", "wait"]


def test_verify(townlet: Townlet, kitchen: Path, village: Path) -> None:
    assert townlet("verify", kitchen).out == f"{kitchen}: ok, 1 capture\n"
    said = townlet("verify", village, "--json")
    assert said.code == 0
    assert said.json["captures"] == 4
    cut = townlet("verify", kitchen, "--workers", "1000")
    assert cut.code == 0
    assert " instead of 1000: " in cut.err
    quiet = townlet("verify", kitchen, "--quiet")
    assert (quiet.out, quiet.err) == ("", "")


def test_verify_finds_a_flipped_byte(townlet: Townlet, kitchen: Path, tmp_path: Path) -> None:
    damaged = Path(shutil.copytree(kitchen, tmp_path / "damaged"))
    sample = damaged / "rollout_sample_bob_002.npz"
    data = bytearray(sample.read_bytes())
    data[len(data) // 2] ^= 1
    sample.write_bytes(data)
    said = townlet("verify", damaged, "--replay")
    assert said.code == 1
    assert "rollout_sample_bob_002.npz" in said.err
    assert said.out == f"{damaged}: 1 problem; not replayed, because files are damaged\n"
    assert townlet("verify", damaged, "--json").json["ok"] is False


def test_verify_replays(townlet: Townlet, kitchen: Path, village: Path) -> None:
    assert townlet("verify", kitchen, "--replay").out == (
        f"{kitchen}: ok, 1 capture, replayed bit for bit: 60 timesteps\n"
    )
    found = townlet("verify", village, "--replay", "--json").json
    assert found["ok"] is True
    assert [replay["timesteps"] for replay in found["replay"]] == [40, 40, 60, 60]


def test_verify_where_there_is_nothing(townlet: Townlet, tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "nowhere"):
        said = townlet("verify", place)
        assert said.code == 2
        assert str(place) in said.err


def test_inspect_a_capture(townlet: Townlet, kitchen: Path) -> None:
    said = townlet("inspect", kitchen)
    assert said.code == 0
    assert said.out.startswith("kitchen_breakfast, seed 0, 30 ticks: 2 samples, 60 frames, ")
    for text in ("alice", "bob", "rewards by term", "survival", "request cook_meal", "map  "):
        assert text in said.out
    assert said.err == f"next: townlet report {kitchen}\n"


def test_inspect_for_scripts(townlet: Townlet, kitchen: Path) -> None:
    facts = townlet("inspect", kitchen, "--json").json
    assert facts["seed"] == 0
    assert facts["warnings"] == []
    alice, bob = facts["samples"]
    assert alice["agent_id"] == "alice"
    assert bob["frame_count"] == 30
    assert sum(alice["actions"].values()) == 30
    assert alice["metrics"]["reward_sum"] == pytest.approx(sum(alice["reward_by_term"].values()), rel=1e-5)
    assert facts["ranges"]["map"]["shape"] == [30, *facts["map_shape"]]
    assert facts["ranges"]["tick"] == {"shape": [30], "dtype": "int32", "min": 0, "max": 29}


@pytest.mark.parametrize("suffix", ["npz", "json"])
def test_inspect_a_sample(townlet: Townlet, kitchen: Path, suffix: str) -> None:
    said = townlet("inspect", kitchen / f"rollout_sample_alice_001.{suffix}")
    assert said.code == 0
    assert said.out.startswith(
        "rollout_sample_alice_001.npz: alice of kitchen_breakfast, seed 0, ticks 0..29"
    )
    for text in ("need_hunger", "final_action_mask", "rewards by term"):
        assert text in said.out


def test_inspect_a_sample_without_its_names(townlet: Townlet, kitchen: Path, tmp_path: Path) -> None:
    lone = Path(shutil.copy(kitchen / "rollout_sample_alice_001.npz", tmp_path))
    said = townlet("inspect", lone)
    assert said.code == 0
    assert "action_mask" in said.out
    assert said.err == "warning: rollout_sample_alice_001.json is missing: names are not known\n"


def test_inspect_a_data_set(townlet: Townlet, village: Path) -> None:
    said = townlet("inspect", village)
    assert said.code == 0
    assert "4 runs, 10 samples, 200 frames" in said.out
    facts = townlet("inspect", village, "--json").json
    assert facts["scenarios"]["queue_conflict"]["samples"] == 6
    assert facts["complete"] is True


@pytest.mark.parametrize("name", ["notes.txt", "sample.npz", "sample.json", "gone.npz", "empty"])
def test_inspect_what_is_none(townlet: Townlet, tmp_path: Path, name: str) -> None:
    place = tmp_path / name
    if name == "empty":
        place.mkdir()
    elif name != "gone.npz":
        place.write_text("PK not really")
    said = townlet("inspect", place)
    assert said.code in (1, 2)
    assert said.err.startswith(f"error: {place}")


def sample(**facts: object) -> dict:
    return {
        "agent_id": "alice",
        "frame_count": 100,
        "gamma": 0.99,
        "rewards_differ": True,
        "reward_by_term": {"needs": -50.0, "terminal": -1.0},
        "metrics": {},
        **facts,
    }


REWARDS = Rewards(needs_form="penalty", faint_penalty=-1.0, clip=Clip(clip_per_tick=0.2))
CENTRED = Rewards(needs_form="centred", faint_penalty=-1.0, clip=Clip(clip_per_tick=0.2))


@pytest.mark.parametrize(
    ("facts", "rewards", "expected"),
    [
        (sample(), CENTRED, []),
        (
            sample(metrics={"reward_clip_ratio": 0.8}),
            CENTRED,
            ["the clip cuts 80% of the rewards (rewards.clip"],
        ),
        (sample(metrics={"reward_clip_ratio": 0.2}), CENTRED, []),
        (sample(metrics={"action_blocked_ratio": 0.6}), CENTRED, ["60% of the actions were refused"]),
        (sample(metrics={"label_mismatch_count": 3}), CENTRED, ["3 attempts that the schedule labels"]),
        (sample(rewards_differ=False), CENTRED, ["the reward is the same in every tick"]),
        (sample(), REWARDS, ["an early death may be the best policy"]),
        (sample(reward_by_term={"needs": 1.0, "terminal": -1.0}), REWARDS, []),
        (sample(reward_by_term={"needs": -0.5}), REWARDS, []),
    ],
)
def test_warnings(facts: dict, rewards: Rewards, expected: list[str]) -> None:
    found = warnings_of([facts], rewards)
    assert len(found) == len(expected)
    for text, part in zip(found, expected, strict=True):
        assert part in text


def test_seeds_beyond_53_bits_have_a_text_beside_them(townlet: Townlet, tmp_path: Path) -> None:
    """In the output of every command that names a seed."""
    seed = str(2**63 - 1)
    words = ("kitchen_breakfast", "--seeds", seed, "--ticks", "3", "--output", tmp_path / "out")
    assert [run["seed_text"] for run in townlet("plan", *words, "--json").json["runs"]] == [seed]
    assert [run["seed_text"] for run in townlet("capture", *words, "--json").json["runs"]] == [seed]
    facts = townlet("inspect", next((tmp_path / "out" / "runs").glob("*/*")), "--json").json
    assert (facts["seed"], facts["seed_text"]) == (2**63 - 1, seed)
    changed = townlet("regenerate", *words[:-1], tmp_path / "versions", "--dry-run", "--json").json["changes"]
    assert (changed[0]["seeds"], changed[0]["seed_texts"]) == ([2**63 - 1], [seed])
    other = townlet("capture", *words[:1], "--seeds", "1", *words[3:-1], tmp_path / "other", "--json")
    assert other.code == 0
    runs = townlet("diff", tmp_path / "out", tmp_path / "other", "--json").json["runs"]
    assert {run["seed_text"] for run in runs} == {"1", seed}
