"""What may be written where: the same capture and the rest of one, nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.dataset.captures import capture, content, folders, stage
from tests.samples import make_run
from townlet.dataset.capture.preflight import check_output
from townlet.dataset.format.paths import run_folder, staging_folder
from townlet.dataset.store.local import LocalStore
from townlet.errors import OutputError

RUN = make_run()
RUNS = [make_run(seed=seed, folder=run_folder("scene", seed)) for seed in (1, 2)]


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "out")


def test_an_empty_or_new_folder_is_welcome(store: LocalStore) -> None:
    check_output(store, [RUN])
    assert not store.root.exists()
    (store.root / "empty").mkdir(parents=True)
    check_output(store, [RUN])
    check_output(store, RUNS)


def test_the_same_again_is_welcome(store: LocalStore) -> None:
    capture(store, RUN)
    check_output(store, [RUN])


def test_a_data_set_may_grow(store: LocalStore) -> None:
    capture(store, *RUNS)
    check_output(store, [*RUNS, make_run("other", folder=run_folder("other", 3))])


def test_another_capture_is_named(store: LocalStore) -> None:
    capture(store, RUN)
    with pytest.raises(OutputError) as caught:
        check_output(store, [make_run("other", seed=4, ticks=30, policy="uniform")])
    assert str(caught.value) == (
        f"{store.root}: rollout_sample_manifest.json is another capture: scenario 'scene' (asked for: "
        "'other'), seed 3 (asked for: 4), ticks 20 (asked for: 30), policy not given (asked for: 'uniform'); "
        "choose another output folder, or give --overwrite to replace it"
    )
    assert caught.value.exit_code == 2


def test_a_capture_of_an_older_config(store: LocalStore) -> None:
    capture(store, RUN)
    with pytest.raises(OutputError, match="another capture: of another version of the config, or of the sim"):
        check_output(store, [replace(RUN, config_json='{"config":{"config_id":"scene"}}')])


def test_another_run_under_the_same_name_in_a_data_set(store: LocalStore) -> None:
    capture(store, *RUNS)
    changed = make_run(seed=2, ticks=21, folder=RUNS[1].folder)
    with pytest.raises(
        OutputError, match=r"runs/scene/seed-2/rollout_sample_manifest\.json is another capture"
    ):
        check_output(store, [RUNS[0], changed])


def test_another_prefix(store: LocalStore) -> None:
    capture(store, RUN)
    with pytest.raises(OutputError, match=r"a capture with another prefix \(expected x_manifest\.json\)"):
        check_output(store, [make_run(prefix="x")])


def test_an_unreadable_manifest(store: LocalStore) -> None:
    store.write_new("rollout_sample_manifest.json", [b"{"])
    with pytest.raises(OutputError, match="not readable as a capture's manifest; choose another output"):
        check_output(store, [RUN])


@pytest.mark.parametrize("name", ["thesis.tex", "photos/me.jpg", "rollout_sample_alice_001.npz"])
def test_strangers(store: LocalStore, name: str) -> None:
    store.write_new(name, [b"mine"])
    for runs in ([RUN], RUNS):
        with pytest.raises(OutputError, match=f"expected an empty folder or a capture, found {name}; choose"):
            check_output(store, runs)
    assert content(store.root) == {name: b"mine"}


def test_strangers_in_a_run_s_folder(store: LocalStore) -> None:
    store.write_new("runs/scene/seed-2/notes.txt", [b"mine"])
    with pytest.raises(OutputError, match=r"found runs/scene/seed-2/notes\.txt"):
        check_output(store, RUNS)


def test_a_home_folder_is_refused_before_all_of_it_is_read(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(30):
        store.write_new(f"{number:02}/file", [b""])
    real, walked = LocalStore._walk, []

    def walk(self: LocalStore, path: str, name: str, deep: bool):
        walked.append(name)
        return real(self, path, name, deep)

    monkeypatch.setattr(LocalStore, "_walk", walk)
    for runs in ([RUN], RUNS):
        walked.clear()
        with pytest.raises(OutputError, match="found 00/file, 01/file, 02/file and 7 more; choose"):
            check_output(store, runs)
        assert len(walked) < 20


def test_a_capture_does_not_go_into_a_data_set_nor_the_other_way(store: LocalStore, tmp_path: Path) -> None:
    capture(store, *RUNS)
    with pytest.raises(OutputError, match="holds a data set; capture several configs or seeds to add to it"):
        check_output(store, [RUN])
    single = LocalStore(tmp_path / "single")
    capture(single, RUN)
    with pytest.raises(OutputError, match=r"holds a single capture \(rollout_sample_manifest\.json\), not a"):
        check_output(single, RUNS)


def test_what_another_interrupted_capture_has_staged_goes(store: LocalStore) -> None:
    other = make_run(seed=9)
    stage(store, other)
    stage(store, RUN)
    store.write_new(".staging/0123.tmp", [b""])
    check_output(store, [RUN])
    assert folders(store.root) == [".staging", staging_folder(RUN)]


def test_a_data_set_keeps_what_its_other_runs_have_staged(store: LocalStore) -> None:
    stage(store, RUNS[0])
    store.write_new(".staging/0123.tmp", [b""])
    check_output(store, [*RUNS[1:], make_run("other", folder=run_folder("other", 3))])
    assert folders(store.root) == [".staging", staging_folder(RUNS[0])]
    assert not [name for name in content(store.root) if name.endswith(".tmp")]
