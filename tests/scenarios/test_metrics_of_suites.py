"""The shipped suites: their metrics.json, byte for byte, and that they ask for no seed that changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from townlet import dataset
from townlet.cli import main
from townlet.dataset.format.canonical import sha256_hex

METRICS = {
    "smoke": "c0be7c63bc582dd29af31ea9ce242ea98b51a8abc55c26e0bd92e7009dfd8afc",
    "nightly": "bcb093203c4f7a754cb9088a3e60bb0bd4410e3f7e9ae1f318066cf0e88f67a3",
}
SHARE = {"smoke": 0.25, "nightly": 0.1}


@pytest.mark.parametrize("suite", ["smoke", pytest.param("nightly", marks=pytest.mark.campaign)])
def test_a_shipped_suite(suite: str, tmp_path: Path) -> None:
    """Metrics move with the golden runs, and with the seeds of a suite: then the digest is replaced."""
    assert main(["capture", suite, "--output", str(tmp_path), "--quiet", "--json"]) == 0
    assert sha256_hex((tmp_path / "metrics.json").read_bytes()) == METRICS[suite]
    opened = dataset.open(tmp_path)
    contents = [(run.scenario, run.content_digest) for run in opened._sample_index.runs]
    assert len(set(contents)) == len(contents), "a seed that changes nothing"
    train, validation = opened.split(SHARE[suite])
    assert train.runs and validation.runs
    assert not set(train.samples["content_digest"]) & set(validation.samples["content_digest"])
