"""`townlet plan` and `townlet capture --dry-run`: what is there, what is missing and why, and what it will cost."""

from __future__ import annotations

import shlex
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from tests.commands.conftest import Townlet
from tests.dataset.captures import content, flip
from townlet.commands.capture.options import capture_parser
from townlet.commands.capture.plan import _parser
from townlet.config.shipped import shipped_root
from townlet.dataset.store.lock import output_lock
from townlet.planning import plan_status

WORDS = ["kitchen_breakfast", "queue_conflict", "--ticks", "20"]
SEEDS = [*WORDS, "--seeds", "0..1"]
SPACE = namedtuple("SPACE", ["total", "used", "free"])


def rows(out: str) -> list[list[str]]:
    return [line.split() for line in out.splitlines()]


def test_nothing_is_there_and_nothing_is_made(townlet: Townlet, tmp_path: Path) -> None:
    for words in (["plan"], ["capture", "--dry-run"]):
        said = townlet(*words, *SEEDS, "--output", tmp_path / "deep" / "out")
        assert said.code == 0, said.err
        table = rows(said.out)
        assert table[0] == ["run", "seed", "ticks", "~frames", "~size", "~core", "time", "status"]
        assert table[1][:4] == ["kitchen_breakfast", "0", "20", "40"]
        assert table[1][-1:] == ["missing"]
        assert "4 runs: 4 missing" in said.out
        assert "to simulate: 80 ticks; estimated from a trial of " in said.out
        assert " 200 frames, 10 samples, " in said.out
        typed = shlex.join(["townlet", "capture", *SEEDS, "--output", str(tmp_path / "deep" / "out")])
        assert said.err == f"next: {typed}\n"
        assert not list(tmp_path.iterdir())


def test_everything_is_there(townlet: Townlet, village: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_status, "estimate_cost", None)  # nothing to try
    before = content(village)
    with output_lock(village):  # whoever writes does not hinder
        said = townlet("plan", *SEEDS, "--output", village)
    assert said.code == 0
    assert [row[-1] for row in rows(said.out)[1:5]] == ["indexed"] * 4
    assert said.out.splitlines()[5:] == [
        "4 runs: 4 indexed",
        "kitchen_breakfast: 2 seeds, 1 distinct",  # in so few ticks
        "queue_conflict: 2 seeds, 1 distinct",
    ]
    assert said.err == "nothing to do\n"
    assert content(village) == before


def test_some_is_missing(townlet: Townlet, village: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    shutil.copytree(village, folder)
    shutil.rmtree(folder / "runs/queue_conflict/seed-1")
    damaged = "runs/kitchen_breakfast/seed-1/rollout_sample_alice_001.npz"
    flip(folder / damaged, 300)
    said = townlet("plan", *WORDS, "--seeds", "0..11", "--output", folder)
    table = {row[0]: row for row in rows(said.out)[:3]}
    assert table["scenario"][:6] == ["scenario", "runs", "missing", "indexed", "damaged", "ticks"]
    assert table["kitchen_breakfast"][:6] == ["kitchen_breakfast", "12", "10", "1", "1", "220"]
    assert " ".join(table["kitchen_breakfast"][-2:]) == "1 damaged"
    assert table["queue_conflict"][:6] == ["queue_conflict", "12", "11", "1", "0", "220"]
    assert said.out.splitlines()[3] == f"kitchen_breakfast seed 1: damaged: {damaged}"
    assert "24 runs: 21 missing, 2 indexed, 1 damaged" in said.out
    each = townlet("plan", *WORDS, "--seeds", "0..11", "--output", folder, "--all")
    assert len(each.out.splitlines()) == 1 + 24 + 5


def test_for_scripts(townlet: Townlet, village: Path) -> None:
    said = townlet("plan", *WORDS, "--seeds", "0..30", "--output", village, "--json", "--quiet")
    assert said.err == ""
    document = said.json
    assert document["counts"] == {"indexed": 4, "missing": 58}
    assert len(document["runs"]) == 62
    assert document["runs"][0]["status"] == "indexed"
    assert document["runs"][-1] | {"fingerprint": ""} == {
        "scenario": "queue_conflict",
        "seed": 30,
        "seed_text": "30",
        "ticks": 20,
        "folder": "runs/queue_conflict/seed-30",
        "fingerprint": "",
        "status": "missing",
        "why": "",
    }
    assert document["estimate"]["ticks"] == 58 * 20
    assert document["fits"] is True and document["data_set"] is True and document["not_selected"] == 0
    dry = townlet("capture", "--dry-run", *WORDS, "--seeds", "0..30", "--output", village, "--json").json
    drop = ("estimate", "free_bytes")
    assert {key: dry[key] for key in dry if key not in drop} == {
        key: document[key] for key in document if key not in drop
    }


def test_what_would_be_refused(townlet: Townlet, village: Path, kitchen: Path) -> None:
    said = townlet("plan", *WORDS, "--ticks", "30", "--seeds", "0..1", "--output", village)
    assert said.code == 0
    assert "another capture: ticks 20 (asked for: 30)" in said.out
    assert "4 runs: 4 other" in said.out
    assert "a capture would be refused" in said.err
    over = townlet(
        "capture", "--dry-run", "--overwrite", *WORDS, "--ticks", "30", "--seeds", "0..1", "--output", village
    )
    assert "4 runs: 4 missing" in over.out and "to be replaced" in over.out
    single = townlet("plan", "kitchen_breakfast", "--output", village)
    assert "1 run: 1 other" in single.out
    assert "holds a data set" in single.err
    assert "holds a single capture" in townlet("plan", *SEEDS, "--output", kitchen).err


def test_a_single_capture(townlet: Townlet, kitchen: Path, tmp_path: Path) -> None:
    words = ["plan", "kitchen_breakfast", "--ticks", "30", "--output"]
    assert townlet(*words, kitchen).out.splitlines()[-1] == "1 run: 1 published"
    other = townlet(*words, kitchen, "--seed", "4")
    assert "another capture: seed 0 (asked for: 4)" in other.out
    assert "1 run: 1 missing" in townlet(*words, tmp_path / "out").out


def test_a_limit(townlet: Townlet, tmp_path: Path) -> None:
    said = townlet("plan", "smoke", "--limit", "3", "--output", tmp_path / "out")
    assert [row[0] for row in rows(said.out)[1:4]] == [
        "employment_punctuality",
        "hard_winter",
        "kitchen_breakfast",
    ]
    assert "3 runs: 3 missing" in said.out
    assert "--limit: 6 runs not selected" in said.out


def test_a_disk_that_is_too_small(townlet: Townlet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_status.shutil, "disk_usage", lambda path: SPACE(10**6, 10**6, 5_000))
    said = townlet("plan", *SEEDS, "--output", tmp_path / "out")
    assert said.code == 0
    assert "warning: about " in said.err and " are needed and 5.0 kB are free" in said.err
    assert townlet("plan", *SEEDS, "--output", tmp_path / "out", "--json").json["fits"] is False


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--limit", "0"], "--limit: expected 1 run or more, got 0"),
        (["--ticks", "0"], "--ticks: expected 1 to"),
        (["--force"], "unknown option --force; did you mean --overwrite?"),
        (["no_such_config"], "no_such_config"),
    ],
)
def test_mistakes(townlet: Townlet, tmp_path: Path, words: list[str], message: str) -> None:
    said = townlet("plan", "kitchen_breakfast", "--output", tmp_path / "out", *words)
    assert said.code == 2
    assert said.out == ""
    assert message in said.err or message.replace("=", " ") in said.err
    assert not list(tmp_path.iterdir())


