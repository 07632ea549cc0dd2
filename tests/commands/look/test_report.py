"""`townlet report`: what it writes and says, and one sentence for whatever it cannot show."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import numpy as np
import pytest

from tests.commands.conftest import Townlet
from tests.policy.network.models import random_model
from tests.report.read_page import arrays_of, read_page
from tests.report.training.folders import make_folder
from tests.rollout.acting.networks import network_of
from townlet import run as townlet_run
from townlet.config.load import load_config
from townlet.generator.generate import generate_run
from townlet.report.bundle import is_report
from townlet.report.training.folder import read_folder
from townlet.rollout.player import setting_of


def test_a_report_of_a_capture(
    townlet: Townlet, kitchen: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = townlet("report", kitchen)
    assert said.code == 0
    assert said.out.startswith("report.html: ") and said.out.endswith("kB\n")
    assert said.err == "next: open it in a browser, or use --open\n"
    page = (tmp_path / "report.html").read_bytes()
    assert is_report(page)
    document, _ = read_page(page)
    assert document["kind"] == "run" and document["runs"][0]["head"]["ticks"] == 30
    assert str(kitchen) not in page.decode() and str(tmp_path) not in page.decode()
    assert townlet("report", kitchen, "--quiet").out == "", "it replaces its own"
    assert (tmp_path / "report.html").read_bytes() == page


def test_a_run_of_a_data_set(townlet: Townlet, village: Path, tmp_path: Path) -> None:
    target = tmp_path / "one.html"
    found = townlet("inspect", village, "--json").json["scenarios"]
    name = next(iter(found))
    many = townlet("report", village, "--scenario", name, "--output", target)
    assert many.code == 2 and "such runs, " in many.err and "choose one with --seed" in many.err
    said = townlet("report", village, "--scenario", name, "--seed", 1, "--output", target)
    assert said.code == 0
    assert read_page(target)[0]["runs"][0]["head"]["seed"] == "1"


def test_some_ticks(townlet: Townlet, kitchen: Path, tmp_path: Path) -> None:
    said = townlet("report", kitchen, "--ticks", "10..19", "--output", tmp_path / "r.html")
    assert said.code == 0
    run = read_page(tmp_path / "r.html")[0]["runs"][0]
    assert run["head"]["first"] == 10 and run["arrays"]["reward"]["shape"] == [2, 10]


def test_open_shows_it(
    townlet: Townlet, kitchen: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda address: bool(opened.append(address)))
    said = townlet("report", kitchen, "--open", "--output", tmp_path / "r.html")
    assert said.code == 0 and opened == [(tmp_path / "r.html").as_uri()]
    assert said.err == f"no browser was found here; open {opened[0]} in one\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--ticks", "5..x"], "argument --ticks: expected a first and a last tick, as in 60..80, got '5..x'"),
        (["--ticks", "9..5"], "argument --ticks: expected the first tick before the last, got 9..5"),
        (["--ticks", "20..30"], "--ticks: expected some of 0..29, which the run has, got 20..30"),
        (["--seed", "1"], ": is one capture; --scenario and --seed choose a run of a data set"),
        (
            ["--output", "s3://bucket/x"],
            "s3://bucket/x: expected a file of this machine to write the report to",
        ),
    ],
)
def test_what_cannot_be_shown(
    townlet: Townlet,
    kitchen: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    said = townlet("report", kitchen, *words)
    assert said.code == 2 and message in said.err and said.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == [], "nothing half written"


def test_what_is_no_capture(townlet: Townlet, tmp_path: Path) -> None:
    said = townlet("report", tmp_path, "--output", tmp_path / "r.html")
    assert said.code == 2 and "not a data set or a capture" in said.err


def test_a_file_of_others_stays(townlet: Townlet, kitchen: Path, tmp_path: Path) -> None:
    (tmp_path / "r.html").write_text("mine")
    said = townlet("report", kitchen, "--output", tmp_path / "r.html")
    assert said.code == 2 and "already exists, and is no report of Townlet's" in said.err
    assert (tmp_path / "r.html").read_text() == "mine"
    assert townlet("report", kitchen, "--overwrite", "--quiet", "--output", tmp_path / "r.html").code == 0


def test_two_runs_side_by_side(townlet: Townlet, village: Path, kitchen: Path, tmp_path: Path) -> None:
    run = village / "runs" / "kitchen_breakfast" / "seed-0"
    target = tmp_path / "both.html"
    said = townlet("report", run, "--against", kitchen, "--output", target)
    assert said.code == 0
    document, _ = read_page(target)
    assert document["kind"] == "comparison"
    assert [side["head"]["ticks"] for side in document["runs"]] == [20, 30]
    assert document["comparison"]["first_difference"] is not None
    same = townlet(
        "report",
        village,
        "--scenario",
        "kitchen_breakfast",
        "--seed",
        0,
        "--against",
        kitchen,
        "--output",
        target,
    )
    assert same.code == 0, "--scenario and --seed choose from data sets"
    assert read_page(target)[0] == document


def test_two_data_sets_with_golden_figures(townlet: Townlet, village: Path, tmp_path: Path) -> None:
    golden, words = tmp_path / "golden.json", ("kitchen_breakfast", "--ticks", 20, "--seeds", "0..1")
    assert townlet("golden", *words, "--golden", golden, "--quiet").code == 0
    target = tmp_path / "both.html"
    said = townlet("report", village, "--against", village, "--golden", golden, "--output", target)
    assert (said.code, said.err) == (0, "next: open it in a browser, or use --open\n")
    compared = read_page(target)[0]["comparison"]
    assert compared["first_difference"] is None
    assert {row[3] for row in compared["metrics"]} == {0.0}
    assert compared["golden"][0][0] == "reward_sum"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--against", "."], "not a data set or a capture"),
        (
            ["--golden", "golden.json"],
            "--golden: shows golden figures beside two sides; give --against OTHER as well",
        ),
    ],
)
def test_what_cannot_be_compared(
    townlet: Townlet,
    kitchen: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    said = townlet("report", kitchen, *words)
    assert said.code == 2 and message in said.err and said.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_two_of_one_kind_are_compared(townlet: Townlet, kitchen: Path, village: Path, tmp_path: Path) -> None:
    said = townlet("report", kitchen, "--against", village, "--output", tmp_path / "r.html")
    assert (
        said.code == 2
        and f"--against: a capture can be compared only with a capture; {village} is a data set" in said.err
    )


def test_a_data_set_and_its_runs(townlet: Townlet, village: Path, tmp_path: Path) -> None:
    target = tmp_path / "village.html"
    said = townlet("report", village, "--output", target)
    assert said.code == 0
    assert read_page(target)[0]["kind"] == "dataset"
    pages = sorted((tmp_path / "village_files").iterdir())
    assert pages and all(is_report(page.read_bytes()) for page in pages)
    assert {read_page(page)[0]["kind"] for page in pages} == {"run"}
    text = target.read_text(encoding="utf-8")
    assert all(f"village_files/{page.name}" in text for page in pages)
    alone = townlet("report", village, "--embed", "--output", tmp_path / "all.html")
    assert alone.code == 0 and not (tmp_path / "all_files").exists()
    assert len(read_page(tmp_path / "all.html")[0]["runs"]) >= len(pages)


def test_ticks_are_those_of_a_run(townlet: Townlet, village: Path, tmp_path: Path) -> None:
    said = townlet("report", village, "--ticks", "1..2", "--output", tmp_path / "r.html")
    assert said.code == 2 and f"--ticks: are those of one run; {village} is a data set" in said.err
    assert list(tmp_path.iterdir()) == []


def test_another_version_of_the_rules(
    townlet: Townlet, kitchen: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(townlet_run, "RULES_VERSION", townlet_run.RULES_VERSION + 1)
    said = townlet("report", kitchen, "--output", tmp_path / "r.html")
    assert said.code == 1 and said.err.count("\n") == 1
    assert (
        "cannot be played again: its stored config, or this version of the simulation, is not the one"
        in said.err
    )
    assert list(tmp_path.iterdir()) == []


def test_a_network_that_is_not_there(townlet: Townlet, tmp_path: Path) -> None:
    _, models = network_of(load_config("scenarios/kitchen_breakfast.yaml"))
    (digest,) = models
    (tmp_path / "best.onnx").write_bytes(models[digest])
    place = tmp_path / "capture"
    words = [
        "kitchen_breakfast",
        "--ticks",
        5,
        "--ignore-schedules",
        "--policy",
        f"network:{tmp_path / 'best.onnx'}",
    ]
    assert townlet("capture", *words, "--quiet", "--output", place).code == 0
    target = tmp_path / "r.html"
    assert townlet("report", place, "--output", target).code == 0
    run = read_page(target)[0]["runs"][0]
    assert run["head"]["policy"] == f"network {digest[:12]}" and "prob" in run["arrays"]
    assert f"network:models/{digest}.onnx" in run["head"]["command"]
    target.unlink()
    next(place.rglob("*.onnx")).unlink()
    said = townlet("report", place, "--output", target)
    assert said.code == 2 and said.err.count("\n") == 1
    assert (
        f"cannot be played again: the model {digest[:12]}, which acts in it, is neither beside it nor in"
        in said.err
    )
    assert not target.exists()


def test_a_training_with_its_best_policy_beside_it(townlet: Townlet, tmp_path: Path) -> None:
    training = make_folder(tmp_path)
    model = random_model(setting_of(generate_run(read_folder(training).towns[0])), seed=5)
    (training / "best.onnx").write_bytes(model)
    target = tmp_path / "t.html"
    said = townlet("report", training, "--output", target)
    assert said.code == 0 and said.out.startswith(f"{target}: ")
    (replay,) = read_page(target)[0]["training"]["replays"]
    assert is_report((tmp_path / replay["file"]).read_bytes())
    assert townlet("report", training, "--output", tmp_path / "one.html", "--embed").code == 0
    assert len(read_page(tmp_path / "one.html")[0]["runs"]) == 2 and not (tmp_path / "one_files").exists()
    for words, message in (
        (["--ticks", "0..3"], "--ticks: are those of one run"),
        (["--seed", "0"], "is the folder of a training; --scenario and --seed choose a run of a data set"),
        (["--against", training], "--against: trainings are not compared"),
    ):
        refused = townlet("report", training, "--output", target, *words)
        assert refused.code == 2 and message in refused.err


def test_a_branch_beside_the_run_that_it_left(townlet: Townlet, kitchen: Path, tmp_path: Path) -> None:
    """Up to the tick schedules decide, then a policy: so it is said, and so is how sure that one is."""
    branch, target = tmp_path / "branch", tmp_path / "both.html"
    words = ["--from-tick", 12, "--policy", "uniform", "--ignore-schedules"]
    assert townlet("capture", kitchen, *words, "--quiet", "--output", branch).code == 0
    assert townlet("report", kitchen, "--against", branch, "--output", target).code == 0
    document, block = read_page(target)
    parent, other = document["runs"]
    assert parent["head"]["branched_from"] is None
    assert (other["head"]["branched_from"]["seed"], other["head"]["branched_from"]["tick"]) == ("0", 12)
    assert {life["policy"] for life in other["lives"]} == {"scripted, then uniform"}
    command = (
        "townlet capture CAPTURE --from-tick 12 --ticks 30 --policy uniform --ignore-schedules --output DIR"
    )
    assert other["head"]["command"] == command
    arrays = arrays_of(other, block)
    assert not arrays["entropy"][:, :12].any()
    assert np.allclose(arrays["entropy"][:, 12:], -arrays["log_prob"][:, 12:], atol=1e-6)
    first = document["comparison"]["first_difference"]
    assert first is not None and first >= 12
