"""Buckets of object stores: who may open them, how long is waited for them, and what their errors mean for a user.

Credentials come from where such tools look for them: the environment, the shared files of the AWS tools, and
the role of the machine. They stay inside `obstore`'s objects: a bucket that travels is only its address.
"""

from __future__ import annotations

import configparser
import contextlib
import importlib
import os
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from townlet.errors import OutputError
from townlet.escaping import shown

SCHEMES = ("s3", "gs", "az")

_ADDRESS = re.compile(r"(s3|gs|az)://([A-Za-z0-9][A-Za-z0-9._-]*)((?:/[^/?#]+)*)/?")


def split_address(place: str) -> tuple[str, str]:
    """Bucket address and prefix of `s3://bucket/prefix`. Raises OutputError for anything else.

    The place is not repeated where it may hold a password.
    """
    found = _ADDRESS.fullmatch(place)
    if found is None:
        shown = "an address with '@', '?' or '#'" if set("@?#") & set(place) else repr(place)
        raise OutputError(f"expected a folder, or s3://bucket/prefix (gs://, az://), got {shown}")
    scheme, bucket, prefix = found.groups()
    if not prefix:
        raise OutputError(f"{place}: expected a prefix in the bucket, such as {scheme}://{bucket}/samples")
    return f"{scheme}://{bucket}", prefix[1:]


class UnusableKeyError(OutputError):
    """A listing holds a key that no path can have: control characters, or two slashes in a row."""

    def __init__(self, place: str, key: str) -> None:
        super().__init__(
            f"{place}: cannot list: an object there has a name that no file can have ({shown(key)}); remove it with "
            "the tool that made it"
        )
        self.key = key

    def __reduce__(self) -> tuple[Any, ...]:
        return OutputError, (str(self),)

    def key_below(self, prefix: str) -> str:
        """The key, relative to a prefix that it begins with."""
        return self.key.removeprefix(f"{prefix}/")


class Bucket:
    """A bucket, opened when it is first asked for an object. It is pickled as its address alone."""

    def __init__(self, address: str, objects: Any = None, *, patient: bool = True) -> None:
        self.address = address
        self._patient = patient
        self._objects = objects

    def __repr__(self) -> str:
        return f"Bucket({self.address!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Bucket, (self.address,)

    def fail_fast(self) -> Bucket:
        """The same bucket for who would rather have an error than wait for minutes."""
        return self if self._objects is not None else Bucket(self.address, patient=False)

    @property
    def objects(self) -> Any:
        """The store of `obstore`. Raises OutputError in a forked process, where it would wait for ever."""
        _Threads.used()
        if self._objects is None:
            with translate_store_error("open", self.address):
                self._objects = _open(self.address, self._patient)
        return self._objects


class _Threads:
    """The threads with which `obstore` works. A fork does not take them along."""

    begun = False
    lost = False

    @classmethod
    def used(cls) -> None:
        if cls.lost:
            raise OutputError(
                "this process was forked from one that had an object store open, whose threads are not here; "
                "start it with 'spawn' (torch: DataLoader(..., multiprocessing_context='spawn'))"
            )
        cls.begun = True

    @classmethod
    def after_fork(cls) -> None:
        cls.lost = cls.begun


os.register_at_fork(after_in_child=_Threads.after_fork)


def _open(address: str, patient: bool) -> Any:
    stores = _obstore("obstore.store")
    scheme, _, name = address.partition("://")
    _check_endpoints(scheme)
    client: dict[str, Any] = {"timeout": timedelta(seconds=300), "connect_timeout": timedelta(seconds=10)}
    retries: dict[str, Any] = {
        "max_retries": 60,
        "retry_timeout": timedelta(seconds=90),
        "backoff": {"init_backoff": timedelta(seconds=0.1), "max_backoff": timedelta(seconds=10), "base": 3},
    }
    if not patient:
        client = {"timeout": timedelta(seconds=10), "connect_timeout": timedelta(seconds=5)}
        retries = {"max_retries": 2, "retry_timeout": timedelta(seconds=10)}
    if scheme == "gs":
        return stores.GCSStore(name, client_options=client, retry_config=retries)
    if scheme == "az":
        return stores.AzureStore(name, client_options=client, retry_config=retries)
    settings = _aws_settings()
    if "endpoint" in settings:
        _check_endpoint("endpoint_url of the AWS profile", settings["endpoint"])
    endpoint = settings.get("endpoint") or _first(*_ENDPOINTS["s3"])
    if endpoint and endpoint.startswith("http://"):
        client["allow_http"] = True  # whoever writes http:// means it
    return stores.S3Store(name, client_options=client, retry_config=retries, **settings)


