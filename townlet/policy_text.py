"""How a policy is named wherever one is named: a word of the vocabulary, or a network's file with options.

    needs
    network:models/best.onnx?mode=greedy&temperature=0.5

People name a network by its path, relative to the file that names it, else to the working folder. In whatever decides
bytes (resolved configs, runs, fingerprints, samples) the SHA-256 of the file's content stands in the place of the path,
so that the same model under another name is the same policy. `Models` holds the contents.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, get_args
from urllib.parse import parse_qsl, quote, unquote

from townlet.errors import UserError
from townlet.escaping import shown
from townlet.vocabulary import OUTSIDE, POLICIES

NETWORK = "network"  # the word before the colon; also the `kind` that samples say
PREFIX = f"{NETWORK}:"
GIVEN_PREFIX = f"{OUTSIDE}:"  # before the name of an object that a program has given
Mode = Literal["sample", "greedy"]
MODES: tuple[Mode, ...] = get_args(Mode)
Remap = Literal["", "names"]
REMAPS: tuple[Remap, ...] = get_args(Remap)
LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE = 0.001, 1000.0

Models = Mapping[str, bytes]  # the content of ONNX files, by SHA-256 (hex)
MODEL_FOLDER = "models"  # of a data set: holds the models of its runs, each as `model_file` names it
MODEL_SUFFIX = ".onnx"
MOST_MODEL_BYTES = 64 * 2**20
SHORT_DIGEST = 12  # letters of a digest in a message
NO_MODELS: Models = MappingProxyType({})

_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_OPTIONS = "mode, temperature or remap"


@dataclass(frozen=True)
class NetworkText:
    """A network policy as it is named."""

    model: str  # a path, or the SHA-256 (hex) of the file's content
    mode: Mode = "sample"
    temperature: float = 1.0  # logits are divided by it before they are sampled from
    remap: Remap = ""  # "names": inputs are fitted to another layout by their names

    @property
    def by_digest(self) -> bool:
        """Whether the model is named by its content."""
        return _DIGEST.fullmatch(self.model) is not None

    def __str__(self) -> str:
        """The one text of it: options in this order, defaults left out."""
        options = [] if self.mode == "sample" else [f"mode={self.mode}"]
        options += [] if self.temperature == 1.0 else [f"temperature={self.temperature!r}"]
        options += [f"remap={self.remap}"] if self.remap else []
        query = f"?{'&'.join(options)}" if options else ""
        return f"{PREFIX}{quote(self.model, safe='/:@!$,;()*~ ')}{query}"


@dataclass(frozen=True, eq=False)
class GivenPolicy:
    """An object of a program's that decides in captures, and the name under which it does."""

    policy: Any  # with `act` and `values`, or with `decide` and `value`
    name: str
    is_vouched: bool = (
        False  # the program says that whatever captured under this name before was this same policy
    )


def given_text(name: str) -> str:
    """The policy of runs in which an object decides; in no config, and on no command line."""
    return f"{GIVEN_PREFIX}{name}"


def given_name(policy: str | None) -> str:
    """The name in it; "" where no object decides."""
    return (policy or "").removeprefix(GIVEN_PREFIX) if is_given(policy) else ""


def is_given(text: Any) -> bool:
    """Whether a run's policy is an object's."""
    return isinstance(text, str) and text.startswith(GIVEN_PREFIX)


def is_network(text: Any) -> bool:
    """Whether a policy's name is that of a network."""
    return isinstance(text, str) and text.startswith(PREFIX)


def parse_network(text: str, where: str = "policy") -> NetworkText:
    """`network:PATH?OPTIONS` -> its parts. Raises UserError that says what was expected of which part."""
    path, _, query = text.removeprefix(PREFIX).partition("?")
    if not text.startswith(PREFIX) or not path:
        raise UserError(f"{where}: expected network:PATH, the path of an ONNX file, got {shown(repr(text))}")
    given: dict[str, Any] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in ("mode", "temperature", "remap") or name in given:
            raise UserError(f"{where}: expected {_OPTIONS} once after '?', got {shown(repr(name))}")
        given[name] = value
    if query and not given:
        raise UserError(
            f"{where}: expected {_OPTIONS} after '?', as in ?mode=greedy, got {shown(repr(query))}"
        )
    for name, known in (("mode", MODES), ("remap", REMAPS[1:])):
        if given.get(name, known[0]) not in known:
            raise UserError(f"{where}: {name}: expected {' or '.join(known)}, got {shown(repr(given[name]))}")
    if "temperature" in given:
        given["temperature"] = _temperature(given["temperature"], where)
    return NetworkText(unquote(path), **given)


def _temperature(text: str, where: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not LOWEST_TEMPERATURE <= number <= HIGHEST_TEMPERATURE:
        raise UserError(
            f"{where}: temperature: expected {LOWEST_TEMPERATURE} to {HIGHEST_TEMPERATURE:g}, got {shown(repr(text))}; "
            "mode=greedy takes the likeliest action"
        )
    return number


def checked_policy(name: Any, where: str = "policy") -> str:
    """A policy's name as given, where it is one of `POLICIES` or a network's. Raises UserError where not."""
    if is_network(name):
        return str(parse_network(name, where))
    if not isinstance(name, str) or name not in POLICIES:
        raise UserError(
            f"{where}: expected one of {', '.join(POLICIES)} or network:PATH, got {shown(repr(name))}"
        )
    return name


def model_file(digest: str) -> str:
    """The name of a model that is kept. A capture that stands alone has its prefix and `_` before it."""
    return digest + MODEL_SUFFIX


def digest_of(policy: str | None) -> str | None:
    """The digest of the model that a policy names by it; None where it names none so."""
    try:
        network = parse_network(policy) if policy is not None and is_network(policy) else None
    except UserError:
        return None
    return network.model if network is not None and network.by_digest else None


def digests_of(policies: Iterable[str | None]) -> tuple[str, ...]:
    """The models that policies name by digest, each once, sorted."""
    return tuple(sorted({digest for policy in policies if (digest := digest_of(policy)) is not None}))
