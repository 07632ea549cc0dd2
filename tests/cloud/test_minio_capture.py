"""Captures into a real object store: the same bytes as in a folder, killed and gone on with, by one writer."""

from __future__ import annotations

import json
import os
import pickle
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cloud.conftest import PATIENCE, USER, Server, Start, Townlet, ended, new_place, new_server, running
from tests.cloud.stored import stored
from townlet.dataset.format.paths import LEASE
from townlet.dataset.reading.capture import load_capture
from townlet.dataset.store.open_store import open_store
from townlet.pipelines.publish import _Publish
from townlet.pipelines.runners.options import beam_options
from townlet.pipelines.simulate import _Play
from townlet.planning.plan import Request, plan

pytestmark = pytest.mark.campaign

HOLD = """
import sys
from townlet.dataset.store.lock import output_lock
with output_lock(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""
IMPATIENT = """
import sys
from townlet import cli
from townlet.dataset.store import lease
lease.RENEW_INTERVAL_S = 0.2
sys.exit(cli.main(["capture", *sys.argv[1:]]))
"""


def test_a_capture(place: str, townlet: Townlet, tmp_path: Path) -> None:
    words = ["capture", "kitchen_breakfast", "--ticks", 200, "--output"]
    assert townlet(*words, tmp_path / "local").code == 0
    said = townlet(*words, place)
    assert (said.code, f"next: townlet inspect {place}" in said.err) == (0, True)
    assert stored(place) == stored(tmp_path / "local")
    said = townlet(*words, place)
    assert (said.code, f"{place}: already complete, verified" in said.err) == (0, True)
    assert townlet("verify", place).code == 0
    assert "2 samples, 400 frames" in townlet("inspect", place).out
    samples = list(load_capture(place))
    assert [sample.timesteps for sample in samples] == [200, 200]
    for more in (["--seed", 7], ["--seed", 7, "--overwrite"]):
        said = townlet(*words, place, *more)
        assert said.code == 2
        assert (
            "another capture: seed 0 (asked for: 7)" in said.err or "into another prefix, or use" in said.err
        )
    assert stored(place) == stored(tmp_path / "local")


def test_a_flipped_byte_is_found(place: str, townlet: Townlet) -> None:
    assert townlet("capture", "kitchen_breakfast", "--ticks", 50, "--quiet", "--output", place).code == 0
    store = open_store(place)
    data = bytearray(store.read("rollout_sample_bob_002.npz"))
    data[len(data) // 2] ^= 1
    store.write_whole("rollout_sample_bob_002.npz", [data])
    store.write_new("stranger", [b""])
    said = townlet("verify", place)
    assert said.code == 1
    assert "rollout_sample_bob_002.npz" in said.out + said.err
    assert "stranger" in said.out + said.err


def test_killed_and_gone_on_with(place: str, townlet: Townlet, start: Start, tmp_path: Path) -> None:
    """The holder is killed: the next writer is told so, gets in when the lease lapses, and ends the same."""
    words = ["capture", "kitchen_breakfast", "queue_conflict", "--seeds", "0..19", "--quiet", "--output"]
    assert townlet(*words, tmp_path / "local").code == 0
    first = start(*words, place, "--workers", 2, "--direct_running_mode", "multi_processing")
    store, deadline = open_store(place), time.monotonic() + PATIENCE
    while sum(file.name.endswith("/receipt.json") for file in store.list(".staging")) < 10:
        assert first.poll() is None and time.monotonic() < deadline, first.communicate()
        time.sleep(0.05)
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    killed = time.monotonic()
    assert store.size("dataset.json") is None
    said = townlet(*words, place)
    assert said.code == 2
    found = re.search(rf"process {first.pid} on .* is writing here; .*its lease lapses in (\d+) s", said.err)
    assert found, said.err
    time.sleep(int(found[1]))
    while (said := townlet(*words, place, "--json")).code == 2:
        assert "is writing here" in said.err
        assert time.monotonic() < killed + PATIENCE
    assert said.code == 0, said.err
    assert json.loads(said.out)["reused_runs"] >= 10
    assert stored(place) == stored(tmp_path / "local")
    assert townlet("verify", place).code == 0
    said = townlet(*words, place)
    assert (said.code, stored(place)) == (0, stored(tmp_path / "local"))


def test_two_writers(place: str, townlet: Townlet) -> None:
    words = ["capture", "kitchen_breakfast", "--ticks", 20, "--quiet", "--output"]
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, place], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None and holder.stdin is not None
        assert holder.stdout.readline() == "held\n"
        said = townlet(*words, place)
        assert said.code == 2
        assert f"{place}: process {holder.pid} on " in said.err
        assert "is writing here; wait until it is done, or choose another output" in said.err
        assert townlet(*words, f"{place}-beside").code == 0
        holder.stdin.close()
    assert townlet(*words, place).code == 0
    assert not [name for name in stored(place) if name.startswith(".")]


def test_a_writer_that_was_overtaken_stops(place: str, python: Start) -> None:
    """As one that was suspended for longer than its lease: it finds another's at its next renewal."""
    endless = ["small_town", "--ticks", "500000", "--segment-ticks", "20", "--quiet", "--output", place]
    writer = python("-c", IMPATIENT, *endless)
    store, deadline = open_store(place), time.monotonic() + PATIENCE
    while not any(file.name.endswith(".npz") for file in store.list()):
        assert writer.poll() is None and time.monotonic() < deadline, writer.communicate()
        time.sleep(0.05)
    store.write_whole(LEASE, [b'{"host":"elsewhere","pid":7,"since":"then","token":"x"}'])
    said = ended(writer)
    assert said.code == 2
    assert f"{place}: process 7 on elsewhere (since then) has taken over" in said.err
    assert json.loads(store.read(LEASE))["pid"] == 7
    assert store.size("rollout_sample_manifest.json") is None


