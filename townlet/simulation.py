"""The short name of `townlet.rollout.loop`: the names that users import from here."""

from townlet.rollout.loop import SimulationLoop, StepResult

__all__ = ["SimulationLoop", "StepResult"]
