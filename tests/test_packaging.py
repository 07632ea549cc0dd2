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
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT)],
        check=True,
        capture_output=True,
    )
    return out


@pytest.mark.campaign
def test_sdist_holds_the_shipped_configs(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {f"configs/{name}" for name in SHIPPED} <= names


@pytest.fixture(scope="module")
def site(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the wheel installs, in a folder."""
    (wheel,) = built.glob("*.whl")
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def run_python(site: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(site), "NUMBA_DISABLE_JIT": "1"}
    return subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.campaign
def test_wheel_owns_one_name(site: Path) -> None:
    names = {path.name for path in site.iterdir()}
    (metadata,) = (name for name in names if name.endswith(".dist-info"))
    assert names == {"townlet", metadata}
    assert (site / metadata / "top_level.txt").read_text().split() == ["townlet"]
    scripts = (site / metadata / "entry_points.txt").read_text()
    assert "townlet = townlet.__main__:run\n" in scripts
    assert "townlet-worker = townlet.pipelines.runners.engine_worker:main\n" in scripts
    assert (site / "townlet" / "py.typed").is_file()


@pytest.mark.campaign
def test_wheel_works_from_an_empty_folder(site: Path, tmp_path: Path) -> None:
    run = run_python(site, tmp_path, "-c", LOAD_ALL, *SHIPPED)
    assert run.returncode == 0, run.stderr
    found = run.stdout.split()
    assert len(found) == len(SHIPPED)
    assert all(Path(path).is_relative_to(site) for path in found), found
    assert not list(tmp_path.iterdir())


@pytest.mark.campaign
@pytest.mark.parametrize("mode", ["in_memory", "multi_processing"])
def test_a_project_with_a_package_pipelines_of_its_own(site: Path, tmp_path: Path, mode: str) -> None:
    """Neither disturbs the other, whichever comes first on the path."""
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "__init__.py").write_text("OWNER = 'the project'\n")
    (tmp_path / "pipelines" / "train.py").write_text("LEARNING_RATE = 3e-4\n")
    workers = ["--workers", "2", "--direct_running_mode", mode] if mode != "in_memory" else []
    words = ["capture", "kitchen_breakfast", "--seeds", "0..1", "--ticks", "3", *workers, "--output", "out"]
    run = run_python(site, tmp_path, "-m", "townlet", *words)
    assert run.returncode == 0, run.stderr
    assert "2 runs, 4 samples" in run.stdout
    program = (
        "import townlet.pipelines.capture, pipelines, pipelines.train\n"
        "print(pipelines.OWNER, pipelines.train.LEARNING_RATE, townlet.pipelines.__file__)\n"
    )
    run = run_python(site, tmp_path, "-c", program)
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith(f"the project 0.0003 {site}")
