"""How a training is shown: a line an iteration, files for TensorBoard, and curves as a picture."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from math import nan
from pathlib import Path
from typing import Any

from townlet.console.formatting import count
from townlet.console.printing import remark

COLUMNS = (
    ("iteration", "iter", "{:.0f}"), ("steps", "steps", "count"), ("return", "return", "{:.1f}"),
    ("return_error", "+-", "{:.1f}"), ("ended", "ended", "{:.2f}"), ("entropy", "entropy", "{:.3f}"),
    ("approx_kl", "kl", "{:.4f}"), ("clip_fraction", "clipped", "{:.3f}"), ("explained_variance", "expl.var", "{:.3f}"),
    ("steps_per_second", "steps/s", "count"), ("chosen_return", "chosen by", "{:.1f}"),
)  # fmt: skip
WIDTH = 9

# The names that people chart (those of CleanRL), by ours.
TAGS = {
    "return": "charts/episodic_return", "ended": "charts/ended_lives", "steps_per_second": "charts/SPS",
    "chosen_return": "eval/episodic_return", "chosen_ended": "eval/ended_lives", "policy_loss": "losses/policy_loss",
    "value_loss": "losses/value_loss", "entropy": "losses/entropy", "approx_kl": "losses/approx_kl",
    "clip_fraction": "losses/clipfrac", "explained_variance": "losses/explained_variance",
}  # fmt: skip


def header() -> str:
    """The table's first line."""
    return " ".join(f"{title:>{WIDTH}}" for _, title, _ in COLUMNS)


def line(row: Mapping[str, Any]) -> str:
    """An iteration as a line of the table; empty where it has no such figure."""
    cells = []
    for key, _, form in COLUMNS:
        value = row.get(key)
        text = "" if value is None else count(value) if form == "count" else form.format(value)
        cells.append(f"{text:>{WIDTH}}")
    return " ".join(cells).rstrip()


class TensorBoard:
    """Writes figures for TensorBoard, where it is installed. `first`: the iteration that is written next."""

    def __init__(self, folder: Path, first: int) -> None:
        self._writer = None
        try:
            module = importlib.import_module("torch.utils.tensorboard")
        except ImportError:
            remark("note: tensorboard is not installed, so no files for it; pip install 'townlet[train]'")
            return
        self._writer = module.SummaryWriter(str(folder), purge_step=first)

    def note(self, row: Mapping[str, Any]) -> None:
        if self._writer is not None:
            for key, tag in TAGS.items():
                if row.get(key) is not None:
                    self._writer.add_scalar(tag, row[key], row["iteration"])

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()


def write_curves(path: Path, rows: Sequence[Mapping[str, Any]]) -> bool:
    """Return, ended lives, entropy and explained variance over agent-steps as a PNG; False without matplotlib."""
    try:
        figure_module = importlib.import_module("matplotlib.figure")
    except ImportError:
        return False
    figure = figure_module.Figure(figsize=(10, 6), layout="constrained")
    panels = figure.subplots(2, 2, sharex=True)
    steps = [row["steps"] for row in rows]
    for panel, (key, title) in zip(
        panels.flat,
        (("return", "return of an agent"), ("ended", "lives that ended, a run"), ("entropy", "entropy"),
         ("explained_variance", "explained variance")),
        strict=True,
    ):  # fmt: skip
        # What was not measured leaves a gap.
        panel.plot(steps, [nan if row[key] is None else row[key] for row in rows], label="in training")
        panel.set_title(title)
        chosen = [(row["steps"], row[f"chosen_{key}"]) for row in rows if f"chosen_{key}" in row]
        if chosen:
            panel.plot(*zip(*chosen, strict=True), "o-", label="seeds that choose")
            panel.legend()
    for panel in panels[1]:
        panel.set_xlabel("agent-steps")
    beside = path.with_name(f".{path.name}.new")
    figure.savefig(beside, format="png", dpi=100)
    beside.replace(path)
    return True
