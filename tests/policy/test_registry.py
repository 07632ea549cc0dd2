"""The registry: every name has an entry; who adds a policy touches its own file and the list of names."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.policy.towns import batch, setting
from townlet.errors import UserError
from townlet.policy.registry import entry
from townlet.vocabulary import POLICIES, SCRIPTED

ROOT = Path(__file__).resolve().parents[2]
SLEEPY = '''
"""The policy `sleepy`: wait, whatever is seen."""

import numpy as np

from townlet.policy.base import PolicyActions, PolicyEntry, PolicyInfo, WithoutCritic


class SleepyPolicy(WithoutCritic):
    def act(self, batch):
        zeros = np.zeros(len(batch), np.float32)
        return PolicyActions(np.zeros(len(batch), np.int64), zeros, zeros)


POLICY = PolicyEntry(PolicyInfo("sleepy"), lambda setting: SleepyPolicy())
'''


@pytest.mark.parametrize("name", POLICIES)
def test_every_name_has_an_entry(name: str) -> None:
    found = entry(name)
    assert found.info.kind == ("needs" if name == SCRIPTED else name)
    answer = found.make(setting()).act(batch({}, {}))
    assert len(answer.actions) == len(answer.log_probs) == len(answer.values) == 2


@pytest.mark.parametrize("name", ["base", "outside", "", "../x", None, 3])
def test_what_is_no_name(name: object) -> None:
    with pytest.raises(
        UserError, match="policy: expected one of scripted, needs, uniform, idle, needs-early, got"
    ):
        entry(name)  # type: ignore[arg-type]


@pytest.mark.campaign
def test_a_policy_is_added_in_two_files(tmp_path: Path) -> None:
    """In a copy of the package, from the command line: named by it, by a config, and in messages."""
    shutil.copytree(ROOT / "townlet", tmp_path / "townlet", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    (tmp_path / "townlet" / "policy" / "sleepy.py").write_text(SLEEPY)
    words = tmp_path / "townlet" / "vocabulary.py"
    words.write_text(words.read_text().replace('"needs-early"]', '"needs-early", "sleepy"]'))

    def townlet(*said: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "townlet.cli", *said], cwd=tmp_path, capture_output=True, text=True, check=False,
            env={**os.environ, "PYTHONPATH": str(tmp_path), "NUMBA_DISABLE_JIT": "1"},
        )  # fmt: skip

    done = townlet("capture", "small_town", "--ticks", "5", "--policy", "sleepy", "--ignore-schedules",
                   "--output", "out", "--quiet")  # fmt: skip
    assert done.returncode == 0, done.stderr
    facts = json.loads((tmp_path / "out" / "rollout_sample_alice_001.json").read_text())["policy"]
    assert facts == {
        "kind": "sleepy",
        "digest": None,
        "log_prob_source": "deterministic",
        "value_source": "none",
    }
    with np.load(tmp_path / "out" / "rollout_sample_alice_001.npz") as arrays:
        assert not arrays["actions"].any()
    replayed = townlet("verify", "out", "--replay")
    assert replayed.returncode == 0, replayed.stderr
    refused = townlet("capture", "small_town", "--policy", "sleepi", "--output", "other")
    assert refused.returncode == 2
    assert (
        "expected one of scripted, needs, uniform, idle, needs-early, sleepy or network:PATH, got 'sleepi'"
        in refused.stderr
    )
