"""Names and texts of a stranger's files, through every command: none of it reaches the terminal as it is."""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.commands.conftest import Said, Townlet
from tests.conftest import Chosen
from tests.sampling import first
from townlet import cli
from townlet.dataset.format import manifest
from townlet.dataset.format.canonical import document_bytes, sha256_hex
from townlet.dataset.index.index_document import BLANK

FORGED = "error: all is well, forged"
HALF = "\ud83c"  # of a character: many documents cannot be written with it
HOSTILE = f"\x1b[31mx\n{FORGED}\r\x9b2J\u202eabc\u2028\u200b<script>![](http://x/y)[a](javascript:x)"
JOINERS = "\u200c\u200d"  # scripts and emoji need them
NAME = "x\n" + FORGED + "\x1b]0;title\x07\u202e"  # of a file
COMMANDS = (
    ("inspect",),
    ("inspect", "--json"),
    ("list",),
    ("list", "--json"),
    ("verify",),
    ("verify", "--json"),
    ("gc", "--dry-run"),
    ("gc", "--dry-run", "--json"),
)


def check(said: Said, what: object) -> None:
    """Printable text, lines of ours, and whole JSON."""
    for text in (said.out, said.err):
        bad = {letter for letter in text if not letter.isprintable() and letter not in "\n" + JOINERS}
        assert not bad, (what, bad, text)
        assert not [line for line in text.splitlines() if line.startswith(FORGED)], (what, text)
        assert "Traceback" not in text, (what, text)
    if said.out.startswith(("{", "[")):
        json.loads(said.out)


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile") / "data"
    words = ["capture", "kitchen_breakfast", "--seeds", "0..1", "--ticks", "4", "--quiet", "--json"]
    assert cli.main([*words, "--output", str(folder)]) == 0
    return folder


def exchange(path: Path, content: bytes, root: Path) -> None:
    """Change a file, and what other files say of it: digests are no proof of where a file comes from."""
    before = path.read_bytes()
    path.write_bytes(content)
    old, new = (hashlib.sha256(some).hexdigest() for some in (before, content))
    if path.stem == old:  # files of the index are named by their digests
        path = path.rename(path.with_stem(new))
    for other in sorted(root.rglob("*.json")):
        text = other.read_bytes()
        if other != path and old.encode() in text:
            changed = text.replace(old.encode(), new.encode())
            for key in (b'"size":', b'"manifest_size":'):
                changed = changed.replace(key + b"%d" % len(before), key + b"%d" % len(content))
            exchange(other, as_written(json.loads(changed)), root)


def texts_of(value: Any, path: tuple = ()) -> Iterator[tuple]:
    """Where in a document a text stands."""
    if isinstance(value, str):
        yield path
    for key, item in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        yield from texts_of(item, (*path, key))
        if isinstance(key, str):
            yield (*path, key, None)  # the key itself


def with_hostile_text(document: Any, path: tuple, hostile: str = HOSTILE) -> bytes:
    *above, last = path if path[-1] is not None else path[:-1]
    at = document
    for key in above:
        at = at[key]
    if path[-1] is None:
        at[hostile + last] = at.pop(last)
    else:
        at[last] = hostile + at[last]
    try:
        return as_written(document)
    except (UnicodeEncodeError, KeyError, TypeError):
        return json.dumps(document, separators=(",", ":")).encode()


def as_written(document: dict[str, Any]) -> bytes:
    """A document as it is written: a manifest and dataset.json with their own digests."""
    metadata = document.get("metadata")
    if isinstance(metadata, dict) and "samples" in document:
        facts = {key: value for key, value in metadata.items() if key != "content_sha256"}
        document["metadata"] = {**facts, "content_sha256": manifest._own_digest(facts, document["samples"])}
    elif isinstance(metadata, dict) and "shards" in document:
        metadata["content_sha256"] = BLANK
        metadata["content_sha256"] = sha256_hex(document_bytes(document))
    return document_bytes(document)


