"""A process that is killed between two changes to its output."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from townlet.dataset.store.local import LocalStore


class Killed(BaseException):
    pass


CHANGES = ("write_new", "write_whole", "create_if_absent", "compare_and_swap", "move", "link_from", "delete")


ENDLESS = 10**9


class Dying:
    """Let this many changes to a local store pass, and none after that."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left = ENDLESS
        for name in CHANGES:
            self._patch(monkeypatch, name, getattr(LocalStore, name))

    def _patch(self, monkeypatch: pytest.MonkeyPatch, name: str, whole: Callable[..., Any]) -> None:
        def change(store: LocalStore, *given: Any) -> Any:
            if self.left == 0:
                raise Killed
            self.left -= 1
            return whole(store, *given)

        monkeypatch.setattr(LocalStore, name, change)

    def count(self, act: Callable[[], object]) -> int:
        """How many changes something makes."""
        self.left = ENDLESS
        act()
        return ENDLESS - self.left

    def cut(self, act: Callable[[], object], steps: int) -> None:
        """Kill something before the change after so many."""
        self.left = steps
        with pytest.raises(Killed):
            act()
        self.left = ENDLESS
