"""The command on a page makes the same run again: the same fingerprint comes of its words."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from townlet.commands.capture import options
from townlet.console.parsing import Parser
from townlet.planning.plan import Request, plan
from townlet.report.run.command import command_of, policy_words
from townlet.run import Run


def planned(line: str) -> Run:
    """The run that a command line asks for."""
    words = shlex.split(line)
    assert words[:2] == ["townlet", "capture"]
    parser = Parser("townlet capture", "")
    options.add_sources(parser)
    options.add_played(parser)
    options.add_written(parser)
    options.add_work(parser)
    arguments, _ = options.parse(parser, words[2:])
    (run,) = plan(options.request(arguments)).playable()
    return run


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"ticks": 33, "seeds": (12345678901234567,)},
        {"policy": "uniform", "ignore_schedules": True},
        {"agent": "alice", "compression": "small"},
        {"segment_ticks": 50},
    ],
    ids=str,
)
def test_the_same_run_again(asked: dict[str, Any]) -> None:
    (run,) = plan(Request(("scenarios/kitchen_breakfast.yaml",), **asked)).playable()
    line = command_of(run)
    assert line.startswith("townlet capture scenarios/kitchen_breakfast.yaml --seed ")
    assert line.endswith(" --output DIR")
    assert planned(line).fingerprint == run.fingerprint


def made(**more: Any) -> Run:
    return Run(name="town", seed=3, ticks=8, config_json="{}", **more)


def test_a_network_is_named_by_where_it_is_kept() -> None:
    line = command_of(made(config_path="my town.yaml", policy=f"network:{'ab' * 32}?mode=greedy"))
    assert shlex.split(line) == [
        "townlet", "capture", "my town.yaml", "--seed", "3", "--ticks", "8", "--policy",
        f"network:models/{'ab' * 32}.onnx?mode=greedy", "--output", "DIR",
    ]  # fmt: skip


def test_what_a_program_decided_no_command_makes_again() -> None:
    assert command_of(made(config_path="town.yaml", policy="outside:mine")) == ""
    assert policy_words("outside:mine") == "an object of a program's: mine"


def test_policies_in_words() -> None:
    assert policy_words("needs") == "needs"
    assert policy_words(f"network:{'ab' * 32}?mode=greedy") == "network abababababab, greedy"