_ENDPOINTS = {
    "s3": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
    "gs": ("GOOGLE_BASE_URL",),
    "az": ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"),
}
_URL = re.compile(r"https?://(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?(?:/[!-~]*)?", re.ASCII)


def _check_endpoints(scheme: str) -> None:
    for name in _ENDPOINTS[scheme]:
        if os.environ.get(name):
            _check_endpoint(name, os.environ[name])


def _check_endpoint(name: str, value: str) -> None:
    """Raise OutputError for an endpoint that is no URL: the library would not say what is wrong with it."""
    found = _URL.fullmatch(value)
    if found is None or not 0 < int(found[1] or 80) < 1 << 16:
        got = "an address with '@', '?' or '#'" if set("@?#") & set(value) else repr(value)
        raise OutputError(
            f"{name}: expected the URL of an object store, such as https://host:9000, got {shown(got)}"
        )


def _obstore(module: str = "obstore") -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != "obstore":
            raise
        raise OutputError(
            "object stores need the package obstore; install it with: pip install 'townlet[cloud]'"
        ) from None


def obstore() -> Any:
    """The package, imported when it is needed. Raises OutputError where it is not installed."""
    return _obstore()


def _first(*names: str) -> str | None:
    return next((os.environ[name] for name in names if os.environ.get(name)), None)


# What the environment may say that leaves no question to the shared files.
_AWS_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_SKIP_SIGNATURE")
_BY_BOTO = ("credential_process", "role_arn", "source_profile", "sso_session", "sso_start_url")


def _aws_settings() -> dict[str, Any]:
    """What the shared files of the AWS tools say and the environment does not; `obstore` reads no files."""
    named = _first("AWS_PROFILE", "AWS_DEFAULT_PROFILE")
    profile = named or "default"
    facts = _aws_profile(profile)
    settings: dict[str, Any] = {}
    if facts.get("region") and not _first("AWS_REGION", "AWS_DEFAULT_REGION"):
        settings["region"] = facts["region"]
    if facts.get("endpoint_url") and not _first(*_ENDPOINTS["s3"]):
        settings["endpoint"] = facts["endpoint_url"]
    if _first(*_AWS_KEYS):
        return settings
    if "aws_access_key_id" in facts:
        settings["access_key_id"] = facts["aws_access_key_id"]
        settings["secret_access_key"] = facts.get("aws_secret_access_key", "")
        if "aws_session_token" in facts:
            settings["session_token"] = facts["aws_session_token"]
    elif any(key in facts for key in _BY_BOTO):
        settings["credential_provider"] = _boto_provider(profile)
    elif named and not facts:
        raise OutputError(
            f"AWS_PROFILE: there is no profile {named!r} in ~/.aws/credentials or ~/.aws/config"
        )
    return settings


def _aws_profile(profile: str) -> dict[str, str]:
    """A profile of the shared files; what credentials say goes before what config says."""
    places = (
        (
            _first("AWS_CONFIG_FILE") or "~/.aws/config",
            profile if profile == "default" else f"profile {profile}",
        ),
        (_first("AWS_SHARED_CREDENTIALS_FILE") or "~/.aws/credentials", profile),
    )
    facts: dict[str, str] = {}
    for place, section in places:
        parser = configparser.ConfigParser(interpolation=None, default_section="")
        try:
            parser.read(Path(place).expanduser(), encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError, OSError):  # its message would quote the lines
            raise OutputError(f"{place}: not readable as a file of AWS profiles") from None
        if parser.has_section(section):
            facts.update(parser.items(section))
    return facts


def _boto_provider(profile: str) -> Any:
    try:
        provider = importlib.import_module("obstore.auth.boto3").Boto3CredentialProvider
        boto = importlib.import_module("boto3")
    except ModuleNotFoundError:
        raise OutputError(
            f"the AWS profile {profile!r} takes its credentials from elsewhere (SSO, a role or a process): "
            "pip install boto3, or put credentials into the environment (aws configure export-credentials)"
        ) from None
    try:
        return provider(boto.Session(profile_name=profile))
    except Exception as error:  # of botocore's many
        raise OutputError(
            f"the AWS profile {profile!r} gives no credentials: {type(error).__name__}"
        ) from None


