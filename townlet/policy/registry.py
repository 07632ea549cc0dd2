"""The policies that have a name: one of `townlet/vocabulary.py`, described by `POLICY` in `townlet/policy/<name>.py`.

Built-in policies are kernels, which play whole segments inside compiled code (`townlet/rollout/kernels.py`); the object
that is made here is their outer face.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from typing import Any

from townlet.errors import UserError
from townlet.policy.base import PolicyEntry, PolicyInfo
from townlet.vocabulary import DEFAULT_POLICY, MIXED, OUTSIDE, POLICIES, SCRIPTED

SCHEDULES = PolicyInfo(SCRIPTED)  # who follows a schedule; its log-prob is 0

# A caller acted: with decisions, that have a log-prob and a value, or with actions alone.
STEERED = PolicyInfo(OUTSIDE, log_prob_source="given with the action", value_source="given with the action")
STEERED_BY_ACTIONS = PolicyInfo(OUTSIDE, log_prob_source="not given")


def mixed(acted: Mapping[PolicyInfo, int]) -> PolicyInfo:
    """What samples say where several acted, one after another. `acted`: each with the number of its timesteps.

    Where two networks did, no digest is named: the run says which, and from which tick on.
    """

    def of_each(facts: Iterable[tuple[str, str]]) -> str:
        return "; ".join(f"{kind}: {fact}" for kind, fact in facts)

    networks = {(info.digest, info.options, info.runtime) for info in acted if info.digest}
    digest, options, runtime = networks.pop() if len(networks) == 1 else (None, (), None)
    times: dict[str, int] = {}
    for info, count in acted.items():
        times[info.kind] = times.get(info.kind, 0) + count
    return PolicyInfo(
        MIXED,
        log_prob_source=of_each((info.kind, info.log_prob_source) for info in acted),
        value_source=of_each((info.kind, info.value_source) for info in acted),
        digest=digest,
        options=options,
        runtime=runtime,
        acted=tuple(times.items()),
    )


def checked_name(name: Any, where: str = "policy") -> str:
    """`name`, where it is one of `POLICIES`. Raises UserError where not."""
    if not isinstance(name, str) or name not in POLICIES:
        raise UserError(f"{where}: expected one of {', '.join(POLICIES)}, got {name!r}")
    return name


def entry(name: str) -> PolicyEntry:
    """The entry of the policy that acts where no schedule does. Raises UserError for a name that is not one.

    `scripted` names the schedules: where there is none, the default acts.
    """
    module = DEFAULT_POLICY if checked_name(name) == SCRIPTED else name
    return importlib.import_module(f"townlet.policy.{module.replace('-', '_')}").POLICY
