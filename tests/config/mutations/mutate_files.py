"""Folders of a config with what belongs to it, gone wrong: a number names one, the same every time.

On top of `mutate.py`: JSON, shared parts and merge keys, escapes of half characters, huge numbers, texts and lists,
deep nesting, scenery, keys of schedules, affordance files, suites, resolved configs of captures, and what is no
ordinary file.
"""

from __future__ import annotations

import json
import os
import random
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.config.mutations.mutate import _places, mutated
from townlet.config import load_config
from townlet.config.shipped import shipped_configs, shipped_root
from townlet.run import canonical_json

EXTREME: tuple[Any, ...] = (
    2**31 - 1, -(2**31), 2**53 + 1, 2**63 - 1, 2**64, 10**39, 10**400, 1e-308, 1e9, -1e9, 1e300, float("-inf"), -0.0,
    255, 256, 257, 1024, 1025, 100_000, 1_000_000, "9" * 41, "9" * 5_000, "0x" + "f" * 39, "1e309", "x" * 100_000,
    "\U0001f3e0", "\u202e", "\u2028", "\x7f", "\x85", "\ue000", "\ufffe", "<<", "=", "&a", "*a", "!!int 5",
    [[0, 0]] * 2_000, ["a"] * 2_000, [{}] * 500, {f"k{number}": 1 for number in range(500)}, [None, None], {"<<": {}},
)  # fmt: skip
SCHEDULE_KEYS: dict[str, tuple[Any, ...]] = {
    "kind": ("wait", "move", "request", "start", "release", "chat", "blocked", "sleep"),
    "object": ("fridge_1", "bed_1", "counter", "nobody", 1), "object_id": ("fridge_1",),
    "affordance": ("eat_meal", "rest_sleep", "read", "serve"), "affordance_id": ("eat_meal",),
    "position": ([0, 0], [5, 5], [47, 47], [300, 0], "x"), "target": ("alice", "bob", "zoe"),
    "until": ("arrived", "granted", "finished", "never"), "ticks": (1, 0, 2**31 - 1, 1.5),
    "blocked": (True, False, "yes"), "quality": (0, 1, 0.3, 2), "label": ("x",),
}  # fmt: skip
ESCAPES = (
    r"\ud83c\udfe0",
    r"\ud83c",
    r"\udfe0",
    r"\uD83C\uDFE0",
    r"\ue000",
    r"\\ud83c",
    r"\U0001f3e0",
    r"\u0000",
)
DEEP = ("[" * 70 + "]" * 70, "{a: " * 70 + "1" + "}" * 70, "- " * 70 + "x", "[" * 40 + "]" * 40)


def write_case(number: int) -> str:
    """Write case `number` into the working folder; the name that a command is given."""
    draw = random.Random(number)
    text = _source(draw)
    changes = CHANGES if draw.random() < 0.6 else MILD_CHANGES
    for _ in range(draw.choice((1, 1, 2, 3))):
        text = draw.choice(changes)(text, draw)
    name = draw.choice(("town.yaml", "town.yaml", "town.json"))
    Path(name).write_text(text, encoding="utf-8", errors="surrogatepass", newline="")
    if draw.random() < 0.3:
        _write_affordances(draw)
    kind = draw.randrange(10)
    if kind == 0:
        return _not_ordinary(name, draw)
    return _suite(name, draw) if kind < 3 else name


@cache
def _texts() -> tuple[str, ...]:
    shipped = [(shipped_root() / name).read_text(encoding="utf-8") for name in shipped_configs()]
    stored = [
        canonical_json(load_config(shipped_root() / name).to_json_dict()) for name in shipped_configs()[:4]
    ]
    return (*shipped, *stored, "config_id: t\n", "config_id: t\nscenario: {agents: [{id: al}]}\n")


def _source(draw: random.Random) -> str:
    text = draw.choice(_texts())
    if draw.random() < 0.15:
        return json.dumps(
            yaml.safe_load(text), indent=draw.choice((None, 1)), ensure_ascii=draw.random() < 0.7
        )
    return text


