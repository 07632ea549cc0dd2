"""Flink with its output in an object store: what workers elsewhere and no shared folder look like."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.flink.cluster import Cluster
from tests.cloud.conftest import new_server, running
from tests.distributed.conftest import PLAIN, Start
from townlet.cli import main

PATIENCE = 240  # seconds; a machine may be busy
WORDS = ["capture", "kitchen_breakfast", "queue_conflict", "--seeds", "0..1", "--ticks", "10", "--quiet"]


@pytest.mark.campaign
def test_workers_write_to_an_object_store(
    townlet: Start, flink_jar: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = new_server(tmp_path)  # skips where there is none
    (server.folder / "bucket").mkdir()
    for name, value in {**PLAIN, **server.environment()}.items():
        monkeypatch.setenv(name, value)  # of the TaskManagers too, whose workers find their credentials there
    cluster = Cluster(tmp_path / "flink", flink_jar)
    with running(server):
        try:
            cluster.up(task_managers=2)
            process = townlet(*WORDS, "--profile", cluster.profile, "--output", "s3://bucket/data")
            _, err = process.communicate(timeout=PATIENCE)
            secret = server.secret.encode()
            kept = [path for path in (tmp_path / "flink").rglob("*") if path.is_file()]
            assert process.returncode == 0, err
            assert not [path for path in kept if secret in path.read_bytes()]
        finally:
            cluster.down()
        assert main([*WORDS, "--output", str(tmp_path / "here")]) == 0
        assert main(["diff", str(tmp_path / "here"), "s3://bucket/data"]) == 0
        assert main(["verify", "s3://bucket/data"]) == 0
