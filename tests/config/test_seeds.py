"""Whether a seed can change anything: said only where nothing can be drawn, whatever happens."""

from __future__ import annotations

from pathlib import Path

import pytest

from townlet.config.load import load_config
from townlet.config.seeds import every_seed_differs, nothing_drawn
from townlet.config.shipped import shipped_configs
from townlet.planning.plan import Request, plan
from townlet.rollout.play import play
from townlet.samples import stack_groups
from townlet.world import rng

CERTAIN = tuple(
    f"scenarios/{name}.yaml"
    for name in ("hard_winter", "observation_baseline", "queue_conflict", "rivalry_decay")
)

ALONE = "- {id: ann, position: [1, 1]}"
STAYS = "{id: ben, position: [3, 3], schedule: [{kind: wait}]}"
WALKS = "{id: ben, position: [3, 3], schedule: [{kind: move, position: [4, 4]}]}"


def config(folder: Path, agents: str = ALONE, more: str = "", objects: str = "[]") -> Path:
    path = folder / "town.yaml"
    listed = "\n".join(f"    {line}" for line in agents.splitlines())
    path.write_text(
        f"config_id: town\n{more}\nscenario:\n  ticks: 20\n  objects: {objects}\n  agents:\n{listed}\n"
    )
    return path


@pytest.mark.parametrize("name", shipped_configs())
def test_shipped(name: str) -> None:
    assert nothing_drawn(load_config(name)) == (name in CERTAIN)
    assert not nothing_drawn(load_config(name), "uniform", ignore_schedules=True)


@pytest.mark.parametrize("name", CERTAIN)
def test_what_is_certain_is_so(name: str) -> None:
    """All seeds give the same samples."""

    def digests(seed: int) -> list[str]:
        (run,) = plan(Request((name,), seeds=(seed,), ticks=60)).playable()
        return [stack_groups([group]).content_digest() for _, group in play(run)]

    assert digests(0) == digests(1) == digests(2**63 - 1)


EVENT = (
    "perturbations: {events: {dear: {kind: price_spike, prob_per_day: %s, duration: {min: 1, max: 2}, "
    "magnitude: {min: 1, max: 2}}}}"
)
PERSONALITIES = "features: {relationship_modifiers: true}"


@pytest.mark.parametrize(
    ("agents", "more", "objects", "certain"),
    [
        (ALONE, "", "[]", True),
        (f"{ALONE}\n- {STAYS}", "", "[]", True),  # one who may move
        (f"{ALONE}\n- {WALKS}", "", "[]", False),  # two may want one tile
        (f"- {STAYS}", "lifecycle: {respawn_delay_ticks: 5}", "[]", True),
        (
            f"{ALONE}\n- {STAYS}",
            "lifecycle: {respawn_delay_ticks: 5}",
            "[]",
            False,
        ),  # the newcomer has no schedule
        ("- {id: ann, position: [1, 1], schedule: [{kind: chat}]}", "", "[]", False),
        ("- {id: ann}", "", "[]", False),  # no position
        (ALONE, "", "[{id: bench_1, type: bench}]", False),
        (ALONE, "", "[{id: bench_1, type: bench, position: [2, 2]}]", True),
        (ALONE, EVENT % "0.5", "[]", False),
        (ALONE, EVENT % "0", "[]", True),
        (ALONE, PERSONALITIES, "[]", False),
        ("- {id: ann, position: [1, 1], personality: socialite}", PERSONALITIES, "[]", True),
        (ALONE, "policy: {default: uniform}", "[]", False),
        (f"- {STAYS}", "policy: {default: uniform}", "[]", True),  # nobody follows it
        (ALONE, "policy: {agents: {ann: uniform}}", "[]", False),
        (ALONE, "policy: {default: idle}", "[]", True),
        (ALONE, "policy: {default: needs-early}", "[]", True),
    ],
)
def test_what_may_be_drawn(tmp_path: Path, agents: str, more: str, objects: str, certain: bool) -> None:
    assert nothing_drawn(load_config(config(tmp_path, agents, more, objects))) == certain


@pytest.mark.parametrize(
    ("starts", "certain", "each"),
    [
        ("{}", True, False),
        ("{needs: {hunger: [0.1, 0.2]}}", False, True),
        ("{needs: {hunger: 0.1}, wallet: [2, 2]}", True, False),
        ("{wallet: [1, 2]}", False, True),
        ("{tick_of_day: [0, 5]}", False, False),  # two may draw the same
        ("{tick_of_day: 5}", True, False),
        ("{positions: anywhere}", False, False),
    ],
)
def test_what_a_start_leaves_open(tmp_path: Path, starts: str, certain: bool, each: bool) -> None:
    path = config(tmp_path)
    path.write_text(path.read_text(encoding="utf-8") + f"  starts: {starts}\n", encoding="utf-8")
    assert (nothing_drawn(load_config(path)), every_seed_differs(load_config(path))) == (certain, each)


@pytest.mark.parametrize(
    ("agents", "options", "certain"),
    [(ALONE, "", False), (ALONE, "?mode=greedy", True), (ALONE, "?temperature=0.5", False),
     (f"{ALONE}\n- {STAYS}", "?mode=greedy", False)],  # it may chat
)  # fmt: skip
def test_a_network_draws_unless_it_is_greedy(
    tmp_path: Path, agents: str, options: str, certain: bool
) -> None:
    policy = f"network:{'a' * 64}{options}"
    assert nothing_drawn(load_config(config(tmp_path, agents)), policy) == certain


def test_all_draws_are_thought_of() -> None:
    """A new use of a draw is a new reason for seeds to differ: `nothing_drawn` has to know it."""
    assert {name for name in vars(rng) if name.startswith("USE_")} == {
        "USE_MOVE_TIE", "USE_CHAT", "USE_EVENT", "USE_POLICY", "USE_PLACEMENT", "USE_PERSONALITY",
        "USE_START", "USE_IDENTITY",  # the latter is the same in every run
    }  # fmt: skip
