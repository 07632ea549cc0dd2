"""What Townlet needs, as bounds for those who install it as a library, and what a wheel of it holds.

How the bounds are chosen: a lower bound is the oldest version that the test suite has passed with; an upper
bound stands only where the next version is known to break us, with the reason beside it. This project's own
machines, CI, images and workers install exact versions with hashes, from `requirements/`: `make lock` renews
those within these bounds, and `make test-newest` tries the newest versions that they admit.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
CONFIG_KINDS = {".yaml", ".yml", ".json"}

CORE = [
    "apache-beam>=2.77,<2.78",  # the in-process runner is built from parts that are not Beam's public API
    "numpy>=2.1,<2.5",  # Beam 2.77 admits no newer one
    "numba>=0.68,<0.69",  # the target that kernels are compiled for uses parts that are not Numba's public API
    "llvmlite>=0.50,<0.51",  # the one that Numba 0.68 asks for
    "pyarrow>=18",
    "pydantic>=2.9,<3",
    "pyyaml>=6.0.2",
    "isal>=1.7",
    "xxhash>=3.5",
    "msgspec>=0.20",
    "rich>=13.9",
    "rich-argparse>=1.6",
    "shtab>=1.7",
]

# An extra that is empty is a name that people may already ask for; it is filled with the first code that needs it.
EXTRAS = {
    "train": ["torch>=2.5", "tensorboard>=2.19", "matplotlib>=3.9"],
    "policy": ["onnxruntime>=1.20"],  # for networks whose graph is not compiled
    "cloud": ["obstore>=0.6"],
    "env": ["gymnasium>=1.0", "pettingzoo>=1.25"],
    "report": ["matplotlib>=3.9", "pillow>=11"],  # pictures: `townlet gif`, plots of data cards
    "docs": [
        "mkdocs>=1.6,<2",
        "mkdocs-material>=9.6,<10",
    ],  # version 2 of mkdocs has neither plugins nor themes
    "offline-rl": ["minari[arrow]>=0.5"],
    "dev": [
        "build>=1.2",
        "hypothesis>=6.115",
        "jsonschema>=4.23",
        "packaging>=24.2",
        "pyright[nodejs]>=1.1.400",
        "pytest>=8.4",
        "pytest-xdist>=3.8",
        "ruff>=0.12",
    ],
    # What the tests of train, policy and env need besides: models made by others, and a trainer of others.
    "dev-train": ["onnx>=1.17", "stable-baselines3>=2.6"],
    # What the tests of pages and pictures need besides: a program that drives a browser.
    "dev-page": ["pandas>=2.2", "playwright>=1.48"],
}


class BuildWithConfigs(build_py):
    """Put the shipped configs and profiles inside the packages, so that a wheel finds them wherever it is installed.

    They live in `configs/` and `deploy/profiles/`, where people look for them, and in `townlet/_configs/` and
    `townlet/_profiles/` in a wheel; `townlet.config.shipped.find_shipped` and
    `townlet.pipelines.runners.profiles.find_profile` know both places. An editable install needs no copy.
    """

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        for source, target in self._shipped():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        outputs = super().get_outputs(include_bytecode)
        return outputs if self.editable_mode else outputs + [str(target) for _, target in self._shipped()]

    def _shipped(self) -> list[tuple[Path, Path]]:
        built = Path(self.build_lib)
        configs = self._files(ROOT / "configs", built / "townlet" / "_configs")
        return configs + self._files(ROOT / "deploy" / "profiles", built / "townlet" / "_profiles")

    def _files(self, shipped: Path, target: Path) -> list[tuple[Path, Path]]:
        sources = sorted(path for path in shipped.rglob("*") if path.suffix in CONFIG_KINDS)
        if not sources:
            raise FileNotFoundError(f"{shipped}: expected files that are shipped, found none")
        return [(source, target / source.relative_to(shipped)) for source in sources]


def version() -> str:
    """The version that `townlet.__version__` states, read without importing the package."""
    text = (ROOT / "townlet" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "([^"]+)"', text, re.MULTILINE)
    if found is None:
        raise ValueError('townlet/__init__.py: expected a line __version__ = "...", found none')
    return found.group(1)


setup(
    name="townlet",
    version=version(),
    description="A small-town life simulation whose rollouts are replay data for PPO training",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=">=3.11",
    packages=find_packages(include=["townlet", "townlet.*"]),
    package_data={
        "townlet": ["py.typed"],
        "townlet.report": [
            "page/*.*",
            "page/*/*.*",
        ],  # what reports are made of; its tools stay in a checkout
    },
    exclude_package_data={"townlet.report": ["page/package*.json", "page/*.config.*"]},
    install_requires=CORE,
    extras_require=EXTRAS,
    entry_points={
        "console_scripts": [
            "townlet = townlet.__main__:run",
            # What Beam's PROCESS and EXTERNAL environments start.
            "townlet-worker = townlet.pipelines.runners.engine_worker:main",
        ]
    },
    cmdclass={"build_py": BuildWithConfigs},
    classifiers=[
        "Intended Audience :: Science/Research",
        "Operating System :: POSIX",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
    ],
)
