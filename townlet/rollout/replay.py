"""`verify --replay`: play a capture's stored actions again and compare every array to the bit.

A capture of one agent alone (`--agent`) does not hold the others' actions, and a Python policy's log-probs do not
follow from its actions: such a run is simulated again with its policies instead, and compared in the same way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from townlet.dataset.reading.capture import Capture
from townlet.generator.generate import generate_run
from townlet.rollout.agents import AgentRegistry, episodes
from townlet.rollout.buffers import frames
from townlet.rollout.metadata import Episode, frame_group, static_facts
from townlet.rollout.play import play, resolved_of
from townlet.rollout.player import Player
from townlet.run import Run, SampleKey, canonical_json
from townlet.samples import ARRAYS, FrameGroup, ReplaySample, stack_groups

NOT_STORED = -1  # an action of which nothing is stored


@dataclass
class ReplayReport:
    """What a replay found. `problems` is empty where every array is the same to the bit."""

    samples: int = 0
    timesteps: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.problems


def run_of(capture: Capture) -> Run:
    """The run that made a capture, from its manifest and its stored config."""
    facts = capture.metadata
    return Run(
        name=facts["scenario_name"], seed=facts["seed"], ticks=facts["ticks"],
        config_json=canonical_json(capture.config), config_path=facts["config_path"], policy=facts["policy"],
        agent=facts["agent"], auto_seeded=facts["auto_seeded"], ignore_schedules=facts["ignore_schedules"],
        segment_ticks=facts["segment_ticks"], compression=facts["compression"], prefix=facts["prefix"],
        model_digest=facts["model_digest"],
    )  # fmt: skip


def verify_replay(capture: Capture) -> ReplayReport:
    """Play `capture` again. Raises CorruptSampleError where a file cannot be read."""
    run, report = run_of(capture), ReplayReport()
    if run.fingerprint != capture.metadata["fingerprint"]:
        report.problems.append(
            "the stored config, or this version of the simulation, is not the one that made the capture: "
            f"expected fingerprint {capture.metadata['fingerprint'][:12]}, found {run.fingerprint[:12]}"
        )
        return report
    stored = {(record.arrival, record.segment): index for index, record in enumerate(capture.samples)}
    by_policies = run.agent is not None or not _player_of(run)[0].compiled
    again = play(run) if by_policies else _replayed(capture, run, report)
    for key, group in again:
        index = stored.pop((key.arrival, key.segment), None)
        if index is None:
            who = f"{key.agent_id}, segment {key.segment}"
            report.problems.append(f"{who}: lives in the replay, is not in the capture")
            continue
        _compare(capture[index], stack_groups([group]), key, report)
    missing = [capture.samples[index].npz.name for index in stored.values()]
    report.problems += [f"{name}: is in the capture, not in the replay" for name in missing]
    return report


def _compare(sample: ReplaySample, again: ReplaySample, key: SampleKey, report: ReplayReport) -> None:
    report.samples += 1
    report.timesteps += sample.timesteps
    name = f"{key.agent_id} (segment {key.segment})"
    for array in ARRAYS:
        found, expected = getattr(sample, array), getattr(again, array)
        if found.shape != expected.shape:
            report.problems.append(
                f"{name}: {array}: stored shape {found.shape}, replayed shape {expected.shape}"
            )
        elif found.tobytes() != expected.tobytes():
            report.problems.append(f"{name}: {array}: " + first_difference(found, expected, sample.tick))


def first_difference(found: np.ndarray, expected: np.ndarray, tick: np.ndarray) -> str:
    """Where two arrays of one shape differ first, in words."""
    different = found.view(np.uint8).reshape(-1) != expected.view(np.uint8).reshape(-1)
    place = np.unravel_index(int(np.argmax(different)) // found.itemsize, found.shape)
    when = f"tick {tick[place[0]]}" if found.shape[0] == len(tick) else f"index {place[0]}"
    return f"differs first at {when}: stored {found[place]}, replayed {expected[place]}"


def _stored_actions(capture: Capture, ticks: int) -> tuple[np.ndarray, np.ndarray]:
    """[arrivals, ticks] ids and [arrivals, ticks, 3] arguments of the whole run; NOT_STORED where nobody lived."""
    arrivals = max((record.arrival for record in capture.samples), default=0)
    actions = np.full((arrivals, ticks), NOT_STORED, np.int64)
    args = np.full((arrivals, ticks, 3), -1.0, np.float32)
    for index, record in enumerate(capture.samples):
        sample = capture[index]
        where = slice(int(sample.tick[0]), int(sample.tick[0]) + sample.timesteps)
        actions[record.arrival - 1, where] = sample.actions
        args[record.arrival - 1, where] = sample.action_args
    return actions, args


def _replayed(capture: Capture, run: Run, report: ReplayReport) -> Iterator[tuple[SampleKey, FrameGroup]]:
    """Frame groups of the stored actions, segment by segment."""
    player, registry = _player_of(run)
    facts = static_facts(player.generated, resolved_of(run).config, run)
    actions, args = _stored_actions(capture, run.ticks)
    length = run.segment_ticks or run.ticks
    for segment, start in enumerate(range(0, run.ticks, length)):
        ticks = min(length, run.ticks - start)
        out = frames(player.generated, ticks)
        played = player.replay_segment(actions, args, out, start, ticks)
        if played < ticks:
            report.problems.append(
                f"tick {start + played}: somebody lives in the replay of whom no action is stored"
            )
            return
        registry.note(out.arrival, start)
        for row, first, end in episodes(out.arrival):
            arrival = int(out.arrival[row, first])
            key = SampleKey(run.name, run.seed, arrival, registry.names[arrival - 1], segment)
            episode = Episode(row, first, end, segment, last=start + ticks == run.ticks)
            yield key, frame_group(out, start, episode, registry, facts, player.policy_of)


def _player_of(run: Run) -> tuple[Player, AgentRegistry]:
    generated = generate_run(run)
    registry = AgentRegistry.of(generated)
    return Player(generated, registry), registry
