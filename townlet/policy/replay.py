"""The former place of `townlet.samples` and `townlet.frames`: the names that users import from here."""

from townlet.frames import frames_to_replay_sample
from townlet.samples import (
    ARRAYS,
    FINAL_ARRAYS,
    GROUP_ARRAYS,
    OPTIONAL_ARRAYS,
    TRAINING_ARRAYS,
    ArraySpec,
    FrameGroup,
    ReplaySample,
    stack_groups,
)

__all__ = [
    "ARRAYS",
    "FINAL_ARRAYS",
    "GROUP_ARRAYS",
    "OPTIONAL_ARRAYS",
    "TRAINING_ARRAYS",
    "ArraySpec",
    "FrameGroup",
    "ReplaySample",
    "frames_to_replay_sample",
    "stack_groups",
]
