"""The lives of a data set as episodes, one at a time, for formats that know episodes and not segments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from townlet.dataset.reading.capture import join_segments
from townlet.dataset.reading.data_set import DataSet
from townlet.dataset.reading.episodes import Spans
from townlet.samples import BOOTSTRAP_UNKNOWN, ReplaySample, bootstrap_known


class Episode(NamedTuple):
    """One life: all its segments joined. A life of which a segment in the middle was not chosen is several."""

    scenario: str
    seed: int
    agent_id: str
    arrival: int
    sample: ReplaySample

    @property
    def terminated(self) -> bool:
        """The life ended in its last step. Otherwise it was cut there, and would have gone on: truncation."""
        return bool(self.sample.dones[-1])

    @property
    def task(self) -> str:
        """What the scenario says of itself, or its name."""
        return self._capture.get("scenario_description") or self.scenario

    @property
    def facts(self) -> dict[str, Any]:
        """Who this is, as JSON. `bootstrap` is there where nobody knows the last value, which is 0 then."""
        facts: dict[str, Any] = {
            "scenario": self.scenario,
            "seed": self.seed,
            "agent_id": self.agent_id,
            "arrival": self.arrival,
            "first_tick": int(self.sample.tick[0]),
            "policy": self.sample.metadata["policy"].get("kind") or "",
            "fingerprint": self._capture.get("fingerprint") or "",
        }
        return facts if bootstrap_known(self.sample) else {**facts, "bootstrap": BOOTSTRAP_UNKNOWN}

    @property
    def _capture(self) -> dict[str, Any]:
        return self.sample.metadata.get("capture_metadata") or {}


class Episodes:
    """The episodes of a data set, by scenario, seed, arrival and tick. In memory: the one that is asked for."""

    def __init__(self, data_set: DataSet) -> None:
        self._spans = Spans(data_set)
        self._scenarios = data_set.scenarios

    def __len__(self) -> int:
        return len(self._spans)

    @property
    def longest(self) -> int:
        """Timesteps."""
        return int(self._spans.frames.max())

    def __iter__(self) -> Iterator[Episode]:
        for number in range(len(self)):
            span = self._spans.span(number)
            who = span.who
            yield Episode(
                who["scenario"] or self._scenarios[0],  # "" of a capture that stands alone
                int(who["seed"]),
                who["agent_id"],
                int(who["arrival"]),
                join_segments(list(span.samples())),
            )


class ExportedEpisodes(NamedTuple):
    """One data set that was written."""

    name: str  # by which its readers ask for it
    path: Path
    episodes: int
    steps: int
    size: int  # bytes


WatchedEpisodes = Callable[[Episodes], Iterable[Episode]]


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
