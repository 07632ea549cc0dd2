"""Names beside an output: as long as a file system allows, whatever the output is called."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.dataset.captures import capture, content
from tests.samples import make_run
from townlet.dataset.capture.overwrite import begin_overwrite, finish_overwrite
from townlet.dataset.store.beside import beside, build_of, is_build_of, lock_of
from townlet.dataset.store.local import LocalStore
from townlet.dataset.store.lock import output_lock
from townlet.errors import OutputError


def test_the_usual_names(tmp_path: Path) -> None:
    assert lock_of(tmp_path / "out") == tmp_path / ".out.lock"
    assert build_of(tmp_path / "out") == tmp_path / ".out.new"


@pytest.mark.parametrize(
    "name", ["x" * length for length in (245, 246, 249, 250, 251, 255)] + ["\u00e4" * 127]
)
def test_long_names(tmp_path: Path, name: str) -> None:
    """Of bytes, not of characters: lock and build have names that fit, and no other output's."""
    places = {beside(tmp_path / name, ending) for ending in (".lock", ".new", ".0123456789abcdef.part")}
    assert len(places) == 3
    assert all(len(os.fsencode(place.name)) <= 255 for place in places)
    other = tmp_path / f"{name[:-1]}y"
    assert lock_of(other) != lock_of(tmp_path / name)
    output = tmp_path / name
    with (
        output_lock(output),
        pytest.raises(OutputError, match="is writing here; wait until it is done"),
        output_lock(output),
    ):
        pass
    old, new = make_run(seed=1, ticks=3), make_run(seed=2, ticks=3)
    capture(LocalStore(output), old)
    build = Path(begin_overwrite(output, [new]))
    assert is_build_of(build, output)
    assert not is_build_of(build, other)
    capture(LocalStore(build), new)
    finish_overwrite(output, build)
    assert os.listdir(tmp_path) == [name]
    assert not [path for path in content(output) if path.startswith(".staging")]


def test_a_name_that_no_file_system_takes(tmp_path: Path) -> None:
    for use in (
        lambda place: LocalStore(place).write_new("a", [b""]),
        lambda place: LocalStore(place).size("a"),
    ):
        with pytest.raises(OutputError, match="the name is too long for this file system"):
            use(tmp_path / ("x" * 300))
    assert os.listdir(tmp_path) == []
