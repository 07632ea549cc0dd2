"""Play a run: its rollout as frame groups, one an agent's life and segment, a segment at a time."""

from __future__ import annotations

from collections.abc import Iterator

from townlet.config.load import Resolved
from townlet.errors import TownletError, UserError
from townlet.escaping import shown
from townlet.generator.blueprint import blueprint_of
from townlet.generator.generate import GeneratedWorld, generate_run
from townlet.generator.ground import nbytes
from townlet.policy.actions import ActionSpace
from townlet.policy.adapter import Namer, as_policy
from townlet.policy.network.policy import networks_at
from townlet.policy_text import NO_MODELS, GivenPolicy, Models, is_given
from townlet.rollout.agents import AgentRegistry, episodes
from townlet.rollout.buffers import BufferPool, Frames, tick_bytes
from townlet.rollout.metadata import Episode, frame_group, static_facts
from townlet.rollout.player import Player, setting_of
from townlet.rollout.stored import StoredActions
from townlet.run import Run, SampleKey
from townlet.samples import FrameGroup
from townlet.world.invariants import Called, violations


class InvariantError(TownletError):
    """The simulation broke a rule of its own: a bug. `--check` finds it, with the tick at which it happened."""


def resolved_of(run: Run) -> Resolved:
    """The resolved config that a run carries."""
    return blueprint_of(run.config_json).resolved


def build_run(run: Run) -> GeneratedWorld:
    """The world of a run at tick zero."""
    return generate_run(run)


def frame_bytes(generated: GeneratedWorld) -> int:
    """Bytes of the frames that one tick of a world takes, over all agents."""
    return tick_bytes(generated)


def town_bytes(generated: GeneratedWorld) -> int:
    """Bytes of the arrays that a world only reads: distances, above all."""
    return nbytes(generated.params) + nbytes(generated.observation)


_pool = BufferPool()


def play_segments(
    generated: GeneratedWorld, run: Run, registry: AgentRegistry | None = None, player: Player | None = None,
    models: Models = NO_MODELS, stored: StoredActions | None = None,
) -> Iterator[tuple[int, int, Frames]]:  # fmt: skip
    """Play a run: `(segment, first tick, frames)` after each segment. The last may be shorter.

    `registry` is told of the newcomers. `models`, `stored`: as for `play`.
    """
    registry = registry or AgentRegistry.of(generated)
    player = player or Player(generated, registry, models=models)
    length = run.segment_ticks or run.ticks
    for segment, start in enumerate(range(0, run.ticks, length)):
        ticks = min(length, run.ticks - start)
        out = _pool.take(ticks, generated)
        known = 0
        if run.branch is not None and stored is not None:
            known = max(0, min(ticks, run.branch.tick - start))
            if known:
                _play_stored(run, registry, player, out, start, known, stored)
        if known == ticks:
            pass  # all of it is stored
        elif player.compiled and not run.check:
            player.play_segment(out, known, ticks - known)
        else:
            _play_by_ticks(generated, run, registry, player, out, start, known)
        registry.note(out.arrival, start)
        yield segment, start, out
        del out


def _play_stored(
    run: Run, registry: AgentRegistry, player: Player, out: Frames, start: int, ticks: int, stored: StoredActions
) -> None:  # fmt: skip
    """Play the first ticks of a segment, from tick `start` on, as they are stored of the run that this one leaves."""
    played = player.replay_segment(stored.actions, stored.args, out, start, ticks)
    if played < ticks:
        raise UserError(
            f"{run.label()}: tick {start + played}: somebody lives of whom the capture that it leaves stores no action"
        )
    registry.note(out.arrival[:, : ticks + 1], start)


