"""docs/environments.md: every example runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

GUIDE = (Path(__file__).resolve().parents[2] / "docs/environments.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", GUIDE, flags=re.DOTALL)
VECTOR, PARALLEL, STABLE_BASELINES, LOOP = range(4)


def run(example: int) -> dict[str, Any]:
    found: dict[str, Any] = {"__name__": "guide"}
    exec(compile(EXAMPLES[example], f"example {example} of docs/environments.md", "exec"), found)
    return found


def test_there_are_no_others() -> None:
    assert len(EXAMPLES) == 4 and GUIDE.count("```") == 8


def test_many_towns() -> None:
    found = run(VECTOR)
    assert found["seen"]["map"].shape[0] == 16 * 3 == len(found["rewards"])
    named = set(re.findall(r'`info\["(\w+)"\]', GUIDE)) - {"final_obs"}
    assert named - {"final_rows", "final_value"} <= set(found["info"])


@pytest.mark.torch
def test_pettingzoo(capsys: pytest.CaptureFixture[str]) -> None:
    found = run(PARALLEL)
    assert found["truncated"] and not found["env"].agents
    assert capsys.readouterr().out.startswith("tick 200\n")


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore:::stable_baselines3")
def test_stable_baselines() -> None:
    pytest.importorskip("stable_baselines3")
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    found = run(STABLE_BASELINES)
    assert found["model"].num_timesteps == 256
    action, _ = found["model"].predict(found["Alice"]().reset(seed=1)[0])
    assert 0 <= int(action) < found["model"].action_space.n


def test_a_recorded_town() -> None:
    sample = run(LOOP)["sample"]
    assert sample.value_preds.tolist() == [1.5] * 20 + [np.float32(1.4)]
    assert "bootstrap" not in sample.metadata
