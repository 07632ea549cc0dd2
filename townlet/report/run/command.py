"""The command line that makes a run again."""

from __future__ import annotations

from collections.abc import Iterator

from townlet.errors import UserError
from townlet.escaping import shown, typed, typed_path
from townlet.policy.model_words import network_words
from townlet.policy_text import MODEL_FOLDER, given_name, is_given, is_network, model_file, parse_network
from townlet.run import Run
from townlet.vocabulary import COMPRESSIONS


def command_of(run: Run) -> str:
    """`townlet capture CONFIG --seed 0 ...`; "" for a run in which an object of a program's decided.

    Of a branched run CAPTURE stands for the capture that it left. A config that is not shipped is named by its file's
    name alone, a network by where a data set keeps it.
    """
    if is_given(run.policy):
        return ""
    if run.branch is not None:
        return f"townlet capture CAPTURE --from-tick {run.branch.tick} {typed(*_changes(run))} --output DIR"
    config = run.config_path or f"{run.name or 'config'}.yaml"
    return f"townlet capture {typed_path(config)} {typed(*_options(run))} --output DIR"


def _changes(run: Run) -> Iterator[str]:
    """What a branched run does otherwise than the one that it left."""
    assert run.branch is not None
    before = run.branch.before[-1]
    if run.seed != before.seed:
        yield from ("--seed", str(run.seed))
    yield from ("--ticks", str(run.ticks))
    if run.policy is not None and run.policy != before.policy:
        yield from ("--policy", _policy(run.policy))
    if run.ignore_schedules and not before.ignore_schedules:
        yield "--ignore-schedules"


def _options(run: Run) -> Iterator[str]:
    yield from ("--seed", str(run.seed), "--ticks", str(run.ticks))
    if run.policy is not None:
        yield from ("--policy", _policy(run.policy))
    if run.agent is not None:
        yield from ("--agent", run.agent)
    if run.auto_seeded:
        yield "--auto-seed-agents"
    if run.ignore_schedules:
        yield "--ignore-schedules"
    if run.segment_ticks:
        yield from ("--segment-ticks", str(run.segment_ticks))
    if run.compression != COMPRESSIONS[0]:
        yield from ("--compression", run.compression)


def _policy(policy: str) -> str:
    if not is_network(policy):
        return policy
    try:
        network = parse_network(policy)
    except UserError:
        return policy
    return policy.replace(network.model, f"{MODEL_FOLDER}/{model_file(network.model)}", 1)


def policy_words(policy: str) -> str:
    """A policy for people."""
    if is_given(policy):
        return f"an object of a program's: {shown(given_name(policy))}"
    return network_words(policy) if is_network(policy) else shown(policy)
