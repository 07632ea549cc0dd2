"""Units of a data set: runs that share a life, and so may not stand on two sides of a split.

Two runs are one unit if a life of one is equal to a life of the other, or to how that one begins: what was seen, done
and got, tick by tick, whatever agents and scenarios are called, and however the rollouts were cut into segments. Units
are the connected components of that over the whole data set.

The index has a digest for each block of ticks of each sample, so that nearly always nothing is read. Samples are read
where a life ends inside a block of others that are equal to it up to that block (theirs, as far as the block goes),
where lives that are equal for a while are cut at other ticks, and in data sets that were written before the index had
such digests.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise

import numpy as np

from townlet.arrays import I64
from townlet.dataset.format.blocks import block_digests
from townlet.dataset.reading.sample_index import SampleIndex
from townlet.dataset.reading.splitting.lives import Chains, Life, LifeReader, Node

Chained = tuple[Life, list[Node]]


def units_of(index: SampleIndex) -> I64:
    """[runs] The first run, in the order of the index, of the unit that each is of. Found once."""
    if index.units is None:
        index.units = _units_of(index)
    return index.units


def runs_by_unit(index: SampleIndex) -> tuple[tuple[tuple[str, int], ...], ...]:
    """Scenario and seed of the runs of each unit."""
    found: dict[int, list[tuple[str, int]]] = {}
    for key, first in zip(index.runs.keys, units_of(index).tolist(), strict=True):
        found.setdefault(first, []).append(key)
    return tuple(tuple(found[first]) for first in sorted(found))


def _units_of(index: SampleIndex) -> I64:
    reader, groups = LifeReader(index), _Groups(len(index.runs))
    chained = _cut_alike(reader)
    ends: dict[
        Node, int
    ] = {}  # a node at which a life ends, or that only lives with such a beginning have -> its run
    for life, nodes in chained:
        groups.join(life.run, ends.setdefault(nodes[-1], life.run))
    for node, run in _ends_inside_blocks(reader, chained, ends):
        groups.join(run, ends.setdefault(node, run))
    for life, nodes in chained:
        for node in nodes:
            if node in ends:
                groups.join(life.run, ends[node])
    return groups.firsts()


def _ends_inside_blocks(
    reader: LifeReader, chained: list[Chained], ends: dict[Node, int]
) -> Iterable[tuple[Node, int]]:
    """Nodes of longer lives that go on from how another life ends inside a block, and the other's run.

    One life is read for each way in which a block goes on after a node at which another life's last block begins.
    """
    ticks: dict[Node, set[int]] = defaultdict(set)  # last node but one -> ticks of the last
    for _, nodes in chained:
        ticks[nodes[-2]].add(nodes[-1][1])
    asked: set[Node] = set()
    found: list[tuple[Node, int]] = []
    for life, nodes in chained:
        for before, node in pairwise(nodes):
            if before not in ticks:
                continue
            earlier = [tick for tick in ticks[before] if tick < node[1]]
            if not earlier or node in asked:
                continue
            asked.add(node)
            first = max(segment.first for segment in life.segments if segment.first < node[1])
            arrays = reader.experience(life, first, max(earlier))
            for tick in earlier:
                # All blocks before this one end where the other life's do: only the last end is another.
                rows = {name: array[: tick - first] for name, array in arrays.items()}
                end = (node[0], tick, int(block_digests(rows, (tick - first,)), 16))
                if end in ends:
                    found.append((node, ends[end]))
    return found


def _cut_alike(reader: LifeReader) -> list[Chained]:
    """All lives, in segments that can be compared: one that is as another is up to a cut that it lacks is cut too."""
    chains = Chains()
    chained = [(life, chains.nodes(life)) for life in reader.lives()]
    while True:
        cuts = sorted({cut for life, _ in chained for cut in life.cuts})
        before: dict[int, set[Node]] = defaultdict(set)  # a cut -> the last nodes before it of lives with it
        if cuts:
            for life, nodes in chained:
                for cut in life.cuts:
                    before[cut].add(_last_before(nodes, cut))
        again = False
        for number, (life, nodes) in enumerate(chained):
            lacking = set(cuts).difference(life.cuts) if cuts else ()
            inside = (cut for cut in lacking if life.first < cut < life.end)
            if any(_last_before(nodes, cut) in before[cut] for cut in inside):
                life = reader.cut_anew(life, cuts)
                chained[number] = life, chains.nodes(life)
                again = True
        if not again:
            return chained


def _last_before(nodes: list[Node], tick: int) -> Node:
    """The last node before a tick that is after the first."""
    low, high = 0, len(nodes)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if nodes[middle][1] < tick else (low, middle)
    return nodes[low]


class _Groups:
    """Numbers 0 to count - 1, joined to groups."""

    def __init__(self, count: int) -> None:
        self._parents = list(range(count))

    def join(self, one: int, other: int) -> None:
        a, b = self._root(one), self._root(other)
        self._parents[max(a, b)] = min(a, b)

    def firsts(self) -> I64:
        """[count] The least number of each one's group."""
        return np.array([self._root(number) for number in range(len(self._parents))], np.int64)

    def _root(self, number: int) -> int:
        parents = self._parents
        while parents[number] != number:
            parents[number] = parents[parents[number]]
            number = parents[number]
        return number