def attempt(
    townlet: Townlet, data: Path, folder: Path, name: str, path: tuple, hostile: str = HOSTILE
) -> None:
    """A data set with one hostile text, through the commands that read one."""
    shutil.copytree(data, folder)
    file = next(folder.glob(name))
    exchange(file, with_hostile_text(json.loads(file.read_bytes()), path, hostile), folder)
    run = folder / "runs" / "kitchen_breakfast" / "seed-0"
    for command, *options in COMMANDS:
        check(townlet(command, folder, *options), (name, path, command, options))
    for options in ((), ("--json",)):
        check(townlet("inspect", run, *options), (name, path, "inspect a run", options))
        check(townlet("inspect", run, "--tick", "2", *options), (name, path, "inspect a tick", options))
        check(townlet("diff", data, folder, *options), (name, path, "diff", options))
    check(townlet("events", run), (name, path, "events"))
    check(townlet("inspect", run / "rollout_sample_alice_001.npz"), (name, path, "inspect a sample"))
    check(
        townlet("export", folder, "--to", "parquet", "--output", folder / "exported"), (name, path, "export")
    )
    shutil.rmtree(folder)


RUN = "runs/kitchen_breakfast/seed-0/rollout_sample_"
SOME = (
    (f"{RUN}manifest.json", ("metadata", "scenario_description")),
    (f"{RUN}manifest.json", ("metadata", "scenario_name")),
    (f"{RUN}manifest.json", ("samples", 0, "agent_id")),
    (f"{RUN}alice_001.json", ("feature_names", 0)),
    (f"{RUN}alice_001.json", ("policy", "kind")),
    (f"{RUN}config.json", ("config", "rewards", "needs_form")),
    ("index/runs/*.json", ("runs", 0, "scenario")),
    ("index/runs/*.json", ("runs", 0, "folder")),
    ("index/summaries/*.json", ("shards", 0, "description")),
    ("dataset.json", ("shards", 0, "scenario")),
    ("dataset.json", ("metadata", "files", "metrics", None)),
    ("metrics.json", ("overall", "reward_sum", None)),
)  # fmt: skip


@pytest.mark.parametrize(("name", "path"), first(5, SOME))
def test_some_texts_of_a_data_set(
    townlet: Townlet, data: Path, tmp_path: Path, name: str, path: tuple
) -> None:
    attempt(townlet, data, tmp_path / "data", name, path)


def test_what_is_shown_of_one(townlet: Townlet, data: Path, tmp_path: Path) -> None:
    folder, run = tmp_path / "data", tmp_path / "data" / RUN.rpartition("/")[0]
    shutil.copytree(data, folder)
    file = folder / f"{RUN}manifest.json"
    document = json.loads(file.read_bytes())
    document["metadata"]["scenario_description"] = HOSTILE
    exchange(file, as_written(document), folder)
    said = townlet("inspect", run)
    assert said.code == 0
    assert r"\x1b[31mx\x0aerror: all is well, forged\x0d\x9b2J\u202eabc\u2028\u200b<script>" in said.out


@pytest.mark.campaign
@pytest.mark.parametrize(
    "name",
    [
        *(f"{RUN}{part}.json" for part in ("manifest", "alice_001", "config", "metrics")),
        *("index/runs/*.json", "index/summaries/*.json", "dataset.json", "metrics.json", "failures.json"),
    ],
)
@pytest.mark.parametrize("hostile", [HOSTILE, HALF], ids=["hostile", "half a character"])
def test_every_text_of_a_file(
    townlet: Townlet, data: Path, tmp_path: Path, chosen: Chosen, name: str, hostile: str
) -> None:
    paths = list(texts_of(json.loads(next(data.glob(name)).read_bytes())))
    random.Random(name).shuffle(paths)
    for number in chosen(range(len(paths)), few=8):
        attempt(townlet, data, tmp_path / "data", name, paths[number], hostile)


