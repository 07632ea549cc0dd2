"""Whatever is done to a config: it loads, or a ConfigError says why; nothing else, no hang, no file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.config.mutations.mutate import mutated
from tests.conftest import Chosen
from tests.sampling import first
from townlet.config import Resolved, auto_seed, load_config
from townlet.config.budget import budget
from townlet.config.shipped import shipped_configs, shipped_root
from townlet.errors import ConfigError, Problem


def survives(path: Path, number: int) -> str:
    """Load one mutation; what it came to."""
    names = shipped_configs()
    source = (shipped_root() / names[number % len(names)]).read_text(encoding="utf-8")
    path.write_text(mutated(source, number), encoding="utf-8", newline="")
    try:
        resolved = load_config(path)
    except ConfigError as error:
        assert error.problems and all(isinstance(problem, Problem) for problem in error.problems)
        for problem in error.problems:
            assert problem.file == str(path) and problem.message and "\n" not in str(problem), str(problem)
            assert problem.line <= len(path.read_text(encoding="utf-8").splitlines()) + 1
        return "refused"
    assert Resolved.from_json_dict(json.loads(json.dumps(resolved.to_json_dict()))) == resolved
    assert budget(auto_seed(resolved)).text()
    return "loaded"


@pytest.mark.parametrize("block", first(1, range(6)))
def test_300_mutations(block: int, tmp_path: Path) -> None:
    outcomes = {survives(tmp_path / "town.yaml", number) for number in range(block * 50, block * 50 + 50)}
    assert outcomes == {"loaded", "refused"}
    assert [entry.name for entry in tmp_path.iterdir()] == ["town.yaml"]


@pytest.mark.campaign
def test_2000_mutations(chosen: Chosen, tmp_path: Path) -> None:
    numbers = chosen(range(1000, 3000), few=600)
    outcomes = {survives(tmp_path / "town.yaml", number) for number in numbers}
    assert outcomes <= {"loaded", "refused"}
    assert [entry.name for entry in tmp_path.iterdir()] == ["town.yaml"]
