"""What is asked for: configs and suites, with the options that a command line or a program gives."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from townlet import arguments
from townlet.errors import UserError
from townlet.policy_text import checked_policy
from townlet.run import checked_seed, repeated_seed
from townlet.vocabulary import COMPRESSIONS

MOST_TICKS = 2**31 - 1  # stored as int32


@dataclass(frozen=True)
class Request:
    """What the user asked for. None: not said, so that a suite, a config or a default decides."""

    sources: tuple[str, ...]  # config files, captures, suite files, or names of shipped ones
    ticks: int | None = None
    seeds: tuple[int, ...] | None = None
    policy: str | None = None
    agent: str | None = None
    auto_seed_agents: bool = False
    ignore_schedules: bool = False
    segment_ticks: int | None = None
    compression: str | None = None  # `fast`
    prefix: str | None = None  # `rollout_sample`
    check: bool = False
    as_data_set: bool = False  # even if it is one run
    limit: int | None = None  # only the first so many runs
    from_tick: int | None = None  # leave the one capture that is named at this tick, and go on otherwise


def check_request(request: Request) -> None:
    """What can be wrong with the options, whatever the configs say. Raises UserError."""
    _check_kinds(request)
    if request.ticks is not None and not 1 <= request.ticks <= MOST_TICKS:
        raise UserError(f"--ticks: expected 1 to 2^31 - 1, got {request.ticks}")
    if request.segment_ticks is not None and request.segment_ticks < 0:
        raise UserError(f"--segment-ticks: expected 0 (never cut) or more, got {request.segment_ticks}")
    if request.limit is not None and request.limit < 1:
        raise UserError(f"--limit: expected 1 run or more, got {request.limit}")
    again = repeated_seed(checked_seed(seed, "--seed") for seed in request.seeds or ())
    if again is not None:
        raise UserError(f"--seeds: expected every seed once, got {again} twice")
    if request.policy is not None:
        checked_policy(request.policy, "--policy")
    if request.compression is not None and request.compression not in COMPRESSIONS:
        raise UserError(
            f"--compression: expected one of {', '.join(COMPRESSIONS)}, got {request.compression!r}"
        )
    if request.prefix is not None and not re.fullmatch(
        r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", request.prefix, re.ASCII
    ):
        raise UserError(
            f"--prefix: expected 1 to 64 of A-Z a-z 0-9 _ . -, not starting with a dot or a dash, "
            f"got {request.prefix!r}"
        )


def _check_kinds(request: Request) -> None:
    """What a program of the user's can get wrong, and a command line cannot."""
    if not isinstance(request, Request):
        raise UserError(f"plan: expected a Request, got {type(request).__name__}")
    if isinstance(request.sources, str) or not isinstance(request.sources, Sequence) or not request.sources:
        raise UserError(f"sources: expected one or more, such as ('town.yaml',), got {request.sources!r}")
    for source in request.sources:
        arguments.path("sources", source)
    for what in ("ticks", "segment_ticks", "limit", "from_tick"):
        if getattr(request, what) is not None:
            arguments.whole(f"--{what.replace('_', '-')}", getattr(request, what))
    if request.seeds is not None and (not isinstance(request.seeds, Sequence | range) or not request.seeds):
        raise UserError(f"--seeds: expected one or more, such as (0, 1) or range(10), got {request.seeds!r}")
    for what in ("auto_seed_agents", "ignore_schedules", "check", "as_data_set"):
        arguments.switch(f"--{what.replace('_', '-')}", getattr(request, what))
    if request.prefix is not None:
        arguments.text("--prefix", request.prefix)
