"""What is imported is declared, what is declared is used and locked, and what is installed comes from a lock."""

from __future__ import annotations

import ast
import re
import sys
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts.lock_requirements import LOCKS, PYTHONS, Lock, build_requirements, declared

ROOT = Path(__file__).resolve().parent.parent
CORE, EXTRAS = declared()
OWN = {path.name for path in ROOT.iterdir() if path.is_dir()}  # townlet, tests, scripts, deploy, ...
INSTALLED = ("townlet", "pipelines")  # what the wheel holds, and what passes on to it
DEVELOPMENT = ("bench", "scripts", "tests", "deploy", "setup.py")

TESTED_WITH = ("dev", "dev-train")  # extras that users do not ask for
IMPORTED_AS = {"pillow": "PIL", "pyyaml": "yaml"}  # where it is not the distribution's own name
COMES_WITH = {  # part of what a declared distribution offers, in the version that it chooses itself
    "annotated_types": "pydantic",
    "google": "apache-beam",  # google.protobuf and grpc: Beam's messages and how workers are called
    "grpc": "apache-beam",
    "pydantic_core": "pydantic",
}
ELSEWHERE = {"airflow"}  # deploy/schedule/airflow_dag.py runs on Airflow's machines
RUN_AS = {  # tools that are run, not imported: a file, and the words in it that run the tool
    "mkdocs": ("Makefile", "-m mkdocs build --strict"),
    "mkdocs-material": ("mkdocs.yml", "name: material\n"),
    "build": ("tests/test_packaging.py", '"-m", "build"'),
    "pyright": ("Makefile", "$(BIN)/pyright "),
    "pytest-xdist": ("Makefile", "-m pytest -n $(JOBS)"),
    "ruff": ("Makefile", "$(BIN)/ruff check"),
}

PLATFORMS = {
    "Linux on x86-64": ("linux", "Linux", "x86_64"),
    "Linux on arm64": ("linux", "Linux", "aarch64"),
    "macOS on arm64": ("darwin", "Darwin", "arm64"),
}
PIN = re.compile(r"([A-Za-z0-9._-]+)==(\S+)(?: ; (.*?))? \\")


def name_of(requirement: str) -> str:
    return canonicalize_name(Requirement(requirement).name)


@cache
def third_party(*places: str) -> dict[str, str]:
    """Top-level modules that are neither ours nor Python's, each with a file that imports it."""
    found: dict[str, str] = {}
    for place in places:
        path = ROOT / place
        for source in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            for name in imported(source):
                if name not in sys.stdlib_module_names and name not in OWN:
                    found.setdefault(name, str(source.relative_to(ROOT)))
    return found


