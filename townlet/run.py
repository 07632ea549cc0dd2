"""A run: config + seed + ticks + policy, one element of the pipeline, and its fingerprint."""

from __future__ import annotations

import hashlib
import json
import numbers
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Any, NamedTuple

from townlet.errors import UserError
from townlet.policy_text import digest_of, digests_of, is_network

FORMAT_VERSION = 1  # raised when files or arrays change their meaning
RULES_VERSION = 1  # raised whenever a golden run moves
MOST_SEED = 2**63 - 1


_encoder = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical_json(value: Any) -> str:
    """The one JSON text of a value: keys sorted, no spaces, no NaN. Raises ValueError for NaN and infinities."""
    return _encoder.encode(value)


def seed_spans(seeds: Iterable[int]) -> list[str]:
    """Seeds in short, sorted, neighbours together: `["0..9", "12"]`."""
    spans: list[list[int]] = []
    for seed in sorted(seeds):
        if spans and seed == spans[-1][1] + 1:
            spans[-1][1] = seed
        else:
            spans.append([seed, seed])
    return [str(first) if first == last else f"{first}..{last}" for first, last in spans]


def repeated_seed(seeds: Iterable[int]) -> int | None:
    """The first seed that was there before; None where each is there once."""
    before: set[int] = set()
    for seed in seeds:
        if seed in before:
            return seed
        before.add(seed)
    return None


def checked_seed(seed: Any, where: str) -> int:
    """`seed` as an int, where it is a whole number (NumPy's too) that a run can have. Raises UserError where not."""
    if not isinstance(seed, numbers.Integral) or isinstance(seed, bool):
        raise UserError(f"{where}: expected a whole number, got {seed!r}")
    number = int(seed)
    if not 0 <= number <= MOST_SEED:
        raise UserError(f"{where}: expected 0 to 2^63 - 1, got {number}")
    return number


class SampleKey(NamedTuple):
    """Names one sample: which run, whose life, which segment."""

    run: str
    seed: int
    arrival: int  # 1, 2, ...: the config's order, then newcomers
    agent_id: str
    segment: int  # 0, 1, ...


class Stretch(NamedTuple):
    """The ticks of a branched run up to one of them, and how they were played: as in the run that it leaves."""

    until: int  # the tick before which it ends
    seed: int
    policy: str | None
    ignore_schedules: bool

    def facts(self) -> dict[str, Any]:
        """As a manifest has it."""
        return {**self._asdict(), "seed_text": str(self.seed)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Branch:
    """Where a run leaves another one: up to that tick it does what is stored of that, and then goes on otherwise."""

    content_digest: str  # SHA-256 (hex) of the parent capture's samples
    scenario: str  # the parent's
    seed: int  # the parent's
    before: tuple[Stretch, ...]  # one; of a branch that leaves a branch, two or more
    changes: tuple[str, ...] = ()  # in words: "policy needs -> uniform"

    @property
    def tick(self) -> int:
        """The first tick that is played otherwise."""
        return self.before[-1].until

    def facts(self) -> dict[str, Any]:
        """As manifests and samples have it."""
        return {
            "content_digest": self.content_digest,
            "scenario_name": self.scenario,
            "seed": self.seed,
            "seed_text": str(self.seed),
            "tick": self.tick,
            "changes": list(self.changes),
            "before": [stretch.facts() for stretch in self.before],
        }

    def deciding(self) -> dict[str, Any]:
        """What of it is in a fingerprint."""
        return {"content_digest": self.content_digest, "before": [list(stretch) for stretch in self.before]}


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRef:
    """A run by reference: all that its fingerprint covers, with the config by its digest, and where the run is kept.

    It is made by `Run.ref`. Plans hold it, and it is what travels between workers, some hundred bytes: configs, of
    some ten kilobytes each, are held once, by digest, for all of their runs.
    """

    name: str
    seed: int
    ticks: int
    config_digest: str  # SHA-256 (hex) of the config's canonical JSON text
    fingerprint: str  # SHA-256 (hex) of all that decides the bytes
    config_path: str = ""  # relative to the shipped configs' or the suite's folder; never absolute
    policy: str | None = None  # for agents without a schedule; None = the config's, else `needs`
    agent: str | None = None  # keep this agent's samples only
    auto_seeded: bool = False
    ignore_schedules: bool = False
    segment_ticks: int = 0  # 0 = never cut
    compression: str = "fast"  # fast | none | small
    prefix: str = "rollout_sample"
    folder: str = ""  # of the capture, relative to the output, posix; "" = the output itself
    model_digest: str | None = (
        None  # SHA-256 (hex) of the model's file, where `policy` is a network; else None
    )
    branch: Branch | None = None  # the run that it leaves; its own seed and policy are those after the tick
    check: bool = False  # hold the invariants on every tick; changes no byte, so not in the fingerprint

    def label(self) -> str:
        """How messages and progress name the run."""
        return f"{self.name} seed {self.seed}"

    def with_config(self, configs: Mapping[str, str]) -> Run:
        """The run with its config at hand. `configs`: canonical JSON texts by digest."""
        own = {name: getattr(self, name) for name in _GIVEN}
        return Run(config_json=configs[self.config_digest], **own)


@dataclass(frozen=True, kw_only=True, slots=True)
class Run(RunRef):
    """A run with its config at hand: what one worker needs to play and write one rollout.

    Config digest, fingerprint and the digest of the policy's model follow from the other fields. Raises ValueError
    where the config is not JSON.
    """

    config_json: str  # canonical JSON text of the resolved config, affordances included
    config_digest: str = field(init=False)
    fingerprint: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "model_digest", digest_of(self.policy))
        object.__setattr__(self, "config_digest", _digest(self.config_json))
        object.__setattr__(self, "fingerprint", _fingerprint(self))

    @property
    def models(self) -> tuple[str, ...]:
        """The models that the run and its config name, by SHA-256 (hex): each once, sorted."""
        return digests_of((*self._policies(), *_policies_of(self.config_json)))

    @property
    def networks(self) -> tuple[str, ...]:
        """The networks that may act in the run, each as it is named, once, sorted."""
        default, *of_agents = _policies_of(self.config_json) or ("",)
        named = {policy or default for policy in self._policies()} | {*of_agents}
        return tuple(sorted(name for name in named if is_network(name)))

    def _policies(self) -> list[str | None]:
        """The policies that act for agents without one of their own, from first to last."""
        before = self.branch.before if self.branch is not None else ()
        return [*(stretch.policy for stretch in before), self.policy]

    def ref(self) -> RunRef:
        """The same run, without its config's text."""
        return RunRef(**{name: getattr(self, name) for name in _OF_REFERENCE})


