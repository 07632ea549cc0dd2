"""Data sets in formats that other tools read."""

from townlet.dataset.export.lerobot import export_lerobot
from townlet.dataset.export.minari import export_minari
from townlet.dataset.export.parquet import export_parquet

__all__ = ["export_lerobot", "export_minari", "export_parquet"]
