"""The data of a training's page: its curves, how good its policies are, and replays of the best one.

    "training": {
      "name" (of the folder), "iterations", "steps", "towns": [names], "best": {"iteration", "return"} or null,
      "settings": [[name, text], ...], "notices": [texts],
      "curves": [{"key", "title", "series": [{"name", "array", "x" (names of arrays), "error" (an array, or null)}]}],
      "table": {"columns": [keys], "rows": [[number or null, ...], ...]},
      "evaluation": [{"town", "runs", "ticks", "rows": [{"policy", "return": [mean, error], "fainted", "evicted",
        "wages", "chats": likewise, "difference": [mean, error] (from `needs`, seed by seed) or null}]}],
      "replays": [{"town", "policy", "seed", "file" | "run" | "problem"}],
      "arrays": {...}
    }

A figure that an iteration does not have is NaN in an array and null in the table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import isfinite
from typing import Any

import numpy as np

from townlet.dataset.format.canonical import sha256_hex
from townlet.errors import TownletError
from townlet.escaping import shown
from townlet.policy_text import Models
from townlet.report.bundle import PageArrays
from townlet.report.training.folder import TrainingFolder
from townlet.run import Run
from townlet.train.evaluate import FIGURES, Mean, Result, evaluate

RUNS = 16  # of each town and policy that are played: seeds 0 and following, those of `townlet evaluate`
NEEDS, UNIFORM, BEST = "needs", "uniform", "best policy"
REPLAY_SEED = 0

# The figures of an iteration, by curve: key of the curve, its title, and (name, key of metrics, key of its error).
CURVES = (
    ("return", "Return of an agent",
     (("in training", "return", "return_error"), ("seeds that choose", "chosen_return", "chosen_return_error"))),
    ("ended", "Lives that ended, a run", (("in training", "ended", None), ("seeds that choose", "chosen_ended", None))),
    ("policy_loss", "Policy loss", (("policy loss", "policy_loss", None),)),
    ("value_loss", "Value loss", (("value loss", "value_loss", None),)),
    ("entropy", "Entropy of the policy (nats)", (("entropy", "entropy", None),)),
    ("approx_kl", "Divergence of an update (KL)", (("KL", "approx_kl", None),)),
    ("clip_fraction", "Share of ratios that were clipped", (("clipped", "clip_fraction", None),)),
    ("explained_variance", "Explained variance of the returns", (("explained", "explained_variance", None),)),
    ("steps_per_second", "Agent-steps a second", (("steps a second", "steps_per_second", None),)),
)  # fmt: skip

# Makes the replays of a town's runs, by the names of their policies; the networks are among the models. What it gives
# says of each: {"policy": name, "file": address} or {"policy": name, "run": index}.
Replay = Callable[[Mapping[str, Run], Models], Iterable[Mapping[str, Any]]]


def build_training(
    folder: TrainingFolder, arrays: PageArrays, replay: Replay, runs: int = RUNS
) -> dict[str, Any]:
    """What a page shows of a training; its arrays are appended to `arrays`.

    `runs` of each town are played by each policy; `replay` is called for each town, with a run of the best policy and
    one of `needs`. What cannot be played is said on the page.
    """
    found: dict[str, np.ndarray] = {}
    rows, notices = folder.rows, list(_notices(folder))
    chosen = [row for row in rows if _number(row.get("chosen_return")) is not None]
    best = max(chosen, key=lambda row: (row["chosen_return"], -row["iteration"]), default=None)
    evaluation, problems = _evaluated(folder, runs)
    return {
        "kind": "training",
        "training": {
            "name": shown(folder.path.name), "iterations": rows[-1]["iteration"] if rows else 0,
            "steps": rows[-1]["steps"] if rows else 0, "towns": [shown(name) for name in folder.told["towns"]],
            "best": None if best is None else {"iteration": best["iteration"], "return": best["chosen_return"]},
            "settings": [[shown(name), shown(_text(value))] for name, value in folder.told["settings"].items()],
            "notices": [shown(text) for text in (*notices, *problems)],
            "curves": list(_curves(rows, found)), "table": _table(rows), "evaluation": evaluation,
            "replays": list(_replays(folder, replay)), "arrays": arrays.table(found),
        },
    }  # fmt: skip


def _notices(folder: TrainingFolder) -> Iterator[str]:
    if not folder.rows:
        yield "no iteration is done yet"
    elif "best" not in folder.models:
        yield "no model was chosen yet, so there is no best policy to play"
    for name in folder.missing:
        yield (
            f"{name}: its config is not in the folder (an earlier version began this training), so nothing is played "
            "there; the same `townlet train ppo` again adds it"
        )


def _number(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and isfinite(value) else None


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else "-" if value is None else str(value)


def _curves(rows: Sequence[Mapping[str, Any]], found: dict[str, np.ndarray]) -> Iterator[dict[str, Any]]:
    for key, title, series in CURVES:
        lines = []
        for number, (name, figure, error) in enumerate(series):
            known = [(row, value) for row in rows if (value := _number(row.get(figure))) is not None]
            if not known:
                continue
            array = f"{key}_{number}"
            found[f"{array}_x"] = np.array([row["steps"] for row, _ in known], np.float64)
            found[array] = np.array([value for _, value in known], np.float32)
            errors = [_number(row.get(error)) for row, _ in known] if error else [None]
            is_known = all(each is not None for each in errors)
            if is_known:
                found[f"{array}_error"] = np.array(errors, np.float32)
            lines.append(
                {
                    "name": name,
                    "array": array,
                    "x": f"{array}_x",
                    "error": f"{array}_error" if is_known else None,
                }
            )
        if lines:
            yield {"key": key, "title": title, "series": lines}


def _table(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Every figure of every iteration."""
    columns = list(
        dict.fromkeys(key for row in rows for key, value in row.items() if _number(value) is not None)
    )
    return {
        "columns": [shown(column) for column in columns],
        "rows": [[_number(row.get(column)) for column in columns] for row in rows],
    }