def by_reference(runs: Iterable[Run]) -> tuple[list[RunRef], dict[str, str]]:
    """Runs by reference, and their configs' texts by digest."""
    references, configs = [], {}
    for run in runs:
        configs[run.config_digest] = run.config_json
        references.append(run.ref())
    return references, configs


_DERIVED = ("config_digest", "fingerprint")
_OF_REFERENCE = tuple(field.name for field in fields(RunRef))
_GIVEN = tuple(name for name in _OF_REFERENCE if name not in _DERIVED)

# What of a run decides its bytes, apart from the config.
_DECIDING = tuple(sorted({*_OF_REFERENCE} - {"name", "folder", "config_path", "check", "branch", *_DERIVED}))


def _fingerprint(run: Run) -> str:
    """SHA-256 (hex) over canonical JSON of everything that decides the bytes, and nothing else.

    Where and under which name the run is kept is not in it: neither `name`, `folder` nor paths.
    """
    facts = {name: getattr(run, name) for name in _DECIDING}
    if run.branch is not None:  # so that runs that leave none keep theirs
        facts["branch"] = run.branch.deciding()
    facts["format_version"] = FORMAT_VERSION
    facts["rules_version"] = RULES_VERSION
    before = {name: fact for name, fact in facts.items() if name < "config"}
    after = {name: fact for name, fact in facts.items() if name > "config"}
    digest = _digest_through_config(canonical_json(before), run.config_json).copy()
    digest.update(f",{canonical_json(after)[1:]}".encode())
    return digest.hexdigest()


@lru_cache(maxsize=256)
def _digest(config_json: str) -> str:
    return hashlib.sha256(config_json.encode()).hexdigest()


@lru_cache(maxsize=256)
def _policies_of(config_json: str) -> tuple[str, ...]:
    """The policy that a config names for everybody ("": none), and those for single agents. Others may have made it:
    nothing is told of what is not where it belongs."""
    facts: Any = json.loads(config_json)
    for key in ("config", "policy"):
        facts = facts.get(key) if isinstance(facts, dict) else None
    if not isinstance(facts, dict):
        return ()
    agents = facts.get("agents")
    named = [facts.get("default"), *(agents.values() if isinstance(agents, dict) else ())]
    return tuple(name if isinstance(name, str) else "" for name in named)


@lru_cache(maxsize=256)
def _digest_through_config(before: str, config_json: str) -> Any:
    """SHA-256 over a run's canonical JSON up to and with its config. Not to be updated: copy it.

    A config has some ten kilobytes, and a suite a thousand runs of it: it is parsed and hashed once.
    """
    config = json.loads(config_json)
    content = canonical_json({key: config[key] for key in config if key not in ("name", "config_path")})
    return hashlib.sha256(f'{before[:-1]},"config":{content}'.encode())
