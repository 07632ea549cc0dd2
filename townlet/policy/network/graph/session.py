"""A session of onnxruntime with settings that are fixed: what is computed depends on the model alone."""

from __future__ import annotations

import importlib
import importlib.util
import platform
from collections.abc import Mapping
from typing import Any

import numpy as np

from townlet.arrays import F32
from townlet.escaping import shown

LONGEST_REASON = 300  # characters of what onnxruntime says
_SILENT = 4  # only what is fatal is logged


def is_installed() -> bool:
    """Whether onnxruntime can be had."""
    return importlib.util.find_spec("onnxruntime") is not None


def runtime_name() -> str:
    """What bytes are promised for: `onnxruntime 1.20.0, x86_64`."""
    return f"onnxruntime {importlib.import_module('onnxruntime').__version__}, {platform.machine()}"


class Session:
    """One thread, the processor, no operators but ONNX's own. Raises ValueError for what onnxruntime does not take."""

    def __init__(self, content: bytes):
        runtime = importlib.import_module("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.execution_mode = runtime.ExecutionMode.ORT_SEQUENTIAL
        options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.use_deterministic_compute = True
        options.log_severity_level = _SILENT
        try:
            self._session = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its exceptions have no common parent but Python's
            raise ValueError(f"onnxruntime does not take it: {_reason(error)}") from None
        self._inputs = {each.name for each in self._session.get_inputs()}

    def run(self, inputs: Mapping[str, np.ndarray]) -> tuple[F32, F32]:
        """Logits [B, U] and values [B] or [B, 1], as the model gives them. Raises ValueError."""
        given = {name: array for name, array in inputs.items() if name in self._inputs}
        try:
            logits, values = self._session.run(["logits", "value"], given)
        except Exception as error:
            raise ValueError(f"onnxruntime cannot run it: {_reason(error)}") from None
        return logits, values


def _reason(error: Any) -> str:
    text = " ".join(str(error).split())
    return shown(text if len(text) <= LONGEST_REASON else f"{text[:LONGEST_REASON]} ...")
