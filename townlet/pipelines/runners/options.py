"""Beam's options: which there are, what the user gave, and our defaults for the others."""

from __future__ import annotations

import difflib
import socket
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from townlet.console.parsing import nearest_option
from townlet.cores import most_workers, usable_cores, why_fewer
from townlet.errors import UserError
from townlet.pipelines.runners.silence_beam_output import import_beam, unchanged_logging

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions


def takes_value(flag: str, ours: list[str]) -> bool:
    """Whether Beam's flag is followed by a value. Raises UserError where Beam does not know it either."""
    actions = beam_parser()._option_string_actions
    if flag in actions:
        return actions[flag].nargs != 0
    raise UserError(f"unknown option {flag}{nearest_option(flag, [*ours, *actions])}")


_parser: list[Any] = []


def beam_parser() -> Any:
    """A parser of all of Beam's own options."""
    if not _parser:
        import_beam()  # registers the options of all runners
        from apache_beam.options import pipeline_options

        class BeamParser(pipeline_options._BeamArgumentParser):
            def error(self, message: str) -> NoReturn:
                raise UserError(f"{message} (an option of Beam's)")

        parser = BeamParser(allow_abbrev=False, add_help=False)
        for options in dict.fromkeys(pipeline_options.PipelineOptions.__subclasses__()):
            options._add_argparse_args(parser)
        _parser.append(parser)
    return _parser[0]


@unchanged_logging()
def beam_options(
    flags: Sequence[str],
    *,
    workers: int | None,
    frames: int = 0,
    runs: int | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> PipelineOptions:
    """Beam's options: the user's flags, and ours where they say nothing. Raises UserError.

    `frames`: how many are expected, which decides whether workers are threads or processes. `runs`: how many there
    are, where it is known: more workers are not started, nor more than two for each usable core; `say` gets a line
    about it.
    """
    if flags:
        beam_parser().parse_args(list(flags))
    import_beam()
    from apache_beam.options.pipeline_options import (
        DebugOptions,
        DirectOptions,
        PipelineOptions,
        StandardOptions,
    )

    given = {flag.split("=", 1)[0] for flag in flags if flag.startswith("--")}
    options = PipelineOptions(
        [*flags, *_QUIET] if "--default_sdk_harness_log_level" not in given else list(flags)
    )
    standard, direct = options.view_as(StandardOptions), options.view_as(DirectOptions)
    standard.runner = _runner(standard.runner or LOCAL_RUNNERS[0])
    if workers is not None and "--direct_num_workers" in given and workers != direct.direct_num_workers:
        raise UserError(
            f"--workers {workers} and --direct_num_workers {direct.direct_num_workers} contradict each other"
        )
    if not is_local(options):
        if workers is not None:
            raise UserError(
                f"--workers is for this machine; how many {standard.runner} uses is its own option"
            )
        options.view_as(DebugOptions).add_experiment(_NO_FREEZE)
        return options
    direct.direct_num_workers = _bounded(direct.direct_num_workers if workers is None else workers, runs, say)
    if direct.direct_num_workers > 1 and "--direct_running_mode" not in given:
        share = frames / direct.direct_num_workers
        direct.direct_running_mode = "multi_processing" if share >= PROCESSES_FROM else "multi_threading"
    if direct.direct_num_workers > 1 and direct.direct_running_mode == "in_memory":
        raise UserError(
            "--direct_running_mode in_memory has one worker; multi_threading or multi_processing has more"
        )
    return options


def _bounded(asked: int, runs: int | None, say: Callable[[str], None]) -> int:
    """How many workers are started. Raises UserError for a number below 0; 0 is one for each core."""
    if asked < 0:
        raise UserError(f"--workers: expected 0 (one for each core) or more, got {asked}")
    if asked == 0:
        return min(usable_cores(), most_workers(runs))
    fewer = why_fewer(asked, runs, "run")
    if fewer:
        say(fewer)
    return min(asked, most_workers(runs))


CONNECT_TIMEOUT_S = 10.0  # seconds
# Frames a worker. A process takes 2 s of CPU time to start; threads start at once, and lose 15 % to Python's lock.
PROCESSES_FROM = 5_000_000
LOCAL_RUNNERS = ("DirectRunner", "FnApiRunner")
_NO_FREEZE = (
    "disable_logging_submission_environment"  # else Beam runs `pip freeze`, for a log that is not read
)
_QUIET = ("--default_sdk_harness_log_level=ERROR",)  # else a worker tells its whole life


def is_local(options: PipelineOptions) -> bool:
    """Whether the pipeline runs in the in-process runner."""
    return runner_of(options) in LOCAL_RUNNERS


def runner_of(options: PipelineOptions) -> str:
    """The name of the runner."""
    from apache_beam.options.pipeline_options import StandardOptions

    return options.view_as(StandardOptions).runner


def check_job_server(options: PipelineOptions) -> None:
    """Raise UserError where no job server listens: Beam would wait for it for ever, without a message."""
    from apache_beam.options.pipeline_options import PortableOptions

    endpoint = options.view_as(PortableOptions).job_endpoint
    if not endpoint or endpoint == "embed":
        return
    host, _, port = endpoint.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_TIMEOUT_S).close()
    except (OSError, ValueError, OverflowError) as error:
        raise UserError(f"--job_endpoint {endpoint}: no job server answers there ({error})") from None


def _runner(name: str) -> str:
    """The runner's name as Beam writes it; one with a dot is a class of the user's own. Raises UserError."""
    from apache_beam.options.pipeline_options import StandardOptions

    known = {runner.lower(): runner for runner in StandardOptions.KNOWN_RUNNER_NAMES}
    found = known.get(name.lower()) or known.get(f"{name.lower()}runner")
    if found or "." in name:
        return found or name
    near = difflib.get_close_matches(name.lower(), known, 1)
    raise UserError(f"unknown runner {name!r}" + (f"; did you mean {known[near[0]]}?" if near else ""))
