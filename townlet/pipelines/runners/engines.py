"""Engines on other machines: what can be known before a pipeline goes to one, so that nothing hangs or is fetched.

Beam waits for ever for a job server that is not there, downloads what it misses, and starts workers in containers of
its own unless told otherwise, where Townlet is not installed.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path

from apache_beam.options.pipeline_options import PipelineOptions, PortableOptions, SetupOptions, WorkerOptions

from townlet.dataset.format.paths import STAGING
from townlet.dataset.store.contract import Store
from townlet.dataset.store.local import LocalStore
from townlet.errors import OutputError, UserError
from townlet.pipelines.runners import flink
from townlet.pipelines.runners.options import check_job_server, runner_of
from townlet.pipelines.runners.pool import private_pool

FLINK = "FlinkRunner"
WITHOUT_JOB_SERVER = ("DataflowRunner", "TestDataflowRunner")  # they are services of their own


@contextlib.contextmanager
def engine(options: PipelineOptions) -> Iterator[None]:
    """What the options' runner needs, for as long as the pipeline runs. Raises UserError.

    FlinkRunner gets a job server of its own, unless one is named.
    """
    runner = runner_of(options)
    _check_workers(options, runner)
    with private_pool(), _job_server(options, runner):
        yield


@contextlib.contextmanager
def _job_server(options: PipelineOptions, runner: str) -> Iterator[None]:
    if options.view_as(PortableOptions).job_endpoint:
        check_job_server(options)
        yield
    elif runner == FLINK:
        with flink.job_server(options):
            yield
    elif "." in runner or runner in WITHOUT_JOB_SERVER:
        yield
    else:
        raise UserError(
            f"--runner {runner}: expected --job_endpoint HOST:PORT, where a job server of Beam's listens; "
            "docs/cluster.md says how one is started"
        )


def is_loopback(options: PipelineOptions) -> bool:
    """Whether the engine's workers are threads of this very process."""
    kind = options.view_as(PortableOptions).environment_type
    embedded = runner_of(options) == FLINK and flink.is_embedded(options)
    return kind == "LOOPBACK" or (kind is None and embedded)


@contextlib.contextmanager
def reports_beside(store: Store) -> Iterator[str | None]:
    """A folder in the output's staging for the reports of workers elsewhere; None in an object store.

    A worker that does not find it does not share the output. One that is left behind goes with the next capture.
    """
    if not isinstance(store, LocalStore):
        yield None
        return
    name = f"{STAGING}/reports-{secrets.token_hex(4)}.tmp"
    store.write_new(f"{name}/launcher", [])
    try:
        yield str(Path(store.root, name))
    finally:
        with contextlib.suppress(OutputError):
            store.delete(name)


def _check_workers(options: PipelineOptions, runner: str) -> None:
    portable, setup = options.view_as(PortableOptions), options.view_as(SetupOptions)
    given = (
        portable.environment_type not in (None, "DOCKER"),
        portable.environment_config,
        portable.environment_options,
        options.view_as(WorkerOptions).sdk_container_image,
        setup.setup_file,
        setup.extra_packages,
        setup.requirements_file,
        is_loopback(options),
        "." in runner,
    )
    if not any(given):
        raise UserError(
            f"--runner {runner}: no option says where workers find Townlet; give --profile flink, flink-kubernetes, "
            "spark or dataflow, or Beam's --environment_type and --environment_config, or --sdk_container_image"
        )
