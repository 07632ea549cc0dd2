"""What people own stays theirs: links, litter, and outputs inside outputs, the same for every command."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.commands.conftest import Said, Townlet
from townlet import dataset
from townlet.errors import OutputError

SCENARIO = "runs/kitchen_breakfast"
SAMPLE = f"{SCENARIO}/seed-0/rollout_sample_alice_001.npz"
# Of each table a few rows are enough for every day; the campaign goes through all.
LINKED = (SCENARIO, "dataset.json", "stray")
LINKED_TOO = ("runs", f"{SCENARIO}/seed-0", SAMPLE, "index", f"{SCENARIO}/stray")
VILLAGE = ("kitchen_breakfast", "queue_conflict", "--seeds", "0..1", "--ticks", "20", "--quiet")
LITTER = (".DS_Store", "Thumbs.db", "desktop.ini", ".gitattributes", ".gitignore", ".gitkeep", ".directory")
LITTER += (
    ".nfs000000000012ab",
    "._README.md",
    ".~lock.metrics.json#",
    ".Trash-1000/x",
    "lost+found/y",
    ".git/refs/z",
)


def in_the_campaign(rows: Iterable[object]) -> list[Any]:
    marked = [row if isinstance(row, tuple) else (row,) for row in rows]
    return [pytest.param(*row, marks=pytest.mark.campaign) for row in marked]


@pytest.fixture
def data(village: Path, tmp_path: Path) -> Path:
    """A copy of the village."""
    return Path(shutil.copytree(village, tmp_path / "data", symlinks=True))


def tree(folder: Path) -> dict[str, bytes | str]:
    """Everything below a folder, links not followed; logs tell the time."""
    found: dict[str, bytes | str] = {}
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(place, name)
            key = str(path.relative_to(folder))
            if path.is_symlink():
                found[key] = os.readlink(path)
            elif path.is_file() and name != "capture_log.json":
                found[key] = path.read_bytes()
            else:
                found[key] = ""
    return found


def link_away(data: Path, name: str) -> Path:
    """Move something out of a data set and put a link in its place; returns where it is now."""
    elsewhere = data.parent / "elsewhere"
    if name.endswith("stray"):
        elsewhere.mkdir()
        (elsewhere / "precious").write_text("mine")
    else:
        (data / name).rename(elsewhere)
    (data / name).symlink_to(elsewhere)
    return elsewhere


def read_all(place: Path) -> None:
    for sample in dataset.open(place):
        assert sample.timesteps


# The commands that refuse a link wherever it is, because they look at everything; verify names it, and goes on.
EVERYWHERE: dict[str, Callable[[Townlet, Path], Said]] = {
    "verify": lambda townlet, data: townlet("verify", data),
    "plan": lambda townlet, data: townlet("plan", *VILLAGE, "--output", data),
    "capture": lambda townlet, data: townlet("capture", *VILLAGE, "--output", data),
    "overwrite": lambda townlet, data: townlet("capture", *VILLAGE, "--output", data, "--overwrite"),
    "gc": lambda townlet, data: townlet("gc", data),
    "gc --dry-run": lambda townlet, data: townlet("gc", data, "--dry-run"),
    "gc --all": lambda townlet, data: townlet("gc", data, "--all"),
}
# And those that refuse it where it is on their way: to samples, or to the index.
ON_THE_WAY: dict[str, tuple[Callable[[Townlet, Path], Said], bool]] = {
    "inspect": (lambda townlet, data: townlet("inspect", data), False),
    "diff": (lambda townlet, data: townlet("diff", data, data), False),
    "export": (
        lambda townlet, data: townlet(
            "export", data, "--to", "parquet", "--output", data.parent / "exported"
        ),
        True,
    ),
}


@pytest.mark.parametrize("name", (*LINKED, *in_the_campaign(LINKED_TOO)))
def test_a_link_is_refused_by_all_and_stays(townlet: Townlet, data: Path, name: str) -> None:
    elsewhere = link_away(data, name)
    before, outside = tree(data), tree(elsewhere) if elsewhere.is_dir() else elsewhere.read_bytes()
    for command, run in EVERYWHERE.items():
        said = run(townlet, data)
        if command == "plan":  # which shows why a capture would be refused, and is a plan all the same
            assert said.code in (0, 2), (command, said)
        else:
            on_the_way = name in ("dataset.json", "index")
            assert said.code == (1 if command == "verify" and not on_the_way else 2), (command, said)
        assert f"{name}: is a symbolic link to {elsewhere}; links inside" in said.err.replace("\n", " "), (
            command
        )
    for command, (run, reads_samples) in ON_THE_WAY.items():
        said = run(townlet, data)
        on_the_way = name == "dataset.json" or (reads_samples and not name.endswith("stray"))
        assert said.code in ((2,) if on_the_way else (0, 2) if name == "index" else (0,)), (command, said)
        assert ("is a symbolic link" in said.err) == (said.code == 2), command
        shutil.rmtree(data.parent / "exported", ignore_errors=True)
    if name.endswith("stray"):
        read_all(data)
    else:
        with pytest.raises(OutputError, match="is a symbolic link"):
            read_all(data)
    assert tree(data) == before
    assert (tree(elsewhere) if elsewhere.is_dir() else elsewhere.read_bytes()) == outside
    assert sorted(os.listdir(data.parent)) == ["data", "elsewhere"]


def test_the_output_as_a_whole_may_be_reached_through_links(townlet: Townlet, data: Path) -> None:
    (data.parent / "folder").symlink_to(data.parent)
    (data.parent / "link").symlink_to("folder/data")
    for place in (data.parent / "link", data.parent / "folder/data"):
        for command in ("verify", "plan", "capture", "gc"):
            assert EVERYWHERE[command](townlet, place).code == 0, command
        for run, _ in ON_THE_WAY.values():
            assert run(townlet, place).code == 0
            shutil.rmtree(data.parent / "exported", ignore_errors=True)
        read_all(place)


def test_litter_is_passed_over_by_all_and_stays(townlet: Townlet, data: Path) -> None:
    for folder in (".", "runs", SCENARIO, f"{SCENARIO}/seed-0", "index"):
        for name in LITTER:
            (data / folder / name).parent.mkdir(parents=True, exist_ok=True)
            (data / folder / name).write_text("left")
    (data / ".git/empty").mkdir()
    before = tree(data)
    for command in ("verify", "plan", "capture", "gc", "gc --all"):
        said = EVERYWHERE[command](townlet, data)
        assert said.code == 0, (command, said)
        assert not any(name.split("/")[0] in said.out + said.err for name in LITTER), command
    for run, _ in ON_THE_WAY.values():
        assert run(townlet, data).code == 0
    read_all(data)
    assert tree(data) == before


def test_a_place_with_nothing_but_litter_is_empty(townlet: Townlet, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for name in LITTER:
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text("left")
    words = ("capture", "kitchen_breakfast", "--ticks", "5", "--quiet", "--output", out)
    for more in ((), ("--seed", "1", "--overwrite"), ("--seed", "1")):
        assert townlet(*words, *more).code == 0
        assert townlet("verify", out).code == 0
        for name in ("Thumbs.db", ".gitattributes", ".git/refs/z"):
            assert (out / name).read_text() == "left", (name, more)
    assert os.listdir(tmp_path) == ["out"]


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory, village: Path) -> Path:
    """A versioned data set whose version is the village; not to be changed."""
    from townlet.dataset.store.local import LocalStore
    from townlet.dataset.versions.versions import finish_publishing, publish, utc_now

    folder = tmp_path_factory.mktemp("versions") / "data"
    shutil.copytree(village, folder / "versions/1")
    publish(LocalStore(folder), 1)
    finish_publishing(LocalStore(folder), utc_now())
    return folder


def writers(place: Path) -> Iterator[tuple[str, ...]]:
    """The commands that write an output, or a file, at a place."""
    one, many = ("kitchen_breakfast", "--ticks", "5"), ("smoke",)
    yield ("capture", *one, "--output", str(place))
    yield ("capture", *one, "--seeds", "0..1", "--output", str(place))
    yield ("capture", *one, "--output", str(place), "--overwrite")
    yield ("plan", *one, "--output", str(place))
    yield ("plan", *one, "--seeds", "0..1", "--output", str(place))
    yield ("capture", *one, "--output", str(place), "--dry-run")
    yield ("regenerate", *many, "--output", str(place))
    yield ("regenerate", *many, "--output", str(place), "--dry-run")
    yield ("golden", *many, "--golden", str(place.parent.parent / "golden.json"), "--output", str(place))
    yield ("golden", *many, "--golden", str(place / "golden.json"))


KINDS = ("capture", "data set", "versioned")
PLACES = ("mine", "deep/er/mine", "runs/mine", "versions/9", ".staging/mine")


@pytest.mark.parametrize(
    ("kind", "inside"),
    [
        ("capture", "mine"),
        ("versioned", "versions/9"),
        *in_the_campaign((kind, inside) for kind in KINDS for inside in PLACES),
    ],
)
def test_nothing_is_written_into_an_output(
    townlet: Townlet, kitchen: Path, village: Path, versions: Path, tmp_path: Path, kind: str, inside: str
) -> None:
    made = {"capture": kitchen, "data set": village, "versioned": versions}[kind]
    data = Path(shutil.copytree(made, tmp_path / "data", symlinks=True))
    before = tree(data)
    for words in writers(data / inside):
        said = townlet(*words)
        assert said.code == 2, (words, said)
        assert f"lies inside {data}" in said.err, (words, said)
    said = townlet("export", village, "--to", "parquet", "--output", data / inside)
    assert (said.code, f"lies inside {data}" in said.err) == (2, True)
    assert tree(data) == before


NESTED = ("mine", "deep/er/mine", "runs/mine", f"{SCENARIO}/mine")
DEEPER = (*NESTED, f"{SCENARIO}/seed-0/mine", f"{SCENARIO}/seed-0/deep/mine", ".staging/mine")


@pytest.mark.parametrize(
    ("made", "inside"),
    [
        ("kitchen", "mine"),
        ("village", f"{SCENARIO}/seed-0/deep/mine"),
        ("versions", "runs/mine"),
        *in_the_campaign((made, inside) for made in ("kitchen", "village", "versions") for inside in DEEPER),
    ],
)
def test_what_is_found_nested_is_never_deleted(
    townlet: Townlet, request: pytest.FixtureRequest, data: Path, made: str, inside: str
) -> None:
    nested = Path(shutil.copytree(request.getfixturevalue(made), data / inside, symlinks=True))
    if made == "versions":
        (nested / "current").unlink()  # a link inside is refused before anything else
    theirs = tree(nested)
    for words in (("gc", data, "--dry-run"), ("gc", data), ("gc", data, "--all")):
        said = townlet(*words)
        assert said.code == 0, said
        assert f"kept: {inside}: another output, which was put here; move it out" in said.err
        assert "nothing to delete" in said.out
        assert tree(nested) == theirs
    said = townlet("capture", *VILLAGE, "--output", data, "--overwrite")
    assert (said.code, tree(nested)) == (2, theirs), said
    if inside in NESTED:
        for command in ("plan", "capture"):
            said = EVERYWHERE[command](townlet, data)
            assert said.code == 2, (command, said)
            assert f"another output lies in it ({inside})" in said.err
    assert sorted(os.listdir(data.parent)) == ["data"]


def test_a_golden_file_does_not_go_where_the_data_will_be(townlet: Townlet, tmp_path: Path) -> None:
    out = tmp_path / "out"
    said = townlet("golden", "smoke", "--output", out, "--golden", out / "golden.json")
    assert (said.code, f"lies inside {out}" in said.err) == (2, True)
    assert os.listdir(tmp_path) == []


STRANGERS = (
    "README.md",
    "metrics.json",
    "failures.json",
    "metrics.parquet",
    "capture_log.json",
    "dataset.json",
)


@pytest.mark.parametrize("name", ("README.md", "current", *in_the_campaign((*STRANGERS[1:], "current.json"))))
def test_a_stranger_s_file_is_named_before_the_first_run(townlet: Townlet, tmp_path: Path, name: str) -> None:
    """Whatever it says: text, JSON of another program, nothing at all."""
    out = tmp_path / "out"
    out.mkdir()
    for content in (b"mine", b'{"failures": [], "name": "mine"}', b""):
        (out / name).write_bytes(content)
        commands = [
            ("capture", *VILLAGE),
            ("plan", *VILLAGE),
            ("regenerate", "smoke"),
            ("capture", *VILLAGE, "--overwrite"),
        ]
        for words in commands:
            said = townlet(*words, "--output", out)
            assert said.code in ((0, 2) if words[0] == "plan" else (2,)), said
            assert name in said.err + said.out and "move" in said.err + said.out, (words, said)
            assert (out / name).read_bytes() == content
            assert os.listdir(out) == [name]
            assert os.listdir(tmp_path) == ["out"]


def test_a_card_that_was_edited_stays(townlet: Townlet, data: Path) -> None:
    old = (data / "README.md").read_text()
    (data / "README.md").write_text(old + "\nNotes of mine.\n")
    said = townlet("verify", data)
    assert said.code == 0
    assert "edited: README.md: was edited, and stays as it is; a new card goes to README.new.md" in said.err
    assert townlet("capture", *VILLAGE, "--output", data).code == 0
    assert not (data / "README.new.md").exists()  # nothing new, so no new card
    assert (
        townlet(
            "capture", "queue_conflict", "--seeds", "7", "--ticks", "20", "--quiet", "--output", data
        ).code
        == 0
    )
    assert (data / "README.md").read_text() == old + "\nNotes of mine.\n"
    assert "| queue_conflict | 3 |" in (data / "README.new.md").read_text()
    assert townlet("gc", data).out == f"{data}: nothing to delete\n"
    said = townlet("verify", data)
    assert (said.code, "edited: README.md" in said.err) == (0, True)
    said = townlet("capture", *VILLAGE, "--output", data, "--overwrite")
    assert (said.code, "did not write (README.md)" in said.err) == (2, True)
    (data / "README.new.md").replace(data / "README.md")
    said = townlet("verify", data)
    assert (said.code, "edited: README" in said.err) == (0, False)
