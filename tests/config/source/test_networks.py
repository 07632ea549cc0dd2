"""Networks by name: where their files are looked for, and that the content stands for the path."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.config.conftest import Write
from townlet.config import Resolved, load_config
from townlet.config.source import networks
from townlet.config.source.networks import NetworkReader
from townlet.config.suite import load_suite
from townlet.errors import ConfigError, UserError
from townlet.run import canonical_json

ONE, TWO = b"one model", b"another model"
FIRST, SECOND = (hashlib.sha256(data).hexdigest() for data in (ONE, TWO))


def named(policy: str) -> str:
    return f"config_id: t\npolicy: {{default: '{policy}'}}\n"


def test_a_config_holds_the_content_not_the_path(write: Write) -> None:
    write(ONE, "town/models/best.onnx")
    write(TWO, "town/other.onnx")
    text = (
        "config_id: t\nscenario: {agents: [{id: al}, {id: bo}]}\npolicy:\n"
        "  default: network:models/best.onnx?mode=greedy\n"
        "  agents: {al: 'network:other.onnx?temperature=.5', bo: 'network:models/best.onnx'}\n"
    )
    found = load_config(write(text, "town/town.yaml"))
    policy = found.config.policy
    assert policy.default == f"network:{FIRST}?mode=greedy"
    assert policy.agents == {"al": f"network:{SECOND}?temperature=0.5", "bo": f"network:{FIRST}"}
    assert found.models == {FIRST: ONE, SECOND: TWO}
    assert {name: (place.line, place.path) for name, place in found.networks.items()} == {
        f"network:{FIRST}?mode=greedy": (4, "policy.default"),
        f"network:{SECOND}?temperature=0.5": (5, "policy.agents.al"),
        f"network:{FIRST}": (5, "policy.agents.bo"),
    }
    assert "best.onnx" not in canonical_json(found.to_json_dict())
    renamed = write(text.replace("models/best", "moved"), "elsewhere/town.yaml")
    write(ONE, "elsewhere/moved.onnx")
    write(TWO, "other.onnx")  # in the working folder
    assert load_config(renamed).content() == found.content()
    assert Resolved.from_json_dict(found.to_json_dict()) == found


def test_beside_the_file_that_names_it_then_in_the_working_folder(write: Write) -> None:
    town = write(named("network:best.onnx"), "a/town.yaml")
    write(TWO, "best.onnx")
    assert load_config(town).models == {SECOND: TWO}
    write(ONE, "a/best.onnx")
    assert load_config(town).models == {FIRST: ONE}
    os.symlink("../a/town.yaml", write("", "b/x").with_name("linked.yaml"))
    assert load_config("b/linked.yaml").models == {FIRST: ONE}
    write(TWO, "b/best.onnx")
    assert load_config("b/linked.yaml").models == {SECOND: TWO}
    assert NetworkReader().by_digest("network:a/best.onnx") == f"network:{FIRST}"


def test_a_suite(write: Write) -> None:
    write(ONE, "suites/best.onnx")
    write("config_id: t\n", "suites/town.yaml")
    runs = "runs:\n- {config: town.yaml}\n- {name: b, config: town.yaml, policy: uniform}\n"
    suite = load_suite(
        write("name: s\ndefaults: {policy: 'network:best.onnx?mode=greedy'}\n" + runs, "suites/s.yaml")
    )
    assert [run.policy for run in suite.runs] == [f"network:{FIRST}?mode=greedy", "uniform"]
    assert suite.models == {FIRST: ONE}
    assert suite.networks[f"network:{FIRST}?mode=greedy"].line == 2
    bad = "name: s\ndefaults: {policy: 'network:gone.onnx'}\nruns:\n- {config: town.yaml}\n"
    with pytest.raises(ConfigError) as found:
        load_suite(write(bad, "suites/bad.yaml"))
    assert str(found.value) == (
        "suites/bad.yaml:2:20: defaults.policy: expected an ONNX file, found none at 'gone.onnx' beside the file that "
        "names it or in the working folder"
    )


THINGS: dict[str, tuple[Callable[[Path], object], str]] = {
    "nothing": (lambda path: None, "expected an ONNX file, found none at 'm.onnx' beside"),
    "folder": (Path.mkdir, "expected an ONNX file, found a folder at 'm.onnx'"),
    "pipe": (os.mkfifo, "network 'm.onnx': expected an ordinary file, got a pipe"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "network 'm.onnx': expected an ordinary file, got a device"),
    "loop": (lambda path: path.symlink_to(path.name), "network 'm.onnx': cannot be read: links that lead to each"),
    "large": (
        lambda path: os.truncate(os.open(path, os.O_CREAT | os.O_RDWR), 2**40),
        "network 'm.onnx': expected at most 67,108,864 bytes, got more",
    ),
}  # fmt: skip


@pytest.mark.parametrize("thing", THINGS)
def test_what_is_no_file(thing: str, write: Write) -> None:
    make, message = THINGS[thing]
    town = write(named("network:m.onnx"))
    make(Path("m.onnx"))
    with pytest.raises(ConfigError, match=rf"^town\.yaml:2:19: policy\.default: {message}"):
        load_config(town)
    with pytest.raises(UserError, match=f"^{message.removesuffix(' beside')}"):
        NetworkReader().by_digest("network:m.onnx")


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ("network:", r"expected network:PATH, the path of an ONNX file, got 'network:'"),
        ("network:a?mode=best", "mode: expected sample or greedy, got 'best'"),
        ("network:a?temperature=0", "temperature: expected 0.001 to 1000"),
        (
            "networks:a",
            "expected 'scripted', 'needs', 'uniform', 'idle', 'needs-early' or network:PATH, got 'networks:a'",
        ),
        (
            "need",
            "expected 'scripted', 'needs', 'uniform', 'idle', 'needs-early' or network:PATH, got 'need'; did you "
            "mean 'needs'",
        ),
    ],
)
def test_names_that_are_none(policy: str, message: str, write: Write) -> None:
    with pytest.raises(ConfigError, match=rf"^town\.yaml:2:19: policy\.default: {message}"):
        load_config(write(named(policy)))


def test_a_model_by_its_digest_lies_where_captures_keep_it(write: Write) -> None:
    policy = f"network:{FIRST}?mode=greedy"
    run = "data/runs/town/seed-0"
    town = write(named(policy), f"{run}/town.yaml")
    with pytest.raises(
        ConfigError, match=f"copy models/{FIRST}.onnx of the data set that the run was captured into"
    ):
        load_config(town)
    for place in (f"data/models/{FIRST}.onnx", f"{run}/my_prefix_{FIRST}.onnx", f"{run}/{FIRST}.onnx"):
        kept = write(ONE, place)
        assert load_config(town).models == {FIRST: ONE}
        kept.write_bytes(TWO)
        with pytest.raises(
            ConfigError, match=f"network {FIRST[:12]}: .* is not the model that its name says"
        ):
            load_config(town)
        kept.unlink()
    write(TWO, f"{run}/{FIRST}")  # not a kept model, whatever it is called
    with pytest.raises(ConfigError, match="expected the model"):
        load_config(town)


def test_a_model_is_read_once(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    write(ONE, "m.onnx")
    agents = "".join(f"a{number}: 'network:m.onnx?temperature={number + 1}', " for number in range(20))
    listed = ", ".join(f"{{id: a{number}}}" for number in range(20))
    town = write(f"config_id: t\nscenario: {{agents: [{listed}]}}\npolicy: {{agents: {{{agents}}}}}\n")
    reads: list[Path] = []
    real = networks.read_bytes
    monkeypatch.setattr(networks, "read_bytes", lambda path, *more: reads.append(path) or real(path, *more))
    assert len(load_config(town).networks) == 20
    assert len(reads) == 1
