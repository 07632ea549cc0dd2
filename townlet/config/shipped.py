"""The configs, affordance files and suites that come with Townlet, and how a name finds them."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from townlet.config.type_text import closest_name
from townlet.errors import ConfigError, Problem

PACKAGE = Path(__file__).resolve().parent.parent
SUFFIXES = (".yaml", ".yml", ".json")


def shipped_root() -> Path:
    """The folder of the shipped configs: inside an installed package, else beside it."""
    installed = PACKAGE / "_configs"
    return installed if installed.is_dir() else PACKAGE.parent / "configs"


def shipped_configs() -> list[str]:
    """The shipped configs' paths in that folder, posix, without affordance files and suites."""
    return _shipped_in("examples", "scenarios")


def shipped_suites() -> list[str]:
    """The shipped suites' paths in that folder, posix."""
    return _shipped_in("suites")


def _shipped_in(*folders: str) -> list[str]:
    root = shipped_root()
    found = (path.relative_to(root) for path in root.rglob("*") if path.suffix in SUFFIXES)
    return sorted(path.as_posix() for path in found if path.parts[0] in folders)


def find_shipped(name: str) -> Path:
    """A shipped file by its path (`examples/town.yaml`, `configs/examples/town.yaml`) or stem (`town`, `smoke`).

    Raises ConfigError, which lists the shipped configs and suites.
    """
    found = shipped_file(name)
    if found is None:
        known = [*shipped_configs(), *shipped_suites()]
        close = closest_name(name, [PurePosixPath(path).stem for path in known])
        hint = f"; did you mean '{close}'?" if close else f"; there are: {', '.join(known)}"
        raise ConfigError([Problem(name, 0, 0, "", f"no shipped config has this name{hint}")])
    return found


def shipped_file(name: str) -> Path | None:
    """The same, or None."""
    root = shipped_root()
    parts = PurePosixPath(name.replace(os.sep, "/")).parts
    if not parts or ".." in parts or PurePosixPath(name).is_absolute() or "\0" in name:
        return None
    inner = parts[1:] if parts[0] == "configs" else parts
    if inner and is_file(root.joinpath(*inner)):
        return root.joinpath(*inner)
    if len(parts) == 1:
        stem = parts[0]
        for path in (*shipped_configs(), *shipped_suites()):
            if stem in (PurePosixPath(path).stem, PurePosixPath(path).name):
                return root / path
    return None


def is_file(path: Path) -> bool:
    """Whether a file is there; False for what cannot be a path, or may not be looked at."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def existing(path: str | os.PathLike[str]) -> Path:
    """The path itself, or the shipped file of that name where there is none under it.

    A folder is none: who captured `smoke` into a folder of that name can say `smoke` again.
    """
    path = Path(path)
    try:
        missing = not path.exists() or path.is_dir()
    except (OSError, ValueError):
        return path
    return (shipped_file(path.as_posix()) if missing else None) or path
