"""Renew the locks in `requirements/`: every package at its newest version that `setup.py` admits, with hashes.

    python scripts/lock_requirements.py       # `make lock` runs it, in an environment that has uv

One resolution holds for every Python and platform below; the smaller locks take their versions from the first. A lock
is made of wheels alone, so that installing from it builds nothing (but for what `from_source` names). Needs a package
index (PyPI, or what `UV_INDEX_URL` names). Exit codes: 0; 1 where uv finds no solution, and says why (no lock has
changed then); 2 without uv.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "requirements"
UV = Path(sys.prefix) / "bin" / "uv"  # the one of this environment, in the version of its lock

PYTHONS = ("3.11", "3.12", "3.13")
PLATFORMS = {  # uv's names; Beam and torch have no wheels for Macs with Intel processors
    "Linux on x86-64": "x86_64-manylinux_2_28",
    "Linux on arm64": "aarch64-manylinux_2_28",
    "macOS on arm64": "aarch64-apple-darwin",
}
OLDEST_MACOS = "14.0"  # of torch's wheels


@dataclass(frozen=True)
class Lock:
    """A file in `requirements/`: what it is for, and what is asked for (all else follows from that)."""

    purpose: str
    extras: tuple[str, ...] = ()
    others: tuple[str, ...] = ()  # requirements that stand in no file of ours
    beside: str = ""  # the lock into whose environment it is installed: what both have is of one version
    # Of packages that nobody maintains as we need them; such a lock is installed with --no-deps.
    anyway: tuple[str, ...] = ()  # what stands for requirements of theirs, which would not fit
    from_source: tuple[str, ...] = ()  # what has no wheel: Python alone, built without isolation

    def asked_for(self) -> list[str]:
        """With extras also the core and what builds the project, which is then built without isolation."""
        if self.others:
            return list(self.others)
        core, extras = declared()
        return build_requirements() + core + [wanted for extra in self.extras for wanted in extras[extra]]


LOCKS = {
    "main": Lock("development, the tests and all commands: core, cloud, dev", ("cloud", "dev")),
    "workers": Lock("the part of main that a worker needs: core, cloud", ("cloud",)),
    "policy": Lock("workers that play networks of any graph: core, cloud, policy", ("cloud", "policy")),
    "env": Lock("environments for other trainers: core, env", ("env",)),
    "train": Lock(
        "training and its tests, beside main or alone: core, policy, env, train, offline-rl, dev-train",
        ("policy", "env", "train", "offline-rl", "dev-train"),
    ),
    "page": Lock(
        "pages, pictures, documentation and their tests, beside main", ("report", "docs", "dev-page")
    ),
    "report": Lock("pictures: core, report", ("report",)),
    "offline-rl": Lock("exports to Minari: core, offline-rl", ("offline-rl",)),
    # d3rlpy asks for one version of gymnasium, an old one, and for gym, which has no wheel.
    "d3rlpy": Lock(
        "the tests of exports with d3rlpy, beside train; to be installed with --no-deps",
        others=("d3rlpy>=2.8",),
        beside="train",
        anyway=("gymnasium",),
        from_source=("gym",),
    ),
    "pip": Lock("pip, where the system's Python cannot put its own into an environment", others=("pip",)),
    "uv": Lock("uv, which makes these locks", others=("uv",)),
}


def declared() -> tuple[list[str], dict[str, list[str]]]:
    """(CORE, EXTRAS) of `setup.py`, read without running it."""
    tree = ast.parse((ROOT / "setup.py").read_text(encoding="utf-8"))
    found: dict[str, Any] = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id in ("CORE", "EXTRAS")
    }
    return found["CORE"], found["EXTRAS"]


def build_requirements() -> list[str]:
    """What `pyproject.toml` wants for building the project."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]["requires"]


def compile_lock(lock: Lock, constraints: Sequence[Path]) -> str:
    """The text of a lock. Raises CalledProcessError where uv finds no solution; uv has then said why."""
    command = ["--universal", "--python-version", PYTHONS[0], "--generate-hashes", "--no-header", "-"]
    if constraints:
        command += ["--no-annotate", *(word for path in constraints for word in ("--constraints", str(path)))]
    pinned = _uv(lock, *command, text="\n".join(lock.asked_for()))
    return (
        f"# For {lock.purpose}.\n"
        f"# Made by `make lock`; not to be edited. Python {PYTHONS[0]} to {PYTHONS[-1]}; {', '.join(PLATFORMS)}.\n"
        f"{pinned}"
    )


def check_wheels(lock: Lock, text: str) -> None:
    """Each Python on each platform finds a wheel of each package that is to have one.

    Raises CalledProcessError; uv has said why.
    """
    for python in PYTHONS:
        for platform in PLATFORMS.values():
            _uv(lock, "--python-version", python, "--python-platform", platform, "-", text=text)


def _uv(lock: Lock, *arguments: str, text: str) -> str:
    # Without --python it would look for each Python on this machine, which takes minutes.
    command = [str(UV), "pip", "compile", "--quiet", "--no-config", "--only-binary", ":all:"]
    command += [word for name in lock.from_source for word in ("--no-binary", name)]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as anyway:
        anyway.write("\n".join(lock.anyway))
        anyway.flush()
        return subprocess.run(
            [*command, "--override", anyway.name, "--python", sys.executable, *arguments],
            input=text,
            stdout=subprocess.PIPE,
            check=True,
            text=True,
            cwd=ROOT,
            env={**os.environ, "MACOSX_DEPLOYMENT_TARGET": OLDEST_MACOS},
        ).stdout


def make_locks() -> dict[str, str]:
    """The text of each lock, by its name. Raises CalledProcessError where uv finds no solution."""
    texts: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for name, lock in LOCKS.items():
            shared = (["main"] if lock.extras or lock.beside else []) + [lock.beside] * bool(lock.beside)
            texts[name] = compile_lock(lock, [Path(scratch) / f"{one}.txt" for one in shared if one in texts])
            check_wheels(lock, texts[name])
            (Path(scratch) / f"{name}.txt").write_text(texts[name], encoding="utf-8")
    return texts


def main() -> int:
    if not UV.exists():
        print(f"lock: expected uv as {UV}, found none there; run `make lock`", file=sys.stderr)
        return 2
    try:
        texts = make_locks()
    except subprocess.CalledProcessError:
        print("lock: uv found no solution (see above); no lock has changed", file=sys.stderr)
        return 1
    for name, text in texts.items():
        (FOLDER / f"{name}.txt").write_text(text, encoding="utf-8")
        print(f"requirements/{name}.txt: {sum(line[0].isalnum() for line in text.splitlines())} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
