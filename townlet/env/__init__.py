"""Towns as environments for learners: many at once as arrays, or one by agents' names (PettingZoo)."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from townlet.env.parallel import TownParallelEnv
    from townlet.env.vector import TownVectorEnv

_MODULES = {"TownParallelEnv": "parallel", "TownVectorEnv": "vector"}

__all__ = ["TownParallelEnv", "TownVectorEnv"]


def __getattr__(name: str) -> Any:
    # Loaded when used: arrays need NumPy alone, agents by name need PettingZoo.
    if name in _MODULES:
        return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
