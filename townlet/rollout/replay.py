"""`verify --replay`: play a capture's stored actions again and compare every array to the bit.

A capture of one agent alone (`--agent`) does not hold the others' actions, and a Python policy's log-probs do not
follow from its actions: such a run is simulated again with its policies instead, and compared in the same way. A
network's log-probs and values are computed again from what is seen; to the bit where kernels play it, else nearly.
Those of an object that a program gave are its own: everything else of such a run is compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from townlet.dataset.reading.capture import Capture
from townlet.errors import CorruptSampleError, UserError
from townlet.escaping import shown
from townlet.policy_text import NO_MODELS, Models, is_given
from townlet.rollout.agents import episodes
from townlet.rollout.buffers import Frames, frames
from townlet.rollout.metadata import Episode, frame_group, static_facts
from townlet.rollout.play import play, resolved_of
from townlet.rollout.player import Player
from townlet.rollout.stored import NotOfARunError, last_tick, player_of, run_of, stored_actions
from townlet.run import Run, SampleKey
from townlet.samples import FrameGroup, ReplaySample, stack_groups
from townlet.vocabulary import OUTSIDE

QUIET_TICKS = 1024  # played at once where nobody should live any more
COMPUTED, NEAR = ("old_log_probs", "value_preds"), 1e-5  # of networks that kernels do not play
MOST_QUIET_TICKS = 100_000  # after the last frame that is stored, in which a newcomer is looked for


@dataclass
class ReplayReport:
    """What a replay found. `problems` is empty where every array is the same to the bit."""

    samples: int = 0
    timesteps: int = 0
    exact: bool = (
        True  # False: but for log-probs and values of networks outside of compiled code, or of an object
    )
    problems: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.problems


def verify_replay(capture: Capture, models: Models = NO_MODELS) -> ReplayReport:
    """Play `capture` again; `models` holds the networks that acted in it, by digest.

    Raises CorruptSampleError where a file cannot be read, or its config not be played.
    """
    run, report = run_of(capture), ReplayReport()
    if run.fingerprint != capture.metadata["fingerprint"]:
        report.problems.append(
            "the stored config, or this version of the simulation, is not the one that made the capture: "
            f"expected fingerprint {shown(capture.metadata['fingerprint'])[:12]}, found {run.fingerprint[:12]}"
        )
        return report
    try:
        _play_again(capture, run, report, models)
    except UserError as error:
        raise CorruptSampleError(f"{capture.place}: what it stores cannot be played: {error}") from error
    return report


def _play_again(capture: Capture, run: Run, report: ReplayReport, models: Models) -> None:
    """Play `run`, and report where it is not what is stored."""
    stored = {(record.arrival, record.segment): index for index, record in enumerate(capture.samples)}
    is_outside = is_given(run.policy)
    if is_outside and run.agent is not None:
        report.problems.append(
            "cannot be replayed: an object of a program's decided, and of one agent alone not all actions are stored"
        )
        return
    player = player_of(run, models)
    report.exact = player.compiled or not (player.replayable or is_outside)
    if empty := _empty_stretch(capture, run, player):
        report.problems.append(empty)
        return
    if run.agent is not None or not (player.replayable or is_outside):
        again = play(replace(run, ticks=_ticks_to_play(capture, run, player)), models)
    else:
        again = _replayed(capture, run, player, report)
    for key, group in again:
        index = stored.pop((key.arrival, key.segment), None)
        if index is None:
            who = f"{key.agent_id}, segment {key.segment}"
            report.problems.append(f"{who}: lives in the replay, is not in the capture")
            continue
        _compare(capture[index], stack_groups([group]), key, report, is_exact=player.compiled)
    missing = [capture.samples[index].npz.name for index in stored.values()]
    report.problems += [f"{shown(name)}: is in the capture, not in the replay" for name in missing]


def _compare(
    sample: ReplaySample, again: ReplaySample, key: SampleKey, report: ReplayReport, *, is_exact: bool
) -> None:
    report.samples += 1
    report.timesteps += sample.timesteps
    name = f"{key.agent_id} (segment {key.segment})"
    # Captures of earlier versions have no optional arrays: what is not stored is not compared.
    for array in sample.arrays():
        if array in COMPUTED and sample.metadata["policy"]["kind"] == OUTSIDE:
            continue  # the object gave them
        found, expected = sample.array(array), again.array(array)
        if found.shape != expected.shape:
            report.problems.append(
                f"{name}: {array}: stored shape {found.shape}, replayed shape {expected.shape}"
            )
        elif found.tobytes() != expected.tobytes() and (is_exact or not _are_near(array, found, expected)):
            report.problems.append(f"{name}: {array}: " + first_difference(found, expected, sample.tick))


def _are_near(array: str, found: np.ndarray, expected: np.ndarray) -> bool:
    """Whether an array may differ so much: what a network computes outside of compiled code has other last bits on
    another processor, or with another version of what computes it."""
    return array in COMPUTED and np.allclose(found, expected, rtol=NEAR, atol=NEAR)


def first_difference(found: np.ndarray, expected: np.ndarray, tick: np.ndarray) -> str:
    """Where two arrays of one shape differ first, in words."""
    different = found.view(np.uint8).reshape(-1) != expected.view(np.uint8).reshape(-1)
    place = np.unravel_index(int(np.argmax(different)) // found.itemsize, found.shape)
    when = f"tick {tick[place[0]]}" if found.shape[0] == len(tick) else f"index {place[0]}"
    return f"differs first at {when}: stored {found[place]}, replayed {expected[place]}"


def _empty_stretch(capture: Capture, run: Run, player: Player) -> str:
    """The first stretch of ticks of which nothing is stored, and which no town leaves empty; "" where there is none.

    Who says that somebody lives two thousand million ticks from now may be playing a trick: they are not looked for.
    """
    longest, end = int(player.generated.params.rules.respawn_delay[0]) + 2, 0
    first = len(player.generated.names.agents)  # who is there from the start
    for record in sorted(capture.samples, key=lambda record: record.first_tick):
        is_late = run.agent is not None and record.arrival > first  # others, who are not stored, lived before
        if record.first_tick > end + longest and not is_late:
            return f"nothing is stored of the ticks from {end} to {record.first_tick - 1}, in which somebody must live"
        end = max(end, record.first_tick + record.frame_count)
    return ""


def _ticks_to_play(capture: Capture, run: Run, player: Player) -> int:
    """As many as are stored, and as many more as it may take until a newcomer arrives: then nobody will."""
    respawn_delay = int(player.generated.params.rules.respawn_delay[0])
    return min(run.ticks, last_tick(capture) + min(respawn_delay + 2, MOST_QUIET_TICKS))


def _replayed(
    capture: Capture, run: Run, player: Player, report: ReplayReport
) -> Iterator[tuple[SampleKey, FrameGroup]]:
    """Frame groups of the stored actions, segment by segment."""
    try:
        stored = stored_actions(capture, player)
    except NotOfARunError as error:
        report.problems.append(str(error))
        return
    facts = static_facts(player.generated, resolved_of(run).config, run)
    end, length = last_tick(capture), run.segment_ticks or run.ticks
    for segment, start in enumerate(range(0, end, length)):
        ticks = min(length, end - start)
        out = frames(player.generated, ticks)
        if not _played(player, (stored.actions, stored.args), out, start, report):
            return
        player.registry.note(out.arrival, start)
        for row, first, last in episodes(out.arrival):
            arrival = int(out.arrival[row, first])
            key = SampleKey(run.name, run.seed, arrival, player.registry.names[arrival - 1], segment)
            episode = Episode(row, first, last, segment, last=start + ticks == run.ticks)
            yield key, frame_group(out, start, episode, player.registry, facts, player.policy_of)
    nobody = np.empty((0, 0), np.int64), np.empty((0, 0, 3), np.float32)
    to_play = _ticks_to_play(capture, run, player)
    for start in range(end, to_play, QUIET_TICKS):
        out = frames(player.generated, min(QUIET_TICKS, to_play - start))
        if not _played(player, nobody, out, start, report):
            return


def _played(
    player: Player, stored: tuple[np.ndarray, np.ndarray], out: Frames, start: int, report: ReplayReport
) -> bool:
    """Play stored actions from tick `start` on into `out`; False, and a problem, where there are none for somebody."""
    ticks = out.actions.shape[1]
    played = player.replay_segment(*stored, out, start, ticks)
    if played < ticks:
        report.problems.append(
            f"tick {start + played}: somebody lives in the replay of whom no action is stored"
        )
    return played == ticks
