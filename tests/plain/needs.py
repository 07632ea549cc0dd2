"""Plain twin of townlet/world/rules/needs.py."""

from __future__ import annotations


def fall(needs: list[float], decay: list[float]) -> list[float]:
    """What is left of one living agent's needs after a tick."""
    return [max(0.0, need - lost) for need, lost in zip(needs, decay, strict=True)]
