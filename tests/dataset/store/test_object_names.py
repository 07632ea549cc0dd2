"""What other tools put into buckets: "folders", keys that no file can have, litter; and endpoints that are none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.dataset.captures import capture
from tests.dataset.store.s3_server import serving
from tests.samples import make_run
from tests.sampling import first
from townlet.dataset.capture.preflight import check_output, check_place
from townlet.dataset.checking.gc import gc_store
from townlet.dataset.checking.verify import verify_store
from townlet.dataset.format.paths import run_folder
from townlet.dataset.reading.data_set import open as open_data_set
from townlet.dataset.store.object_store import ObjectStore
from townlet.dataset.store.object_store_client import Bucket, translate_store_error
from townlet.dataset.store.open_store import open_store
from townlet.errors import OutputError

pytest.importorskip("obstore.store")

RUNS = [make_run(seed=seed, ticks=3, folder=run_folder("scene", seed)) for seed in (1, 2)]


def in_memory(prefix: str = "deep/out") -> ObjectStore:
    import obstore.store as stores

    return ObjectStore(Bucket("memory://b", stores.MemoryStore()), prefix)


@pytest.fixture(scope="module")
def objects() -> dict[str, bytes]:
    """A data set, as objects."""
    store = in_memory("out")
    capture(store, *RUNS)
    return {f"out/{file.name}": store.read(file.name) for file in store.list()}


@pytest.mark.parametrize(
    "folder", first(2, ["out/", "out/runs/", "out/runs/scene/", "out/mine/", "out/mine/deep/"])
)
def test_the_folder_of_a_console_is_no_object(objects: dict[str, bytes], folder: str) -> None:
    """Such an object is empty, and its key ends with a slash: it cannot be asked for, nor removed, by its name."""
    with serving({folder: b""}) as (_, store):
        assert list(store.list()) == []
        check_place(store)
        check_output(store, RUNS)
    with serving({**objects, folder: b""}) as (_, store):
        assert [file.name for file in store.list()] == sorted(key.removeprefix("out/") for key in objects)
        check_output(store, RUNS)
        assert verify_store(store).problems == []
        found = gc_store(store, dry_run=True)
        assert (found.gone, found.kept) == ([], [])


def test_an_empty_object_is_one(objects: dict[str, bytes]) -> None:
    with serving({"out/notes": b""}) as (_, store):
        assert [file.name for file in store.list()] == ["notes"]


UNUSABLE = ("a\x01b", "z\tz", "new\nline", "esc\x1b[2J")


@pytest.mark.parametrize("name", first(1, UNUSABLE))
def test_a_key_that_no_file_can_have_is_a_stranger_and_stops_nobody(
    objects: dict[str, bytes], name: str
) -> None:
    with serving({**objects, f"out/{name}": b"mine"}) as (server, store):
        found = {file.name: file.kind for file in store.list()}
        assert found == {**{key.removeprefix("out/"): "file" for key in objects}, name: "unusable"}
        assert sum(sample.timesteps for sample in open_data_set(store)) == 12
        (problem,) = verify_store(store).problems
        assert (problem.kind, problem.name) == ("unexpected", name)
        found = gc_store(store, dry_run=True)
        assert (found.gone, [kept.name for kept in found.kept]) == ([], [name])
        with pytest.raises(OutputError, match="expected an empty folder or a capture, found ") as caught:
            check_output(store, RUNS)
        assert not [character for character in str(caught.value) if character < " "]
        assert f"out/{name}" in server.objects


@pytest.mark.parametrize("name", ["runs/scene/a\x01b", "runs/scene/seed-1/a\x7fb", "runs//x"])
def test_where_what_else_is_there_cannot_be_known_it_is_said(objects: dict[str, bytes], name: str) -> None:
    with serving({**objects, f"out/{name}": b"mine"}) as (_, store):
        with pytest.raises(OutputError, match="an object there has a name that no file can have") as caught:
            list(store.list())
        assert not [character for character in str(caught.value) if character < " " or character == "\x7f"]
        assert sum(sample.timesteps for sample in open_data_set(store)) == 12


@pytest.mark.parametrize("name", UNUSABLE)
def test_such_a_name_is_not_asked_for(name: str) -> None:
    """It may stand in a hostile manifest."""
    store = in_memory()
    for use in (store.read, store.size, store.open_read, store.delete):
        with pytest.raises(OutputError, match="expected a file name inside"):
            use(name)
    assert store.kind(name) == "unusable"


def test_litter(objects: dict[str, bytes]) -> None:
    store = in_memory()
    for name in (".DS_Store", "runs/._a", ".git/x", "a"):
        store.write_new(name, [b"1"])
    assert [file.name for file in store.list()] == ["a"]


@pytest.mark.parametrize("above", ["deep", "deep/er"])
def test_a_prefix_inside_another_output(above: str) -> None:
    outer = in_memory(above)
    capture(outer, *RUNS)
    inner = ObjectStore(outer._bucket, f"{above}/some/where")
    with pytest.raises(OutputError, match=f"lies inside memory://b/{above}, which is a data set"):
        check_place(inner)
    check_place(ObjectStore(outer._bucket, f"{above}er"))
    check_place(outer)


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (403, "RequestTimeTooSkewed", "this machine's clock is wrong"),
        (403, "RequestExpired", "this machine's clock is wrong"),
        (403, "SignatureDoesNotMatch", "the credentials were refused"),
        (403, "AccessDenied", "access denied"),
    ],
)
def test_a_wrong_clock_is_not_wrong_credentials(status: int, code: str, message: str) -> None:
    with serving({}) as (server, store):
        server.answer = status, code
        for use in (lambda: list(store.list()), lambda: store.read("a"), store.check):
            with pytest.raises(OutputError, match=message):
                use()


@pytest.fixture
def no_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    return tmp_path


NO_URLS = (
    "not a url",
    "127.0.0.1:9000",
    "localhost",
    "http://",
    "ftp://host",
    "http://[::1",
    "http://a b:9",
    "http://h:99999",
)


@pytest.mark.parametrize("value", NO_URLS)
def test_an_endpoint_that_is_no_url(no_aws: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    for place, name in (
        ("s3://b/a", "AWS_ENDPOINT_URL"),
        ("s3://b/a", "AWS_ENDPOINT_URL_S3"),
        ("az://b/a", "AZURE_STORAGE_ENDPOINT"),
    ):
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            with pytest.raises(
                OutputError, match=f"{name}: expected the URL of an object store, such as https://h"
            ):
                open_store(place)
    (no_aws / ".aws").mkdir(exist_ok=True)
    (no_aws / ".aws/config").write_text(f"[default]\nendpoint_url = {value}\n")
    with pytest.raises(OutputError, match="endpoint_url of the AWS profile: expected the URL"):
        open_store("s3://b/a")


def test_an_endpoint_with_a_password_is_not_repeated(no_aws: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://user:hunter2@host")
    with pytest.raises(OutputError, match="got an address with '@'") as caught:
        open_store("s3://b/a")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "value",
    ["http://127.0.0.1:9", "https://host", "https://host:9000/", "http://[::1]:9", "https://a.b-c.example/x"],
)
def test_endpoints_that_are_some(no_aws: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", value)
    assert "b/a" in str(open_store("s3://b/a", check_connection=False))
    assert "S3Store" in repr(Bucket("s3://b").objects)


class PanicException(BaseException):
    """As the library raises them where it has not thought of something."""


def test_a_library_that_gives_up_is_said() -> None:
    def panic(_: Any = None) -> None:
        raise PanicException("request valid: InvalidUri")

    with (
        pytest.raises(
            OutputError, match="s3://b/a: cannot read: the library for object stores has given up; check"
        ),
        translate_store_error("read", "s3://b/a"),
    ):
        panic()
    with pytest.raises(KeyboardInterrupt), translate_store_error("read", "s3://b/a"):
        raise KeyboardInterrupt
