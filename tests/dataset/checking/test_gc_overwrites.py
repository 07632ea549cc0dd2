"""What an overwrite that was killed has left is swept up where it is known to be ours, and kept where it is not."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dataset.captures import capture, stage
from tests.dataset.checking.test_gc import assert_spotless, names, runs, sign
from townlet.dataset.capture.overwrite import begin_overwrite
from townlet.dataset.checking.gc import gc
from townlet.dataset.store.local import LocalStore
from townlet.errors import OutputError


def test_what_an_overwrite_left(store: LocalStore, clean: dict[str, bytes]) -> None:
    build = store.root.parent / ".set.new"
    stage(LocalStore(build), runs(5)[0])
    assert [(kept.name, kept.why) for kept in gc(store.root, everything=True).kept] == [
        (str(build), "nothing tells that it is Townlet's")
    ]
    sign(build)
    assert [kept.name for kept in gc(store.root).kept] == [str(build)]
    assert build.is_dir()
    assert names(store, everything=True) == [str(build)]
    assert not build.exists()
    capture(LocalStore(build), *runs(5))
    assert [kept.name for kept in gc(store.root, everything=True).kept] == [str(build)]
    sign(build, "another")
    assert [kept.name for kept in gc(store.root, everything=True).kept] == [str(build)]
    sign(build)
    (build / "thesis.tex").write_bytes(b"mine")
    (kept,) = gc(store.root, everything=True).kept
    assert "holds files that Townlet did not write (thesis.tex)" in kept.why
    assert (build / "thesis.tex").read_bytes() == b"mine"
    (build / "thesis.tex").unlink()
    assert names(store) == [str(build)]
    assert not build.exists()
    assert_spotless(store, clean)


def test_what_an_overwrite_left_and_nobody_may_read(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = store.root.parent / ".set.new"
    capture(LocalStore(build), *runs(5))
    sign(build)

    def refuse(path: Path) -> Iterator[Path]:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", refuse)
    (kept,) = gc(store.root, everything=True).kept
    assert kept.name == str(build) and kept.why.startswith("cannot read: permission denied")
    with pytest.raises(OutputError, match=r"\.set\.new: cannot read: permission denied"):
        begin_overwrite(store.root, runs(1))
