"""The former place of `townlet.rollout.runtime`: the names that users import from here."""

from townlet.rollout.runtime import Frame, PolicyRuntime

__all__ = ["Frame", "PolicyRuntime"]
