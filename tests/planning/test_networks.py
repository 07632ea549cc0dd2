"""Networks held against the towns that they are to play in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.rollout.acting.networks import network_of
from townlet.config.load import load_config
from townlet.errors import ConfigError, Problem
from townlet.planning.networks import network_problems, problems_of_config
from townlet.planning.plan import Request, plan

TOWN = "config_id: town\nscenario:\n  agents: [{id: al, position: [1, 1]}, {id: bo, position: [2, 1]}]\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in (
        ("town.yaml", TOWN),
        ("other.yaml", TOWN + "observations: {hybrid: {local_window: 5}}\n"),
    ):
        Path(name).write_text(text)
        ((_, data),) = network_of(load_config(name), hidden=(4,))[1].items()
        Path(name).with_suffix(".onnx").write_bytes(data)


def test_a_plan_holds_the_models_of_its_runs() -> None:
    found = plan(Request(("town.yaml",), policy="network:town.onnx", seeds=(0, 1)))
    ((digest, data),) = found.models.items()
    assert data == Path("town.onnx").read_bytes()
    assert (
        {run.policy for run in found.runs}
        == {f"network:{digest}"}
        == {f"network:{run.model_digest}" for run in found.runs}
    )
    assert all(run.models == (digest,) for run in found.playable())
    assert plan(Request(("town.yaml",))).models == {}


def test_each_mistake_at_its_place() -> None:
    agents = (
        "policy: {default: 'network:other.onnx', agents: {bo: 'network:town.onnx', al: 'network:bad.onnx'}}\n"
    )
    Path("bad.onnx").write_bytes(b"\xff")
    Path("town.yaml").write_text(TOWN + agents)
    problems = problems_of_config(load_config("town.yaml"))
    assert sorted(problem.path for problem in problems) == ["policy.agents.al", "policy.default"]
    assert all(problem.line == 4 for problem in problems)
    with pytest.raises(ConfigError) as found:
        plan(Request(("town.yaml",)))
    assert set(found.value.problems) == set(problems)


def test_what_does_not_act_need_not_fit() -> None:
    """The default, where the run has a policy of its own."""
    Path("town.yaml").write_text(TOWN + "policy: {default: 'network:other.onnx'}\n")
    assert plan(Request(("town.yaml",), policy="network:town.onnx")).runs
    (problem,) = problems_of_config(load_config("town.yaml"))
    assert "another layout" in problem.message


def test_a_model_that_is_not_given() -> None:
    (run,) = plan(Request(("town.yaml",), policy="network:town.onnx")).playable()
    (problem,) = network_problems(run, {}, {str(run.policy): Problem("--policy", 0, 0, "", "")})
    assert (
        str(problem).startswith("--policy: network ")
        and "expected the content of the model" in problem.message
    )
    assert list(network_problems(replace(run, policy="needs"), {}, {})) == []
