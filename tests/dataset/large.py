"""The index of a data set of many samples, without the samples."""

from __future__ import annotations

import hashlib
import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from townlet.dataset.format.canonical import document_bytes, sha256_hex
from townlet.dataset.format.paths import INDEX, run_folder
from townlet.dataset.format.sample_facts import COLUMNS
from townlet.dataset.index.index_file import INDEX_VERSION
from townlet.dataset.index.metrics_table import ROW_GROUP, SAMPLES
from townlet.dataset.store.contract import Store

SCENARIOS = 20
AGENTS = 10  # of a run, one sample each
FIGURES = 40


def write_large_index(store: Store, runs: int) -> None:
    """dataset.json and metrics.parquet of `runs` runs; digests and figures are drawn, nothing else exists."""
    rows = _rows(runs)
    per_scenario = runs // SCENARIOS
    entries = [_entry(f"scenario_{n // per_scenario:02d}", n % per_scenario, n) for n in range(runs)]
    metadata = {
        "format_version": INDEX_VERSION,
        "complete": True,
        "suites": ["large"],
        "run_count": runs,
        "failure_count": 0,
        "sample_count": runs * AGENTS,
        "frame_count": runs * AGENTS * 200,
        "size": runs * AGENTS * 10_000,
        "files": {"samples": {"name": SAMPLES, "sha256": sha256_hex(rows), "size": len(rows)}},
        "content_sha256": "0" * 64,
    }
    document = {"metadata": metadata, "runs": entries}
    metadata["content_sha256"] = sha256_hex(document_bytes(document))
    store.write_whole(SAMPLES, [rows])
    store.write_whole(INDEX, [document_bytes(document)])


def _entry(scenario: str, seed: int, number: int) -> dict[str, object]:
    return {
        "scenario": scenario,
        "seed": seed,
        "folder": run_folder(scenario, seed),
        "config_id": scenario,
        "ticks": 200,
        "fingerprint": _digest(number, "fingerprint"),
        "manifest": "rollout_sample_manifest.json",
        "manifest_sha256": _digest(number, "manifest"),
        "manifest_size": 4000,
        "content_digest": _digest(number, "content"),
        "sample_count": AGENTS,
        "frame_count": AGENTS * 200,
        "size": AGENTS * 10_000,
    }


def _rows(runs: int) -> bytes:
    count = runs * AGENTS
    draw = np.random.default_rng(0)
    run, agent = np.divmod(np.arange(count), AGENTS)
    per_scenario = runs // SCENARIOS
    names = np.array([f"agent_{n}" for n in range(AGENTS)])
    stems = np.array([f"rollout_sample_agent_{n}_{n + 1:03d}" for n in range(AGENTS)])
    numbers = {
        "seed": run % per_scenario,
        "arrival": agent + 1,
        "size": draw.integers(5000, 9000, count),
        "meta_size": draw.integers(2000, 3000, count),
        "frame_count": np.full(count, 200),
        "truncated": np.ones(count, bool),
    }
    texts = {
        "scenario": np.char.add("scenario_", np.char.zfill((run // per_scenario).astype(str), 2)),
        "agent_id": names[agent],
        "sample": np.char.add(stems[agent], ".npz"),
        "meta": np.char.add(stems[agent], ".json"),
        "layout_digest": np.array([_digest(0, "layout")])[np.zeros(count, int)],
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
    figures = {f"figure_{n:02d}_mean": pa.array(draw.random(count)) for n in range(FIGURES)}
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


def _digests(draw: np.random.Generator, count: int) -> list[str]:
    data = draw.bytes(32 * count).hex()
    return [data[start : start + 64] for start in range(0, len(data), 64)]


def _digest(number: int, what: str) -> str:
    return hashlib.sha256(f"{what} {number}".encode()).hexdigest()
