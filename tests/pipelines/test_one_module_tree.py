"""The pipeline has one name: `townlet.pipelines`. `pipelines/` in a checkout only starts it."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent

# Runs the entry point as `python -m pipelines.capture` does, and looks at all that Beam pickles meanwhile.
PROGRAM = """
import base64, bz2, re, runpy, sys, zlib

from townlet.pipelines.runners.silence_beam_output import import_beam
import_beam()
from apache_beam.internal import pickler

whole, seen = pickler.dumps, []


def dumps(*given, **named):
    data = whole(*given, **named)
    packed = base64.b64decode(data)
    for unpack in (bz2.decompress, zlib.decompress, bytes):
        try:
            seen.append(unpack(packed))
            break
        except (OSError, zlib.error):
            pass
    return data


pickler.dumps = dumps
code = None
try:
    sys.argv[0] = "pipelines.capture"
    runpy.run_module("pipelines.capture", run_name="__main__", alter_sys=True)
except SystemExit as ended:
    code = ended.code
everything = b" ".join(seen)
assert code == 0, code
assert b"townlet.pipelines.simulate" in everything, len(seen)
assert not re.search(rb"(?<!townlet[.])\\bpipelines[.]", everything)
assert not [name for name in sys.modules if name.startswith("pipelines.")]
print("one tree")
"""


@pytest.mark.campaign
def test_nothing_that_travels_names_the_folder(tmp_path: Path) -> None:
    words = ["--config", "kitchen_breakfast", "--ticks", "3", "--output", str(tmp_path / "out"), "--quiet"]
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words],
        env={**os.environ, "PYTHONPATH": str(ROOT), "NUMBA_DISABLE_JIT": "1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-1] == "one tree"


def test_the_folder_holds_entry_points_alone() -> None:
    """A docstring, imports, and the call: whatever does something lies in the package."""
    for path in sorted((ROOT / "pipelines").glob("*.py")):
        docstring, *rest = ast.parse(path.read_text(encoding="utf-8")).body
        assert isinstance(docstring, ast.Expr)
        kinds = {type(node) for node in rest}
        assert kinds <= {ast.Import, ast.ImportFrom, ast.If}, path


def test_a_worker_starts_from_a_checkout() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "pipelines.worker"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (
        2,
        "townlet-worker is started by an engine; see docs/cluster.md\n",
    )