def imported(source: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            names.add(node.module.partition(".")[0])
    return names


def modules(requirements: list[str]) -> set[str]:
    """What may be imported where these are installed."""
    names = {name_of(requirement) for requirement in requirements}
    own = {IMPORTED_AS.get(name, name.replace("-", "_")) for name in names}
    return own | {module for module, owner in COMES_WITH.items() if owner in names}


def test_what_townlet_imports_is_declared_for_its_users() -> None:
    users = CORE + [
        wanted for extra, all_of in EXTRAS.items() if extra not in TESTED_WITH for wanted in all_of
    ]
    found = third_party(*INSTALLED)
    assert {name: file for name, file in found.items() if name not in modules(users)} == {}


def test_what_is_imported_for_development_is_declared() -> None:
    every = CORE + [wanted for all_of in EXTRAS.values() for wanted in all_of]
    tools = build_requirements() + [wanted for lock in LOCKS.values() for wanted in lock.others]
    found = third_party(*DEVELOPMENT)
    unknown = set(found) - modules(every + tools) - ELSEWHERE
    assert {name: found[name] for name in unknown} == {}


@pytest.mark.parametrize("group", ["core", *EXTRAS])
def test_what_is_declared_is_used(group: str) -> None:
    found = third_party(*INSTALLED) if group == "core" else third_party(*INSTALLED, *DEVELOPMENT)
    for name in map(name_of, CORE if group == "core" else EXTRAS[group]):
        if name in RUN_AS:
            file, words = RUN_AS[name]
            assert words in (ROOT / file).read_text(encoding="utf-8"), f"{name}: {file} does not run it"
        else:
            assert IMPORTED_AS.get(name, name.replace("-", "_")) in found, f"{name}: no code imports it"


def test_nothing_is_declared_twice() -> None:
    """Two extras may want the same, with the same bounds; what the core has, none of them names."""
    for extra in EXTRAS.values():
        names = [name_of(wanted) for wanted in CORE + extra]
        assert sorted(names) == sorted(set(names))
    wanted = {one for extra in EXTRAS.values() for one in extra}
    assert len({name_of(one) for one in wanted}) == len(wanted)


def test_the_tables_here_name_nothing_that_is_gone() -> None:
    found = third_party(*INSTALLED, *DEVELOPMENT)
    names = {name_of(wanted) for wanted in CORE + [one for all_of in EXTRAS.values() for one in all_of]}
    assert {*COMES_WITH, *ELSEWHERE} <= set(found)
    assert {*IMPORTED_AS, *RUN_AS, *COMES_WITH.values()} <= names


@cache
def text_of(lock: str) -> str:
    return (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")


@cache
def pins(lock: str, python: str, platform: str) -> dict[str, str]:
    """The version of each package that pip would install from a lock, there."""
    system, system_name, machine = PLATFORMS[platform]
    around = {
        "python_version": python,
        "python_full_version": f"{python}.5",
        "sys_platform": system,
        "platform_system": system_name,
        "platform_machine": machine,
        "os_name": "posix",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    found: dict[str, str] = {}
    for name, version, marker in PIN.findall(text_of(lock)):
        requirement = Requirement(f"{name} ; {marker}" if marker else name)
        if requirement.marker is None or requirement.marker.evaluate(around):
            assert name not in found, f"{name}: {found[name]} and {version} in one environment"
            found[canonicalize_name(name)] = version
    return found


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_what_is_declared(lock: str, python: str, platform: str) -> None:
    found = pins(lock, python, platform)
    for wanted in map(Requirement, LOCKS[lock].asked_for()):
        version = found.get(canonicalize_name(wanted.name))
        assert version is not None, f"requirements/{lock}.txt lacks {wanted}: run `make lock`"
        assert wanted.specifier.contains(version), f"requirements/{lock}.txt: {version} for {wanted}"
    for other in ["main"] * bool(LOCKS[lock].extras) + [LOCKS[lock].beside] * bool(LOCKS[lock].beside):
        shared = pins(other, python, platform)
        assert {name: found[name] for name in found.keys() & shared} == {
            name: shared[name] for name in found.keys() & shared
        }


def test_workers_have_a_part_of_what_the_tests_ran_with() -> None:
    for python in PYTHONS:
        for platform in PLATFORMS:
            main, workers = pins("main", python, platform), pins("workers", python, platform)
            assert workers.items() < main.items()


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_hashes_and_nothing_but_pins(lock: str) -> None:
    for line in text_of(lock).splitlines():
        known = line.startswith(("#", "    #")) or PIN.fullmatch(line)
        assert known or re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line), line
    pinned = re.findall(rf"^{PIN.pattern}\n    --hash=", text_of(lock), re.MULTILINE)
    assert len(pinned) == len(PIN.findall(text_of(lock))) > 0


def test_every_extra_that_is_filled_has_a_lock_and_the_pythons_are_those_of_setup() -> None:
    locked = {extra for lock in LOCKS.values() for extra in lock.extras}
    assert locked == {extra for extra, wanted in EXTRAS.items() if wanted}
    assert {path.stem for path in (ROOT / "requirements").iterdir()} == set(LOCKS)
    said = re.findall(r"Programming Language :: Python :: (3\.\d+)", (ROOT / "setup.py").read_text())
    assert tuple(said) == PYTHONS


FREE = "--upgrade --upgrade-strategy eager"  # make test-newest, which is about what no lock has
FROM_A_LOCK = re.compile(r"--require-hashes\b.* -r \S*[a-z}]+\.txt|--require-hashes --only-binary :all:$")
PROJECT_ALONE = re.compile(r"--no-deps --no-build-isolation")


@pytest.mark.parametrize("file", ["Makefile", ".ci/run", "deploy/docker/Dockerfile", "scripts/make_venv.sh"])
def test_all_that_is_installed_comes_from_a_lock(file: str) -> None:
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    installs = [line for line in lines if re.search(r"(pip|-m pip)\b.* install\b|\bpip install\b", line)]
    installs = [line for line in installs if not line.lstrip().startswith("#") and "say " not in line]
    free = [
        line for line in installs if not FROM_A_LOCK.search(line.strip()) and not PROJECT_ALONE.search(line)
    ]
    assert len(free) == (1 if file == "Makefile" else 0), free
    assert all(FREE in line for line in free)
    assert bool(installs) == (file != ".ci/run")  # which installs by `make setup` alone


def test_each_lock_is_installed_somewhere() -> None:
    places = {
        "main": ("Makefile", "$(BIN)/python $(PIP_LOCKED) -r requirements/main.txt"),
        "train": ("Makefile", "$(PIP_LOCKED) -r requirements/main.txt -r requirements/train.txt"),
        "workers": ("deploy/docker/Dockerfile", "ARG LOCK=workers\n"),
        "policy": ("docs/cluster.md", "`--build-arg LOCK=policy`"),
        "env": ("docs/training.md", "pip install --require-hashes -r requirements/env.txt"),
        "page": ("Makefile", "$(PIP_LOCKED) -r requirements/main.txt -r requirements/page.txt"),
        "report": ("docs/pictures.md", "requirements/report.txt`"),
        "offline-rl": ("docs/exports.md", "pip install --require-hashes -r requirements/offline-rl.txt"),
        "d3rlpy": ("Makefile", "--no-binary gym --no-deps --no-build-isolation -r requirements/d3rlpy.txt"),
        "pip": ("scripts/make_venv.sh", '--require-hashes -r "$locks/pip.txt"'),
        "uv": ("Makefile", "$(LOCKER)/bin/python $(PIP_LOCKED) -r requirements/uv.txt"),
    }  # fmt: skip
    assert set(places) == set(LOCKS)
    for file, words in places.values():
        assert words in (ROOT / file).read_text(encoding="utf-8"), f"{file}: expected {words}"
    docker = (ROOT / "deploy" / "docker" / "Dockerfile").read_text(encoding="utf-8")
    assert "--require-hashes --only-binary :all: -r requirements/${LOCK}.txt" in docker
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "make setup\n" in ci and "make setup-train; then\n" in ci and "make test-train\n" in ci


def test_a_lock_asks_for_what_builds_the_project_too() -> None:
    assert Lock("", ("train",)).asked_for() == build_requirements() + CORE + EXTRAS["train"]
    of_train = EXTRAS["policy"] + EXTRAS["env"] + EXTRAS["train"]
    of_train += EXTRAS["offline-rl"] + EXTRAS["dev-train"]
    assert LOCKS["train"].asked_for() == build_requirements() + CORE + of_train
    assert Lock("", others=("uv",)).asked_for() == ["uv"]