def test_an_output_that_is_none(townlet: Townlet, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for place in (tmp_path / "file", tmp_path / "file" / "below", ""):
        said = townlet("plan", *SEEDS, "--output", place)
        assert said.code == 2, place
        assert said.err.startswith("error: ")


def test_every_option_of_a_capture(townlet: Townlet, tmp_path: Path) -> None:
    """One word turns a capture into its plan, and the other way round."""
    capture, planned = capture_parser("townlet capture", positional=True), _parser("townlet plan")
    options = {flag for action in capture._actions for flag in action.option_strings}
    assert options < {flag for action in planned._actions for flag in action.option_strings}
    words = [
        *SEEDS, "--output", str(tmp_path / "out"), "--overwrite", "--workers", "2", "--check", "--dry-run",
        "--limit", "1", "--direct_running_mode", "multi_threading", "--all",
    ]  # fmt: skip
    said = townlet("plan", *words)
    assert said.code == 0
    left = [word for word in words if word not in ("--dry-run", "--all")]
    assert said.err == f"next: {shlex.join(['townlet', 'capture', *left])}\n"
    assert townlet("plan", *words, "--json").json["counts"] == {"missing": 1}
    assert townlet("plan", *SEEDS, "--output", tmp_path, "--flink_mster", "x").code == 2


def test_hints_are_ready_to_be_pasted(
    townlet: Townlet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names with spaces, with a dash first, and with what cannot be typed."""
    monkeypatch.chdir(tmp_path)
    Path("-my town.yaml").write_text((shipped_root() / "scenarios/kitchen_breakfast.yaml").read_text())
    for output, typed in (("-out", "./-out"), ("a b", "'a b'"), ("\x1bx", r"$'\x1bx'")):
        said = townlet("capture", f"--output={output}", "--ticks", "3", "--", "-my town.yaml")
        assert said.code == 0, said.err
        assert said.err.splitlines()[-1] == f"next: townlet inspect {typed}"
        assert townlet("inspect", f"./{output}").code == 0
    said = townlet("plan", "--output=-new", "--ticks", "3", "--", "-my town.yaml", "--all")
    assert said.code == 2, "what follows `--` is no option"
    said = townlet("plan", "--output=-new", "--ticks", "3", "--all", "--", "-my town.yaml")
    assert said.err == "next: townlet capture --output=-new --ticks 3 -- '-my town.yaml'\n"


@pytest.mark.parametrize(
    ("name", "close"),
    [
        ("queue_conflikt", "queue_conflict"),
        ("configs/scenarios/queue_conflit.yaml", "queue_conflict"),
        ("suites/smok", "smoke"),
        ("KITCHEN_BREAKFAST", "kitchen_breakfast"),
        ("kitchen", "kitchen_breakfast"),
        ("zzzzzz", None),
    ],
)
def test_a_name_that_is_none(townlet: Townlet, tmp_path: Path, name: str, close: str | None) -> None:
    for words in (
        ["plan", name, "--output", tmp_path],
        ["capture", name, "--output", tmp_path],
        ["actions", name],
    ):
        said = townlet(*words)
        assert said.code == 2 and "found nothing under this name" in said.err
        assert ("did you mean" in said.err) == (close is not None)
        assert close is None or f"did you mean the shipped '{close}'?" in said.err
