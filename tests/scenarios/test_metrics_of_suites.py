"""metrics.json of the shipped suites: byte for byte what it has been since it was first written."""

from __future__ import annotations

from pathlib import Path

import pytest

from townlet.cli import main
from townlet.dataset.format.canonical import sha256_hex

METRICS = {
    "smoke": "e5c487df12b04029e0a084286003f78b79a05e8907b07f27a30727bcadb8dc05",
    "nightly": "d83f56cd1253cc78bd4385287384b2b9be6f7f5c08047318152a6058280e4640",
}


@pytest.mark.parametrize("suite", ["smoke", pytest.param("nightly", marks=pytest.mark.campaign)])
def test_metrics_of_a_shipped_suite(suite: str, tmp_path: Path) -> None:
    """Moves with the golden runs only: then the digest is replaced, and RULES_VERSION raised."""
    assert main(["capture", suite, "--output", str(tmp_path), "--quiet", "--json"]) == 0
    assert sha256_hex((tmp_path / "metrics.json").read_bytes()) == METRICS[suite]
