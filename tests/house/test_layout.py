"""Where files lie: small folders, short files, names that say something, and tests that lie as the code lies."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.house.source_tree import PRODUCT, RE_EXPORTS, ROOT, sources

MOST_FILES = 15  # in a folder
LONGEST = 400  # lines; a longer file wants a second look, and then a reason here
LONGER_FOR_A_REASON = {"townlet/world/state.py": "the glossary: a line an array"}
VAGUE = {"util", "utils", "helper", "helpers", "manager", "common", "misc"}
TAKEN = {"build", "dist", "lib"}  # tools take these for generated output

# Folders whose files are tested one by one: tests/X/test_Y.py tests townlet/X/Y.py.
TESTED_BY_FILE = (
    "world/rules",
    "observation",
    "policy",
    "rollout",
    "planning",
    "console",
    "generator",
    "env",
)
# Files without a test of their own name: where they are tested, and why there.
TESTED_ELSEWHERE: dict[str, tuple[str, str]] = {
    "townlet/env/buffers.py": ("tests/env/test_vector.py", "what is handed over, and whose it is"),
    "townlet/env/given.py": ("tests/env/test_vector.py", "what is given, and refused"),
    "townlet/env/kernels.py": (
        "tests/env/test_vector.py",
        "a step is one of them, and equals a capture's tick",
    ),
    "townlet/env/town.py": ("tests/env/test_vector.py", "a vector is made of towns"),
    "townlet/rollout/entry_points.py": (
        "tests/compiler/test_entry_points.py",
        "what it finds is compiled there",
    ),
    "townlet/rollout/kernels.py": (
        "tests/rollout/test_play.py",
        "they play a run, and what they record is a sample",
    ),
    "townlet/rollout/stepper.py": (
        "tests/rollout/test_loop.py",
        "what SimulationLoop and PolicyRuntime share",
    ),
}


def test_folders_are_small() -> None:
    files: dict[str, list[str]] = {}
    for path in sources(*PRODUCT, "tests"):
        files.setdefault(path.rpartition("/")[0], []).append(path)
    large = {folder: len(found) for folder, found in files.items() if len(found) > MOST_FILES}
    assert not large, f"more than {MOST_FILES} files in a folder: {large}"


def test_files_are_short() -> None:
    lengths = {
        path: len((ROOT / path).read_text(encoding="utf-8").splitlines())
        for path in sources(*PRODUCT, "tests")
    }
    long = {path: lines for path, lines in lengths.items() if lines > LONGEST}
    assert set(long) <= set(LONGER_FOR_A_REASON), f"longer than {LONGEST} lines: {long}"
    assert set(LONGER_FOR_A_REASON) <= set(long), "an exception stands for a file that needs none any more"


def test_names_say_what_is_in_a_file() -> None:
    parts = {path: set(Path(path).with_suffix("").parts) for path in sources(*PRODUCT, "tests")}
    assert not {path: sorted(found & VAGUE) for path, found in parts.items() if found & VAGUE}
    assert not {path: sorted(found & TAKEN) for path, found in parts.items() if found & TAKEN}


def place_of_tests(path: str) -> str:
    """Where the tests of a file of townlet/ belong."""
    folder, _, name = path.removeprefix("townlet/").rpartition("/")
    return f"tests/{folder}/test_{name}"


@pytest.mark.parametrize("folder", TESTED_BY_FILE)
def test_tests_lie_as_the_code_lies(folder: str) -> None:
    exempt = {*RE_EXPORTS, *TESTED_ELSEWHERE}
    files = [path for path in sources(f"townlet/{folder}") if not path.endswith("__init__.py")]
    assert files, f"townlet/{folder} has no files"
    expected = [place_of_tests(path) for path in files if path not in exempt]
    missing = [path for path in expected if not (ROOT / path).is_file()]
    assert not missing, "expected these tests, or a reason in TESTED_ELSEWHERE:\n" + "\n".join(missing)


@pytest.mark.parametrize("path", TESTED_ELSEWHERE)
def test_what_is_tested_elsewhere_is(path: str) -> None:
    elsewhere, why = TESTED_ELSEWHERE[path]
    assert why and (ROOT / path).is_file(), "an exception stands for a file that is not there"
    assert (ROOT / elsewhere).is_file(), f"{path} is said to be tested in {elsewhere}, which is not there"
    assert not (ROOT / place_of_tests(path)).is_file(), (
        f"{path} has a test of its own now: take it out of the table"
    )
