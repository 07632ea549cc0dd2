"""What is said of errors that come from far away, and of outputs that are not shared."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from townlet.dataset.store.local import LocalStore
from townlet.errors import OutputError, TownletError, UserError
from townlet.pipelines import store_dofn
from townlet.pipelines.progress.reports import ProgressReporter, ReportReader
from townlet.pipelines.runners.engines import reports_beside
from townlet.pipelines.runners.errors import PipelineFailed, WorkerDied, translate_error
from townlet.pipelines.store_dofn import StoreDoFn

FAILED = "Pipeline BeamApp-root-1123_d1c76516 failed in state FAILED: "
TRACE = """\
java.lang.RuntimeException: Error received from SDK harness for instruction 3: Traceback (most recent call last):
  File "/opt/pipelines/simulate.py", line 118, in setup
    raise not_shared(self._output)
townlet.errors.OutputError: /data: the worker on b does not see this folder [while running 'Capture/Stage']

\tat org.apache.beam.runners.fnexecution.control.FnApiControlClient.handle(FnApiControlClient.java:210)
"""


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        (TRACE, OutputError, "/data: the worker on b does not see this folder"),
        (
            "java.io.IOException: error=2, No such file or directory",
            WorkerDied,
            "the engine cannot start a worker (No such file or directory): the command of --environment_config",
        ),
        (
            "java.lang.IllegalStateException: Process died with exit code 3",
            WorkerDied,
            "a worker ended before it served (exit code 3)",
        ),
        (
            "org.apache.flink...NoResourceAvailableException: Could not acquire the minimum required resources.",
            WorkerDied,
            "the cluster has no free slot",
        ),
        (
            "java.lang.Error: no idea",
            PipelineFailed,
            "the pipeline failed: RuntimeError: java.lang.Error: no idea",
        ),
        ("", PipelineFailed, "the pipeline failed: RuntimeError: without a message"),
    ],
)
def test_errors_of_engines(text: str, kind: type[TownletError], said: str) -> None:
    error = translate_error(RuntimeError(FAILED + text))
    assert type(error) is kind
    assert str(error).startswith(said)
    assert "\n" not in str(error) and "BeamApp" not in str(error)


def test_a_worker_that_does_not_see_the_output(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "out")
    with reports_beside(store) as folder:
        assert folder is not None
        StoreDoFn(str(store), folder).setup()
        ProgressReporter(folder).worker_failed("no numba")
        assert ReportReader(folder).poll().broken == "no numba"
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").rglob("*"))
    with pytest.raises(OutputError, match=f"the worker on {socket.gethostname()} does not see this folder"):
        StoreDoFn(str(store), folder).setup()
    assert not (tmp_path / "out" / "runs").exists()


def test_a_worker_of_another_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step = StoreDoFn(str(tmp_path), None)
    monkeypatch.setattr(store_dofn, "VERSION", "9.9.9")
    with pytest.raises(UserError, match=r"has Townlet 9.9.9, the launcher \d+.\d+.\d+ .*; install the same"):
        step.setup()


def test_signals_that_were_left_go_with_the_next_capture(tmp_path: Path) -> None:
    from townlet.cli import main

    output = tmp_path / "out"
    (output / ".staging" / "reports-0.tmp").mkdir(parents=True)
    (output / ".staging" / "reports-0.tmp" / "1-2").write_text(json.dumps({"frames": 3}) + "\n")
    words = [
        "capture",
        "kitchen_breakfast",
        "--seeds",
        "0",
        "--ticks",
        "5",
        "--quiet",
        "--output",
        str(output),
    ]
    assert main(words) == 0
    assert not (output / ".staging").exists()
