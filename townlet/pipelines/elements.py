"""What travels between the steps of the pipeline, besides frames.

No Beam here: plain values, picklable.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from townlet.dataset.format.records import RunRecord, SampleRecord
from townlet.dataset.status.status import RunStatus
from townlet.run import RunRef, SampleKey

RunKey = tuple[str, int]  # name and seed


class SampleRef(NamedTuple):
    """Which sample of which run."""

    run: RunRef
    sample: SampleKey


@dataclass(frozen=True)
class RunEnd:
    """A run was played to its end and has so many samples.

    Where the samples' records are `persisted` in the output already, nobody has to carry them.
    """

    run: RunRef
    samples: int = 0  # 0 where they are there from an earlier attempt
    persisted: RunStatus | None = None  # `simulated`: by a receipt. `published`: by a manifest
    content: str = ""  # digest of all samples, where this attempt has written them


@dataclass(frozen=True)
class RunFailed:
    """A run that makes no capture, and why. `agent` is given where the failure is one agent's."""

    run: RunRef
    reason: str
    agent: str | None = None


def run_key(run: RunRef) -> RunKey:
    return run.name, run.seed


class Published(NamedTuple):
    """A run whose capture is in place."""

    run: RunRecord
    samples: list[SampleRecord]
    reused: bool  # it had been simulated by an earlier capture, or an earlier attempt of this one
