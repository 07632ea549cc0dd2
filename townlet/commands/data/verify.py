"""`townlet verify`: whether the files are still what was written, and can be simulated again."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from townlet.commands.capture.start import start_work
from townlet.commands.data.writer_note import naming_the_writer
from townlet.console.formatting import Meter, counted, number, print_json, size
from townlet.console.parsing import Parser, positive
from townlet.console.printing import next_step, remark, say
from townlet.escaping import typed_path
from townlet.planning.interpreted_cost import agent_step

if TYPE_CHECKING:
    from townlet.dataset.checking.verify import Report

EXAMPLES = """\
examples:
  townlet verify samples/kitchen
  townlet verify samples/many --workers 4
  townlet verify s3://bucket/samples
  townlet verify samples/nightly --all         every version of a versioned data set, not only the current one
  townlet verify samples/kitchen --replay      simulate the stored actions again, compare every array bit for bit

Files that are staged, or captured and not in the index yet, are noted and are no problem: a capture is running, or
was interrupted and can be continued.

exit codes: 0 all files are as they were written, 1 some are not, 2 there is no capture
"""

SHOWN_NOTES = 10


def main(argv: Sequence[str], prog: str = "townlet verify") -> int:
    arguments = _parser(prog).parse_args(argv)

    from townlet.dataset.checking.verify import verify

    if not arguments.quiet:
        _say_if_fewer(arguments.path, arguments.workers)

    started = time.monotonic()
    with naming_the_writer(arguments.path), Meter("captures", quiet=arguments.quiet) as meter:
        report = verify(
            arguments.path,
            workers=arguments.workers,
            every_version=arguments.all,
            progress=meter.show,
        )
    seconds = max(1e-3, time.monotonic() - started)
    findings: dict[str, Any] = report.to_json_dict()
    problems = [str(problem) for problem in report.problems]
    if arguments.replay and report.ok:
        captures = _captures(arguments.path, report)
        played = start_work(lambda: sum(map(_interpreted_seconds, captures)), quiet=arguments.quiet)
        if played is not None:
            return played
        replays = [_replay(folder) for folder in counted(captures, "replayed", quiet=arguments.quiet)]
        findings["replay"] = replays
        problems += [f"{replay['capture']}: {text}" for replay in replays for text in replay["problems"]]
        findings["ok"] = not problems
    if arguments.json:
        print_json(findings)
    for line in [*problems, *([] if arguments.quiet else _notes(report.notes))]:
        remark(line)
    if not arguments.quiet and not arguments.json:
        rate = f"{size(report.size)} in {seconds:.2f} s, {size(report.size / seconds)}/s"
        remark(f"{number(report.files, 'file')}, {rate}")
        say(f"{arguments.path}: {_conclusion(findings, len(problems), arguments.replay)}")
        if findings["ok"]:
            path = typed_path(arguments.path)
            next_step(f"townlet inspect {path}" if arguments.replay else f"townlet verify {path} --replay")
    return 0 if findings["ok"] else 1


def _say_if_fewer(place: str, workers: int | None) -> None:
    """Workers of a local check are bounded by cores; those of an object store mostly wait."""
    from townlet.cores import why_fewer
    from townlet.dataset.store.open_store import is_remote

    fewer = "" if workers is None or is_remote(place) else why_fewer(workers, None, "file")
    if fewer:
        remark(f"note: {fewer}")


def _parser(prog: str) -> Parser:
    parser = Parser(
        prog,
        "Check every file of a capture or data set against its manifests, and name files that are changed, "
        "missing, exchanged or unexpected.",
        EXAMPLES,
    )
    parser.add_argument("path", metavar="DIR", help="the folder or URL of a capture or of a data set")
    parser.add_argument("--all", action="store_true", help="every version of a versioned data set")
    parser.add_argument("--workers", type=positive, metavar="N", help="how many at once (default: all cores)")
    parser.add_argument("--replay", action="store_true", help="also simulate again and compare every array")
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    return parser


def _notes(notes: Sequence[Any]) -> list[str]:
    lines = [f"note: {note}" for note in notes[:SHOWN_NOTES]]
    return lines + ([f"note: and {len(notes) - SHOWN_NOTES} more"] if len(notes) > SHOWN_NOTES else [])


def _conclusion(findings: dict[str, Any], problems: int, replay: bool) -> str:
    if not findings["ok"]:
        skipped = "; not replayed, because files are damaged" if replay and "replay" not in findings else ""
        return f"{number(problems, 'problem')}{skipped}"
    captures = number(findings["captures"], "capture")
    versions = findings["versions"]
    if versions:
        captures += f", version{'s' if len(versions) > 1 else ''} {', '.join(map(str, versions))}"
    if not replay:
        return f"ok, {captures}"
    timesteps = sum(found["timesteps"] for found in findings["replay"])
    exact = all(found["exact"] for found in findings["replay"])
    how = "bit for bit" if exact else "bit for bit but for log-probs and values that other code gives"
    return f"ok, {captures}, replayed {how}: {number(timesteps, 'timestep')}"


def _replay(place: str) -> dict[str, Any]:
    """What a capture's replay found."""
    from townlet.dataset.capture.find_models import find_models, what_is_missing
    from townlet.dataset.reading.capture import load_capture
    from townlet.policy_text import digests_of
    from townlet.rollout.replay import ReplayReport, verify_replay

    capture = load_capture(place)
    models = find_models(capture.store, capture.folder, capture.metadata)
    missing = set(models.missing) & {*digests_of(capture.metadata.get("networks", ()))}
    if missing:
        texts = [f"cannot be replayed: {what_is_missing(digest, place)}" for digest in sorted(missing)]
        report = ReplayReport(problems=texts)
    else:
        report = verify_replay(capture, models.found)
    return {
        "capture": place,
        "samples": report.samples,
        "timesteps": report.timesteps,
        "exact": report.exact,
        "problems": list(report.problems),
    }


def _interpreted_seconds(place: str) -> float:
    """What a capture's replay takes in plain Python, but for the world's making."""
    from townlet.dataset.capture.find_models import find_models
    from townlet.dataset.reading.capture import load_capture

    capture = load_capture(place)
    models = find_models(capture.store, capture.folder, capture.metadata).found
    return capture.metadata["frame_count"] * agent_step(max(map(len, models.values()), default=0))


def _captures(place: str, report: Report) -> list[str]:
    """The places of a data set's captures, or of the capture itself.

    Of a versioned data set those of the versions that were checked; what several of them hold is named once.
    """
    from townlet.dataset.format.paths import INDEX
    from townlet.dataset.index.read_index import read_index
    from townlet.dataset.store.open_store import open_store
    from townlet.dataset.versions.versions import version_folder

    store, versions = open_store(report.place), report.versions
    if not versions and store.size(INDEX) is None:
        return [place]
    captures: dict[tuple[str, str], str] = {}
    for data_set in [store.below(version_folder(version)) for version in reversed(versions)] or [store]:
        for entry in read_index(data_set).entries():
            captures.setdefault((entry.folder, entry.manifest_sha256), f"{data_set}/{entry.folder}")
    return list(captures.values())
