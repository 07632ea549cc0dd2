"""Which files of docs/ are made, and by what."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from scripts.reference import commands, files, python_api, rules, shipped_configs
from scripts.reference.timeline import picture_of_day

FILES: dict[str, Callable[[], str]] = {
    "docs/reference/commands.md": commands.render,
    "docs/reference/configs.md": shipped_configs.render,
    "docs/reference/files.md": files.render,
    "docs/reference/python.md": python_api.render,
    "docs/reference/rules.md": rules.render,
    **shipped_configs.pictures(),
    "docs/pictures/day.svg": partial(picture_of_day, "town", 0),
}