def test_an_outage_is_waited_for(
    start: Start, townlet: Townlet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = new_server(tmp_path)
    place = new_place(server, monkeypatch, tmp_path)
    words = ["capture", "kitchen_breakfast", "--seeds", "0..19", "--quiet", "--output"]
    with running(server):
        writer = start(*words, place)
        store, deadline = open_store(place), time.monotonic() + PATIENCE
        while not any(file.name.endswith(".npz") for file in store.list()):
            assert writer.poll() is None and time.monotonic() < deadline, writer.communicate()
            time.sleep(0.05)
    time.sleep(3)
    assert writer.poll() is None
    with running(server):
        said = ended(writer)
        assert said.code == 0, said.err
        assert townlet(*words, tmp_path / "local").code == 0
        assert stored(place) == stored(tmp_path / "local")


def test_no_secret_is_in_what_is_written_or_said(
    place: str,
    townlet: Townlet,
    start: Start,
    server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    words = ["capture", "kitchen_breakfast", "--seeds", "0..1", "--ticks", 20]
    processes = ["--workers", 2, "--direct_running_mode", "multi_processing"]
    said = [
        ended(start(*words, *processes, "--output", place)),
        townlet(*words, "--output", place, "--dry-run"),
        townlet("verify", place),
        townlet("inspect", place),
        townlet(*words, "--output", place, "--json"),
    ]
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", f"{server.secret}x")
    said += [townlet(*words, "--output", place), townlet("verify", place), townlet("inspect", place)]
    assert [one.code for one in said] == [0] * 5 + [2] * 3
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", server.secret)
    texts = [text.encode() for one in said for text in (one.out, one.err)]
    store = open_store(place)
    texts += [store.read(file.name) for file in store.list()]
    texts += [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    for text in texts:
        assert server.secret.encode() not in text
        assert USER.encode() not in text


def test_no_secret_travels_with_the_pipeline(place: str, server: Server) -> None:
    """What goes to other machines are steps and options: they name the place, and each opens it for itself."""
    store = open_store(place)
    store.write_new("a", [b"1"])
    planned = plan(Request(("kitchen_breakfast",), ticks=5))
    configs = planned.configs
    sent = pickle.dumps([_Play(configs, place, None), _Publish(configs, place, None), store])
    sent += repr(beam_options([], workers=2).get_all_options()).encode()
    assert place.encode() in sent
    assert server.secret.encode() not in sent
    assert USER.encode() not in sent
