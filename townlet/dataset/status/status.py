"""The status of a run: one list of words, for all who capture, plan, resume, regenerate, verify and clean up."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class RunStatus(StrEnum):
    """How far a run is, from nothing to a capture that the index names."""

    MISSING = "missing"  # nothing of it is there
    BEGUN = "begun"  # a capture of it has begun, and no sample is there yet
    STAGED = "staged"  # samples are there, and nothing says that they are all
    SIMULATED = "simulated"  # its receipt holds: it has only to be published
    PUBLISHED = "published"  # its manifest is in place, and every file holds
    INDEXED = "indexed"  # and the index names just this capture
    DAMAGED = "damaged"  # it was published, and files are missing or changed since: it is captured anew
    OTHER = "other"  # something else is in its place, which a capture does not touch


COMPLETE = (RunStatus.PUBLISHED, RunStatus.INDEXED)
TO_SIMULATE = (RunStatus.MISSING, RunStatus.BEGUN, RunStatus.STAGED, RunStatus.DAMAGED)


class StatusOfRun(NamedTuple):
    """What was found out about a run."""

    status: RunStatus
    why: str = ""  # what is damaged, what else is there, or why an earlier attempt has failed
    size: int = 0  # bytes of all files of a complete run
    clear: bool = False  # of a damaged run: its files are to be removed before it is captured again
    unexpected: tuple[str, ...] = ()  # of `other`: files that are in the way, some of them
    manifest: str = ""  # of `other`: the manifest that is in the way
