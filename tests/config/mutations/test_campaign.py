"""Whatever is done to a config and what belongs to it: every command that takes one does it, or says why; at once."""

from __future__ import annotations

import contextlib
import json
import resource
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.config.mutations.mutate_files import write_case
from tests.conftest import Chosen
from townlet import cli
from townlet.errors import TownletError
from townlet.planning.plan import Request, plan
from townlet.rollout.play import play

BLOCKS = 20
MOST_SECONDS = 60  # of a processor, for the commands of one case: those with a file of 4 MB take 40
MOST_WAITED = 900  # seconds on a clock: what hangs takes no processor, and other work may have it
MOST_MEGABYTES = 1_500
BEFORE = {"town.yaml", "town.json", "own.yaml", "suite.yaml", "other.yaml"}
MOST_PLAYED = 5_000  # agents x tiles seen: larger towns are planned only


@contextlib.contextmanager
def in_time(number: int) -> Iterator[None]:
    def late(signal_number: int, _: object) -> None:
        raise TimeoutError(f"case {number} takes too long ({signal.Signals(signal_number).name})")

    before = {which: signal.signal(which, late) for which in (signal.SIGALRM, signal.SIGPROF)}
    signal.setitimer(signal.ITIMER_PROF, MOST_SECONDS)
    signal.alarm(MOST_WAITED)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.setitimer(signal.ITIMER_PROF, 0)
        for which, handler in before.items():
            signal.signal(which, handler)


def survives(number: int, capsys: pytest.CaptureFixture[str], *, captured: bool) -> str:
    """All commands on one case; what it came to."""
    name = write_case(number)
    with in_time(number):
        code, said = command(number, capsys, "validate", name, "--json")
        (finding,) = json.loads(said)
        assert finding["ok"] == (code == 0), number
        assert all(problem["message"] and "\n" not in problem["text"] for problem in finding["problems"]), (
            number
        )
        assert len(finding["problems"]) <= 3 * 101, number  # of each file
        assert command(number, capsys, "validate", name)[0] == code
        refused = command(number, capsys, "actions", name)[0]
        assert refused in (0, 2)
        words = ("--output", "out", "--auto-seed-agents", "--ticks", "3", "--quiet")
        if code or not finding["configs"]:
            assert command(number, capsys, "plan", name, *words)[0] == 2, number
        elif played(number, name) and captured:
            assert command(number, capsys, "capture", name, *words)[0] == 0, number
            shutil.rmtree("out")
    assert {path.name for path in Path().iterdir() if not path.name.startswith(".out")} <= BEFORE, number
    return "valid" if code == 0 else "refused"


def command(number: int, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    capsys.readouterr()
    code = cli.main(list(words))
    out, err = capsys.readouterr()
    assert code in (0, 2), (number, words, err)
    assert "Traceback" not in err and "defect" not in err, (number, words, err)
    return code, out


def played(number: int, name: str) -> bool:
    """Three ticks of each run of what is valid; whether there was any."""
    try:
        planned = plan(Request((name,), ticks=3, auto_seed_agents=True, limit=3))
    except TownletError as error:
        raise AssertionError(f"case {number} is valid, but: {error}") from error
    for run in planned.playable():
        config: Any = json.loads(run.config_json)["config"]
        seen = (
            config["observations"]["hybrid"]["local_window"] ** 2
            + config["observations"]["compact"]["map_window"] ** 2
        )
        if len(config["scenario"]["agents"]) * seen < MOST_PLAYED:
            assert sum(1 for _ in play(run)), number
    return True


def all_cases(numbers: range, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Counter[str]:
    outcomes: Counter[str] = Counter()
    for number in numbers:
        folder = tmp_path / str(number)
        folder.mkdir()
        monkeypatch.chdir(folder)
        outcomes[survives(number, capsys, captured=number % 100 == 0)] += 1
        shutil.rmtree(folder)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024 < MOST_MEGABYTES
    return outcomes


def test_a_few_cases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert set(all_cases(range(1, 31), tmp_path, monkeypatch, capsys)) == {"valid", "refused"}


@pytest.mark.campaign
@pytest.mark.parametrize("block", range(BLOCKS))
def test_6000_cases(
    block: int,
    chosen: Chosen,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    numbers = chosen(range(1000, 7000), few=600, block=(block, BLOCKS))
    found = all_cases(numbers, tmp_path, monkeypatch, capsys)
    assert set(found) <= {"valid", "refused"} and found.total() == len(numbers)
