"""Plots of data cards by matplotlib, as PNG. The same numbers give the same bytes, with the same matplotlib."""

from __future__ import annotations

import importlib
import io
from collections.abc import Mapping
from typing import Any

import numpy as np

from townlet.arrays import Array
from townlet.drawing.town import COLOURS
from townlet.errors import UserError

INSTALL = "plots need matplotlib, which is not installed here: pip install 'townlet[report]'"
LINES = tuple(tuple(part / 255 for part in colour) for colour in (COLOURS[4], COLOURS[5], COLOURS[2]))


def import_figure() -> Any:
    """The module `matplotlib.figure`. Raises UserError where it is not installed."""
    try:
        return importlib.import_module("matplotlib.figure")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "matplotlib":
            raise
        raise UserError(INSTALL) from None


def plot_scenario(facts: Mapping[str, Any], reward: Array, need: Array) -> bytes:
    """How the runs of a scenario go, and what they come to.

    `facts`: of the scenario, as the page of a data set has them; `reward` [3, B], `need` [N, 3, B]: low, median and
    high of a bin of ticks.
    """
    figure = import_figure().Figure(figsize=(10, 3.2), dpi=100, layout="constrained")
    panels = figure.subplots(1, 3, width_ratios=(2, 2, 1))
    ticks = np.arange(reward.shape[-1]) * facts["bin"]
    several = len(facts["read"]) > 1
    _band(panels[0], ticks, reward, LINES[0], None, several)
    panels[0].set_title("reward of an agent and tick", fontsize="medium")
    for n, name in enumerate(facts["needs"]):
        _band(panels[1], ticks, need[n], LINES[n % len(LINES)], drawable(name), several)
    panels[1].set_ylim(0, 1)
    panels[1].set_title("needs of those alive", fontsize="medium")
    panels[1].legend(fontsize="small", ncols=3, loc="lower left")
    panels[2].boxplot([[row[4] for row in facts["rows"]]], orientation="vertical")
    panels[2].set_xticks([])
    panels[2].set_title("returns of the runs", fontsize="medium")
    for panel in panels[:2]:
        panel.set_xlabel("tick")
    for panel in panels:
        panel.grid(visible=True, alpha=0.25)
        panel.ticklabel_format(axis="y", useOffset=False)
    out = io.BytesIO()
    figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()


def _band(panel: Any, ticks: Array, values: Array, colour: Any, name: str | None, several: bool) -> None:
    low, median, high = values
    if several:
        panel.fill_between(ticks, low, high, color=colour, alpha=0.2, linewidth=0)
    panel.plot(ticks, median, color=colour, label=name, linewidth=1.2)


def drawable(name: str) -> str:
    r"""A name as every font has it, and in which nothing is a formula: `$` and `\u540d` are what they look like."""
    plain = name.encode("ascii", "backslashreplace").decode()
    return plain.replace("\\", "\\\\").replace("$", r"\$") if "$" in plain else plain
