"""Which file lies where in an output."""

from __future__ import annotations

from functools import lru_cache

from townlet.dataset.format.manifest import (
    LOG_NAME,
    manifest_name,
    safe_name,
)
from townlet.run import RunRef

STAGING = ".staging"  # what is not finished yet lies below this folder, and nowhere else
RECEIPT = "receipt.json"
BEGUN = "begun.json"  # whose files these are, in a store where they have their final names from the start
LEASE = f"{STAGING}/writer.lease"  # who writes, in an object store
RUNS = "runs"
ENOUGH_UNEXPECTED = 10  # unexpected files that are enough to refuse a folder
INDEX = "dataset.json"
# What a data set keeps beside its runs.
INDEX_FILES = (INDEX, "metrics.json", "metrics.parquet", "failures.json", "README.md", LOG_NAME)


@lru_cache(maxsize=1024)
def staging_folder(run: RunRef) -> str:
    """Where a run is staged: a folder that no other run, and no other version of this run, shares."""
    return f"{STAGING}/{safe_name(run.name, 'run')}-{run.seed}-{run.fingerprint}"


def receipt_path(run: RunRef) -> str:
    return f"{staging_folder(run)}/{RECEIPT}"


def begun_path(run: RunRef) -> str:
    return f"{staging_folder(run)}/{BEGUN}"


def run_folder(name: str, seed: int) -> str:
    """The folder of a run in a data set."""
    return f"{RUNS}/{safe_name(name, 'run')}/seed-{seed}"


def inside(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def manifest_path(run: RunRef) -> str:
    return inside(run.folder, manifest_name(run.prefix))