def _play_by_ticks(
    generated: GeneratedWorld, run: Run, registry: AgentRegistry, player: Player, out: Frames, start: int,
    first: int = 0,
) -> None:  # fmt: skip
    """The same from slot `first` on, a tick at a time: for policies of Python, and to hold the invariants."""
    ticks = out.actions.shape[1]
    for t in range(first, ticks):
        if player.compiled:
            player.play_segment(out, t, 1)
        else:
            player.look(out, t)
            registry.note(player.arrivals(), start + t)
            player.decide(out, t)
            player.play(out, t)
            player.settle()
        if run.check and violations(player.world, generated.params):
            registry.note(out.arrival[:, : t + 1], start)
            broken = violations(player.world, generated.params, _called(generated, player, registry))
            raise InvariantError(f"{run.label()}: after tick {start + t}: " + "; ".join(broken))
    if not player.compiled:
        registry.note(player.arrivals(), start + ticks)
        player.end(out, ticks)


def _called(generated: GeneratedWorld, player: Player, registry: AgentRegistry) -> Called:
    """Agents and objects by their ids."""

    def agent(row: int) -> str:
        number = int(player.world.agents.arrival[row])
        known = number <= len(registry.names)  # else it has arrived, and was not seen yet
        return registry.names[number - 1] if known else f"the newcomer in the place of {registry.rows[row]}"

    return Called(agent, lambda o: generated.names.objects[o])


def play(
    run: Run, models: Models = NO_MODELS, given: GivenPolicy | StoredActions | None = None
) -> Iterator[tuple[SampleKey, FrameGroup]]:
    """Play `run` and yield each life's frames of each segment, in the order of arrival.

    `models`: the content of the networks that act in it, by the digests by which the run names them. `given`: the
    object that decides in it, where the run says that one does; or, of a run that leaves another one, what is stored of
    that.

    The arrays of a group may be views of buffers that are used again once nobody refers to them. Raises UserError
    where the config cannot be played, where a model is missing or does not fit, where the object that decides is not
    given, or where `run.agent` matches nobody.
    """
    if is_given(run.policy) and given is None:
        raise UserError(
            f"{shown(run.policy)}: an object of a program's decides in this run: nobody else can play it"
        )
    stored = given if isinstance(given, StoredActions) else None
    if run.branch is not None and stored is None:
        raise UserError(
            f"{run.label()}: leaves another run at tick {run.branch.tick}: it can be played where the actions of that "
            "one are read, by `townlet capture CAPTURE --from-tick N`"
        )
    generated = generate_run(run)
    registry = AgentRegistry.of(generated)
    player = Player(generated, registry, None if stored is not None else given, models)
    facts = static_facts(generated, resolved_of(run).config, run)
    found = run.agent is None
    for segment, start, out in play_segments(generated, run, registry, player, stored=stored):
        last = start + out.actions.shape[1] == run.ticks
        for row, first, end in episodes(out.arrival):
            arrival = int(out.arrival[row, first])
            name = registry.names[arrival - 1]
            if run.agent is not None and name != run.agent:
                continue
            found = True
            key = SampleKey(run.name, run.seed, arrival, name, segment)
            episode = Episode(row, first, end, segment, last)
            yield key, frame_group(out, start, episode, registry, facts, player.policy_of)
        del out  # so that a shorter last segment does not stand beside it
    if not found:
        known = ", ".join(registry.names)
        raise UserError(f"agent filter {run.agent!r} matches nobody; the agents of this run are {known}")


def unfit_networks(run: Run, models: Models) -> Iterator[tuple[str, str]]:
    """The networks of a run that cannot act in it, as they are named, each with what is wrong. Nothing is played.

    `models`: their contents by digest. Raises UserError where the config cannot be played at all.
    """
    if not run.networks:
        return
    setting = setting_of(build_run(run))
    for name in run.networks:
        try:
            networks_at((name,), setting, models)
        except UserError as error:
            yield name, str(error)


def check_given(policy: object) -> None:
    """Raise UserError for an object that is no policy."""
    as_policy(policy, Namer(ActionSpace(()), (), ()))


__all__ = ["InvariantError", "build_run", "check_given", "episodes", "frame_bytes", "play", "unfit_networks"]
