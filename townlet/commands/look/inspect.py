"""`townlet inspect`: what is in a capture, a data set or a sample."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from townlet.commands.data.writer_note import naming_the_writer
from townlet.commands.look.inspect_tick import add_options, inspect_tick, refuse_without_tick
from townlet.console.formatting import counted_as, number, print_json, print_table, size
from townlet.console.parsing import Parser
from townlet.console.printing import next_step, remark, say
from townlet.errors import UserError
from townlet.escaping import typed_path

EXAMPLES = """\
examples:
  townlet inspect samples/kitchen                                     a capture: actions and rewards of each agent
  townlet inspect samples/kitchen/rollout_sample_alice_001.npz        a sample: every array and every feature
  townlet inspect samples/many                                        a data set: its scenarios, best and worst runs
  townlet inspect samples/kitchen --tick 70 --agent alice             what it did at a tick, saw, and got for it
  townlet inspect samples/kitchen --json
"""

SHOWN_ACTIONS = 12  # of a capture's most frequent ones
SHOWN_REFUSED = 4  # of an agent
NO_VALUE = "-"


def main(argv: Sequence[str], prog: str = "townlet inspect") -> int:
    parser = Parser(
        prog,
        "Show shapes, ranges, rewards by term and actions, and warn of what would spoil training.",
        EXAMPLES,
    )
    parser.add_argument(
        "path",
        metavar="PATH",
        help="the folder of a capture or data set, or its s3://bucket/prefix, or one .npz or .json",
    )
    add_options(parser)
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    arguments = parser.parse_args(argv)
    if arguments.tick is None:
        refuse_without_tick(arguments)
    with naming_the_writer(arguments.path):
        if arguments.tick is not None:
            return inspect_tick(arguments)
        facts, show = _summarize(arguments.path)
    if arguments.json:
        print_json(facts)
        return 0
    show(facts)
    if not arguments.quiet:
        for warning in facts["warnings"]:
            remark(f"warning: {warning}")
        _print_what_next(arguments.path, facts)
    return 0


def _print_what_next(path: str, facts: Mapping[str, Any]) -> None:
    """Of a sample: what is to be done with the capture that it lies in, where it lies in one."""
    from townlet.dataset.format.manifest import MANIFEST_SUFFIX

    if "data_set" in facts or "capture" in facts:
        next_step(f"townlet report {typed_path(path)}")
    elif any(name.endswith(MANIFEST_SUFFIX) for name in os.listdir(os.path.dirname(path) or ".")):
        next_step(f"townlet report {typed_path(os.path.dirname(path) or '.')}")


def _summarize(place: str) -> tuple[dict[str, Any], Any]:
    """The facts of what is there, and the function that prints such facts."""
    from townlet.commands.data.summary import summarize_capture, summarize_sample
    from townlet.dataset.format.manifest import MANIFEST_SUFFIX
    from townlet.dataset.format.paths import INDEX
    from townlet.dataset.reading.capture import load_capture
    from townlet.dataset.store.open_store import is_remote, open_store
    from townlet.dataset.versions.versions import POINTER, resolve

    path = Path(place)
    if not is_remote(place) and os.path.isfile(place) and not path.name.endswith(MANIFEST_SUFFIX):
        if path.suffix not in (".npz", ".json") or path.name == INDEX:
            raise UserError(
                f"{path}: expected a capture's folder, a data set's folder, or a sample's .npz or .json"
            )
        return summarize_sample(path), _show_sample
    if not place.endswith(MANIFEST_SUFFIX):
        store = open_store(place)
        if any(store.size(name) is not None for name in (INDEX, POINTER)):
            from townlet.commands.look.inspect_data_set import facts_of_data_set, show_data_set

            return facts_of_data_set(resolve(store)), show_data_set
    return summarize_capture(load_capture(place)), _show_capture


def _show_capture(facts: Mapping[str, Any]) -> None:
    say(
        f"{facts['scenario_name']}, seed {facts['seed']}, {number(facts['ticks'], 'tick')}: "
        f"{number(facts['sample_count'], 'sample')}, {counted_as(facts['frame_count'], 'frame')}, "
        f"{size(facts['size'])} in {facts['capture']}"
    )
    if facts["scenario_description"]:
        say(facts["scenario_description"])
    _say_branch(facts["branch"])
    _say_networks(facts["networks"])
    say(f"{_layout_line(facts)}")
    say()
    _print_agents(facts["samples"])
    say()
    say("rewards by term")
    _print_terms(facts["samples"])
    say()
    say("actions")
    _print_actions(facts["samples"])
    _print_refused(facts["samples"])
    say()
    say("arrays")
    _print_arrays(facts["ranges"])


def _say_branch(branch: Mapping[str, Any] | None) -> None:
    """Which run it leaves, and how."""
    if branch is None:
        return
    changes = "; ".join(branch.get("changes", ())) or "otherwise"
    left = f"{branch.get('scenario_name', 'another run')} seed {branch['seed']}"
    say(f"up to tick {branch['tick']} as in {left}; from there on: {changes}")


def _say_networks(networks: Sequence[Mapping[str, str]]) -> None:
    for each in networks:
        say(f"{each['network']}" + (f": {each['trained']}" if each["trained"] else ""))


def _layout_line(facts: Mapping[str, Any]) -> str:
    shape = " x ".join(map(str, facts["map_shape"]))
    channels = ", ".join(facts["map_channels"])
    return f"map {shape} ({channels}), {facts['feature_count']} features, {facts['action_dim']} actions"


def _print_agents(samples: Sequence[Mapping[str, Any]]) -> None:
    """How each agent fared. Needs are the lowest seen; rivalry the highest."""
    shown = (
        ("reward", "reward_sum", ".3f"),
        ("mean", "reward_mean", ".4f"),
        ("hunger", "need_hunger_min", ".2f"),
        ("hygiene", "need_hygiene_min", ".2f"),
        ("energy", "need_energy_min", ".2f"),
        ("rivalry", "rivalry_max_max", ".2f"),
        ("wallet", "wallet_last", ".2f"),
        ("refused", "action_blocked_ratio", ".0%"),
    )
    rows = []
    for sample in samples:
        cells = [_metric(sample["metrics"], key, form) for _, key, form in shown]
        end = "left" if sample["done"] else "cut"
        span = f"{sample['first_tick']}..{sample['last_tick']}"
        rows.append((sample["agent_id"], sample["policy"], span, end, *cells))
    names = [name for name, _, _ in shown]
    print_table(("agent", "policy", "ticks", "end", *names), rows, numbers=["ticks", *names])
    say("(needs: the lowest; rivalry: the highest; wallet: the last; end: left the town, or cut off)")


def _metric(metrics: Mapping[str, Any], key: str, form: str) -> str:
    return format(metrics[key], form) if key in metrics else NO_VALUE


def _print_terms(samples: Sequence[Mapping[str, Any]]) -> None:
    """Sums over each sample; terms that are 0 for all agents are left out."""
    names = [
        name
        for name in dict.fromkeys(name for sample in samples for name in sample["reward_by_term"])
        if any(sample["reward_by_term"].get(name) for sample in samples)
    ]
    rows = [
        (
            sample["agent_id"],
            *[f"{sample['reward_by_term'].get(name, 0.0):.3f}" for name in names],
            _metric(sample["metrics"], "reward_clip_ratio", ".0%"),
        )
        for sample in samples
    ]
    print_table(("agent", *names, "ticks clipped"), rows, numbers=[*names, "ticks clipped"])


def _print_actions(samples: Sequence[Mapping[str, Any]]) -> None:
    totals: dict[str, int] = {}
    for sample in samples:
        for action, times in sample["actions"].items():
            totals[action] = totals.get(action, 0) + times
    ordered = sorted(totals, key=lambda action: (-totals[action], action))
    agents = list(dict.fromkeys(sample["agent_id"] for sample in samples))
    rows = []
    for action in ordered[:SHOWN_ACTIONS]:
        each = [
            sum(sample["actions"].get(action, 0) for sample in samples if sample["agent_id"] == agent)
            for agent in agents
        ]
        rows.append((action, *[str(times) if times else NO_VALUE for times in each]))
    if len(ordered) > SHOWN_ACTIONS:
        rows.append((f"{len(ordered) - SHOWN_ACTIONS} others", *[""] * len(agents)))
    print_table(("action", *agents), rows, numbers=agents)


def _print_refused(samples: Sequence[Mapping[str, Any]]) -> None:
    """The first tick on which each request and start was refused, and why; nothing where none was."""
    from townlet.report.facts.sample_facts import describe

    rows = [
        (
            sample["agent_id"],
            describe(refused["action"]) + (f" ({refused['object']})" if refused["object"] else ""),
            f"{refused['times']} of {refused['attempts']}",
            str(refused["first_tick"]),
            refused["reason"],
        )
        for sample in samples
        for refused in sample["refused"][:SHOWN_REFUSED]
    ]
    if rows:
        say()
        say("requests and starts without success (waiting in a queue counts too), and why the first time")
        print_table(("agent", "action", "times", "first tick", "why"), rows, numbers=("times", "first tick"))


def _print_arrays(ranges: Mapping[str, Mapping[str, Any]]) -> None:
    rows = [
        (
            name,
            f"({', '.join(map(str, found['shape']))})",
            found["dtype"],
            _number(found["min"]),
            _number(found["max"]),
        )
        for name, found in ranges.items()
    ]
    print_table(("array", "shape", "dtype", "min", "max"), rows, numbers=("min", "max"))


def _number(value: float | bool | None) -> str:
    if value is None or isinstance(value, bool):
        return NO_VALUE if value is None else str(value)
    return f"{value:.6g}"


def _show_sample(facts: Mapping[str, Any]) -> None:
    if "agent_id" not in facts:
        say(f"{facts['sample']}")
        say()
        _print_arrays(facts["arrays"])
        return
    say(
        f"{facts['sample']}: {facts['agent_id']} of {facts['scenario_name']}, seed {facts['seed']}, "
        f"ticks {facts['first_tick']}..{facts['last_tick']}, policy {facts['policy']}"
    )
    say(f"{_layout_line(facts)}")
    say()
    _print_agents([facts])
    say()
    say("rewards by term")
    _print_terms([facts])
    say()
    say("actions")
    _print_actions([facts])
    _print_refused([facts])
    say()
    say("arrays")
    _print_arrays(facts["arrays"])
    say()
    say("features")
    rows = [(name, _number(found["min"]), _number(found["max"])) for name, found in facts["features"].items()]
    print_table(("feature", "min", "max"), rows, numbers=("min", "max"))
