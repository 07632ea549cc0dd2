"""What the towns of configs/training give to policies that learn nothing: `python -m bench.training_towns` measures it,
and writes docs/training-configs.md. With `--seeds N` over the seeds 0 to N - 1 (default: 16); some minutes of one core.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from townlet.config.load import Resolved, load_config
from townlet.train.evaluate import SEGMENT_TICKS, evaluate
from townlet.train.rollouts import runs_of

PAGE = Path("docs/training-configs.md")
SEEDS = 16

INTRODUCTION = """\
# Towns to learn in

<!-- Written by `python -m bench.training_towns`, from what it has measured; a test plays some of it again. -->

Three configs in `configs/training/`, from a room to a town. What they have in common:

- **`actions.mask: guided`.** A mask that keeps to what was begun ([observations.md](observations.md) has the rule).
  Without it a policy that knows nothing breaks off every meal and every walk, and plain PPO never gets beyond that.
- **`scenario.starts`.** The seed draws needs, wallets, the time of day and the tiles on which everybody begins, so
  that no two seeds are alike, and a short rollout has seen every hour of the day.
- **The action space is one**, that of `configs/affordances/core.yaml`; features differ with the objects of a town.

Name them by their paths, as `configs/training/small.yaml` or `training/small.yaml`: `town` alone is the example of
that name.

The tables show mean returns, undiscounted, of an agent, with standard errors over {seeds} runs (seeds 0 to {last});
how many of the agents fainted; and the coins that an agent was paid. Policies: `idle` waits; `uniform` takes any
action that the mask allows; `needs` serves needs below 0.4 and goes to work; `needs-early` is the same with 0.9.
*Legal masks*: the same town with `actions.mask: legal`. *Without jobs*: the same town, in which nobody has a job,
so that `needs` does all that it does but work. `townlet evaluate configs/training/small.yaml --policy needs --policy
network:best.onnx --days 3` sets other policies beside them.
"""


@dataclass(frozen=True)
class Town:
    """A config, what is said of it, and how long it is played."""

    name: str
    day: int  # ticks
    days: tuple[int, ...]
    text: str


TOWNS = (
    Town(
        "tiny", 240, (1,),
        """\
## tiny

Hunger alone wears off: from full to empty in 125 ticks. A room of 8 x 6 tiles has one fridge, whose meals are as
good as free, and a bed, a bench, a shower and a desk, which are a waste of time. A run is a day of 240 ticks. What
is to be learned is which request pays, and to make it early enough.
""",
    ),
    Town(
        "small", 1440, (1, 3),
        """\
## small

The house, the shop and the café of `examples/small_town.yaml`, with four people who all have a job. A day's needs
cost about two coins, and they begin with one and a half to two and a half; a day of work (300 ticks) pays 4.5. A
tick at work is worth 0.15 in the reward besides, a tick without a need 0.5, and a good chat up to 0.15 for both,
once an hour.

Who does not work can pay for one day, and has nothing to eat on the second: over three days work more than doubles
the return. Who eats before it is hungry wastes coins, and comes late to work: `needs-early` is the best of these
policies over a day, and starves after it. Company is worth a little: who chats whenever it is free and somebody is
near gets some 0.4 % more than `needs`, which never does.

Work is not found by chance: `uniform` spends two or three ticks of a day at its place of work. A policy that learns
from nothing has to be led there first, by the path hints (`townlet train ppo` begins so) or by a clone of `needs`.
""",
    ),
    Town(
        "town", 1440, (1, 3),
        """\
## town

The town of ten of `examples/town.yaml`, with its events, and the money and the rewards of `small`: two coins to
begin with, 4.5 for a day of work. Work lies up to 79 tiles away.
""",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A policy in a variant of a town."""

    label: str
    policy: str
    masks: str = "guided"
    jobs: bool = True


ROWS = (
    Row("`idle`", "idle"),
    Row("`uniform`, legal masks", "uniform", masks="legal"),
    Row("`uniform`", "uniform"),
    Row("`needs`", "needs"),
    Row("`needs`, without jobs", "needs", jobs=False),
    Row("`needs-early`", "needs-early"),
)


def variant(resolved: Resolved, row: Row) -> Resolved:
    """The town in which a row's policy plays."""
    config, scenario = resolved.config, resolved.config.scenario
    assert scenario is not None
    if row.masks == "legal":
        config = config.model_copy(update={"actions": None})
    if not row.jobs:
        agents = tuple(agent.model_copy(update={"job": None}) for agent in scenario.agents)
        config = config.model_copy(update={"scenario": scenario.model_copy(update={"agents": agents})})
    return replace(resolved, config=config)


def cell(resolved: Resolved, row: Row, seeds: Iterable[int], ticks: int) -> str:
    """The figures of a row: return and standard error over runs, who fainted, wages."""
    town = variant(resolved, row)
    result = evaluate(runs_of(town, seeds, ticks, row.policy, segment_ticks=SEGMENT_TICKS))
    score, fainted, wages = (result.mean(figure) for figure in ("returns", "fainted", "wages"))
    error = f"{score.mean:,.0f} ± {score.error:.0f}"
    return f"{error} | {fainted.mean:.1f} of {len(town.agents)} | {wages.mean:.1f}"


def table(town: Town, seeds: Sequence[int], rows: Sequence[Row] = ROWS) -> Iterator[str]:
    """The lines of a town's table, each said as soon as it is measured."""
    resolved = load_config(f"training/{town.name}.yaml")
    works = any(agent.job for agent in resolved.agents)
    heads = ["a day" if days == 1 else f"{days} days" for days in town.days]
    yield "| policy | " + " | ".join(f"{head}: return | fainted | wages" for head in heads) + " |"
    yield "|---|" + "---|---|---|" * len(heads)
    for row in rows:
        if works or row.jobs:
            cells = [cell(resolved, row, seeds, days * town.day) for days in town.days]
            yield f"| {row.label} | " + " | ".join(cells) + " |"


def render(seeds: Sequence[int], towns: Sequence[Town] = TOWNS) -> str:
    """The page."""
    parts = [INTRODUCTION.format(seeds=len(seeds), last=seeds[-1])]
    for town in towns:
        parts.append(town.text + "\n" + "\n".join(table(town, seeds)) + "\n")
    return "\n".join(parts)


def main(argv: Sequence[str]) -> int:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m bench.training_towns", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=PAGE, help="the file to write (default: %(default)s)")
    arguments = parser.parse_args(argv)
    if arguments.seeds < 2:
        parser.error("--seeds: expected at least 2, for a standard error")
    arguments.output.write_text(render(range(arguments.seeds)), encoding="utf-8")
    print(f"wrote {arguments.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
