"""`townlet verify`: whether what was captured is still what was written, and can be played again."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from townlet.commands.figures import counted, size
from townlet.commands.parsing import Parser

EXAMPLES = """\
examples:
  townlet verify samples/kitchen
  townlet verify samples/kitchen --replay      play the stored actions again, compare every array to the bit

exit codes: 0 all is as it was written, 1 something is not, 2 there is no capture
"""


def main(argv: Sequence[str], prog: str = "townlet verify") -> int:
    parser = Parser(
        prog,
        "Check every file of a capture or data set against its manifests: changed, missing, exchanged and "
        "foreign files are named.",
        EXAMPLES,
    )
    parser.add_argument("path", metavar="DIR", help="the folder of a capture or of a data set")
    parser.add_argument("--replay", action="store_true", help="also simulate again and compare every array")
    parser.add_argument("--quiet", action="store_true", help="say what is wrong, and nothing else")
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    arguments = parser.parse_args(argv)

    from townlet.dataset.verify import verify

    started = time.monotonic()
    report = verify(arguments.path)
    findings: dict[str, Any] = report.to_json_dict()
    problems = [str(problem) for problem in report.problems]
    if arguments.replay and report.ok:
        captures = _captures(Path(arguments.path))
        replays = [_replay(folder) for folder in counted(captures, "replayed", quiet=arguments.quiet)]
        findings["replay"] = replays
        problems += [f"{replay['capture']}: {text}" for replay in replays for text in replay["problems"]]
        findings["ok"] = not problems
    if arguments.json:
        print(json.dumps(findings, indent=1, ensure_ascii=False))
    for problem in problems:
        print(problem, file=sys.stderr)
    if not arguments.quiet and not arguments.json:
        seconds = max(1e-3, time.monotonic() - started)
        print(f"{report.files} files, {size(report.size)} in {seconds:.2f} s", file=sys.stderr)
        print(f"{arguments.path}: {_verdict(findings, len(problems), arguments.replay)}")
    return 0 if findings["ok"] else 1


def _verdict(findings: dict[str, Any], problems: int, replay: bool) -> str:
    if not findings["ok"]:
        skipped = "; not replayed, because files are damaged" if replay and "replay" not in findings else ""
        return f"{problems} problem{'s' if problems > 1 else ''}{skipped}"
    captures = f"{findings['captures']} capture{'s' if findings['captures'] != 1 else ''}"
    if not replay:
        return f"ok, {captures}"
    timesteps = sum(found["timesteps"] for found in findings["replay"])
    return f"ok, {captures}, replayed to the bit: {timesteps} timesteps"


def _replay(folder: Path) -> dict[str, Any]:
    """What a capture's replay found."""
    from townlet.dataset.reader import load_capture
    from townlet.replay_check import verify_replay

    report = verify_replay(load_capture(folder))
    return {
        "capture": str(folder),
        "samples": report.samples,
        "timesteps": report.timesteps,
        "problems": list(report.problems),
    }


def _captures(path: Path) -> list[Path]:
    """The folders of a data set's captures, or the capture itself."""
    from townlet.dataset.index import read_index
    from townlet.dataset.places import INDEX
    from townlet.dataset.store import LocalStore

    if not (path / INDEX).is_file():
        return [path]
    return [path / entry["folder"] for entry in read_index(LocalStore(path))["runs"]]
