"""Planned runs in which an object of a program's decides, and what may be gone on from where one has decided before.

All that is known of an object is its name. What lies in an output under the same name may be by another object, or by
the same one before it was changed: it is gone on from only where the program vouches for it, by giving the name itself.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from townlet.config.schema.types import ID_PATTERN, ID_RULE
from townlet.dataset.status.run_status import run_statuses
from townlet.dataset.status.status import COMPLETE, RunStatus
from townlet.dataset.store.contract import Store
from townlet.errors import OutputError, UserError
from townlet.escaping import shown
from townlet.planning.plan import Plan
from townlet.policy_text import GivenPolicy, given_text


def with_given(planned: Plan, policy: Any, name: str | None) -> tuple[Plan, GivenPolicy]:
    """The plan with an object in the place of its runs' policy. `name`: see `GivenPolicy`; None = that of its class.

    Agents that have a schedule, or for whom the config names a policy, keep it. Raises UserError for what is no policy,
    for a name that cannot be one, and for a plan that was made for another policy.
    """
    from townlet.rollout.play import check_given

    check_given(policy)
    called = type(policy).__name__ if name is None else name
    if not isinstance(called, str) or not ID_PATTERN.fullmatch(called):
        raise UserError(f"policy_name: expected {ID_RULE}, got {shown(repr(called))}")
    other = next((run for run in planned.runs if run.policy is not None), None)
    if other is not None:
        raise UserError(
            f"policy: the plan was made for the policy {shown(other.policy)}; make one without a policy"
        )
    runs = tuple(replace(run, policy=given_text(called)).ref() for run in planned.playable())
    return replace(planned, runs=runs), GivenPolicy(policy, called, is_vouched=name is not None)


def refuse_unknown(store: Store, planned: Plan, given: GivenPolicy) -> None:
    """Raise OutputError where runs are there already that another object of this name may have played."""
    if given.is_vouched:
        return
    for run, found in zip(planned.runs, run_statuses(store, planned.runs, read=False), strict=True):
        if found.status in COMPLETE or found.status is RunStatus.SIMULATED:
            raise OutputError(
                f"{store}: holds {run.label()}, in which an object called {given.name} decided: nothing tells whether "
                "it was this one; give policy_name, which says so, or choose another output folder"
            )
