"""Townlet: a small-town life simulation whose rollouts are replay data for PPO training."""

__version__ = "0.1.0"
