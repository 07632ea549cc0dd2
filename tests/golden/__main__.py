"""`python -m tests.golden`: play the golden runs, print what moved, and store what is found; the events too.

Exit codes: 0 stored, or nothing to store; 1 with --check, where a file is not what is found; 2 nothing was
stored, because numbers moved that may not.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.golden import events
from tests.golden.compare import Comparison, compare
from tests.golden.measure import golden_configs
from tests.golden.records import FOLDER, play, read, strays, write


def main(argv: Sequence[str] | None = None, folder: Path = FOLDER) -> int:
    parser = argparse.ArgumentParser(
        "python -m tests.golden", description="Play the golden runs and store them."
    )
    parser.add_argument("--check", action="store_true", help="print what moved, store nothing")
    parser.add_argument(
        "--same-rules-version",
        action="store_true",
        help="store what moved although RULES_VERSION was not raised: before a first release only",
    )
    arguments = parser.parse_args(argv)
    configs = golden_configs()
    found = {config: play(config) for config in configs}
    comparisons = {config: compare(read(config, folder), found[config]) for config in configs}
    for config, comparison in comparisons.items():
        if comparison.reason:
            print(f"{config}: {comparison.text(whole=True)}")
    gone = strays(configs, folder)
    for path in gone:
        print(f"{path.name}: of no shipped config")
    code = _store(found, comparisons, gone, folder, arguments)
    told = events.out_of_date(configs, folder.parent / events.FOLDER.name)
    for path in told:
        print(f"{path.name}: events are not what is found now")
    if arguments.check:
        return 1 if told else code
    if not code:
        events.store(told)
    return code


def _store(
    found: dict,
    comparisons: dict[str, Comparison],
    gone: list[Path],
    folder: Path,
    arguments: argparse.Namespace,
) -> int:
    """Write the files that are not what was found: all, or none where one may not be written."""
    stale = [config for config, comparison in comparisons.items() if comparison.reason]
    moved = sum(len(comparison.moved) for comparison in comparisons.values())
    print(
        f"{len(found)} configs, {moved} numbers and digests moved, {len(stale) + len(gone)} files out of date"
    )
    if arguments.check:
        return 1 if stale or gone else 0
    refused = [config for config in stale if not comparisons[config].allowed]
    if refused and not arguments.same_rules_version:
        print(f"nothing was stored, because of {', '.join(refused)}", file=sys.stderr)
        return 2
    for config in stale:
        write(found[config], folder)
    for path in gone:
        path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
