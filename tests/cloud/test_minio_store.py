"""The object store over a real server: the contract, races, large objects, and what a user is told."""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path

import pytest

from tests.cloud.conftest import USER, Server
from tests.dataset.store.store_contract import StoreContract
from townlet.dataset.format.canonical import file_sha256
from townlet.dataset.store.contract import Store
from townlet.dataset.store.object_store import ObjectStore
from townlet.dataset.store.open_store import open_store
from townlet.errors import OutputError

pytestmark = pytest.mark.campaign


@pytest.fixture
def store(place: str) -> Store:
    return open_store(place)


class TestMinio(StoreContract):
    pass


@pytest.mark.parametrize("expected", [None, "old"])
def test_of_many_who_swap_at_once_one_succeeds(store: Store, expected: str | None) -> None:
    digest = None
    if expected is not None:
        store.write_new("a", [expected.encode()])
        digest = hashlib.sha256(expected.encode()).hexdigest()
    won, start = [], threading.Barrier(16)

    def swap(number: int) -> None:
        start.wait()
        if store.compare_and_swap("a", digest, [str(number).encode()]):
            won.append(str(number).encode())

    threads = [threading.Thread(target=swap, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [store.read("a")] == won


def test_large_objects(store: Store) -> None:
    whole = os.urandom(1 << 20) * 80
    store.write_new("a", [whole])
    with store.open_read("a") as file:
        assert file_sha256(file) == hashlib.sha256(whole).hexdigest()
        file.seek(50 << 20)
        assert file.read(100) == whole[50 << 20 :][:100]
    store.link_from(store, "a", "b")
    assert store.read("b") == whole
    assert store.compare_and_swap("a", hashlib.sha256(whole).hexdigest(), [b"1"])


def test_many_objects(store: ObjectStore) -> None:
    """More than a page of a listing, and more than one request deletes."""
    names = [f"a/{number:04}" for number in range(1200)]
    for name in names:
        store.write_new(name, [b""])
    assert [file.name for file in store.list()] == names
    store.delete("a")
    assert list(store.list()) == []


def refused(place: str, monkeypatch: pytest.MonkeyPatch, **environment: str | None) -> str:
    with monkeypatch.context() as patch:
        for name, value in environment.items():
            patch.delenv(name) if value is None else patch.setenv(name, value)
        with pytest.raises(OutputError) as caught:
            open_store(place)
    return str(caught.value)


def test_what_a_user_is_told(place: str, monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    said = [
        refused("s3://no-such-bucket/a", monkeypatch),
        refused(place, monkeypatch, AWS_ACCESS_KEY_ID="nobody"),
        refused(place, monkeypatch, AWS_SECRET_ACCESS_KEY=f"{server.secret}x"),
        refused(place, monkeypatch, AWS_SKIP_SIGNATURE="true"),
        refused(place, monkeypatch, AWS_ENDPOINT_URL="http://127.0.0.1:1"),
        refused(place, monkeypatch, AWS_ENDPOINT_URL=server.endpoint.replace("http:", "https:")),
    ]
    expected = [
        "there is no such bucket; make it, or mend its name",
        "the credentials were refused; check them",
        "the credentials were refused; check them",
        "access denied; the credentials must be allowed to",
        "the store cannot be reached; check the network and the endpoint",
        "the store cannot be reached; check the network and the endpoint",
    ]
    for message, part in zip(said, expected, strict=True):
        assert part in message
        assert server.secret not in message


def test_credentials_of_a_profile(
    place: str, monkeypatch: pytest.MonkeyPatch, server: Server, tmp_path: Path
) -> None:
    for name in server.environment():
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    (tmp_path / "aws-credentials").write_text(
        f"[minio]\naws_access_key_id = {USER}\naws_secret_access_key = {server.secret}\n"
    )
    (tmp_path / "aws-config").write_text(f"[profile minio]\nendpoint_url = {server.endpoint}\n")
    monkeypatch.setenv("AWS_PROFILE", "minio")
    store = open_store(place)
    store.write_new("a", [b"1"])
    assert store.read("a") == b"1"


def test_a_bucket_that_goes_away(store: Store, server: Server, place: str) -> None:
    (server.folder / place.split("/")[2]).rmdir()
    for name in ("write_new", "write_whole", "create_if_absent"):
        with pytest.raises(OutputError, match="there is no such bucket"):
            getattr(store, name)("a", [b"1"])
    with pytest.raises(OutputError, match="there is no such bucket"):
        list(store.list())