def _evaluated(folder: TrainingFolder, runs: int) -> tuple[list[dict[str, Any]], list[str]]:
    """Each town with what its policies come to, and why something could not be played."""
    found, problems = [], []
    for town in folder.towns:
        try:
            found.append(_town(town, folder, runs))
        except TownletError as error:
            problems.append(f"{town.name}: not evaluated: {error}")
    return found, problems


def _town(town: Run, folder: TrainingFolder, runs: int) -> dict[str, Any]:
    models = {sha256_hex(data): data for data in folder.models.values()}
    policies = {
        NEEDS: NEEDS,
        UNIFORM: UNIFORM,
        **{f"{which} policy": folder.network(which) for which in folder.models},
    }
    results = {
        name: evaluate([replace(town, seed=seed, policy=policy) for seed in range(runs)], models)
        for name, policy in policies.items()
    }
    rows = [
        {"policy": name, "difference": None if name == NEEDS else _mean(result.difference(results[NEEDS]))}
        | {_NAMES[figure]: _mean(result.mean(figure)) for figure in FIGURES}
        for name, result in results.items()
    ]
    return {"town": shown(town.name), "runs": runs, "ticks": town.ticks, "rows": rows, **_alike(results)}


_NAMES = {"returns": "return", "fainted": "fainted", "evicted": "evicted", "wages": "wages", "chats": "chats"}


def _mean(value: Mean) -> list[float | None]:
    return [value.mean, value.error]


def _alike(results: Mapping[str, Result]) -> dict[str, Any]:
    """Policies whose runs all came to the same: there, seeds change nothing."""
    alike = [name for name, result in results.items() if result.runs_alike]
    return {"alike": alike} if alike else {}


def _replays(folder: TrainingFolder, replay: Replay) -> Iterator[dict[str, Any]]:
    """The best policy beside `needs`, in the first seed of each town."""
    if "best" not in folder.models:
        return
    best = folder.models["best"]
    for town in folder.towns:
        policies = {BEST: folder.network("best"), NEEDS: NEEDS}
        runs = {name: replace(town, seed=REPLAY_SEED, policy=policy) for name, policy in policies.items()}
        entry = {"town": shown(town.name), "seed": str(REPLAY_SEED)}
        try:
            yield from [{**entry, **found} for found in replay(runs, {sha256_hex(best): best})]
        except TownletError as error:
            yield {**entry, "policy": BEST, "problem": shown(str(error))}
