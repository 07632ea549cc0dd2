"""`townlet validate`: whether configs, suites and affordance files are right, and the budget of a day in each town."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from townlet.console.formatting import print_json
from townlet.console.parsing import Parser
from townlet.console.printing import next_step, remark, say
from townlet.errors import ConfigError, Problem, UserError
from townlet.escaping import typed_path

if TYPE_CHECKING:
    from townlet.config.suite import Suite

EXAMPLES = """\
examples:
  townlet validate town.yaml
  townlet validate configs/scenarios/*.yaml
  townlet validate nightly.yaml --json      a suite, with every config that it names
  townlet validate our_affordances.yaml     an affordance file by itself
  townlet validate samples/kitchen          a capture, by the config that is in it

The budget of a day is an estimate: time, coins, meals and beds that living takes, beside what there is.

exit codes: 0 every file is right, 2 some are not
"""


def main(argv: Sequence[str], prog: str = "townlet validate") -> int:
    parser = Parser(
        prog,
        "Check configs, suites and affordance files, and show the budget of a day. Names every mistake of every file.",
        EXAMPLES,
    )
    parser.add_argument(
        "files",
        nargs="+",
        metavar="CONFIG",
        help="a config, suite or affordance file, a capture, or a shipped name",
    )
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("--json", action="store_true", help="print problems, notices and budgets as JSON")
    arguments = parser.parse_args(argv)
    findings = [_examine(file) for file in arguments.files]
    if arguments.json:
        print_json(_plain(findings))
    else:
        for finding in findings:
            _print(finding, quiet=arguments.quiet)
    right = all(finding["ok"] for finding in findings)
    if right and not arguments.quiet and not arguments.json:
        _print_what_next(findings)
    return 0 if right else UserError.exit_code


def _print_what_next(findings: Sequence[dict[str, Any]]) -> None:
    """To capture the first file that can be: an affordance file cannot."""
    for finding in findings:
        if configs := finding["configs"]:
            nobody = not any(config["budget"].agents for config in configs)
            more = " --auto-seed-agents" if nobody else ""
            file = finding["file"]
            next_step(f"townlet capture {typed_path(file)}{more} --output samples/{_stem(file)}")
            return


def _stem(file: str) -> str:
    """A name for a folder, of a file's."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", Path(file).stem) or "town"


def _examine(file: str) -> dict[str, Any]:
    """What there is to say about one file: `ok`, and problems, or configs with notices and budgets."""
    from townlet.config.load import check_affordance_file, is_affordance_file, read_config_document
    from townlet.config.shipped import existing
    from townlet.config.suite import is_suite_document

    try:
        document = read_config_document(existing(file), file)
        if is_affordance_file(document):
            check_affordance_file(file)
            return {"file": file, "ok": True, "problems": [], "configs": []}
        configs = _of_suite(file) if is_suite_document(document) else [_of_config(file)]
    except ConfigError as error:
        return {"file": file, "ok": False, "problems": [_problem(problem) for problem in error.problems]}
    return {"file": file, "ok": True, "problems": [], "configs": configs}


def _of_suite(file: str) -> list[dict[str, Any]]:
    """Each config of a suite once. Raises ConfigError with the mistakes of the suite and of all of them."""
    from townlet.config.suite import read_suite

    configs = []
    suite, problems = read_suite(file)
    for config in dict.fromkeys(run.label for run in suite.runs):
        try:
            configs.append(_of_config(config))
            problems += _of_networks(suite, config)
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(list(dict.fromkeys(problems)))
    return configs


def _of_networks(suite: Suite, config: str) -> list[Problem]:
    """What is wrong with the networks that a suite names for one of its configs."""
    from townlet.config.load import load_config
    from townlet.planning.networks import problems_of_config

    policies = dict.fromkeys(run.policy for run in suite.runs if run.label == config)
    found: list[Problem] = []
    for policy in (policy for policy in policies if policy in suite.networks):
        found += problems_of_config(load_config(config), policy, suite.models, suite.networks)
    return found


def _of_config(file: str) -> dict[str, Any]:
    from townlet.config.budget import budget
    from townlet.config.load import check_auto_seeded, load_config
    from townlet.config.seeds import every_seed_differs, nothing_drawn
    from townlet.planning.networks import problems_of_config

    resolved = load_config(file)
    if resolved.networks and (problems := problems_of_config(resolved)):
        raise ConfigError(problems)
    notices = list(resolved.notices)
    if not resolved.agents:
        check_auto_seeded(resolved, file)
        notices.append("nobody lives here: capture it with --auto-seed-agents, which adds alice and bob")
    elif nothing_drawn(resolved):
        notices.append("all seeds give the same samples: nothing in this town is drawn by the seed")
    elif every_seed_differs(resolved):
        notices.append("every seed gives samples of its own: it draws the needs or wallets at the start")
    return {
        "config": file,
        "notices": notices,
        "warnings": list(resolved.warnings),
        "budget": budget(resolved),
    }


def _print(finding: dict[str, Any], *, quiet: bool) -> None:
    """Budgets to standard output, what is wrong or worth knowing to standard error."""
    for problem in finding["problems"]:
        remark(problem["text"])
    if quiet:
        return
    for config in finding.get("configs", ()):
        for notice in config["notices"]:
            remark(f"note: {config['config']}: {notice}")
        for warning in config["warnings"]:
            remark(f"warning: {warning}")
        if config["budget"].agents:
            for line in config["budget"].lines():
                say(line)
    remark(f"{finding['file']}: {'ok' if finding['ok'] else 'not valid'}")


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
