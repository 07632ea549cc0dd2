"""A capture that is to be captured again: the options that its run was made with, for where nothing else is said."""

from __future__ import annotations

from pathlib import Path

from townlet.config.captured import captured_config
from townlet.config.schema.types import ID_PATTERN
from townlet.config.shipped import existing
from townlet.dataset.format.documents import Document, Seed, Tick, convert_document
from townlet.dataset.reading.capture import load_capture
from townlet.errors import CorruptSampleError, UserError
from townlet.escaping import shown
from townlet.policy_text import checked_policy, digest_of, is_given, is_network
from townlet.vocabulary import COMPRESSIONS


class RunOptions(Document, frozen=True):
    """What a manifest says of its run; what others left out is as it is where nothing is said."""

    seed: Seed
    ticks: Tick
    scenario_name: str | None = None
    policy: str | None = None
    agent: str | None = None
    auto_seeded: bool = False
    ignore_schedules: bool = False
    segment_ticks: Tick = 0
    compression: str = COMPRESSIONS[0]
    prefix: str = "rollout_sample"


def options_of_capture(source: str) -> RunOptions | None:
    """The options of the run whose capture this is: its folder, or its manifest. None for anything else.

    Raises CorruptSampleError for a capture that is not what was written; its samples are not read.
    """
    place = Path(source)
    if captured_config(place) != existing(source):
        return None
    capture = load_capture(source)
    options = convert_document(RunOptions, capture.metadata, source, "the manifest of a capture")
    _ = capture.config  # raises unless its digest is the one in the manifest
    if options.compression not in COMPRESSIONS:
        found = shown(repr(options.compression))
        raise CorruptSampleError(
            f"{shown(source)}: compression: expected one of {', '.join(COMPRESSIONS)}, got {found}"
        )
    if options.policy is not None:
        _check_policy(options.policy, source)
    for key in ("scenario_name", "prefix"):
        found = getattr(options, key)
        if found is not None and not ID_PATTERN.fullmatch(found):
            raise CorruptSampleError(f"{shown(source)}: {key}: expected a name, got {shown(repr(found))}")
    return options


def _check_policy(policy: str, source: str) -> None:
    """Raise CorruptSampleError for a policy that no run of ours has: a network is named by its digest."""
    if is_given(policy):
        return  # nobody can play it again, which matters only where no other policy is asked for
    try:
        checked = checked_policy(policy)
    except UserError as error:
        raise CorruptSampleError(f"{shown(source)}: {error}") from None
    if is_network(checked) and digest_of(checked) is None:
        raise CorruptSampleError(
            f"{shown(source)}: policy: expected a network by its SHA-256, got {shown(repr(policy))}"
        )
