"""`townlet events`: the table, the choice of a run and of events, and what cannot be shown."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import pytest

from tests.commands.conftest import Townlet
from tests.crowded.town import crowded
from tests.rollout.digests import shipped
from tests.rollout.test_replay import captured
from townlet import cli
from townlet.commands.look import events as command
from townlet.playback.events import KINDS, Event
from townlet.run import SampleKey
from townlet.samples import ReplaySample

TABLE = """\
tick  who    what                                      then
   0  alice  request use_shower at shower_1            granted
   0  bob    request use_shower at shower_1            waits: 1 ahead (alice) (expected)
   0  cora   request use_shower at shower_1            waits: 2 ahead (alice) (expected)
   1  bob    request use_shower at shower_1            refused: reserved by alice (block 1 of 3); rivalry +0.19 \
(expected)
"""


@pytest.fixture(scope="module")
def queue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("queue")
    captured(shipped("scenarios/queue_conflict", 100, None), folder)
    return folder


def test_a_table_whose_lines_stay_lines_in_a_file(townlet: Townlet, queue: Path) -> None:
    said = townlet("events", queue)
    assert (said.code, said.err) == (0, f"next: townlet inspect {queue} --tick 0 --agent alice\n")
    assert said.out.startswith(TABLE)
    manifest = next(queue.glob("*manifest*.json"))
    assert townlet("events", manifest).out == said.out
    assert townlet("events", queue, "--quiet") == (0, said.out, "")


def test_the_next_step_is_to_the_first_event_that_is_shown(townlet: Townlet, queue: Path) -> None:
    said = townlet("events", queue, "--ticks", "2..40", "--kind", "start", "--agent", "cora")
    assert said.err == f"next: townlet inspect {queue} --tick 34 --agent cora\n"


def test_agents_ticks_and_kinds_are_chosen(townlet: Townlet, queue: Path) -> None:
    said = townlet(
        "events", queue, "--agent", "bob", "--agent", "cora", "--ticks", "2..40", "--kind", "start"
    )
    assert [line.split()[:2] for line in said.out.splitlines()[1:]] == [["3", "bob"], ["34", "cora"]]
    one = townlet("events", queue, "--ticks", "5")
    assert [line.split()[0] for line in one.out.splitlines()] == ["tick", "5"]


def test_nothing_of_what_was_asked_for(townlet: Townlet, queue: Path) -> None:
    said = townlet("events", queue, "--kind", "meal")
    assert said == (0, "", "note: no such event in ticks 0..99\n")
    assert townlet("events", queue, "--kind", "meal", "--quiet", "--json") == (0, "", "")


def test_lines_of_json(townlet: Townlet, queue: Path) -> None:
    said = townlet("events", queue, "--json", "--kind", "refused")
    first, *others = [json.loads(line) for line in said.out.splitlines()]
    assert len(others) == 3
    assert first == {
        "tick": 1, "agent": "bob", "kind": "refused", "what": "request use_shower at shower_1",
        "then": "refused: reserved by alice (block 1 of 3); rivalry +0.19 (expected)", "refused": "reserved",
        "expected": True, "life": 2,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--agent", "bpb"), "has no agent 'bpb'; did you mean bob?"),
        (("--agent", "zoe"), "has no agent 'zoe'; there are alice, bob, cora"),
        (("--kind", "refusal"), "there is no kind 'refusal'; did you mean refused?"),
        (("--kind", "xyz"), f"there is no kind 'xyz'; there are {', '.join(KINDS)}"),
        (("--ticks", "90..100"), "expected ticks from 0 to 99, got 90 to 100"),
        (("--ticks", "9..8"), "expected the first tick before the last, got 9..8"),
        (("--ticks", "a"), "expected a first and a last tick, as in 60..80, got 'a'"),
        (("--seed", "0"), "is one capture; --scenario and --seed choose a run of a data set"),
    ],
)
def test_what_there_is_not(townlet: Townlet, queue: Path, words: tuple[str, ...], message: str) -> None:
    said = townlet("events", queue, *words)
    assert (said.code, said.out) == (2, "")
    assert message in said.err and said.err.count("\n") == 1


def test_a_place_without_a_capture(townlet: Townlet, tmp_path: Path) -> None:
    said = townlet("events", tmp_path)
    assert (said.code, said.out) == (2, "")


def test_a_run_of_a_data_set(townlet: Townlet, tmp_path: Path) -> None:
    words = ("capture", "queue_conflict", "--ticks", "20", "--seeds", "0..1", "--quiet", "--output")
    assert cli.main([*words, str(tmp_path / "many")]) == 0
    said = townlet("events", tmp_path / "many", "--seed", "1")
    assert said.code == 0 and said.out.startswith(TABLE)
    assert said.err.endswith(" --seed 1 --tick 0 --agent alice\n")
    assert townlet(*shlex.split(said.err)[2:]).code == 0, "what is said to be next can be typed"
    said = townlet("events", tmp_path / "many")
    assert said.code == 2 and "is a data set; choose a run with --scenario and --seed" in said.err
    said = townlet("events", tmp_path / "many", "--seed", "7")
    assert said.code == 2 and "has no run of any scenario with seed 7" in said.err
    said = townlet("events", tmp_path / "many", "--scenario", "queue_conflct")
    assert said.code == 2 and "has no scenario queue_conflct; did you mean queue_conflict?" in said.err


def other_rewards(key: SampleKey, sample: ReplaySample) -> ReplaySample:
    sample.rewards[7] += 1
    return sample


def test_what_is_not_what_happened_is_told_as_by_verify(townlet: Townlet, tmp_path: Path) -> None:
    captured(shipped("scenarios/queue_conflict", 20, None), tmp_path / "rewards", other_rewards)
    said = townlet("events", tmp_path / "rewards")
    assert said.code == 1
    assert "tick 7: what is stored is not what comes of it" in said.err


def test_a_capture_of_other_rules(townlet: Townlet, queue: Path, tmp_path: Path) -> None:
    """A manifest that says that another version made it."""
    shutil.copytree(queue, tmp_path / "old")
    manifest = next((tmp_path / "old").glob("*manifest*.json"))
    facts = json.loads(manifest.read_text())
    facts["fingerprint"] = "0" * 64
    for record in facts["samples"]:
        record["fingerprint"] = "0" * 64
    manifest.write_text(json.dumps(facts))
    said, verified = townlet("events", tmp_path / "old"), townlet("verify", tmp_path / "old", "--replay")
    assert said.code == verified.code == 1
    assert said.out == ""


def test_newcomers_have_names_that_are_known(townlet: Townlet, tmp_path: Path) -> None:
    captured(crowded(600, seed=4), tmp_path)
    arrived = [
        json.loads(line)
        for line in townlet("events", tmp_path, "--kind", "arrived", "--json").out.splitlines()
    ]
    said = townlet("events", tmp_path, "--agent", arrived[0]["agent"])
    assert said.code == 0 and said.out.splitlines()[1].split()[:3] == [
        str(arrived[0]["tick"]), arrived[0]["agent"], "arrives",
    ]  # fmt: skip


HOSTILE = "</script>\x1b[31m\u202e" + "x" * 64
EVENTS = [
    Event(
        100_000,
        HOSTILE,
        "refused",
        f"request wash at {HOSTILE}",
        f"refused: reserved by {HOSTILE}",
        "reserved",
    ),
    Event(100_001, "", "event", "blackout", "no power for 3 ticks"),
]


@pytest.mark.parametrize("width", [60, 80, 200])
def test_in_a_terminal_no_line_is_wider_and_nothing_is_cut(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr(command, "is_terminal", lambda stream: True)
    command._print_table(EVENTS, [HOSTILE], 100_001)
    lines = capsys.readouterr().out.splitlines()
    assert all(len(line) <= width for line in lines)
    text = "".join("".join(lines).split())
    assert text.count("x") == 3 * 65, "those of the names, and of what is escaped in them"
    assert "\x1b" not in text and "\u202e" not in text
    assert lines[-1].split()[:3] == ["100001", "town", "blackout"]


def test_hostile_names_are_shown_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert command._print_table(EVENTS, [HOSTILE], 100_001) == 2
    out = capsys.readouterr().out
    assert out.count("</script>\\x1b[31m\\u202exxx") == 3 and "\x1b" not in out
    assert len(out.splitlines()) == 3
