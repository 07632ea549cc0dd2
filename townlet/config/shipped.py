"""The configs, affordance files and suites that come with Townlet, and how a name finds them."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from townlet.config.captured import MANIFEST, captured_config
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
    return _shipped_in("examples", "scenarios", "training")


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
        close = nearest_shipped(name)
        hint = f"; did you mean '{close}'?" if close else f"; there are: {', '.join(known)}"
        raise ConfigError([Problem(name, 0, 0, "", f"no shipped config has this name{hint}")])
    return found


def nearest_shipped(name: str) -> str | None:
    """The shipped config or suite whose name looks most like that of a path; None where none does."""
    stem = PurePosixPath(name).stem
    stems = [PurePosixPath(path).stem for path in (*shipped_configs(), *shipped_suites())]
    longer = [known for known in stems if len(stem) > 2 and known.startswith(stem)]
    return longer[0] if len(longer) == 1 else closest_name(stem, stems)


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
    """The file that a path means as a config: itself, the config of the capture that it names, or a shipped one.

    A shipped one where there is nothing under the path, or a folder and the path is a bare name: who captured `smoke`
    into a folder of that name can say `smoke` again, and `./smoke` for the folder. Raises ConfigError where
    nothing is there and a shipped one has nearly this name.
    """
    named = os.fspath(path)
    path = Path(path)
    try:
        is_folder = path.is_dir()
        if not is_folder and os.path.lexists(path):
            return captured_config(path) or path if path.name.endswith(MANIFEST) else path
    except (OSError, ValueError):
        return path
    bare = not is_folder or os.sep not in named
    shipped = shipped_file(path.as_posix()) if bare else None
    found = shipped or (captured_config(path) if is_folder else None)
    close = None if found or is_folder else nearest_shipped(path.as_posix())
    if close:
        message = f"expected a file, found nothing under this name; did you mean the shipped '{close}'?"
        raise ConfigError([Problem(str(path), 0, 0, "", message)])
    return found or path