def test_names_of_files(townlet: Townlet, data: Path, tmp_path: Path) -> None:
    """Also a name with bytes that are no text."""
    folder = tmp_path / "data"
    shutil.copytree(data, folder)
    run = folder / "runs" / "kitchen_breakfast" / "seed-0"
    for place in (folder, folder / "runs", run):
        (place / NAME).write_bytes(b"x")
        with open(os.path.join(os.fsencode(place), b"\xff\x1b\n.npz"), "wb") as file:
            file.write(b"x")
    for command, *options in COMMANDS:
        for place in (folder, run):
            said = townlet(command, place, *options)
            check(said, (command, options, place.name))
    said = townlet("verify", folder)
    assert said.code == 1
    assert r"x\x0aerror: all is well, forged\x1b]0;title\x07\u202e" in said.err


@pytest.mark.parametrize("command", [*cli.COMMANDS, "none"])
def test_arguments(townlet: Townlet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    """Paths, options and values: what was typed is quoted in messages, and may come from a script."""
    monkeypatch.chdir(tmp_path)
    Path(NAME).write_bytes(b"x")
    for words in (
        [NAME],
        [NAME, NAME],
        [NAME, "--output", "out"],
        ["kitchen_breakfast", "--output", NAME, f"--{NAME}"],
        ["kitchen_breakfast", "--output", f"{NAME}/x", "--seeds", NAME],
        ["kitchen_breakfast", "--output", "out", "--policy", NAME],
        ["kitchen_breakfast", "--output", "s3://" + NAME],
        [NAME, "--to", NAME, "--output", "out"],
    ):
        check(townlet(command, *words), (command, words))
    check(townlet(NAME), "a command")


HOSTILE_CONFIG = {
    "config_id": "x",
    "scenario": {
        "name": HOSTILE,
        "description": HOSTILE,
        "ticks": 3,
        "agents": [{"id": HOSTILE, "position": [0, 0]}],
        "objects": [{"id": HOSTILE, "type": HOSTILE, "position": [1, 1]}],
        HOSTILE: 1,
    },
}


@pytest.mark.parametrize(
    "left_out",
    [
        (),
        (HOSTILE,),
        ("name", HOSTILE),
        ("agents", HOSTILE),
        ("objects", HOSTILE),
        ("name", "agents", "objects", HOSTILE),
    ],
)
def test_texts_of_configs(townlet: Townlet, tmp_path: Path, left_out: tuple[str, ...]) -> None:
    """Of those that are refused, and of those that are captured."""
    scenario = {key: value for key, value in HOSTILE_CONFIG["scenario"].items() if key not in left_out}  # type: ignore[union-attr]
    text = json.dumps({**HOSTILE_CONFIG, "scenario": scenario})
    (tmp_path / "town.yaml").write_text(text)
    for words in (
        ("validate", tmp_path / "town.yaml"),
        ("validate", tmp_path / "town.yaml", "--json"),
        ("actions", tmp_path / "town.yaml"),
        ("plan", tmp_path / "town.yaml", "--output", tmp_path / "out"),
        ("capture", tmp_path / "town.yaml", "--output", tmp_path / "out"),
        ("inspect", tmp_path / "out"),
        (
            "capture",
            tmp_path / "town.yaml",
            "--seeds",
            "0..1",
            "--auto-seed-agents",
            "--output",
            tmp_path / "many",
        ),
    ):
        check(townlet(*words), (words, left_out))
    card = tmp_path / "many" / "README.md"
    assert card.exists() or set(left_out) != {"name", "agents", "objects", HOSTILE}
    if card.exists():
        text = card.read_text(encoding="utf-8")
        assert "<script" not in text.replace(r"\<", "") and "\x1b" not in text
        assert not re.search(r"(?<!\\)\]\(", text) and "http://" not in text
        assert FORGED not in [line.strip() for line in text.splitlines()]
