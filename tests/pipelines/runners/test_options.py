"""Beam's options: what is said where the user says nothing, and what contradicts itself."""

from __future__ import annotations

import socket

import pytest
from apache_beam.options.pipeline_options import DirectOptions, PortableOptions, StandardOptions

from townlet import cores
from townlet.errors import UserError
from townlet.pipelines.runners import options


def test_one_worker_runs_in_this_process() -> None:
    found = options.beam_options([], workers=None)
    assert found.view_as(StandardOptions).runner == "DirectRunner"
    direct = found.view_as(DirectOptions)
    assert (direct.direct_num_workers, direct.direct_running_mode) == (1, "in_memory")
    assert options.is_local(found)


@pytest.mark.parametrize(
    ("flags", "workers", "mode"),
    [
        ([], 2, "multi_processing"),
        (["--direct_running_mode", "multi_threading"], 2, "multi_threading"),
        (["--direct_num_workers=2"], None, "multi_processing"),
        (["--direct_num_workers=2"], 2, "multi_processing"),
    ],
)
def test_more_workers(flags: list[str], workers: int | None, mode: str) -> None:
    much = 2 * options.PROCESSES_FROM
    direct = options.beam_options(flags, workers=workers, frames=much).view_as(DirectOptions)
    assert (direct.direct_num_workers, direct.direct_running_mode) == (2, mode)


def test_little_work_is_done_by_threads() -> None:
    little = 2 * options.PROCESSES_FROM - 1
    direct = options.beam_options([], workers=2, frames=little).view_as(DirectOptions)
    assert direct.direct_running_mode == "multi_threading"


def test_a_worker_for_each_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(options, "usable_cores", lambda: 7)
    monkeypatch.setattr(cores, "usable_cores", lambda root=None: 7)
    assert options.beam_options([], workers=0).view_as(DirectOptions).direct_num_workers == 7
    assert options.beam_options([], workers=0, runs=3).view_as(DirectOptions).direct_num_workers == 3


@pytest.mark.parametrize(
    ("flags", "workers", "runs", "expected"),
    [
        ([], 1000, 1, (1, "in_memory", "1 worker instead of 1000: 1 run to do")),
        ([], 1000, 50, (6, "multi_threading", "6 workers instead of 1000: 3 usable cores")),
        (["--direct_num_workers=9"], None, 4, (4, "multi_threading", "4 workers instead of 9: 4 runs to do")),
        ([], 4, 50, (4, "multi_threading", "")),
        (
            ["--direct_running_mode=multi_processing"],
            8,
            1,
            (1, "multi_processing", "1 worker instead of 8: 1 run to do"),
        ),
    ],
)
def test_workers_are_bounded_by_runs_and_cores(
    monkeypatch: pytest.MonkeyPatch, flags: list[str], workers: int | None, runs: int, expected: tuple
) -> None:
    monkeypatch.setattr(cores, "usable_cores", lambda root=None: 3)
    said: list[str] = []
    found = options.beam_options(flags, workers=workers, runs=runs, say=said.append)
    direct = found.view_as(DirectOptions)
    assert (direct.direct_num_workers, direct.direct_running_mode, "".join(said)) == expected


@pytest.mark.parametrize(
    ("flags", "workers", "message"),
    [
        (["--direct_num_workers=3"], 2, "--workers 2 and --direct_num_workers 3 contradict each other"),
        ([], -1, "--workers: expected 0 .* or more, got -1"),
        (["--direct_running_mode=in_memory"], 2, "in_memory has one worker"),
        (["--direct_running_mode=fast"], None, "invalid choice: 'fast'"),
        (["--runner=FlinkRunner"], 2, "--workers is for this machine"),
        (["--runner=FlinkRuner"], None, r"unknown runner 'FlinkRuner'; did you mean FlinkRunner\?"),
    ],
)
def test_contradictions(flags: list[str], workers: int | None, message: str) -> None:
    with pytest.raises(UserError, match=message):
        options.beam_options(flags, workers=workers)


def test_other_runners_get_their_options() -> None:
    flags = ["--runner=PortableRunner", "--job_endpoint=localhost:8099", "--environment_type=LOOPBACK"]
    found = options.beam_options(flags, workers=None)
    assert not options.is_local(found)
    assert found.view_as(PortableOptions).job_endpoint == "localhost:8099"


@pytest.mark.parametrize("endpoint", ["localhost:1", "localhost", "localhost:x", "localhost:99999999"])
def test_a_job_server_that_is_not_there(endpoint: str) -> None:
    found = options.beam_options(["--runner=PortableRunner", f"--job_endpoint={endpoint}"], workers=None)
    with pytest.raises(UserError, match=f"--job_endpoint {endpoint}: no job server answers there"):
        options.check_job_server(found)


def test_a_job_server_that_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        endpoint = f"127.0.0.1:{server.getsockname()[1]}"
        options.check_job_server(options.beam_options([f"--job_endpoint={endpoint}"], workers=None))
