"""Outputs in which somebody else has changed a file: no command breaks, hangs, grows or writes anywhere else.

A file is changed as it is, or all digests up to the index are made to agree with it. Then thirteen commands are run.
What each of them says is its business; that it says so in our words, in its time and in its place is what is
tried here.
"""

from __future__ import annotations

import contextlib
import io
import random
import re
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.commands.data.hostile import any_bytes, any_file, mutation_of, replace_file
from tests.conftest import Chosen
from tests.dataset.captures import stage
from tests.samples import make_run
from townlet import cli, dataset
from townlet.config.shipped import find_shipped
from townlet.dataset.capture.commit import stage_receipt
from townlet.dataset.format.paths import run_folder
from townlet.dataset.store.local import LocalStore
from townlet.dataset.versions.versions import finish_publishing, publish, utc_now, version_folder
from townlet.errors import TownletError
from townlet.escaping import shown

BLOCKS = 12
EVERY = 10  # of so many changed outputs one is captured again
USES = 13  # of one output, where it is not captured again
LONGEST = 60  # seconds of a processor, for one use
MOST_WAITED = 600  # seconds on a clock: what hangs takes no processor, and other work may have it
MOST_MEMORY = 400 << 20  # bytes that a command may take on top of what the process has
RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
CAPTURE = ["capture", "queue_conflict", "--ticks", "5", "--seeds", "0..1", "--quiet", "--workers", "1"]
SUITE = "name: small\nruns:\n  - {config: queue_conflict.yaml, ticks: 5, seeds: 0..1}\n"


class HangsError(BaseException):
    pass


class Bases(NamedTuple):
    """Outputs to be copied and changed."""

    data_set: Path
    versioned: Path
    suite: Path


def make_bases(folder: Path) -> Bases:
    data_set, versioned, suite = folder / "set", folder / "versioned", folder / "small.yaml"
    suite.write_text(SUITE)
    shutil.copy(find_shipped("scenarios/queue_conflict.yaml"), folder)
    assert cli.main([*CAPTURE, "--output", str(data_set)]) == 0
    shutil.copytree(data_set, versioned / version_folder(1))
    publish(LocalStore(versioned), 1)
    finish_publishing(LocalStore(versioned), utc_now())
    run = make_run("staged", folder=run_folder("staged", 3))
    stage_receipt(LocalStore(data_set), run, 2, stage(LocalStore(data_set), run))
    return Bases(data_set, versioned, suite)


def commands(out: Path, other: Path, exported: Path, suite: Path) -> list[list[str]]:
    versioned = (out / "versions").exists()
    plan = ["regenerate", str(suite), "--dry-run"] if versioned else ["plan", *CAPTURE[1:-3]]
    one = ["--scenario", "queue_conflict", "--seed", "0"]
    return [
        ["inspect", str(out)],
        ["inspect", str(out), "--tick", "2", "--json", *one],
        ["events", str(out), *one],
        ["inspect", str(out), "--json"],
        ["list", str(out)],
        ["verify", str(out)],
        ["verify", str(out), "--replay", "--quiet"],
        ["diff", str(out), str(other)],
        ["diff", str(other), str(out), "--json"],
        ["export", str(out), "--to", "parquet", "--quiet", "--output", str(exported)],
        ["gc", str(out), "--dry-run"],
        [*plan, "--output", str(out)],
    ]


def again(out: Path, suite: Path) -> list[str]:
    if (out / "versions").exists():
        return ["regenerate", str(suite), "--output", str(out), "--quiet", "--workers", "1"]
    return [*CAPTURE, "--output", str(out)]


def read_from_python(out: Path) -> int:
    """Everything that a data set can be asked for; what cannot be had is an error of ours."""
    try:
        data_set = dataset.open(out)
    except TownletError as error:
        return _said(error)
    uses: tuple[Callable[[dataset.DataSet], Any], ...] = (
        repr,
        lambda data: [repr(sample) for sample in data],
        lambda data: dict(data.layouts),
        lambda data: data.split(validation=0.5),
        lambda data: data.statistics(),
        lambda data: [repr(life) for life in data.lives()],
        lambda data: data.windows(3)[0],
        lambda data: [data.capture(*run).metrics for run in data.runs],
        lambda data: [data.capture(*run).config for run in data.runs],
        lambda data: data.joint(*data.runs[0]),
        lambda data: {name: data.samples[name] for name in data.samples},
    )
    code = 0
    for use in uses:
        try:
            use(data_set)
        except TownletError as error:
            code = max(code, _said(error))
    return code


def _said(error: TownletError) -> int:
    print(f"error: {shown(error)}", file=sys.stderr)
    return error.exit_code


