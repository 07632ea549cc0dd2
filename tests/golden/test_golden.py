"""The golden runs are what they were; and what is said, and refused, where they are not."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.golden import __main__ as command
from tests.golden.compare import compare
from tests.golden.measure import golden_configs
from tests.golden.records import Golden, path_of, play, read, strays, text_of, write
from townlet.run import FORMAT_VERSION, RULES_VERSION

ONE = "scenarios/observation_baseline"


@pytest.mark.parametrize("config", golden_configs())
def test_a_golden_run_is_what_it_was(config: str) -> None:
    comparison = compare(read(config), play(config))
    if comparison.reason:
        pytest.fail(comparison.text(), pytrace=False)


def test_every_golden_file_is_of_a_shipped_config_and_small() -> None:
    assert not strays(golden_configs())
    sizes = {config: path_of(config).stat().st_size for config in golden_configs()}
    assert max(sizes.values()) < 16_000, sizes


@pytest.fixture(scope="module")
def found() -> Golden:
    return play(ONE)


def edited(golden: Golden, edit: Callable[[dict], object], **fields: object) -> Golden:
    """A copy of which the numbers after tick 10 were edited."""
    runs = copy.deepcopy(dict(golden.runs))
    edit(runs["as shipped"]["after"][10])
    return replace(golden, runs=runs, **fields)


def nothing(numbers: dict) -> None:
    pass


def poorer(numbers: dict) -> None:
    numbers["people"]["solo"]["wallet"] -= 0.25
    numbers["frames"] = "0" * 64


def laid_out_otherwise(numbers: dict) -> None:
    numbers["world"] = "0" * 64


def test_the_same_is_no_news(found: Golden) -> None:
    assert compare(found, found).reason == ""
    assert text_of(found) == text_of(play(ONE))


def test_what_moved_is_named(found: Golden) -> None:
    comparison = compare(edited(found, poorer), found)
    assert not comparison.allowed
    wallet = found.runs["as shipped"]["after"][10]["people"]["solo"]["wallet"]
    reason, first, second = comparison.text().splitlines()
    assert f"moved while RULES_VERSION (townlet/run.py) is still {RULES_VERSION}: undo" in reason
    when = "  as shipped, after tick 10: "
    assert first == f"{when}people.solo.wallet: stored {wallet - 0.25}, found {wallet}"
    assert second.startswith(f"{when}frames: stored 000000000000..., found ")


def test_of_much_that_moved_the_first_tick_is_told(found: Golden) -> None:
    runs = copy.deepcopy(dict(found.runs))
    for tick in (10, 50):
        runs["as shipped"]["after"][tick]["alive"] += 1
    comparison = compare(replace(found, runs=runs), found)
    assert [line[:44] for line in comparison.text().splitlines()[1:]] == [
        "  as shipped, after tick 10: alive: stored 2",
        "  and 1 more: `python -m tests.golden --chec",
    ]
    assert len(comparison.text(whole=True).splitlines()) == 3


@pytest.mark.parametrize(
    ("edit", "fields", "reason"),
    [
        (poorer, {"rules_version": 0}, f"RULES_VERSION was raised from 0 to {RULES_VERSION}"),
        (poorer, {"format_version": 0}, f"FORMAT_VERSION was raised from 0 to {FORMAT_VERSION}"),
        (poorer, {"config_digest": "another"}, "the config was changed"),
        (nothing, {"rules_version": 0}, f"RULES_VERSION was raised from 0 to {RULES_VERSION}"),
        (laid_out_otherwise, {}, "only the state is laid out otherwise"),
        (lambda numbers: numbers.pop("alive"), {}, "other ticks or numbers are looked at"),
    ],
)
def test_what_may_move_is_written_anew(found: Golden, edit: Callable, fields: dict, reason: str) -> None:
    comparison = compare(edited(found, edit, **fields), found)
    assert comparison.allowed
    assert comparison.reason == f"{reason}: `make golden` writes the file anew"


def test_versions_never_fall(found: Golden) -> None:
    comparison = compare(replace(found, rules_version=1_000), found)
    assert not comparison.allowed
    assert (
        comparison.reason
        == f"RULES_VERSION (townlet/run.py) is {RULES_VERSION}, and was 1000: it never falls"
    )


def test_the_command_refuses_what_may_not_move(
    found: Golden, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "golden_configs", lambda: [ONE])
    stored = path_of(ONE, tmp_path)
    assert command.main(["--check"], tmp_path) == 1
    assert command.main([], tmp_path) == 0
    assert read(ONE, tmp_path) == found
    assert command.main(["--check"], tmp_path) == 0

    write(edited(found, poorer), tmp_path)
    before = stored.read_bytes()
    capsys.readouterr()
    assert command.main(["--check"], tmp_path) == 1
    assert command.main([], tmp_path) == 2
    told = capsys.readouterr()
    assert "after tick 10: people.solo.wallet: stored" in told.out
    assert told.err == f"nothing was stored, because of {ONE}\n"
    assert stored.read_bytes() == before

    (tmp_path / "scenarios-forgotten.yaml").write_text("runs: {}\n")
    assert command.main(["--same-rules-version"], tmp_path) == 0
    assert read(ONE, tmp_path) == found
    assert [path.name for path in tmp_path.iterdir()] == [stored.name]