@contextlib.contextmanager
def translate_store_error(action: str, place: str) -> Iterator[None]:
    """Say what an error of an object store means for the user's output.

    An object that is not there is a FileNotFoundError. Messages of the store are not passed on whole: they
    hold addresses, which may hold signatures.
    """
    try:
        yield
    except OutputError:
        raise
    except FileNotFoundError as error:
        if _NO_BUCKET.search(str(error)):
            raise OutputError(f"{place}: cannot {action}: {_advice(error, place)}") from None
        raise FileNotFoundError(place) from None
    except BaseException as error:
        if type(error).__name__ == "PanicException":  # of the other language that the library is written in
            raise OutputError(f"{place}: cannot {action}: {_PANIC}") from None
        if not type(error).__module__.startswith("obstore"):
            raise
        if key := _unusable_key(error):
            raise UnusableKeyError(place, key) from None
        raise OutputError(f"{place}: cannot {action}: {_advice(error, place)}") from None


_PANIC = (
    "the library for object stores has given up; check what the environment says of the store (AWS_*, GOOGLE_*, "
    "AZURE_*, *_PROXY)"
)
_DEBUG_PATH = re.compile(r'path: "((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(r"\\u\{([0-9a-f]+)\}|\\(.)")
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}


def _unusable_key(error: BaseException) -> str:
    """The key for which a listing was given up; "" for any other error."""
    found = _DEBUG_PATH.search(str(error)) if type(error).__name__ == "InvalidPathError" else None
    if found is None:
        return ""

    def plain(escape: re.Match[str]) -> str:
        number, letter = escape.groups()
        return chr(int(number, 16)) if number else _ESCAPED.get(letter, letter)

    return _ESCAPE.sub(plain, found[1])


_NO_BUCKET = re.compile(r"NoSuchBucket|ContainerNotFound|specified bucket does not exist")

# Of an address: a query, which may be signed; user and password.
_SECRETS = re.compile(r"[?]\S+|(?<=://)\S*@")

_CREDENTIALS = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or a role of this machine",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS, gcloud auth application-default login, or a role of this machine",
    "az": "AZURE_STORAGE_ACCOUNT_NAME with AZURE_STORAGE_ACCOUNT_KEY, or a role of this machine",
}
_SIGNS: tuple[tuple[str, str], ...] = (
    (_NO_BUCKET.pattern, "there is no such bucket; make it, or mend its name"),
    (r"InvalidBucketName|InvalidResourceName", "this is no name of a bucket"),
    (
        r"169\.254\.(169|170)\.|metadata\.google|Missing ?(Account|Credential|\w*Key)|Account must be specified",
        "no credentials were found; give them in the usual way: {credentials}",
    ),
    (
        r"RequestTimeTooSkewed|RequestExpired|RequestInTheFuture|[Dd]ate header|Request has expired|iat and exp",
        "this machine's clock is wrong by more than the store allows (15 minutes, most often); set it",
    ),
    (
        r"InvalidAccessKeyId|SignatureDoesNotMatch|InvalidToken|ExpiredToken|AuthenticationFailed|"
        r"TokenRefreshRequired|status code: 401|Unauthenticated",
        "the credentials were refused; check them and their expiry",
    ),
    (
        r"PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraint|status code: 301",
        "the bucket is in another region; set AWS_REGION",
    ),
    (
        r"StorageFull|QuotaExceeded|InsufficientStorage|status code: 507",
        "the store is full; free some space and run the same command again: it goes on from here",
    ),
    (
        r"AccessDenied|AuthorizationFailure|AuthorizationPermissionMismatch|PermissionDenied|status code: 403",
        "access denied; the credentials must be allowed to list, read, write and delete there",
    ),
    (r"NotImplemented|NotSupported", "the store does not know conditional writes (If-Match, If-None-Match)"),
    (
        r"Connect|dns error|error sending request",
        "the store cannot be reached; check the network and the endpoint",
    ),
    (r"[Tt]imed ?[Oo]ut|Timeout|SlowDown|status code: 5\d\d", "the store does not answer; try again later"),
)


def _advice(error: BaseException, place: str) -> str:
    text = f"{type(error).__name__} {error}"
    for pattern, advice in _SIGNS:
        if re.search(pattern, text):
            return advice.format(credentials=_CREDENTIALS.get(place.partition("://")[0], "see its manual"))
    code = re.search(r"<Code>(\w+)</Code>", text)
    status = re.search(r"status code: (\d+[\w ]*)", text)
    answer = ", ".join(found[1].strip() for found in (code, status) if found)
    if answer:
        return f"the answer was {answer}; is the endpoint that of such a store?"
    return _SECRETS.sub("", str(error).strip().partition("\n")[0])[:200] or type(error).__name__
