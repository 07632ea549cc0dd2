"""Pages that are made from the code are up to date, and say what there is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts.reference import commands, file_keys, files
from scripts.reference.markdown import escaped, of_docstring
from scripts.reference.pages import FILES
from tests.documentation.pages import ROOT
from townlet import cli
from townlet.cli import COMMANDS
from townlet.samples import ALL_ARRAYS


@pytest.mark.parametrize("name", FILES)
def test_is_up_to_date(name: str) -> None:
    found = (ROOT / name).read_text(encoding="utf-8") if (ROOT / name).is_file() else ""
    assert found == FILES[name](), f"{name} is not what the code says; run `make docs`"


def test_every_command_and_array_is_there() -> None:
    page = commands.render()
    assert all(f"\n## `{name}`\n" in page for name in COMMANDS)
    assert "`--from-nowhere" not in page and "| `--overwrite` |" in page
    assert set(files.ARRAY_TEXT) == set(ALL_ARRAYS)


def test_exit_codes_are_those_of_the_commands(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert cli.main(["verify", str(tmp_path / "nothing")]) == 2
    assert "error: " in capsys.readouterr().err


# Keys of files
@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of two runs, and a capture by itself."""
    folder = tmp_path_factory.mktemp("keys")
    run = ["capture", "queue_conflict", "--ticks", "8", "--quiet", "--output"]
    assert cli.main([*run, str(folder / "one")]) == 0
    assert cli.main([*run, str(folder / "many"), "--seeds", "0,1"]) == 0
    return folder


PLACES = {
    "<prefix>_<agent>_<NNN>.json": "one/rollout_sample_alice_001.json",
    "<prefix>_manifest.json": "one/rollout_sample_manifest.json",
    "<prefix>_config.json": "one/rollout_sample_config.json",
    "<prefix>_metrics.json": "one/rollout_sample_metrics.json",
    "capture_log.json": "one/capture_log.json",
    "dataset.json": "many/dataset.json",
    "index/runs/<sha256>.json": "many/index/runs/*.json",
    "metrics.json": "many/metrics.json",
}
ONLY_SOMETIMES = {
    "bootstrap",
    "policy.acted",
    "policy.options",
    "policy.runtime",
    "metadata.models",
    "metadata.networks",
    "metadata.branch",
    "capture_metadata.branch",
}


def keys(value: Any, known: set[str], path: str = "") -> Iterator[str]:
    """The keys of a document, down to those that the table speaks of; a name that varies is `<...>` there."""
    if path in known or not isinstance(value, dict | list):
        yield path
    elif isinstance(value, list):
        for item in value:
            yield from keys(item, known, f"{path}[]")
    else:
        for key, below in value.items():
            named = f"{path}.{key}".lstrip(".")
            varies = [name for name in known if name.startswith(f"{path}.<".lstrip("."))]
            patterns = [
                name
                for name in varies
                if named not in known and not any(k.startswith(f"{named}.") for k in known)
            ]
            yield from [patterns[0]] if patterns else keys(below, known, named)


@pytest.mark.parametrize("document", file_keys.DOCUMENTS, ids=lambda document: document.file)
def test_every_key_of_a_file_is_explained(written: Path, document: file_keys.JsonDocument) -> None:
    (path,) = written.glob(PLACES[document.file])
    known = {name for name, _, _ in document.keys}
    found = set(keys(json.loads(path.read_text(encoding="utf-8")), known))
    assert found <= known, f"{document.file}: nothing is said of {sorted(found - known)}"
    assert known - found <= ONLY_SOMETIMES, f"{document.file} has no {sorted(known - found)}"


def test_every_metric_is_explained(written: Path) -> None:
    document = json.loads((written / "one/rollout_sample_metrics.json").read_text(encoding="utf-8"))
    exact = {name for name in file_keys.METRICS if "<" not in name}
    patterns = [name.partition("<")[0] for name in file_keys.METRICS if "<" in name]
    for metrics in document["samples"].values():
        unknown = [name for name in metrics if name not in exact and not any(map(name.startswith, patterns))]
        assert not unknown
        assert exact <= set(metrics)


# Docstrings
def test_a_text_is_shown_as_it_stands() -> None:
    assert escaped("a *block* of `a*b` and 2**64, a<b> and x * y") == (
        "a *block* of `a*b` and 2\\*\\*64, a&lt;b> and x * y"
    )


def test_a_docstring_becomes_lists_formulas_and_tables() -> None:
    columns = "    kind  until  over\n    wait  -      soon\n                 enough"
    text = f"First, in\ntwo lines:\n\n1. one\n   goes on\n2. two\n\nThen:\n\n{columns}\n\n    x = 1\n\nEnd."
    assert of_docstring(text) == (
        "First, in two lines:\n\n1. one goes on\n2. two\n\nThen:\n\n"
        "| kind | until | over |\n|---|---|---|\n| wait | - | soon enough |\n\n"
        "```text\nx = 1\n```\n\nEnd.\n"
    )
