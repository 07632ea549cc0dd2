"""A real object store: a MinIO server of the tests' own, on a free port, with credentials of its own."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from townlet import cli

ROOT = Path(__file__).resolve().parent.parent.parent
USER = "townlet-tests"
PATIENCE = 120  # seconds; a machine may be busy
HOW_TO_GET_IT = "no MinIO server found; `make minio` builds one with Go, or set TOWNLET_MINIO to its binary"
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Server(NamedTuple):
    endpoint: str
    folder: Path  # a folder in it is a bucket
    secret: str

    def environment(self) -> dict[str, str]:
        """What a user would have in theirs."""
        return {
            "AWS_ACCESS_KEY_ID": USER,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_ENDPOINT_URL": self.endpoint,
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }


class Said(NamedTuple):
    """What a command returned and said."""

    code: int
    out: str
    err: str


Townlet = Callable[..., Said]
Start = Callable[..., subprocess.Popen[str]]


def minio_binary() -> str | None:
    """The server, where a person or `make minio` has put it."""
    named = os.environ.get("TOWNLET_MINIO")
    places = [named] if named else [shutil.which("minio"), str(ROOT / ".tools" / "bin" / "minio")]
    if not named and shutil.which("go"):
        asked = subprocess.run(["go", "env", "GOPATH"], capture_output=True, text=True)
        places.append(str(Path(asked.stdout.strip(), "bin", "minio")))
    return next((place for place in places if place and os.access(place, os.X_OK)), None)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    found = new_server(tmp_path_factory.mktemp("minio"))
    with running(found):
        yield found


def new_server(base: Path) -> Server:
    """One that is not started yet, with its data in a folder."""
    if minio_binary() is None:
        pytest.skip(HOW_TO_GET_IT)
    pytest.importorskip("obstore", reason="the extra `cloud` is not installed")
    (base / "data").mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return Server(f"http://127.0.0.1:{port}", base / "data", secrets.token_urlsafe(24))


@contextlib.contextmanager
def running(found: Server) -> Iterator[None]:
    """From when it answers until it is killed."""
    base = found.folder.parent
    environment = {
        **os.environ,
        "HOME": str(base),
        "MINIO_ROOT_USER": USER,
        "MINIO_ROOT_PASSWORD": found.secret,
        "MINIO_BROWSER": "off",
    }
    with open(base / "log", "ab") as log:
        address = found.endpoint.removeprefix("http://")
        command = [str(minio_binary()), "server", "--quiet", "--address", address, str(found.folder)]
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        _wait_until_ready(found, process, base / "log")
        yield
    finally:
        process.kill()
        process.wait()


def _wait_until_ready(found: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        assert process.poll() is None and time.monotonic() < deadline, log.read_text(errors="replace")
        try:
            with _DIRECT.open(f"{found.endpoint}/minio/health/ready", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)


@pytest.fixture
def place(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """`s3://<new bucket>/<prefix>`, for which this process and its children have credentials."""
    return new_place(server, monkeypatch, tmp_path)


def new_place(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    bucket = f"b{secrets.token_hex(6)}"
    (server.folder / bucket).mkdir()
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "aws-credentials"))
    return f"s3://{bucket}/some/where"


@pytest.fixture
def python(tmp_path: Path) -> Iterator[Start]:
    """Start `python ...` in a process group of its own, which is gone when the test is over."""
    started: list[subprocess.Popen[str]] = []

    def run(*words: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-P", *map(str, words)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.fixture
def start(python: Start) -> Start:
    """Start `townlet ...` as typed."""
    return lambda *words: python("-m", "townlet.cli", *words)


@pytest.fixture
def townlet(capsys: pytest.CaptureFixture[str]) -> Townlet:
    """`townlet ...`, in this process: it has much less to start."""

    def run(*words: object) -> Said:
        capsys.readouterr()
        code = cli.main([str(word) for word in words])
        out, err = capsys.readouterr()
        assert "Traceback" not in err, err
        return Said(code, out, err)

    return run


def ended(process: subprocess.Popen[str]) -> Said:
    """What a process returned and said."""
    out, err = process.communicate(timeout=PATIENCE)
    assert "Traceback" not in err, err
    return Said(process.returncode, out, err)
