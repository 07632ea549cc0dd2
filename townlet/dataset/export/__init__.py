"""Data sets in formats that other tools read."""

from townlet.dataset.export.parquet import export_parquet

__all__ = ["export_parquet"]
