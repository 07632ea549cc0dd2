"""A scenario of a data set is one population: its runs differ by their seeds, and in how they are stored.

Two configs under one name, or one config played for other ticks or by another policy, would be counted, averaged and
split as if they were one. Here is what entries of an index tell of that; who has the configs can tell it exactly
(`townlet/planning/populations.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from townlet.dataset.index.index_document import RunEntry
from townlet.errors import OutputError
from townlet.escaping import shown

Population = tuple[
    str | None, int | None
]  # config_id and ticks: what an entry tells of the population of its run

WHAT_TO_DO = "capture into another folder, or give the runs another `name` in a suite"
_WHY = "Under one name they would mix two populations"


def populations_of(runs: Iterable[RunEntry]) -> tuple[Population, ...]:
    """Of some runs, each once, sorted."""
    found = {(run.config_id, run.ticks) for run in runs}
    return tuple(sorted(found, key=lambda told: (told[0] or "", told[1] or 0)))


class Populations:
    """The populations of the scenarios of a data set that is to be written."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._there: dict[
            str, dict[str, list[Population]]
        ] = {}  # name in lower case -> name -> its populations
        self._kept: set[str] = set()  # scenarios that are there already

    def keep(self, scenario: str, told: Iterable[Population]) -> None:
        """What stays. A data set that was mixed before stays as it is, and may grow by what it holds."""
        known = self._names_of(scenario).setdefault(scenario, [])
        self._kept.add(scenario)
        known += [one for one in told if one not in known]

    def add(self, scenario: str, told: Iterable[Population]) -> None:
        """Raise OutputError where what is added is of another population than what there is of its scenario, or where
        the two scenarios would be one folder on some disks. To be called once all is known that stays."""
        names = self._names_of(scenario)
        check_case(self._place, scenario, names)
        known = names.setdefault(scenario, [])
        for one in told:
            if known and one not in known:
                raise self._mixed(scenario, known[0], one)
            if one not in known:
                known.append(one)

    def _mixed(self, scenario: str, first: Population, other: Population) -> OutputError:
        if scenario in self._kept:
            return mixed(self._place, scenario, f"{_said(first)}; added: {_said(other)}")
        return OutputError(
            f"{self._place}: the runs of {shown(scenario)} that are asked for differ by more than their seeds: "
            f"{_said(first)}; {_said(other)}. {_WHY}; {WHAT_TO_DO}"
        )

    def _names_of(self, scenario: str) -> dict[str, list[Population]]:
        return self._there.setdefault(scenario.casefold(), {})


def check_case(place: str, name: str, others: Iterable[str]) -> None:
    """Raise OutputError where a scenario is called as one of these but for upper and lower case."""
    for other in others:
        if other != name and other.casefold() == name.casefold():
            raise OutputError(
                f"{place}: holds the scenario {shown(other)}, and {shown(name)} differs from it in upper and lower "
                f"case only, which on some disks is the same folder; {WHAT_TO_DO}"
            )


def mixed(place: str, name: str, how: str) -> OutputError:
    """The error that says so. `how`: what is there, and what is asked for."""
    return OutputError(
        f"{place}: the runs of {shown(name)} that are there differ from those asked for by more than their seeds: "
        f"{how}. {_WHY}; {WHAT_TO_DO}"
    )


def _said(told: Population) -> str:
    return f"config_id {shown(told[0])}, ticks {shown(told[1])}"


class Seeds(NamedTuple):
    """Of one scenario."""

    count: int
    distinct: int  # contents

    def __str__(self) -> str:
        return f"{self.count:,} seeds, {self.distinct:,} distinct"


def distinct_seeds(runs: Iterable[RunEntry]) -> dict[str, Seeds]:
    """How many of each scenario's seeds differ, by the content digests of the runs; in the order in which they come."""
    contents: dict[str, list[str]] = {}
    for run in runs:
        contents.setdefault(run.scenario, []).append(run.content_digest)
    return {name: Seeds(len(some), len(set(some))) for name, some in contents.items()}


def copies(runs: Iterable[RunEntry]) -> dict[str, Seeds]:
    """The same, of scenarios in which a seed changes nothing."""
    return {name: seeds for name, seeds in distinct_seeds(runs).items() if seeds.distinct < seeds.count}
