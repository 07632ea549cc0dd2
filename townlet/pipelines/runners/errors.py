"""What a user is told about an error that came out of Beam, or out of an engine through Beam: one line of our own.

No Beam here: such errors arrive as texts.
"""

from __future__ import annotations

import re

from townlet import errors
from townlet.errors import TownletError

OURS = re.compile(r"^townlet\.errors\.(\w+): (.*?)(?: \[while running .*)?$", re.MULTILINE)
# What engines report of workers that do not start, and what it means. The rest was printed on their machines.
COMMAND = "environment_config"
KNOWN = (
    (
        re.compile(r"error=(?:2|13), (.*)"),
        f"the engine cannot start a worker ({{}}): the command of --{COMMAND} is not on the PATH of its machines",
    ),
    (
        re.compile(r"Process died with (exit code \d+)"),
        "a worker ended before it served ({}): on the engine's machines, `townlet-worker --warm` shows why",
    ),
    (
        re.compile(r"NoResourceAvailable\w*: (.*)"),
        "the cluster has no free slot: it has too few TaskManagers, or other jobs have them ({})",
    ),
)
STEP = re.compile(r" \[while running [^\]]*\]$")  # what Beam's in-process runner puts after a message
STATE = re.compile(r"^Pipeline \S+ failed in state \w+:")  # what Beam puts before what the engine says


class WorkerDied(TownletError):
    """A worker process ended before its time: killed, out of memory, or not able to start."""


class PipelineFailed(TownletError):
    """The pipeline ended with an error that is none of a run's."""


def translate_error(error: BaseException) -> TownletError:
    """The error to raise: our own, if there is one somewhere in it. Traces of other languages are left out."""
    if isinstance(error, TownletError):
        error.args = tuple(STEP.sub("", part) if isinstance(part, str) else part for part in error.args)
        return error
    text = STATE.sub("", str(error).strip()).strip()
    ours = OURS.search(text)
    if ours:
        kind = getattr(errors, ours[1], PipelineFailed)
        return kind(ours[2])
    for pattern, meaning in KNOWN:
        found = pattern.search(text)
        if found:
            return WorkerDied(meaning.format(found[1].strip()))
    lines = [line for line in text.splitlines() if line.strip()] or ["without a message"]
    return PipelineFailed(f"the pipeline failed: {type(error).__name__}: {lines[-1].strip()}")
