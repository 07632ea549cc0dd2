"""What the worlds of planned runs tell at tick zero: how long their segments can be, and where things stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from townlet.run import Run

SEGMENT_BYTES = 256_000_000  # the frames of one segment stay below, unless --segment-ticks says otherwise
TOWN_BYTES = 16_000_000  # that a town may take beside; a larger one leaves less for the frames
LEAST_SEGMENT_BYTES = 32_000_000  # many short segments cost more than they save


class Worlds:
    """What the worlds of runs tell at tick zero. A config is built once, for all entries that have it."""

    def __init__(self) -> None:
        self._told: dict[tuple[Any, ...], tuple[int, tuple[str, ...]]] = {}

    def segment_ticks(self, run: Run) -> int:
        """The largest power of two of ticks whose frames, beside a large town, stay in bounds.

        Raises ConfigError for a config that cannot be played.
        """
        return self._of(run)[0]

    def notices(self, run: Run) -> Sequence[str]:
        """Where things without a position stand."""
        return self._of(run)[1]

    def _of(self, run: Run) -> tuple[int, tuple[str, ...]]:
        from townlet.rollout.play import build_run, frame_bytes, town_bytes

        same = (run.config_digest, run.seed, run.policy, run.ignore_schedules)
        if same not in self._told:
            built = build_run(run)
            large = max(0, town_bytes(built) - TOWN_BYTES)
            room = max(LEAST_SEGMENT_BYTES, SEGMENT_BYTES - 3 * large // 2)
            ticks = 1 << max(0, (room // frame_bytes(built)).bit_length() - 1)
            self._told[same] = ticks, tuple(built.notices)
        return self._told[same]
