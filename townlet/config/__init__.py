"""YAML -> frozen models: what a user may write, checked once, with every mistake reported at its place."""

from townlet.config.load import Resolved, auto_seed, load_config
from townlet.config.shipped import find_shipped

__all__ = ["Resolved", "auto_seed", "find_shipped", "load_config"]