class Told(NamedTuple):
    code: int
    text: str


def told(what: Callable[[], int]) -> Told:
    """The exit code, and what came out, as a pipe would have it."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))

    def ring(*_: Any) -> None:
        raise HangsError

    before = {which: signal.signal(which, ring) for which in (signal.SIGALRM, signal.SIGPROF)}
    signal.setitimer(signal.ITIMER_PROF, LONGEST)
    signal.alarm(MOST_WAITED)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = what()
    finally:
        signal.alarm(0)
        signal.setitimer(signal.ITIMER_PROF, 0)
        for which, handler in before.items():
            signal.signal(which, handler)
    texts = [stream.buffer.getvalue().decode() for stream in (out, err)]  # type: ignore[attr-defined]
    return Told(code, "".join(texts))


@contextlib.contextmanager
def in_little_memory() -> Iterator[None]:
    """Fails where more than MOST_MEMORY is really taken inside."""
    Path("/proc/self/clear_refs").write_text("5")
    before = _memory("VmRSS")
    yield
    taken = _memory("VmHWM") - before
    assert taken < MOST_MEMORY, f"took {taken >> 20} MB"


def _memory(name: str) -> int:
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) << 10


def try_out(
    base: Path, bases: Bases, place: Path, rng: random.Random, *, agree: bool, capture: bool
) -> list[str]:
    """Change a file of a copy of `base`, run all commands; returns what each of them came to."""
    shutil.rmtree(place, ignore_errors=True)
    out, exported = place / "in" / "out", place / "in" / "exported"
    shutil.copytree(base, out, symlinks=True)
    path = any_file(out, rng)
    whole = path.read_bytes()
    for _ in range(20):
        data = (mutation_of(path) if agree or rng.random() < 0.5 else any_bytes)(whole, rng)
        if data != whole:
            break
    if agree:
        replace_file(out, path, data)
    else:
        path.write_bytes(data)
    where = f"{path.relative_to(out)}: {data[:300]!r}"
    found = []
    tries: list[tuple[list[str], Callable[[], int]]] = [
        (words, partial(cli.main, words)) for words in commands(out, base, exported, bases.suite)
    ]
    tries.append((["read"], lambda: read_from_python(out)))
    if capture:
        tries.append((again(out, bases.suite), lambda: cli.main(again(out, bases.suite))))
    for words, command in tries:
        with in_little_memory():
            code, text = told(command)
        assert code in (0, 1, 2, 3), f"{words} {where}: {code}"
        assert "defect of Townlet" not in text, f"{words} {where}: {text}"
        assert "Traceback" not in text, f"{words} {where}: {text}"
        assert not RAW.search(text), f"{words} {where}: {text!r}"
        found.append(f"{words[0]} {code}")
    there = {entry.name for entry in (*place.iterdir(), *(place / "in").iterdir())}
    assert there <= {"in", "out", "exported", ".out.lock"}, f"{where}: {there}"
    assert not any(Path(name).exists() for name in ("/abs", "/abs.parquet"))
    return found


def try_all(bases: Bases, place: Path, seeds: range, *, agree: bool, every: int) -> Counter[str]:
    """`every`: of how many changed files one is captured again."""
    counts: Counter[str] = Counter()
    for seed in seeds:
        rng = random.Random(f"{seed} {agree}")
        base = bases.versioned if seed % 4 == 3 else bases.data_set
        try:
            counts.update(try_out(base, bases, place, rng, agree=agree, capture=seed % every == 0))
        except BaseException as error:
            raise AssertionError(f"seed {seed}, agree {agree}: {type(error).__name__}: {error}") from error
    return counts


class HostileOutputs:
    """The tests, for one way of changing files. Two files have them, so that two processes share the work."""

    agree: bool  # every digest up to the index is made to agree

    @pytest.fixture(scope="class")
    @classmethod
    def bases(cls, tmp_path_factory: pytest.TempPathFactory) -> Bases:
        return make_bases(tmp_path_factory.mktemp("bases"))

    def test_some(self, bases: Bases, tmp_path: Path) -> None:
        counts = try_all(bases, tmp_path / "place", range(6), agree=self.agree, every=6)
        assert counts.total() == 6 * USES + 1

    @pytest.mark.campaign
    @pytest.mark.parametrize("block", range(BLOCKS))
    def test_3000(self, bases: Bases, tmp_path: Path, chosen: Chosen, block: int) -> None:
        seeds = chosen(range(3000), few=120, block=(block, BLOCKS))
        counts = try_all(bases, tmp_path / "place", seeds, agree=self.agree, every=EVERY)
        print(f"block {block}: {dict(sorted(counts.items()))}")
        assert counts.total() >= len(seeds) * USES
