"""The configs that are asked for: what suites, captures and the command line say of them, and who wins."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from townlet.config.load import load_config as load
from townlet.errors import ConfigError, UserError
from townlet.planning import entries as entries_module
from townlet.planning.again import RunOptions
from townlet.planning.entries import entries_of
from townlet.planning.request import Request

ONE, TWO, THREE = b"one", b"two", b"three"
FIRST, SECOND, THIRD = (hashlib.sha256(data).hexdigest() for data in (ONE, TWO, THREE))
TOWN = "config_id: town\npolicy: {default: 'network:one.onnx'}\nscenario: {agents: [{id: al, position: [1, 1]}]}\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, content in (("one.onnx", ONE), ("two.onnx", TWO), ("three.onnx", THREE)):
        Path(name).write_bytes(content)
    Path("town.yaml").write_text(TOWN)


def test_a_config_that_is_wrong_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever number of a suite's runs name it."""
    Path("bad.yaml").write_text("config_id: x\nrivlary: 1\n")
    runs = "".join(f"- {{name: r{number}, config: bad.yaml}}\n" for number in range(50))
    Path("suite.yaml").write_text(f"name: s\nruns:\n{runs}")
    read: list[object] = []
    monkeypatch.setattr(
        entries_module, "load_config", lambda *words, **named: read.append(words) or load(*words, **named)
    )
    with pytest.raises(ConfigError, match=r"bad\.yaml:2:1: unknown key 'rivlary'"):
        entries_of(Request(("suite.yaml",)))
    assert len(read) == 1


def test_networks_of_config_suite_and_command_line() -> None:
    runs = "- {config: town.yaml, policy: 'network:two.onnx?mode=greedy'}\n- {name: b, config: town.yaml}\n"
    suite = f"name: s\nruns:\n{runs}"
    Path("suite.yaml").write_text(suite)
    first, second = entries_of(Request(("suite.yaml",)))
    assert (first.policy, second.policy) == (f"network:{SECOND}?mode=greedy", None)
    assert first.models == {FIRST: ONE, SECOND: TWO}
    places = {name: str(place).rstrip(": ") for name, place in first.networks.items()}
    assert places == {
        f"network:{FIRST}": "town.yaml:2:19: policy.default",
        f"network:{SECOND}?mode=greedy": "suite.yaml:3:31: runs[0].policy",
    }
    for entry in entries_of(Request(("suite.yaml", "town.yaml"), policy="network:three.onnx")):
        assert entry.policy == f"network:{THIRD}"
        assert entry.models.items() >= {FIRST: ONE, THIRD: THREE}.items()
        assert str(entry.networks[f"network:{THIRD}"]).startswith("--policy")
    with pytest.raises(
        UserError, match=r"^--policy: expected an ONNX file, found none at 'gone\.onnx' in the working"
    ):
        entries_of(Request(("town.yaml",), policy="network:gone.onnx"))


def test_all_that_is_wrong_is_said_at_once() -> None:
    Path("town.yaml").write_text(TOWN.replace("one.onnx", "gone.onnx"))
    Path("suite.yaml").write_text("name: s\nruns:\n- {config: town.yaml, policy: 'network:lost.onnx'}\n")
    with pytest.raises(ConfigError) as found:
        entries_of(Request(("suite.yaml",)))
    assert [str(problem).split(" beside")[0] for problem in found.value.problems] == [
        "suite.yaml:3:31: runs[0].policy: expected an ONNX file, found none at 'lost.onnx'",
        "town.yaml:2:19: policy.default: expected an ONNX file, found none at 'gone.onnx'",
    ]


def test_a_capture_that_is_captured_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its network lies in it, or in its data set; whoever gives another policy needs none."""
    options = RunOptions(seed=3, ticks=5, policy=f"network:{SECOND}")
    monkeypatch.setattr(entries_module, "options_of_capture", lambda source: options)
    with pytest.raises(
        ConfigError, match=rf"^town\.yaml: policy: expected the model {SECOND[:12]}, found it neither"
    ):
        entries_of(Request(("town.yaml",)))
    (entry,) = entries_of(Request(("town.yaml",), policy="needs"))
    assert (entry.policy, entry.seeds, entry.models) == ("needs", (3,), {FIRST: ONE})
    Path("models").mkdir()
    Path(f"models/{SECOND}.onnx").write_bytes(TWO)
    (entry,) = entries_of(Request(("town.yaml",)))
    assert (entry.policy, entry.models) == (f"network:{SECOND}", {FIRST: ONE, SECOND: TWO})
