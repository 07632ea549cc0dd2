"""Which file lies where in an output."""

from __future__ import annotations

import re
from functools import lru_cache

from townlet.dataset.format.manifest import (
    LOG_NAME,
    manifest_name,
    safe_name,
)
from townlet.policy_text import MODEL_FOLDER, MODEL_SUFFIX, model_file
from townlet.run import RunRef

STAGING = ".staging"  # what is not finished yet lies below this folder, and nowhere else
RECEIPT = "receipt.json"
BEGUN = "begun.json"  # whose files these are, in a store where they have their final names from the start
LEASE = f"{STAGING}/writer.lease"  # who writes, in an object store
BUILD = (
    f"{STAGING}/overwrite.json"  # in a folder beside an output: it was made by `--overwrite`, for that output
)
RUNS = "runs"
ENOUGH_UNEXPECTED = 10  # unexpected files that are enough to refuse a folder
INDEX = "dataset.json"
INDEX_FOLDER = "index"  # the files of an index that are named by their SHA-256
# Of a versioned data set.
POINTER = "current.json"
LINK = "current"
VERSIONS = "versions"
CARD = "README.md"
NEW_CARD = "README.new.md"  # the card, where people have changed the one with the other name
# What a data set keeps beside its runs, and beside these.
INDEX_FILES = (INDEX, "metrics.json", "metrics.parquet", "failures.json", CARD, LOG_NAME)


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


def digest_in_name(name: str) -> str | None:
    """The SHA-256 that a file of an index is named by; None for any other file."""
    found = _NAMED_BY_DIGEST.fullmatch(name)
    return found[1] if found else None


_NAMED_BY_DIGEST = re.compile(
    rf"{INDEX_FOLDER}/(?:runs/|samples/|summaries/)([0-9a-f]{{64}})\.(?:json|parquet)"
)


def model_place(run: RunRef, digest: str) -> str:
    """Where a model lies once its run is published: those of a data set's runs in one folder, for all of them; that of
    a capture that stands alone beside it."""
    name = model_file(digest)
    return f"{MODEL_FOLDER}/{name}" if run.folder else f"{run.prefix}_{name}"


def model_in_name(name: str) -> str | None:
    """The SHA-256 that a kept model is named by; None for any other file."""
    found = _MODEL_NAME.fullmatch(name)
    return found[1] if found else None


_MODEL_NAME = re.compile(
    rf"(?:{MODEL_FOLDER}/|[A-Za-z0-9_][A-Za-z0-9_.-]{{0,63}}_)([0-9a-f]{{64}}){re.escape(MODEL_SUFFIX)}"
)


def inside(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def manifest_path(run: RunRef) -> str:
    return inside(run.folder, manifest_name(run.prefix))
