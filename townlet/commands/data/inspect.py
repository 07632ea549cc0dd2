"""`townlet inspect`: what is in a capture, a data set or a sample."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from townlet.commands.data.writer_note import naming_the_writer
from townlet.console.formatting import count, number, print_json, print_table, size
from townlet.console.parsing import Parser
from townlet.console.printing import remark, say
from townlet.errors import UserError

if TYPE_CHECKING:
    from townlet.dataset.store.contract import Store

EXAMPLES = """\
examples:
  townlet inspect samples/kitchen                                     a capture: actions and rewards of each agent
  townlet inspect samples/kitchen/rollout_sample_alice_001.npz        a sample: every array and every feature
  townlet inspect samples/many                                        a data set: its scenarios
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
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    arguments = parser.parse_args(argv)
    with naming_the_writer(arguments.path):
        facts, show = _summarize(arguments.path)
    if arguments.json:
        print_json(facts)
        return 0
    show(facts)
    for warning in facts["warnings"]:
        remark(f"warning: {warning}")
    return 0


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
            return _data_set(resolve(store)), _show_data_set
    return summarize_capture(load_capture(place)), _show_capture


def _data_set(store: Store) -> dict[str, Any]:
    """Facts of a data set, from its index and its metrics; no sample is read."""
    from townlet.dataset.index.index_document import parse_failures
    from townlet.dataset.index.metrics_summary import parse_figures
    from townlet.dataset.index.populations import distinct_seeds
    from townlet.dataset.index.read_index import read_whole

    index, index_files = read_whole(store, ["metrics", "failures"])
    metrics = parse_figures(index_files["metrics"], str(store))
    failures = [failure._asdict() for failure in parse_failures(index_files["failures"], str(store))]
    keys = ("run_count", "sample_count", "frame_count", "size", "complete")
    totals = {key: getattr(index.facts, key) for key in keys}
    scenarios: dict[str, dict[str, Any]] = {}
    for shard in index.shards:
        known = scenarios.setdefault(shard.scenario, {"runs": 0, "samples": 0, "frames": 0, "size": 0})
        known["runs"] += shard.run_count
        known["samples"] += shard.sample_count
        known["frames"] += shard.frame_count
        known["size"] += shard.size
    for name, seeds in distinct_seeds(run for shard in index.shards for run in index.runs(shard)).items():
        scenarios[name]["distinct"] = seeds.distinct
    for name, known in scenarios.items():
        known["metrics"] = metrics["scenarios"].get(name, {})
    return {
        "data_set": str(store),
        **totals,
        "scenarios": scenarios,
        "failures": failures,
        "warnings": _data_set_warnings(scenarios, failures),
    }


def _data_set_warnings(scenarios: Mapping[str, Any], failures: Sequence[Mapping[str, Any]]) -> list[str]:
    from townlet.commands.data.summary import MOSTLY

    found = []
    for name, known in scenarios.items():
        if known["distinct"] < known["runs"]:
            found.append(
                f"{name}: {known['runs']} seeds, {known['distinct']} distinct: the others are copies"
            )
        clipped = known["metrics"].get("reward_clip_ratio", {}).get("mean", 0.0)
        if clipped >= MOSTLY:
            found.append(f"{name}: the clip cuts {clipped:.0%} of the rewards; such a reward teaches little")
    found += [
        f"failed: {failure['scenario']} seed {failure['seed']}: {failure['reason']}" for failure in failures
    ]
    return found


def _show_data_set(facts: Mapping[str, Any]) -> None:
    complete = "complete" if facts["complete"] else "not complete"
    say(
        f"data set {facts['data_set']}: {number(facts['run_count'], 'run')}, "
        f"{number(facts['sample_count'], 'sample')}, "
        f"{count(facts['frame_count'])} frames, {size(facts['size'])}, {complete}"
    )
    say()
    rows = []
    for name, known in facts["scenarios"].items():
        rows.append((
            name, str(known["runs"]), str(known["distinct"]), str(known["samples"]), count(known["frames"]),
            size(known["size"]),
            _spread(known["metrics"], "reward_sum"), _spread(known["metrics"], "need_hunger_mean"),
            _mean(known["metrics"], "done"), _mean(known["metrics"], "reward_clip_ratio"),
        ))  # fmt: skip
    columns = (
        "scenario",
        "runs",
        "distinct",
        "samples",
        "frames",
        "size",
        "reward",
        "hunger",
        "ended",
        "clipped",
    )
    print_table(columns, rows, numbers=columns[1:])


def _spread(metrics: Mapping[str, Any], name: str) -> str:
    """Mean and standard deviation over samples."""
    metric = metrics.get(name)
    return f"{metric['mean']:.3g} ± {metric['std']:.2g}" if metric else NO_VALUE


def _mean(metrics: Mapping[str, Any], name: str) -> str:
    return f"{metrics[name]['mean']:.0%}" if name in metrics else NO_VALUE


def _show_capture(facts: Mapping[str, Any]) -> None:
    say(
        f"{facts['scenario_name']}, seed {facts['seed']}, {facts['ticks']} ticks: "
        f"{facts['sample_count']} samples, {count(facts['frame_count'])} frames, "
        f"{size(facts['size'])} in {facts['capture']}"
    )
    if facts["scenario_description"]:
        say(facts["scenario_description"])
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
    from townlet.commands.data.summary import describe

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
        say("refused requests and starts, and why the first time")
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
