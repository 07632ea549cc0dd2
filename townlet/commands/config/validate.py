"""`townlet validate`: whether configs and suites can be captured, and the budget of a day in each town."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from townlet.console.formatting import print_json
from townlet.console.parsing import Parser
from townlet.errors import ConfigError, UserError

EXAMPLES = """\
examples:
  townlet validate town.yaml
  townlet validate configs/scenarios/*.yaml
  townlet validate nightly.yaml --json      a suite, with every config that it names

The budget of a day is an estimate: time, coins, meals and beds that living takes, beside what there is.
exit codes: 0 every file is right, 2 some are not
"""


def main(argv: Sequence[str], prog: str = "townlet validate") -> int:
    parser = Parser(
        prog,
        "Check configs and suites, and show the budget of a day. Names every mistake of every file.",
        EXAMPLES,
    )
    parser.add_argument(
        "files", nargs="+", metavar="CONFIG", help="a config or suite file, or the name of a shipped one"
    )
    parser.add_argument("--json", action="store_true", help="print problems, notices and budgets as JSON")
    arguments = parser.parse_args(argv)
    findings = [_examine(file) for file in arguments.files]
    if arguments.json:
        print_json(_plain(findings))
    else:
        for finding in findings:
            _print(finding)
    return 0 if all(finding["ok"] for finding in findings) else UserError.exit_code


def _examine(file: str) -> dict[str, Any]:
    """What there is to say about one file: `ok`, and problems, or configs with notices and budgets."""
    from townlet.config.suite import is_suite

    try:
        configs = _of_suite(file) if is_suite(file) else [_of_config(file)]
    except ConfigError as error:
        return {"file": file, "ok": False, "problems": [_problem(problem) for problem in error.problems]}
    return {"file": file, "ok": True, "problems": [], "configs": configs}


def _of_suite(file: str) -> list[dict[str, Any]]:
    """Each config of a suite once. Raises ConfigError with the mistakes of the suite and of all of them."""
    from townlet.config.suite import read_suite

    configs = []
    suite, problems = read_suite(file)
    for config in dict.fromkeys(run.config for run in suite.runs):
        try:
            configs.append(_of_config(os.path.relpath(config)))
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(list(dict.fromkeys(problems)))
    return configs


def _of_config(file: str) -> dict[str, Any]:
    from townlet.config.budget import budget
    from townlet.config.load import load_config

    resolved = load_config(file)
    return {"config": file, "notices": list(resolved.notices), "budget": budget(resolved)}


def _print(finding: dict[str, Any]) -> None:
    """Budgets to standard output, what is wrong or worth knowing to standard error."""
    for problem in finding["problems"]:
        print(problem["text"], file=sys.stderr)
    for config in finding.get("configs", ()):
        for notice in config["notices"]:
            print(f"note: {config['config']}: {notice}", file=sys.stderr)
        if config["budget"].agents:
            print(config["budget"].text())
    print(f"{finding['file']}: {'ok' if finding['ok'] else 'not valid'}", file=sys.stderr)


def _problem(problem: Any) -> dict[str, Any]:
    return {**asdict(problem), "text": str(problem)}


def _plain(value: Any) -> Any:
    """JSON-safe: dataclasses as mappings, an endless number of days as null."""
    if hasattr(value, "__dataclass_fields__"):
        return _plain(asdict(value))
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
