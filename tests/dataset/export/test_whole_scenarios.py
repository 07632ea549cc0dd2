"""Exports of every shipped scenario, made back into samples; and what an export that is killed leaves behind."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.dataset.captures import content
from townlet import cli, dataset
from townlet.dataset.export.lerobot import export_lerobot
from townlet.dataset.export.parquet import export_parquet
from townlet.samples import ReplaySample

pytestmark = pytest.mark.campaign

SCENARIOS = sorted(
    path.stem for path in (Path(__file__).resolve().parents[3] / "configs" / "scenarios").iterdir()
)
ARRAY_OF = {  # of a sample, by LeRobot's key
    "observation.map": "map",
    "observation.state": "features",
    "observation.action_mask": "action_mask",
    "action": "actions",
    "next.reward": "rewards",
    "next.done": "dones",
    "info.log_prob": "old_log_probs",
    "info.reward_terms": "reward_terms",
    "info.action_args": "action_args",
    "info.tick": "tick",
    "info.position": "positions",
    "info.blocked": "blocked",
    "info.off_mask": "off_mask",
}


@pytest.fixture(scope="module", params=SCENARIOS)
def captured(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(request.param) / "samples"
    options = ["--seeds", "0..1", "--segment-ticks", "70", "--quiet"]
    assert cli.main(["capture", request.param, *options, "--output", str(folder)]) == 0
    return folder


def test_samples_made_back(captured: Path, tmp_path: Path) -> None:
    """Every array of every life, with T + 1 observations and values, of ends and cuts."""
    opened = dataset.open(captured)
    lives = list(opened.lives())
    export_lerobot(opened, tmp_path / "out")
    frames = pq.read_table(tmp_path / "out" / "data")
    episodes = pq.read_table(tmp_path / "out" / "meta" / "episodes").to_pylist()
    assert len(episodes) == len(lives) and frames.num_rows == opened.frame_count
    for episode, life in zip(episodes, lives, strict=True):
        first, steps = episode["dataset_from_index"], episode["length"]
        rows = frames.slice(first, steps)
        arrays = life.arrays()
        found = {}
        for key, name in ARRAY_OF.items():
            column = rows.column(key).combine_chunks()
            while hasattr(column, "flatten") and column.type.num_fields:
                column = column.flatten()
            values = column.to_numpy(zero_copy_only=False)
            expected = life.array(name)
            found[name] = values.astype(expected.dtype).reshape(expected.shape)
        values = rows.column("info.value").to_numpy(), rows.column("info.next_value").to_numpy()[-1:]
        found["value_preds"] = np.concatenate(values)
        for name, key in (
            ("final_map", "map"),
            ("final_features", "state"),
            ("final_action_mask", "action_mask"),
        ):
            expected = arrays[name]
            found[name] = np.array(episode[f"final/observation.{key}"]).astype(expected.dtype)
        found = {name: found[name] for name in arrays}  # without optional ones that say nothing
        again = ReplaySample.from_arrays(found, {**life.metadata})
        assert again.content_digest() == life.content_digest()
        cuts = rows.column("next.truncated").to_numpy()
        assert not cuts[:-1].any() and cuts[-1] != life.dones[-1] == episode["terminated"]


def test_parquet_has_the_same_rows(captured: Path, tmp_path: Path) -> None:
    opened = dataset.open(captured)
    export_parquet(opened, tmp_path / "rows")
    export_lerobot(opened, tmp_path / "episodes")
    rows = pq.read_table(tmp_path / "rows")
    frames = pq.read_table(tmp_path / "episodes" / "data")
    for one, other in (
        ("tick", "info.tick"),
        ("action", "action"),
        ("reward", "next.reward"),
        ("done", "next.done"),
    ):
        np.testing.assert_array_equal(rows.column(one).to_numpy(), frames.column(other).to_numpy())


def test_killed_exports(tmp_path: Path) -> None:
    """At any moment: the folder is there whole, or not at all; a signal that can be caught leaves nothing beside it."""
    assert (
        cli.main(["capture", "small_town", "--seeds", "0..5", "--output", str(tmp_path / "in"), "--quiet"])
        == 0
    )
    begun = time.monotonic()
    command = [sys.executable, "-m", "townlet", "export", str(tmp_path / "in"), "--to", "lerobot", "--quiet"]
    subprocess.run([*command, "--output", str(tmp_path / "whole")], check=True)
    longest = (time.monotonic() - begun) * 1.1
    whole = content(tmp_path / "whole")
    draw = random.Random(1)
    seen = set()
    for attempt in range(24):
        folder = tmp_path / f"attempt-{attempt}"
        folder.mkdir()
        ends = signal.SIGKILL if attempt % 2 else signal.SIGTERM
        process = subprocess.Popen([*command, "--output", str(folder / "out")], stderr=subprocess.DEVNULL)
        time.sleep(draw.uniform(longest / 4, longest))
        process.send_signal(ends)
        process.wait()
        names = os.listdir(folder)
        left = [name for name in names if name.startswith(".out.") and name.endswith(".part")]
        assert set(names) - set(left) <= {"out"}
        if "out" in names:
            assert content(folder / "out") == whole and not left
        assert not left or ends == signal.SIGKILL
        seen.add("out" in names)
    assert seen == {True, False}
