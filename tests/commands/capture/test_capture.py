"""`townlet capture`: what it prints, what it refuses, and its other names."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.commands.conftest import Townlet
from townlet.dataset.reading.capture import load_capture
from townlet.dataset.store.lock import output_lock
from townlet.pipelines import launch
from townlet.planning import plan_status
from townlet.rollout import play as rollout
from townlet.run import Run

ROOT = Path(__file__).resolve().parents[3]
SHORT = ["capture", "kitchen_breakfast", "--ticks", "10", "--output"]
NOBODY = "config_id: empty\nworld: {grid_size: [8, 8]}\n"


def test_what_was_written_and_what_to_type_next(townlet: Townlet, tmp_path: Path) -> None:
    out = tmp_path / "my town"
    said = townlet(*SHORT, out)
    assert said.code == 0
    table = [line.split() for line in said.out.splitlines()]
    assert table[0] == ["sample", "agent", "frames", "reward", "size"]
    assert [row[:3] for row in table[1:]] == [
        ["rollout_sample_alice_001.npz", "alice", "10"],
        ["rollout_sample_bob_002.npz", "bob", "10"],
    ]
    hints = [f"to look at it: townlet report '{out}'", f"next: townlet inspect '{out}'"]
    assert said.err.splitlines()[-2:] == hints
    again = townlet(*SHORT, out)
    assert again.code == 0
    assert again.out == said.out
    assert f"{out}: already complete, verified" in again.err


@pytest.mark.parametrize(
    ("words", "notes"),
    [
        (["--policy", "idle"], 1),
        (["--policy", "idle", "--quiet"], 0),
        (["--policy", "idle", "--ignore-schedules"], 0),
        ([], 0),
    ],
)
def test_a_policy_that_decides_for_nobody(
    townlet: Townlet, tmp_path: Path, words: list[str], notes: int
) -> None:
    note = (
        "note: kitchen_breakfast: alice, bob follow a schedule or a policy of their own; --ignore-schedules takes "
        "the schedules out\n"
    )
    said = townlet(*SHORT, tmp_path / "out", *words)
    assert (said.code, said.err.count(note)) == (0, notes)


def test_a_branch_whose_policy_decides_for_nobody(townlet: Townlet, kitchen: Path, tmp_path: Path) -> None:
    words = ("capture", kitchen, "--from-tick", "20", "--policy", "idle", "--output")
    note = "alice, bob follow a schedule or a policy of their own; --ignore-schedules"
    assert note in townlet(*words, tmp_path / "same").err
    assert note not in townlet(*words, tmp_path / "other", "--ignore-schedules").err
    said = townlet("diff", kitchen, tmp_path / "other")
    assert "    policy the config's -> idle\n" in said.out
    assert "    no branch -> branch of kitchen_breakfast seed 0 at tick 20\n" in said.out


def test_for_scripts(townlet: Townlet, tmp_path: Path) -> None:
    said = townlet(*SHORT, tmp_path / "out", "--json", "--quiet")
    assert said.err == ""
    assert [sample["agent_id"] for sample in said.json["samples"]] == ["alice", "bob"]
    assert said.json["failures"] == []
    assert said.json["already_complete"] is False
    assert townlet(*SHORT, tmp_path / "out", "--json").json["already_complete"] is True


def test_a_data_set(townlet: Townlet, tmp_path: Path) -> None:
    said = townlet(*SHORT, tmp_path / "out", "--seeds", "0..29")
    assert said.code == 0
    lines = said.out.splitlines()
    assert lines[-1].startswith("30 runs, 60 samples, 600 frames, ")
    assert lines[-2].split()[:3] == ["kitchen_breakfast", "30", "60"]  # by scenario, where there are many
    assert (tmp_path / "out" / "runs" / "kitchen_breakfast" / "seed-29").is_dir()
    more = townlet(*SHORT, tmp_path / "out", "--seeds", "29..31")
    assert more.out.splitlines()[-1].startswith("32 runs, 64 samples, 640 frames, ")
    assert more.out.splitlines()[-1].endswith("(29 of them from other commands)")
    assert "1 of these runs were reused" in more.err


def test_workers_are_not_negative(townlet: Townlet, tmp_path: Path) -> None:
    said = townlet(*SHORT, tmp_path / "out", "--workers", "-1")
    assert (said.code, said.err) == (2, "error: --workers: expected 0 (one for each core) or more, got -1\n")


def test_workers_are_bounded(townlet: Townlet, tmp_path: Path) -> None:
    """A thousand threads for one run would take minutes."""
    said = townlet(*SHORT, tmp_path / "out", "--workers", "1000")
    assert said.code == 0
    assert "note: 1 worker instead of 1000: 1 run to do\n" in said.err
    assert townlet(*SHORT, tmp_path / "quiet", "--workers", "1000", "--quiet").err == ""


def test_a_suite(townlet: Townlet, tmp_path: Path) -> None:
    (tmp_path / "hamlet.yaml").write_text(
        f"{NOBODY}scenario: {{ticks: 8, agents: [{{id: eve, position: [1, 1]}}]}}\n"
    )
    suite = tmp_path / "suite.yaml"
    suite.write_text(
        "name: two\nruns: [{config: hamlet.yaml, seeds: 0..1}, {config: hamlet.yaml, name: b}]\n"
    )
    said = townlet("capture", suite, "--output", tmp_path / "out", "--workers", "2")
    assert said.code == 0, said.err
    assert said.out.splitlines()[-1].startswith("3 runs, 3 samples, 24 frames, ")
    assert load_capture(tmp_path / "out/runs/hamlet/seed-1").metadata["config_path"] == "hamlet.yaml"


def test_options_reach_the_samples(townlet: Townlet, tmp_path: Path) -> None:
    out = tmp_path / "out"
    said = townlet(
        *SHORT, out, "--agent", "bob", "--prefix", "p", "--seed", "7", "--policy", "uniform",
        "--ignore-schedules", "--segment-ticks", "4", "--compression", "none", "--check",
    )  # fmt: skip
    assert said.code == 0, said.err
    capture = load_capture(out)
    assert [record.npz.name for record in capture.samples] == [
        f"p_bob_002_s000{part}.npz" for part in range(3)
    ]
    assert capture.metadata["seed"] == 7
    assert capture[0].metadata["policy"]["kind"] == "uniform"
    with np.load(out / "p_bob_002_s0000.npz", allow_pickle=False) as arrays:
        assert len(arrays["actions"]) == 4


def test_auto_seeded_agents(townlet: Townlet, tmp_path: Path) -> None:
    config = tmp_path / "empty.yaml"
    config.write_text(NOBODY)
    refused = townlet("capture", config, "--output", tmp_path / "out")
    assert refused.code == 2
    assert "--auto-seed-agents" in refused.err
    assert not (tmp_path / "out").exists()
    said = townlet("capture", config, "--output", tmp_path / "out", "--auto-seed-agents", "--ticks", "5")
    assert said.code == 0, said.err
    assert load_capture(tmp_path / "out").agents == ("alice", "bob")
    assert "note: " in said.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--ticks", "0"], "--ticks: expected 1 to"),
        (["--ticks", "-3"], "--ticks: expected 1 to"),
        (["--agent", "eve"], "--agent: expected an agent of kitchen_breakfast (alice, bob), got 'eve'"),
        (
            ["--policy", "wise"],
            "--policy: expected one of scripted, needs, uniform, idle, needs-early or network:PATH, got 'wise'",
        ),
        (["--seeds", "5..1"], "--seeds: expected a span that goes up"),
        (["--prefix", "../x"], "--prefix: expected 1 to 64"),
        (["--segment-tiks", "5"], "unknown option --segment-tiks; did you mean --segment-ticks?"),
        (["--runner", "FlinkRuner"], "unknown runner 'FlinkRuner'; did you mean FlinkRunner?"),
        (["no_such_config"], "no_such_config"),
    ],
)
def test_nothing_is_made_of_a_wrong_request(
    townlet: Townlet, tmp_path: Path, words: list[str], message: str
) -> None:
    said = townlet("capture", "kitchen_breakfast", "--output", tmp_path / "out", *words)
    assert said.code == 2
    assert said.out == ""
    assert message in said.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("place", ["file", "file/below", "s3://bucket/key", ""])
def test_an_output_that_is_none(townlet: Townlet, tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("mine")
    said = townlet(*SHORT, place if "://" in place or not place else tmp_path / place)
    assert said.code == 2
    assert said.err.startswith("error: ")
    assert (tmp_path / "file").read_text() == "mine"


def test_an_output_with_something_else_in_it(townlet: Townlet, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("mine")
    for more in ([], ["--overwrite"]):
        said = townlet(*SHORT, tmp_path / "out", *more)
        assert said.code == 2
        assert "thesis.tex" in said.err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["thesis.tex"]


def test_another_capture_is_kept_unless_overwritten(townlet: Townlet, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert townlet(*SHORT, out).code == 0
    said = townlet(*SHORT, out, "--seed", "5")
    assert said.code == 2
    assert "--overwrite" in said.err
    assert townlet(*SHORT, out, "--seeds", "5..6").code == 2
    assert "agent not given (asked for: 'alice')" in townlet(*SHORT, out, "--agent", "alice").err
    assert load_capture(out).metadata["seed"] == 0
    assert townlet(*SHORT, out, "--seed", "5", "--overwrite").code == 0
    assert load_capture(out).metadata["seed"] == 5


def test_a_second_writer_is_told_who_the_first_is(townlet: Townlet, tmp_path: Path) -> None:
    with output_lock(tmp_path / "out"):
        said = townlet(*SHORT, tmp_path / "out")
    assert said.code == 2
    assert f"process {os.getpid()} " in said.err


@pytest.mark.campaign
@pytest.mark.parametrize(
    "words",
    [
        ["scripts/capture_rollout.py", "kitchen_breakfast"],
        ["-m", "pipelines.capture", "--config", "kitchen_breakfast"],
    ],
    ids=["script", "module"],
)
def test_other_names(tmp_path: Path, words: list[str]) -> None:
    """As typed, in a process of its own."""
    command = [sys.executable, *words, "--ticks", "5", "--output", str(tmp_path / "out")]
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment)
    assert run.returncode == 0, run.stderr
    assert "rollout_sample_alice_001.npz" in run.stdout
    assert run.stderr.splitlines()[-1] == f"next: townlet inspect {tmp_path / 'out'}"
    wrong = subprocess.run([*command, "--tick", "5"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert wrong.returncode == 2
    assert wrong.stderr == "error: unknown option --tick; did you mean --ticks?\n"


def test_a_shipped_suite_from_anywhere(
    townlet: Townlet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["capture", "suites/smoke.yaml", "--ticks", "3", "--output", "smoke"]
    said = townlet(*words, "--limit", "3")
    assert said.code == 0, said.err
    assert [row.split()[:2] for row in said.out.splitlines()[1:4]] == [
        ["employment_punctuality", "0"],
        ["hard_winter", "0"],
        ["kitchen_breakfast", "0"],
    ]
    assert "--limit: 6 runs not selected; run without it to add them" in said.err
    assert json.loads((tmp_path / "smoke/dataset.json").read_text())["metadata"]["complete"] is False
    said = townlet(*words)
    assert "3 of these runs were reused" in said.err
    metadata = json.loads((tmp_path / "smoke/dataset.json").read_text())["metadata"]
    assert (metadata["complete"], metadata["suites"], metadata["run_count"]) == (True, ["smoke"], 9)
    assert (
        load_capture("smoke/runs/hard_winter/seed-0").metadata["config_path"] == "scenarios/hard_winter.yaml"
    )
    monkeypatch.setattr(launch, "launch", None)  # nothing more to run
    again = townlet("capture", "smoke", *words[2:])
    assert "smoke: already complete, verified" in again.err
    assert again.out == said.out


def test_what_failed_is_listed_and_tried_again(
    townlet: Townlet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = rollout.play

    def play(run: Run, *models: Any):
        if run.seed == 1 and run.ticks > 1:
            raise ValueError("an unlucky number")
        return real(run, *models)

    words = [*SHORT, tmp_path / "out", "--seeds", "0..2"]
    monkeypatch.setattr(rollout, "play", play)
    said = townlet(*words)
    assert said.code == 1
    assert "failed: kitchen_breakfast seed 1: ValueError: an unlucky number" in said.err
    assert "1 of 3 runs failed; the others are written" in said.err
    assert "run the same command to try only the failed runs again" in said.err
    [failure] = json.loads((tmp_path / "out/failures.json").read_text())["failures"]
    assert (failure["scenario"], failure["seed"]) == ("kitchen_breakfast", 1)
    assert failure["reason"].startswith("ValueError: an unlucky number")
    assert "failed before: ValueError: an unlucky number" in townlet("plan", *words[1:]).out
    monkeypatch.setattr(rollout, "play", real)
    said = townlet(*words)
    assert said.code == 0
    assert "2 of these runs were reused" in said.err
    assert json.loads((tmp_path / "out/failures.json").read_text())["failures"] == []


def test_a_disk_that_will_be_too_small(
    townlet: Townlet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said, and the capture goes on: it is an estimate."""
    monkeypatch.setattr(plan_status, "WORTH_AN_ESTIMATE", 10)
    monkeypatch.setattr(plan_status, "free_bytes", lambda output: 1000)
    said = townlet(*SHORT, tmp_path / "out", "--seeds", "0..1")
    assert said.code == 0
    assert "warning: about " in said.err and "it will not fit" in said.err
