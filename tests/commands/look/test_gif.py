"""`townlet gif`: what it refuses, and that pictures are of the ticks that are asked for."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.commands.conftest import Townlet
from townlet.commands.look import gif


def test_without_pillow_it_says_what_to_install(
    townlet: Townlet, kitchen: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    said = townlet("gif", kitchen, "--output", tmp_path / "town.gif")
    assert said.code == 2 and "pip install 'townlet[report]'" in said.err
    assert not (tmp_path / "town.gif").exists()


@pytest.mark.page
def test_a_picture_for_each_tick_that_is_asked_for(townlet: Townlet, kitchen: Path, tmp_path: Path) -> None:
    from PIL import Image

    target = tmp_path / "town.gif"
    said = townlet("gif", kitchen, "--ticks", "3..22", "--every", "5", "--output", target, "--fps", "5")
    assert said.code == 0 and said.out.startswith(f"{target}: 4 pictures, ")
    with Image.open(target) as image:
        assert image.n_frames == 4 and image.info["duration"] == 200
        assert image.size[0] % 32 == 0, "two pixels for one of a tile of sixteen"
    data = target.read_bytes()
    again = townlet(
        "gif", kitchen, "--ticks", "3..22", "--every", "5", "--output", target, "--fps", "5", "-q"
    )
    assert (again.code, again.out) == (0, "") and target.read_bytes() == data
    one = townlet("gif", kitchen, "--ticks", "7", "--output", tmp_path / "one.gif", "--scale", "1")
    assert one.code == 0 and "1 picture," in one.out


@pytest.mark.page
def test_what_it_refuses(townlet: Townlet, kitchen: Path, tmp_path: Path) -> None:
    target = tmp_path / "town.gif"
    for words, message in (
        (["--ticks", "5..3"], "expected the first tick before the last, got '5..3'"),
        (["--ticks", "a..3"], "expected a first and a last tick, such as 60..80, got 'a..3'"),
        (["--ticks", "0..30"], "expected ticks from 0 to 29, got 0 to 30"),
        (["--every", "0"], "expected a number of 1 or more, got '0'"),
        (["--fps", "51"], "expected a whole number from 1 to 50, got '51'"),
        (["--scale", "99"], "expected a scale of at most "),
    ):
        said = townlet("gif", kitchen, "--output", target, *words)
        assert said.code == 2 and message in said.err, words
        assert not target.exists()


@pytest.mark.page
def test_more_pictures_than_memory_should_hold(
    townlet: Townlet, kitchen: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gif, "MOST_PIXELS_TOGETHER", 400_000)
    said = townlet("gif", kitchen, "--output", tmp_path / "town.gif")
    assert said.code == 2 and "choose fewer ticks, a larger --every, or a smaller --scale" in said.err
    assert (
        townlet("gif", kitchen, "--ticks", "3", "--output", tmp_path / "town.gif", "--scale", "1").code == 0
    )


@pytest.mark.page
def test_files_of_others_stay(townlet: Townlet, kitchen: Path, tmp_path: Path) -> None:
    target = tmp_path / "town.gif"
    target.write_bytes(b"GIF89a mine")
    words = ("gif", kitchen, "--ticks", "0..2", "--output", target)
    said = townlet(*words)
    assert said.code == 2 and "already exists, and is no moving picture of Townlet's" in said.err
    assert target.read_bytes() == b"GIF89a mine"
    assert townlet(*words, "--overwrite").code == 0
    assert townlet(*words).code == 0, "one of ours is replaced"
    inside = townlet("gif", kitchen, "--output", kitchen / "town.gif")
    assert inside.code == 2 and "where only data belong" in inside.err


@pytest.mark.page
def test_a_run_of_a_data_set(townlet: Townlet, village: Path, tmp_path: Path) -> None:
    target = tmp_path / "town.gif"
    said = townlet("gif", village, "--output", target)
    assert said.code == 2 and "is a data set; expected a capture, or a run of a data set that" in said.err
    name = next(iter(townlet("inspect", village, "--json").json["scenarios"]))
    said = townlet("gif", village, "--scenario", name, "--seed", 1, "--ticks", "0..1", "--output", target)
    assert said.code == 0 and target.exists()


@pytest.mark.page
def test_a_place_without_a_town(townlet: Townlet, tmp_path: Path) -> None:
    said = townlet("gif", tmp_path, "--output", tmp_path / "town.gif")
    assert said.code == 2 and "not a data set or a capture" in said.err
