"""The index of a data set of many runs, without the runs: digests and figures are drawn, nothing else exists."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from townlet.dataset.format.canonical import document_bytes, sha256_hex
from townlet.dataset.format.paths import INDEX, run_folder
from townlet.dataset.format.records import FileRecord, SampleRecord
from townlet.dataset.format.sample_facts import COLUMNS
from townlet.dataset.index.build_shards import IndexedRun
from townlet.dataset.index.index_document import (
    NAMES,
    SHARD_SEEDS,
    RunEntry,
    ShardEntry,
    content_of,
    digest_named,
    failures_bytes,
    root_bytes,
    runs_bytes,
    shard_entry,
)
from townlet.dataset.index.metrics_summary import figures_of
from townlet.dataset.index.metrics_table import ROW_GROUP, SampleRows, pack, pack_rows
from townlet.dataset.index.shard_summaries import FirstRun, ShardSummary, summaries_bytes, summarise_shard
from townlet.dataset.store.contract import Store

TICKS = 200
MANIFEST_SIZE = 4000  # bytes
SAMPLE_SIZE = 10_000


class MadeUp(NamedTuple):
    """So many runs, of scenarios that share them evenly."""

    runs: int
    scenarios: int = 20
    agents: int = 10  # of a run, one sample each
    figures: int = 40  # of a sample

    def keys(self) -> Iterator[tuple[str, int]]:
        """Scenario and seed of each run, in order."""
        per_scenario = self.runs // self.scenarios
        return ((f"scenario_{n // per_scenario:03d}", n % per_scenario) for n in range(self.runs))

    def entry(self, scenario: str, seed: int) -> RunEntry:
        return RunEntry(
            scenario=scenario,
            seed=seed,
            folder=run_folder(scenario, seed),
            config_id=scenario,
            ticks=TICKS,
            fingerprint=_digest(f"fingerprint {scenario} {seed}"),
            manifest="rollout_sample_manifest.json",
            manifest_sha256=_digest(f"manifest {scenario} {seed}"),
            manifest_size=MANIFEST_SIZE,
            content_digest=_digest(f"content {scenario} {seed}"),
            sample_count=self.agents,
            frame_count=self.agents * TICKS,
            size=self.agents * SAMPLE_SIZE,
        )

    def indexed(self, scenario: str, seed: int) -> IndexedRun:
        """A run as a worker hands it to whoever writes the index."""
        samples = [self._sample(scenario, seed, agent) for agent in range(self.agents)]
        return IndexedRun((scenario, seed), pack(self.entry(scenario, seed).as_mapping()), pack_rows(samples))

    def write(self, store: Store) -> None:
        """The whole index. Memory: a shard."""
        shards: list[ShardEntry] = []
        summaries: list[ShardSummary] = []
        for runs in self._by_shard():
            listed, table = runs_bytes(runs), self._table(runs)
            shard = shard_entry(runs, content_of(listed), content_of(table))
            for file, data in zip(shard.files, (listed, table), strict=True):
                store.write_whole(file.name, [data])
            shards.append(shard)
            rows = SampleRows(table, shard.files[1].name)
            summaries.append(summarise_shard(store, runs, rows, FirstRun("made up")))
        self._write_root(store, shards, summaries)

    def _by_shard(self) -> Iterator[list[RunEntry]]:
        runs: list[RunEntry] = []
        for key in self.keys():
            if runs and (runs[0].scenario != key[0] or key[1] % SHARD_SEEDS == 0):
                yield runs
                runs = []
            runs.append(self.entry(*key))
        if runs:
            yield runs

    def _write_root(self, store: Store, shards: list[ShardEntry], summaries: list[ShardSummary]) -> None:
        parts = ((shard.scenario, summary.figures) for shard, summary in zip(shards, summaries, strict=True))
        contents = {
            "metrics": document_bytes(figures_of(parts)),
            "failures": failures_bytes([]),
            "card": b"# Made up\n",
        }
        files = {
            kind: FileRecord(NAMES[kind], sha256_hex(data), len(data)) for kind, data in contents.items()
        }
        contents["summaries"] = summaries_bytes(summaries)
        files["summaries"] = digest_named(content_of(contents["summaries"]), "summaries")
        for kind, file in files.items():
            store.write_whole(file.name, [contents[kind]])
        facts = {
            "complete": True,
            "failure_count": 0,
            "partial": [],
            "suites": ["large"],
            "run_count": self.runs,
            "sample_count": sum(shard.sample_count for shard in shards),
            "frame_count": sum(shard.frame_count for shard in shards),
            "size": sum(shard.size for shard in shards),
            "files": {
                kind: {"name": file.name, "sha256": file.sha256, "size": file.size}
                for kind, file in files.items()
            },
        }
        store.write_whole(INDEX, [root_bytes(facts, shards)])

    def _table(self, runs: list[RunEntry]) -> bytes:
        """The table of a shard."""
        count = len(runs) * self.agents
        draw = np.random.default_rng(runs[0].seed)
        run, agent = np.divmod(np.arange(count), self.agents)
        numbers = {
            "seed": np.array([entry.seed for entry in runs])[run],
            "arrival": agent + 1,
            "size": draw.integers(5000, 9000, count),
            "meta_size": draw.integers(2000, 3000, count),
            "frame_count": np.full(count, TICKS),
            "truncated": np.ones(count, bool),
        }
        stems = np.array([_stem(number) for number in range(self.agents)])
        texts = {
            "scenario": np.full(count, runs[0].scenario),
            "agent_id": np.array([f"agent_{n}" for n in range(self.agents)])[agent],
            "sample": np.char.add(stems[agent], ".npz"),
            "meta": np.char.add(stems[agent], ".json"),
            "layout_digest": np.full(count, _digest("layout")),
        }
        columns = {}
        for name, kind in COLUMNS.items():
            if name in texts:
                values = pa.array(texts[name])
            elif kind == "string":
                values = pa.array(_digests(draw, count))
            else:
                values = pa.array(numbers.get(name, np.zeros(count, int)))
            columns[name] = values.cast(pa.type_for_alias(kind))
        figures = {_figure(n): pa.array(draw.random(count)) for n in range(self.figures)}
        sink = io.BytesIO()
        pq.write_table(
            pa.table(columns | figures),
            sink,
            compression="zstd",
            row_group_size=ROW_GROUP,
            write_page_checksum=True,
            store_schema=False,
        )
        return sink.getvalue()

    def _sample(self, scenario: str, seed: int, agent: int) -> SampleRecord:
        who, stem = f"{scenario} {seed} {agent}", _stem(agent)
        draw = np.random.default_rng([seed, agent])
        return SampleRecord(
            run=scenario,
            seed=seed,
            fingerprint=_digest(f"fingerprint {scenario} {seed}"),
            arrival=agent + 1,
            agent_id=f"agent_{agent}",
            segment=0,
            npz=FileRecord(f"{stem}.npz", _digest(f"npz {who}"), SAMPLE_SIZE),
            meta=FileRecord(f"{stem}.json", _digest(f"meta {who}"), SAMPLE_SIZE // 4),
            frame_count=TICKS,
            first_tick=0,
            content_digest=_digest(f"content {who}"),
            layout_digest=_digest("layout"),
            done=False,
            truncated=True,
            metrics={"done": 0, **{_figure(n): float(draw.random()) for n in range(self.figures)}},
            capture={},
        )


def _figure(number: int) -> str:
    return f"figure_{number:02d}_mean"


def _stem(agent: int) -> str:
    return f"rollout_sample_agent_{agent}_{agent + 1:03d}"


def _digests(draw: np.random.Generator, count: int) -> list[str]:
    data = draw.bytes(32 * count).hex()
    return [data[start : start + 64] for start in range(0, len(data), 64)]


def _digest(what: str) -> str:
    return hashlib.sha256(what.encode()).hexdigest()
