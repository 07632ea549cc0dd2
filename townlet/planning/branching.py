"""A run that leaves a captured one: up to a tick it does what is stored, and then goes on otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from townlet.config.captured import captured_config
from townlet.config.shipped import existing
from townlet.config.source.networks import NetworkReader
from townlet.dataset.capture.find_models import find_models, what_is_missing
from townlet.dataset.reading.capture import Capture, load_capture
from townlet.errors import CorruptSampleError, Problem, UserError
from townlet.escaping import shown
from townlet.planning.request import Request
from townlet.planning.worlds import Worlds
from townlet.policy_text import Models, is_given
from townlet.rollout.stored import (
    NotOfARunError,
    StoredActions,
    player_of,
    run_of,
    stored_actions,
)
from townlet.run import Branch, Run, Stretch

FLAG = "--from-tick"


@dataclass(frozen=True)
class BranchedRun:
    """A run that leaves another one, with what it needs of that."""

    run: Run
    stored: StoredActions  # up to the tick, at least
    agents: int  # who live there at the start
    models: Models = field(default_factory=dict, repr=False)  # of all networks that act in it, by digest
    networks: Mapping[str, Problem] = field(default_factory=dict)  # where each is named, for messages


def branched_run(request: Request) -> BranchedRun:
    """The run that a request with `from_tick` asks for.

    Raises UserError where it is none: what is to be left is no capture, has not all actions stored, or ends before the
    tick; or nothing would be otherwise. Raises CorruptSampleError for a capture that is not what was written.
    """
    tick, source = request.from_tick, request.sources[0]
    assert tick is not None  # who asks has one
    _check_request(request)
    capture = load_capture(source)
    parent = run_of(capture)
    _check_parent(capture, parent, tick)
    models, networks = _models_of(capture), {}
    policy = parent.policy
    if request.policy is not None:
        reader = NetworkReader()
        try:
            policy = reader.by_digest(request.policy)
        except UserError as error:
            raise UserError(f"--policy: {error}") from None
        models, networks = {**models, **reader.models}, {policy: Problem("--policy", 0, 0, "", "")}
    own = replace(
        parent,
        name=parent.name or "capture",
        folder="",
        seed=parent.seed if request.seeds is None else request.seeds[0],
        ticks=request.ticks or parent.ticks,
        policy=policy,
        ignore_schedules=parent.ignore_schedules or request.ignore_schedules,
        compression=request.compression or parent.compression,
        prefix=request.prefix or parent.prefix,
        check=request.check,
        branch=None,
    )
    if own.ticks <= tick:
        raise UserError(
            f"--ticks: expected more than the {tick} ticks that are as they were, got {own.ticks}"
        )
    changes = tuple(_changes(parent, own))
    if not changes:
        raise UserError(
            f"{FLAG}: nothing would be otherwise; give --policy, --seed, --ticks or --ignore-schedules"
        )
    branch = Branch(
        content_digest=capture.metadata["content_digest"], scenario=parent.name, seed=parent.seed,
        before=tuple(_before(parent, tick)), changes=changes,
    )  # fmt: skip
    own = replace(own, branch=branch)
    own = replace(own, segment_ticks=_segment_ticks(own, parent, request))
    stored, agents = _stored(capture, parent, models, tick)
    named = {name: networks.get(name, Problem(source, 0, 0, "policy", "")) for name in own.networks}
    return BranchedRun(own, stored, agents, {digest: models[digest] for digest in own.models}, named)


def _check_request(request: Request) -> None:
    """Raise UserError for what a run that leaves another one cannot have."""
    source = request.sources[0]
    if len(request.sources) != 1 or captured_config(Path(source)) != existing(source):
        expected = "expected one capture to leave: its folder, or its manifest"
        raise UserError(f"{FLAG}: {expected}, got {', '.join(map(shown, request.sources[:3]))}")
    if request.as_data_set or len(request.seeds or ()) > 1:
        raise UserError(
            f"{FLAG}: expected one seed, since a branch is one capture; call the command once for each"
        )
    if request.agent is not None:
        raise UserError(
            f"{FLAG}: expected no --agent: without the actions of all nobody can play the run again; "
            "`townlet inspect` and `townlet export --agent` choose one later"
        )


def _check_parent(capture: Capture, parent: Run, tick: int) -> None:
    """Raise UserError where a capture cannot be left at a tick."""
    if parent.fingerprint != capture.metadata["fingerprint"]:
        raise UserError(
            f"{capture.place}: was made by another version of the rules, or by another config than is stored with it: "
            "what is stored cannot be played; capture it again with this version"
        )
    if parent.agent is not None:
        raise UserError(
            f"{capture.place}: holds the actions of {shown(parent.agent)} alone; capture it again without --agent"
        )
    if any(is_given(policy) for policy in _policies(parent)):
        raise UserError(
            f"{capture.place}: an object of a program's decided in it, whose log-probs and values nobody else can "
            "compute again; capture it with a policy that has a name"
        )
    if not 1 <= tick <= parent.ticks:
        raise UserError(
            f"{FLAG}: expected a tick from 1 to {parent.ticks}, where the capture ends, got {tick}"
        )


def _policies(run: Run) -> list[str | None]:
    return [
        *(stretch.policy for stretch in (run.branch.before if run.branch is not None else ())),
        run.policy,
    ]


def _models_of(capture: Capture) -> Models:
    """The networks that act in a capture, by digest. Raises UserError where one is gone."""
    found, missing = find_models(capture.store, capture.folder, capture.metadata)
    if missing:
        raise UserError(f"{capture.place}: {what_is_missing(missing[0], capture.place)}")
    return found


def _before(parent: Run, tick: int) -> Iterator[Stretch]:
    """The stretches of the parent's ticks before this one."""
    own = Stretch(parent.ticks, parent.seed, parent.policy, parent.ignore_schedules)
    for stretch in (*(parent.branch.before if parent.branch is not None else ()), own):
        yield stretch._replace(until=min(stretch.until, tick))
        if stretch.until >= tick:
            return


def _changes(parent: Run, own: Run) -> Iterator[str]:
    """What is otherwise after the tick, in words."""
    for what, before, now in (
        ("policy", parent.policy or "the config's", own.policy or "the config's"),
        ("seed", parent.seed, own.seed),
        ("ticks", parent.ticks, own.ticks),
    ):
        if before != now:
            yield f"{what} {before} -> {now}"
    if parent.ignore_schedules != own.ignore_schedules:
        yield "schedules ignored"


def _segment_ticks(run: Run, parent: Run, request: Request) -> int:
    """As in the capture that it leaves, unless something else is asked for; 0 where that is all ticks."""
    wanted = request.segment_ticks
    if wanted is None and parent.segment_ticks:
        wanted = parent.segment_ticks
    if wanted is None:
        wanted = max(Worlds().segment_ticks(run), parent.ticks)
    return wanted if wanted < run.ticks else 0


def _stored(capture: Capture, parent: Run, models: Models, tick: int) -> tuple[StoredActions, int]:
    """What is done up to the tick, and how many live there at the start. Raises CorruptSampleError."""
    try:
        player = player_of(parent, models)
        stored = stored_actions(capture, player)
    except NotOfARunError as error:
        raise CorruptSampleError(f"{capture.place}: {error}") from error
    return stored.at_least(tick), len(player.generated.names.agents)
