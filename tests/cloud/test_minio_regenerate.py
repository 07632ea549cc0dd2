"""Regenerating in a real object store: the same versions as in a folder, also when it was killed midway."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.cloud.conftest import PATIENCE, Start, Townlet
from tests.commands.capture.test_regenerate import write_config, write_suite
from townlet.dataset.store.open_store import open_store
from townlet.dataset.versions.versions import current_version, resolve

pytestmark = pytest.mark.campaign


def versions(place: object) -> dict[str, bytes]:
    """All that is there but the logs, which tell the time, and the link, which only a folder has."""
    store = open_store(str(place))
    names = [file.name for file in store.list() if file.name != "current"]
    return {name: store.read(name) for name in names if not name.endswith("capture_log.json")}


def test_the_same_versions_as_in_a_folder(place: str, townlet: Townlet, tmp_path: Path) -> None:
    suite, local, golden = write_suite(tmp_path), tmp_path / "local", tmp_path / "golden.json"
    for output in (local, place):
        assert townlet("regenerate", suite, "--output", output, "--quiet").code == 0
    assert townlet("golden", suite, "--output", place, "--golden", golden).code == 0
    assert versions(place) == versions(local)
    said = townlet("regenerate", suite, "--output", place)
    assert said.out == f"{place}: version 1 is up to date, nothing to do (3 runs: 3 unchanged)\n"

    write_config(tmp_path, "two", 0.005)
    said = townlet("regenerate", suite, "--output", place, "--golden", golden)
    assert said.code == 3
    assert current_version(open_store(place)) == 1
    assert townlet("golden", suite, "--output", place, "--golden", golden).code == 0
    said = townlet("regenerate", suite, "--output", place, "--golden", golden)
    assert (said.code, said.out.splitlines()[-1]) == (0, f"{place}: version 2 is current (0 runs simulated)")
    assert townlet("regenerate", suite, "--output", local, "--quiet").code == 0
    assert versions(place) == versions(local)
    assert str(resolve(open_store(place))).endswith("/versions/2")
    assert townlet("verify", place).code == 0
    said = townlet("capture", suite, "--output", place)
    assert (said.code, "holds a versioned data set" in said.err) == (2, True)
    said = townlet("capture", suite, "--output", f"{place}/versions/1")
    assert (said.code, f"is a version of {place}, and never changes" in said.err) == (2, True)


def test_killed_and_gone_on_with(place: str, townlet: Townlet, start: Start, tmp_path: Path) -> None:
    suite, local = write_suite(tmp_path), tmp_path / "local"
    text = suite.read_text().replace("0..1", "0..11").replace("0..0", "0..11")
    suite.write_text(text)
    for output in (local, place):
        assert townlet("regenerate", suite, "--output", output, "--quiet").code == 0
    write_config(tmp_path, "two", 0.005)
    words = ["regenerate", suite, "--quiet", "--output"]
    assert townlet(*words, local).code == 0
    store, deadline = open_store(place), time.monotonic() + PATIENCE
    process = start(*words, place)
    while sum(1 for _ in store.list("versions/2/runs")) < 40:  # objects
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert current_version(store) == 1
    assert townlet("verify", place).code == 0
    while (said := townlet(*words, place)).code == 2:  # until the lease of the killed one lapses
        assert "is writing here" in said.err and time.monotonic() < deadline, said.err
        time.sleep(1)
    assert said.code == 0, said.err
    assert versions(place) == versions(local)
