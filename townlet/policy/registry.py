"""The policies that have a name: one of `townlet/vocabulary.py`, described by `POLICY` in `townlet/policy/<name>.py`.

Built-in policies are kernels, which play whole segments inside compiled code (`townlet/rollout/kernels.py`); the object
that is made here is their outer face.
"""

from __future__ import annotations

import importlib
from typing import Any

from townlet.errors import UserError
from townlet.policy.base import PolicyEntry, PolicyInfo
from townlet.vocabulary import DEFAULT_POLICY, POLICIES, SCRIPTED

SCHEDULES = PolicyInfo(SCRIPTED)  # who follows a schedule; its log-prob is 0


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
    return importlib.import_module(f"townlet.policy.{module}").POLICY
