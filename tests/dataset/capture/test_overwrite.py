"""`--overwrite`: the old output is there until the new one is, and strangers are never removed."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from tests.dataset.captures import capture, content, index, records_for, status_of
from tests.samples import make_run
from townlet.dataset.capture import overwrite
from townlet.dataset.capture.commit import publish_run
from townlet.dataset.capture.overwrite import begin_overwrite, finish_overwrite
from townlet.dataset.format.canonical import line_bytes
from townlet.dataset.format.paths import BUILD, run_folder
from townlet.dataset.store.beside import is_build_of
from townlet.dataset.store.local import LocalStore
from townlet.errors import OutputError
from townlet.run import Run

OLD, NEW = make_run(seed=1), make_run(seed=2)


def sign(build: Path, output: str = "out") -> None:
    """As `--overwrite` marks a folder as its own."""
    LocalStore(build).write_whole(BUILD, [line_bytes({"townlet": "overwrite", "output": output})])


@pytest.fixture
def output(tmp_path: Path) -> Path:
    capture(LocalStore(tmp_path / "out"), OLD)
    return tmp_path / "out"


def test_the_two_are_exchanged(output: Path, tmp_path: Path) -> None:
    old = content(output)
    build = begin_overwrite(output, [NEW])
    assert build == tmp_path / ".out.new"
    capture(LocalStore(build), NEW)
    assert content(output) == old
    new = content(build)
    del new[BUILD]
    finish_overwrite(output, build)
    assert content(output) == new
    assert os.listdir(tmp_path) == ["out"]


def test_a_data_set_in_the_place_of_a_capture(output: Path, tmp_path: Path) -> None:
    runs = [make_run(seed=seed, folder=run_folder("scene", seed)) for seed in (1, 2)]
    for wanted in (runs, [OLD]):
        build = begin_overwrite(output, wanted)
        capture(LocalStore(build), *wanted)
        finish_overwrite(output, build)
        assert status_of(LocalStore(output), wanted[0]) == "published"
    assert os.listdir(tmp_path) == ["out"]


def test_nothing_there_means_nothing_to_exchange(tmp_path: Path) -> None:
    output = tmp_path / "out"
    assert begin_overwrite(output, [NEW]) == output
    output.mkdir()
    assert begin_overwrite(output, [NEW]) == output
    capture(LocalStore(output), NEW)
    finish_overwrite(output, output)
    assert status_of(LocalStore(output), NEW) == "published"


def test_an_unfinished_capture_may_be_overwritten(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "out")
    store.write_new(".staging/scene-1-ab/x.npz.12", [b"torn"])
    build = begin_overwrite(store.root, [NEW])
    capture(LocalStore(build), NEW)
    finish_overwrite(store.root, build)
    assert status_of(store, NEW) == "published"


@pytest.mark.parametrize(
    "name", ["notes.txt", "deep/notes.txt", "rollout_sample_zoe_009.npz", "x_manifest.json"]
)
def test_strangers_stay(output: Path, name: str) -> None:
    (output / name).parent.mkdir(exist_ok=True)
    (output / name).write_text("mine")
    with pytest.raises(OutputError, match=f"would remove files that Townlet did not write \\({name}\\)"):
        begin_overwrite(output, [NEW])
    assert (output / name).read_text() == "mine"


def test_strangers_that_came_meanwhile_stay(output: Path) -> None:
    build = begin_overwrite(output, [NEW])
    capture(LocalStore(build), NEW)
    (output / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="would remove files that Townlet did not write"):
        finish_overwrite(output, build)
    assert status_of(LocalStore(output), OLD) == "published"
    (output / "notes.txt").unlink()
    assert begin_overwrite(output, [NEW]) == build
    finish_overwrite(output, build)
    assert status_of(LocalStore(output), NEW) == "published"


def test_an_interrupted_build_is_gone_on_with(output: Path) -> None:
    build = begin_overwrite(output, [NEW])
    capture(LocalStore(build), NEW)
    assert begin_overwrite(output, [NEW]) == build
    assert status_of(LocalStore(build), NEW) == "published"


def test_a_build_of_something_else_is_removed(output: Path) -> None:
    data_set = [make_run(seed=seed, folder=run_folder("scene", seed)) for seed in (1, 2)]
    for wanted in ([NEW], data_set):
        build = begin_overwrite(output, wanted)
        capture(LocalStore(build), make_run(seed=7))
        assert begin_overwrite(output, wanted) == build
        assert list(content(Path(build))) == [BUILD]


def test_the_old_output_of_an_interrupted_exchange_is_removed(
    output: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = begin_overwrite(output, [NEW])
    capture(LocalStore(build), NEW)
    with monkeypatch.context() as patch:
        patch.setattr(overwrite.shutil, "rmtree", lambda path: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            finish_overwrite(output, build)
    assert status_of(LocalStore(output), NEW) == "published"
    assert status_of(LocalStore(build), OLD) == "published"
    assert begin_overwrite(output, [NEW]) == build
    capture(LocalStore(build), NEW)
    finish_overwrite(output, build)
    assert os.listdir(tmp_path) == ["out"]


def test_no_run_of_an_old_data_set_comes_back(tmp_path: Path) -> None:
    """It was exchanged for the new one, and not removed yet, when the writer was killed."""
    old, new = (make_run(name, 0, folder=run_folder(name, 0)) for name in ("old", "new"))
    for place, run in ((tmp_path / "out", new), (tmp_path / ".out.new", old)):
        _data_set(LocalStore(place), run)
    sign(tmp_path / ".out.new")
    undisturbed = content(tmp_path / "out")
    build = begin_overwrite(tmp_path / "out", [new])
    _data_set(LocalStore(build), new)
    finish_overwrite(tmp_path / "out", build)
    assert content(tmp_path / "out") == undisturbed


def _data_set(store: LocalStore, run: Run) -> None:
    records = records_for(store, run)
    index(store, [publish_run(store, run, records)], [records], suites=[run.name])


def test_a_file_system_that_cannot_exchange(output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(first: str, second: str) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(overwrite, "_exchange", refuse)
    with pytest.raises(OutputError) as caught:
        begin_overwrite(output, [NEW])
    assert "cannot exchange two folders in one step (Invalid argument); capture into a new folder" in str(
        caught.value
    )
    assert sorted(os.listdir(output.parent)) == ["out"]


def test_the_output_may_be_a_link(output: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(output)
    build = begin_overwrite(tmp_path / "link", [NEW])
    capture(LocalStore(build), NEW)
    finish_overwrite(tmp_path / "link", build)
    assert (tmp_path / "link").is_symlink()
    assert status_of(LocalStore(output), NEW) == "published"


@pytest.mark.parametrize(
    "kind", ["a capture", "files", "a file", "a link", "marked for another", "marked, with files"]
)
def test_what_stands_in_the_build_s_place_is_left_alone(output: Path, tmp_path: Path, kind: str) -> None:
    """Its name says nothing: only what bears the mark, and holds nothing else, is ours."""
    place = tmp_path / ".out.new"
    if kind == "a capture":
        capture(LocalStore(place), NEW)
    elif kind == "a file":
        place.write_text("mine")
    elif kind == "a link":
        (tmp_path / "elsewhere").mkdir()
        place.symlink_to(tmp_path / "elsewhere")
    else:
        place.mkdir()
        (place / "thesis.tex").write_text("mine")
        if kind != "files":
            sign(place, "out" if kind == "marked, with files" else "another")
    before = content(tmp_path)
    with pytest.raises(OutputError, match=r"/\.out\.new: --overwrite builds there, and .* move it away"):
        begin_overwrite(output, [NEW])
    assert content(tmp_path) == before
    assert os.path.lexists(place)


def test_an_empty_folder_in_the_build_s_place_is_taken(output: Path, tmp_path: Path) -> None:
    (tmp_path / ".out.new").mkdir()
    build = begin_overwrite(output, [NEW])
    capture(LocalStore(build), NEW)
    finish_overwrite(output, build)
    assert os.listdir(tmp_path) == ["out"]


@pytest.mark.parametrize("name", ["mine", "runs/mine", "deep/er/mine"])
def test_an_output_inside_is_never_removed(output: Path, name: str) -> None:
    for nested in (make_run(seed=5), make_run(seed=5, folder=run_folder("scene", 5))):
        capture(LocalStore(output / name), nested)
        before = content(output)
        with pytest.raises(OutputError, match=f"would remove files that Townlet did not write \\({name}"):
            begin_overwrite(output, [NEW])
        assert content(output) == before
        shutil.rmtree(output / name)


def test_a_link_inside_is_never_removed(output: Path, tmp_path: Path) -> None:
    (output / "link").symlink_to(tmp_path)
    with pytest.raises(OutputError, match="/out/link: is a symbolic link"):
        begin_overwrite(output, [NEW])
    assert (output / "link").is_symlink()


def test_litter_moves_to_the_new_output(output: Path) -> None:
    (output / ".git/refs").mkdir(parents=True)
    (output / ".git/HEAD").write_text("mine")
    (output / ".gitattributes").write_text("mine")
    build = begin_overwrite(output, [NEW])
    capture(LocalStore(build), NEW)
    finish_overwrite(output, build)
    assert status_of(LocalStore(output), NEW) == "published"
    assert (output / ".git/HEAD").read_text() == (output / ".gitattributes").read_text() == "mine"
    assert (output / ".git/refs").is_dir()


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    capture(LocalStore(folder), OLD)
    build = begin_overwrite(folder, [NEW])
    assert build != folder and is_build_of(Path(build), folder)
    capture(LocalStore(build), NEW)
    finish_overwrite(folder, build)
    assert os.listdir(os.fsencode(tmp_path)) == [b"caf\xe9"]
    assert status_of(LocalStore(folder), NEW) == "published"