def _as_before(text: str, draw: random.Random) -> str:
    return mutated(text, draw.randrange(10**9))


def _with_data(text: str, draw: random.Random, change: Any) -> str:
    """The text with its values changed; written as it was, in YAML or JSON. Shared values become anchors."""
    try:
        data = yaml.safe_load(text)
        places = [*_places(data)]
        if not places:
            return text
        change(data, places)
        if text.lstrip().startswith("{") and draw.random() < 0.8:
            return json.dumps(data)
        return yaml.safe_dump(data, sort_keys=False, allow_unicode=draw.random() < 0.5, width=10**6)
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, RecursionError):
        return text


def _extreme(text: str, draw: random.Random) -> str:
    def change(_: Any, places: list[Any]) -> None:
        holder, key = draw.choice(places)
        holder[key] = draw.choice(EXTREME)

    return _with_data(text, draw, change)


def _shared(text: str, draw: random.Random) -> str:
    def change(_: Any, places: list[Any]) -> None:
        source_holder, source_key = draw.choice(places)
        for holder, key in draw.choices(places, k=draw.randint(1, 4)):
            if holder is not source_holder:
                holder[key] = source_holder[source_key]  # may contain itself: YAML can say that

    return _with_data(text, draw, change)


def _long(text: str, draw: random.Random) -> str:
    def change(_: Any, places: list[Any]) -> None:
        lists = [holder[key] for holder, key in places if isinstance(holder[key], list) and holder[key]]
        if lists:
            found = draw.choice(lists)
            found *= draw.choice((2, 30, 300, 3_000)) if len(found) < 40 else 2

    return _with_data(text, draw, change)


def _schedule(text: str, draw: random.Random) -> str:
    def change(_: Any, places: list[Any]) -> None:
        entries = [
            holder[key] for holder, key in places if isinstance(holder[key], dict) and "kind" in holder[key]
        ]
        agents = [
            holder[key] for holder, key in places if isinstance(holder[key], dict) and "id" in holder[key]
        ]
        if entries:
            entry = draw.choice(entries)
        elif agents:
            entry = {}
            draw.choice(agents)["schedule"] = [entry]
        else:
            return
        for key in draw.choices(list(SCHEDULE_KEYS), k=draw.randint(1, 4)):
            entry[key] = draw.choice(SCHEDULE_KEYS[key])

    return _with_data(text, draw, change)


def _scenery(text: str, draw: random.Random) -> str:
    def change(data: Any, _: list[Any]) -> None:
        scenario = data.setdefault("scenario", {})
        thing = {"id": "counter", "type": draw.choice(("checkout", "fridge", "bed", "")), "position": [1, 1]}
        scenario.setdefault("objects", []).append(thing)
        events = {"spike": {"targets": ["counter"]}, "meet": {"kind": "arranged_meet", "location": "counter"}}
        data["perturbations"] = {"events": events}
        data["world"] = {"map": draw.choice(("..#..", "#", "....\n.##.\n....", "x"))}

    return _with_data(text, draw, change)


def _own_affordances(text: str, draw: random.Random) -> str:
    def change(data: Any, _: list[Any]) -> None:
        names = (
            "own.yaml",
            "./own.yaml",
            "gone.yaml",
            "..",
            "/dev/zero",
            "affordances/core.yaml",
            "town.yaml",
            "a\0b",
        )
        data["affordances"] = {"affordances_file": draw.choice(names)}

    return _with_data(text, draw, change)


def _insert(what: tuple[str, ...]) -> Any:
    def insert(text: str, draw: random.Random) -> str:
        at = draw.choice([0, *(place for place, letter in enumerate(text) if letter in " \"'\n:")])
        return text[: at + 1] + draw.choice(what) + text[at + 1 :]

    return insert


def _quoted_escape(text: str, draw: random.Random) -> str:
    lines = text.split("\n")
    places = [index for index, line in enumerate(lines) if ": " in line and not line.rstrip().endswith(":")]
    if not places:
        return _insert(ESCAPES)(text, draw)
    index = draw.choice(places)
    key = lines[index].partition(": ")[0]
    lines[index] = f'{key}: "x{"".join(draw.choices(ESCAPES, k=2))}"'
    return "\n".join(lines)


