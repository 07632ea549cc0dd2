"""The object store keeps the contract (here in memory), travels without secrets, and explains its errors."""

from __future__ import annotations

import io
import os
import pickle
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.dataset.store.store_contract import StoreContract
from townlet.dataset.format.canonical import sha256_hex
from townlet.dataset.store import object_store
from townlet.dataset.store import object_store_client as buckets
from townlet.dataset.store.contract import Store
from townlet.dataset.store.local import LocalStore
from townlet.dataset.store.object_store import ObjectStore
from townlet.dataset.store.object_store_client import Bucket, translate_store_error
from townlet.dataset.store.open_store import is_remote, open_store
from townlet.errors import OutputError

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


@pytest.fixture
def memory() -> Any:
    return pytest.importorskip("obstore.store").MemoryStore()


@pytest.fixture
def store(memory: Any) -> ObjectStore:
    return ObjectStore(Bucket("memory://bucket", memory), "deep/out")


class TestObjectStore(StoreContract):
    def test_it_stays_below_its_prefix(self, store: Store, memory: Any) -> None:
        memory.put("deep/outside", b"mine")
        memory.put("deep/out", b"a folder, as some tools make them")
        store.write_new("a", [b"1"])
        assert self.names(store) == ["a"]
        assert list(store.list(deep=False)) == [("a", 1, "file")]
        store.delete("a")
        assert [bytes(memory.get(name).bytes()) for name in ("deep/outside", "deep/out")] != []

    def test_names_that_begin_alike(self, store: Store) -> None:
        for name in ("a", "ab", "a.b", "a-b/c"):
            store.write_new(name, [b"1"])
        store.write_new("d/a", [b"1"])
        store.delete("a")
        assert sorted(self.names(store)) == ["a-b/c", "a.b", "ab", "d/a"]

    def test_a_swap_that_was_repeated(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        """A request whose answer was lost is sent again, and finds its own work in its way."""
        real = ObjectStore._put

        def twice(self: ObjectStore, *arguments: Any) -> bool:
            real(self, *arguments)
            return real(self, *arguments)

        monkeypatch.setattr(ObjectStore, "_put", twice)
        assert store.compare_and_swap("a", None, [b"one ", b"two"])
        digest = sha256_hex(b"one two")
        assert store.compare_and_swap("a", digest, [b"three"])
        assert store.read("a") == b"three"

    def test_another_s_swap_in_between(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        real = ObjectStore._get

        def overtaken(self: ObjectStore, name: str, *more: Any) -> Any:
            found = real(self, name, *more)
            monkeypatch.setattr(ObjectStore, "_get", real)
            self.write_whole(name, [b"other"])
            return found

        store.write_whole("a", [b"1"])
        monkeypatch.setattr(ObjectStore, "_get", overtaken)
        assert not store.compare_and_swap("a", sha256_hex(b"1"), [b"2"])
        assert store.read("a") == b"other"


def test_large_objects_are_read_a_piece_at_a_time(
    store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = bytes(range(256)) * 4096
    store.write_new("a", [whole[:7], memoryview(whole)[7:]])
    monkeypatch.setattr(object_store, "WHOLE", 1000)
    monkeypatch.setattr(object_store, "_READ_AHEAD", 10_000)
    with store.open_read("a") as file:
        assert file.read(3) == whole[:3]
        assert file.seek(-5, io.SEEK_END) == len(whole) - 5
        assert file.read() == whole[-5:]
        assert file.seek(100) == 100
        assert file.seek(28, io.SEEK_CUR) == 128
        assert file.read() == whole[128:]
        assert file.read(1) == b""
        with pytest.raises(ValueError, match="negative"):
            file.seek(-1)


def test_an_object_that_is_replaced_while_it_is_read(
    store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_store, "WHOLE", 10)
    monkeypatch.setattr(object_store, "_READ_AHEAD", 10)
    store.write_new("a", [b"0123456789" * 10])
    with store.open_read("a") as file:
        file.read(10)
        store.write_whole("a", [b"9876543210" * 10])
        with pytest.raises(OutputError, match="memory://bucket/deep/out/a: was replaced while it was read"):
            file.read(50)


def test_large_objects_go_up_in_parts(store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_store, "_IN_PARTS", 100)
    whole = bytes(range(256))
    store.write_whole("a", [whole])
    assert store.read("a") == whole
    assert store.compare_and_swap("a", sha256_hex(whole), [whole * 2])  # on condition: in one piece


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # which is what is tested here
def test_a_forked_process_is_told(store: ObjectStore) -> None:
    """It would wait for ever, as the workers of a DataLoader would."""
    store.write_new("a", [b"1"])
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            store.read("a")
        except OutputError as error:
            os.write(writing, str(error).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading, "rb") as file:
        said = file.read().decode()
    os.waitpid(child, 0)
    assert "start it with 'spawn' (torch: DataLoader(..., multiprocessing_context='spawn'))" in said
    assert store.read("a") == b"1"


def test_ctrl_c_is_heard_while_the_store_does_not_answer(
    memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = threading.Event()

    class Silent:
        def get(self, key: str) -> None:
            os.kill(os.getpid(), signal.SIGINT)  # as a terminal sends it: the main thread gets it
            answer.wait(30)

    with pytest.raises(KeyboardInterrupt):
        ObjectStore(Bucket("memory://bucket", Silent()), "out").read("a")
    answer.set()


def test_what_travels_is_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("obstore")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    store = ObjectStore(Bucket("s3://bucket"), "out")
    for bucket in (store._bucket, store._bucket.fail_fast()):
        assert "S3Store" in repr(bucket.objects)
    packed = pickle.dumps([store, store.below("a"), store.fail_fast()])
    for text in (packed, repr(store).encode(), str(store).encode(), repr(vars(store)).encode()):
        assert SECRET.encode() not in text
        assert b"AKIDEXAMPLE" not in text
    again, inner, _ = pickle.loads(packed)
    assert (str(again), str(inner)) == ("s3://bucket/out", "s3://bucket/out/a")
    assert "S3Store" in repr(inner._bucket.objects)


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("s3://bucket", "expected a prefix in the bucket, such as s3://bucket/samples"),
        ("s3://bucket/", "expected a prefix in the bucket"),
        ("s3:///a", r"expected a folder, or s3://bucket/prefix \(gs://, az://\), got 's3:///a'"),
        ("s3://bucket/a//b", "got 's3://bucket/a//b'"),
        ("s3://bucket/../b", "'../b': expected a file name inside s3://bucket"),
        ("ftp://bucket/a", "got 'ftp://bucket/a'"),
        ("", "expected a folder, or s3://bucket/prefix, got nothing"),
    ],
)
def test_places_that_are_none(place: str, message: str) -> None:
    with pytest.raises(OutputError, match=message):
        open_store(place)


@pytest.mark.parametrize(
    "place", [f"s3://key:{SECRET}@bucket/a", f"az://bucket/a?sig={SECRET}", f"gs://b/a#{SECRET}"]
)
def test_a_password_in_an_address_is_not_repeated(place: str) -> None:
    with pytest.raises(OutputError, match=r"got an address with '@', '\?' or '#'") as caught:
        open_store(place)
    assert SECRET not in str(caught.value)


def test_which_places_are_elsewhere(tmp_path: Path) -> None:
    assert [is_remote(place) for place in ("s3://b/a", "gs://b/a", "/a", "a:/b", tmp_path)] == [True] * 2 + [
        False
    ] * 3
    assert isinstance(open_store(tmp_path), LocalStore)


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "obstore"]:
        monkeypatch.delitem(sys.modules, name)

    class Missing:
        def find_spec(self, name: str, *_: Any) -> None:
            if name.split(".")[0] == "obstore":
                raise ModuleNotFoundError(f"No module named {name!r}", name="obstore")

    monkeypatch.setattr(sys, "meta_path", [Missing(), *sys.meta_path])
    with pytest.raises(
        OutputError, match=r"object stores need the package obstore.*pip install 'townlet\[cloud\]'"
    ):
        open_store("s3://bucket/a")


class GenericError(Exception):
    """As `obstore` raises them: of this name, and with such texts."""

    __module__ = "obstore.exceptions"


ANSWERS = [
    ("404 Not Found: <Error><Code>NoSuchBucket</Code>", "there is no such bucket; make it, or mend its name"),
    (
        "status code: 403 Forbidden: <Code>InvalidAccessKeyId</Code>",
        "the credentials were refused; check them",
    ),
    ("status code: 400 Bad Request: <Code>ExpiredToken</Code>", "the credentials were refused"),
    (
        "status code: 403 Forbidden: <Code>AccessDenied</Code>",
        "access denied; the credentials must be allowed to",
    ),
    ("performing PUT http://169.254.169.254/latest/api/token", "no credentials were found; .* AWS_PROFILE"),
    ("Missing SecretAccessKey", "no credentials were found"),
    (
        "status code: 301 Moved: <Code>PermanentRedirect</Code>",
        "the bucket is in another region; set AWS_REGION",
    ),
    ("status code: 507: <Code>XMinioStorageFull</Code>", "the store is full; free some space and run"),
    ("HTTP error: error sending request", "the store cannot be reached; check the network and the endpoint"),
    (
        "status code: 503 Service Unavailable: <Code>SlowDown</Code>",
        "the store does not answer; try again later",
    ),
    ("status code: 501: <Code>NotImplemented</Code>", "the store does not know conditional writes"),
    (
        "status code: 418 I am a teapot: <Code>Teapot</Code>",
        "the answer was Teapot, 418 I am a teapot; is the",
    ),
    ("what else", "what else https://bucket/a"),
    (f"what else http://user:{SECRET}@store:9000/b", "what else http://store:9000/b"),
]


@pytest.mark.parametrize(("text", "message"), ANSWERS)
def test_answers_of_a_store_are_explained(text: str, message: str) -> None:
    with (
        pytest.raises(OutputError, match=f"s3://b/a: cannot write: .*{message}") as caught,
        translate_store_error("write", "s3://b/a"),
    ):
        raise GenericError(f"{text} https://bucket/a?X-Amz-Signature={SECRET}\n\nDebug source: {SECRET}")
    assert SECRET not in str(caught.value)
    assert caught.value.exit_code == 2


def test_what_is_no_answer_of_a_store_passes() -> None:
    with pytest.raises(ZeroDivisionError), translate_store_error("write", "s3://b/a"):
        raise ZeroDivisionError
    with pytest.raises(FileNotFoundError, match=r"^s3://b/a$"), translate_store_error("read", "s3://b/a"):
        raise FileNotFoundError(f"Object at location a not found: https://b/a?sig={SECRET}")
    with (
        pytest.raises(OutputError, match="there is no such bucket"),
        translate_store_error("write", "s3://b/a"),
    ):
        raise FileNotFoundError("<Code>NoSuchBucket</Code>")


@pytest.fixture
def no_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A home without anything of AWS, and an environment that says nothing of it."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".aws").mkdir()
    return tmp_path / ".aws"


def test_credentials_of_the_shared_files(no_aws: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert buckets._aws_settings() == {}
    (no_aws / "credentials").write_text(
        f"[default]\naws_access_key_id = A\naws_secret_access_key = {SECRET}%x\n"
        "[work]\naws_access_key_id = B\naws_secret_access_key = b\naws_session_token = t\n"
    )
    (no_aws / "config").write_text(
        "[default]\nregion = eu-north-1\n[profile work]\nregion = eu-west-3\nendpoint_url = http://127.0.0.1:9\n"
    )
    plain = {"region": "eu-north-1", "access_key_id": "A", "secret_access_key": f"{SECRET}%x"}
    assert buckets._aws_settings() == plain
    monkeypatch.setenv("AWS_PROFILE", "work")
    work = {"access_key_id": "B", "secret_access_key": "b", "session_token": "t"}
    assert buckets._aws_settings() == {**work, "region": "eu-west-3", "endpoint": "http://127.0.0.1:9"}
    monkeypatch.setenv("AWS_REGION", "us-east-2")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:8")
    assert buckets._aws_settings() == work
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "C")
    assert buckets._aws_settings() == {}  # the environment goes first


def test_profiles_that_are_none(no_aws: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(
        OutputError, match=r"AWS_PROFILE: there is no profile 'nobody' in ~/\.aws/credentials or"
    ):
        open_store("s3://bucket/a")
    (no_aws / "credentials").write_text(f"[nobody\n{SECRET}")
    with pytest.raises(OutputError, match="credentials: not readable as a file of AWS profiles") as caught:
        open_store("s3://bucket/a")
    assert SECRET not in str(caught.value)


def test_profiles_with_credentials_from_elsewhere(no_aws: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (no_aws / "config").write_text("[default]\nsso_session = x\n")
    monkeypatch.setitem(sys.modules, "obstore.auth.boto3", None)
    with pytest.raises(
        OutputError, match=r"the AWS profile 'default' takes its credentials from elsewhere .*boto3"
    ):
        open_store("s3://bucket/a")
