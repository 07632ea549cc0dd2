"""The first run of a model that onnxruntime runs: in a process of its own, with limits on memory and time.

What a damaged or hostile file may make of it (a crash, all the memory, no end) stays there. Whether the results are
numbers of the right shapes, the same a second time, and each row's own, whoever else is in the batch, is found there
too.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from townlet.policy.network.graph.probe import ROWS, probe_inputs
from townlet.policy.network.graph.session import Session

MOST_MEMORY = 4 * 2**30  # bytes of address space
MOST_CPU_SECONDS = 30
TIMEOUT = 120.0  # seconds; a busy machine needs more than those of the processor
_TOLERANCE = 1e-3  # how much a row may differ with what else is in the batch


def in_a_process(content: bytes, shapes: Mapping[str, tuple[int, ...]], actions: int) -> None:
    """Try a model, as onnxruntime is to have it. Raises ValueError saying what is wrong with it."""
    code = f"from {__name__} import main; main()"
    path = os.pathsep.join(filter(None, [str(Path(__file__).parents[4]), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    limits = {"memory": MOST_MEMORY, "seconds": MOST_CPU_SECONDS}
    asked = json.dumps({"shapes": shapes, "actions": actions, **limits}).encode() + b"\n" + content
    died = (
        f"expected a model that can be run with {MOST_MEMORY >> 30} GiB of memory and {MOST_CPU_SECONDS} s "
        "of time; onnxruntime ended, or did not end, when it tried"
    )
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", code], input=asked, env=environment, timeout=TIMEOUT,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise ValueError(died) from None
    except OSError as error:
        raise ValueError(f"it cannot be tried out: no process can be started ({error.strerror})") from None
    answer: dict[str, Any] = {}
    with contextlib.suppress(ValueError):
        answer = json.loads(done.stdout)
    if done.returncode or "error" not in answer:
        raise ValueError(died)
    if answer["error"]:
        raise ValueError(answer["error"])


def main() -> None:
    """What the process does: a line of JSON and a model come in, a line of JSON goes out."""
    asked = json.loads(sys.stdin.buffer.readline())
    for limit, most in (("RLIMIT_CORE", 0), ("RLIMIT_CPU", asked["seconds"]), ("RLIMIT_AS", asked["memory"])):
        _, hard = resource.getrlimit(getattr(resource, limit))
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(getattr(resource, limit), (most, most))
    error = ""
    try:
        trial(sys.stdin.buffer.read(), asked["shapes"], asked["actions"])
    except ValueError as found:
        error = str(found)
    sys.__stdout__.buffer.write(json.dumps({"error": error}).encode())  # pyright: ignore[reportOptionalMemberAccess]


def trial(content: bytes, shapes: Mapping[str, tuple[int, ...]], actions: int) -> None:
    """Run a model on probes. Raises ValueError saying what is wrong with it."""
    session, inputs = Session(content), probe_inputs(shapes, actions)
    logits, values = checked_results(*session.run(inputs), ROWS, actions)
    legal = inputs["mask"]
    for name, found in (("logits", logits[legal]), ("value", values)):
        if not np.isfinite(found).all():
            wrong = found[~np.isfinite(found)][0]
            raise ValueError(
                f"its output {name} is {wrong} for inputs of usual size: expected finite numbers"
            )
    again, _ = session.run(inputs)
    if not np.array_equal(again, logits, equal_nan=True):
        raise ValueError("it gives other results a second time: expected none that are drawn at random")
    for rows in (np.arange(ROWS)[::-1], np.array([1]), np.array([2, 2, 0])):
        some = {name: np.ascontiguousarray(array[rows]) for name, array in inputs.items()}
        found, worth = checked_results(*session.run(some), len(rows), actions)
        close = np.isclose(found, logits[rows], rtol=_TOLERANCE, atol=_TOLERANCE) | ~legal[rows]
        if not (close.all() and np.allclose(worth, values[rows], rtol=_TOLERANCE, atol=_TOLERANCE)):
            raise ValueError(
                "what it gives for an agent depends on who else is in the batch: expected rows that do not mix"
            )


def checked_results(
    logits: np.ndarray, values: np.ndarray, rows: int, actions: int
) -> tuple[np.ndarray, np.ndarray]:
    """Logits [B, U] and values [B]. Raises ValueError for other shapes."""
    if logits.shape != (rows, actions) or values.shape not in ((rows,), (rows, 1)):
        raise ValueError(
            f"for {rows} agents expected logits of shape ({rows}, {actions}) and values of shape ({rows},), "
            f"found {logits.shape} and {values.shape}"
        )
    return logits, values.reshape(rows)