def _merge_key(text: str, draw: random.Random) -> str:
    lines = text.split("\n")
    index = draw.randrange(len(lines))
    indent = " " * (len(lines[index]) - len(lines[index].lstrip()))
    merged = ("<<: {id: x}", "<<: *id001", "<<: [{a: 1}, {b: 2}]", "<<: x", "<<: *a", "meta: &a {<<: *a}")
    lines.insert(index, indent + draw.choice(merged))
    return "\n".join(lines)


CHANGES = (
    _as_before, _as_before, _extreme, _extreme, _shared, _long, _schedule, _schedule, _scenery, _own_affordances,
    _insert(ESCAPES), _insert(DEEP), _quoted_escape, _merge_key,
)  # fmt: skip


def _other_number(text: str, draw: random.Random) -> str:
    def change(_: Any, places: list[Any]) -> None:
        numbers = [(holder, key) for holder, key in places if type(holder[key]) in (int, float)]
        if numbers:
            holder, key = draw.choice(numbers)
            holder[key] = draw.choice((0, 1, holder[key] * 2, holder[key] + 1, holder[key] / 2))

    return _with_data(text, draw, change)


def _less(text: str, draw: random.Random) -> str:
    def change(_: Any, places: list[Any]) -> None:
        holder, key = draw.choice(places)
        del holder[key]

    return _with_data(text, draw, change)


def _more_agents(text: str, draw: random.Random) -> str:
    """Newcomers that share what the others have: as anchors, in YAML."""

    def change(data: Any, _: list[Any]) -> None:
        agents = (data.get("scenario") or {}).get("agents") or []
        for number in range(draw.choice((1, 5, 40)) if agents else 0):
            again = {key: value for key, value in draw.choice(agents).items() if key != "position"}
            agents.append({**again, "id": f"more_{number}"})

    return _with_data(text, draw, change)


def _written_otherwise(text: str, draw: random.Random) -> str:
    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):
        return text
    return json.dumps(data) if draw.random() < 0.5 else yaml.safe_dump(data, default_flow_style=True)


MILD_CHANGES = (_other_number, _other_number, _less, _more_agents, _written_otherwise, _own_affordances)


def _write_affordances(draw: random.Random) -> None:
    text = (shipped_root() / "affordances" / "core.yaml").read_text(encoding="utf-8")
    for _ in range(draw.choice((0, 1, 2))):
        text = draw.choice((_as_before, _extreme, _shared, _long, _insert(DEEP)))(text, draw)
    Path("own.yaml").write_text(text, encoding="utf-8", errors="surrogatepass", newline="")


def _suite(name: str, draw: random.Random) -> str:
    runs = [
        {"config": name, "ticks": 3},
        {"config": draw.choice((name, "gone.yaml", ".", "/dev/null")), "name": "b"},
    ]
    suite = {"name": "s", "defaults": {"ticks": 4}, "runs": runs[: draw.randint(1, 2)]}
    text = yaml.safe_dump(suite, sort_keys=False)
    if draw.random() < 0.5:
        text = draw.choice((_as_before, _extreme, _shared, _long))(text, draw)
    Path("suite.yaml").write_text(text, encoding="utf-8", errors="surrogatepass", newline="")
    return "suite.yaml"


def _not_ordinary(name: str, draw: random.Random) -> str:
    place = "other.yaml"
    match draw.randrange(6):
        case 0:
            os.mkfifo(place)
        case 1:
            os.symlink(place, place)
        case 2:
            os.mkdir(place)
        case 3:
            os.symlink(draw.choice(("/dev/zero", "/dev/tty", "/proc/self/mem", "/proc/kmsg")), place)
        case 4:
            os.symlink(name, place)
        case 5:
            Path(place).write_bytes(Path(name).read_bytes()[: draw.randrange(2_000)] + draw.randbytes(3))
    return place
