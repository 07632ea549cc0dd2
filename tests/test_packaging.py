"""What is built works where the project is not: the wheel in an empty folder, the sdist on a worker."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = sorted(path.relative_to(ROOT / "configs").as_posix() for path in (ROOT / "configs").rglob("*.yaml"))

LOAD_ALL = """
import sys
from townlet.config.load import load_config
from townlet.config.shipped import find_shipped
from townlet.config.suite import load_suite

for name in sys.argv[1:]:
    path = find_shipped(name)
    assert path.is_file(), path
    if name.startswith("suites/"):
        assert all(load_config(run.config).config_path.startswith(("examples/", "scenarios/"))
                   for run in load_suite(name).runs)
    elif not name.startswith("affordances/"):
        assert load_config(path).config_path == name
    print(path)
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel built from it."""
    out = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--outdir", str(out), str(ROOT)], check=True, capture_output=True
    )
    return out


@pytest.mark.campaign
def test_sdist_holds_the_shipped_configs(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {f"configs/{name}" for name in SHIPPED} <= names


@pytest.mark.campaign
def test_wheel_works_from_an_empty_folder(built: Path, tmp_path: Path) -> None:
    (wheel,) = built.glob("*.whl")
    site, empty = tmp_path / "site", tmp_path / "empty"
    empty.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
        assert not [name for name in archive.namelist() if name.startswith(("tests/", "scripts/", "bench/"))]
    run = subprocess.run(
        [sys.executable, "-c", LOAD_ALL, *SHIPPED],
        cwd=empty,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    found = run.stdout.split()
    assert len(found) == len(SHIPPED)
    assert all(Path(path).is_relative_to(site) for path in found), found
    assert not list(empty.iterdir())
