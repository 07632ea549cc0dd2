"""How what Townlet hands to Python shows itself: a line in a terminal, a small table in a notebook, or as pandas.

Names in it come from files that anybody may have written: nothing of them is obeyed by a terminal or a browser.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from townlet.errors import UserError
from townlet.escaping import shown

if TYPE_CHECKING:
    import numpy as np

MOST_NAMES = 6  # of a list that is shown in a line
MOST_LETTERS = 200  # of a value
ARGUMENTS = ("object", "target", "quality")  # of action_args


class Shown:
    """Of a class with `_facts`: a short `repr`, and a table for notebooks. Neither reads anything from files."""

    __slots__ = ()

    def _facts(self) -> Mapping[str, Any]:
        """What there is to say, in a few words each, by what it is about."""
        raise NotImplementedError

    def __repr__(self) -> str:
        facts = ", ".join(f"{shown(name)} {_short(value)}" for name, value in self._facts().items())
        return f"<{type(self).__name__} {facts}>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align:left'>{escape(shown(name))}</th>"
            f"<td style='text-align:left'>{escape(_short(value))}</td></tr>"
            for name, value in self._facts().items()
        )
        return f"<table><caption>{escape(type(self).__name__)}</caption><tbody>{rows}</tbody></table>"


def listed(names: Iterable[str], most: int = MOST_NAMES) -> str:
    """The first names of a list, and how many more there are."""
    known = list(names)
    more = f" and {len(known) - most} more" if len(known) > most else ""
    return ", ".join(known[:most]) + more


def of(number: int, thing: str) -> str:
    """1 sample, 2 samples."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _short(value: Any) -> str:
    text = shown(value)
    return text if len(text) <= MOST_LETTERS else f"{text[:MOST_LETTERS]}..."


def pandas(what: str) -> Any:
    """The library. Raises UserError where it is not installed: nothing else of Townlet needs it."""
    try:
        return importlib.import_module("pandas")
    except ImportError:
        raise UserError(f"{what}: needs pandas, which is not installed here: pip install pandas") from None


def facts_of_sample(arrays: Mapping[str, np.ndarray], metadata: Mapping[str, Any]) -> dict[str, Any]:
    """What a sample shows of itself."""
    run, tick = metadata.get("capture_metadata", {}), arrays["tick"]
    return {
        "agent": metadata["agent_id"],
        "scenario": f"{run.get('scenario_name')} seed {run.get('seed')}",
        "ticks": f"{tick[0]} to {tick[-1]}; the life {'ends' if arrays['dones'][-1] else 'goes on'}",
        "reward": f"{float(arrays['rewards'].sum()):.3f} in {of(len(tick), 'timestep')}",
        **{name: f"{array.dtype} {array.shape}" for name, array in arrays.items()},
    }


def timesteps_table(
    arrays: Mapping[str, np.ndarray], metadata: Mapping[str, Any], who: Mapping[str, Any]
) -> Any:
    """A DataFrame, a row a timestep, with the columns of the Parquet export and `action_name`; no maps and no masks.

    `who`: what is the same in all rows, such as the agent's name. Raises UserError without pandas.
    """
    library, steps = pandas("to_pandas"), len(arrays["tick"])
    lookup = metadata["action_lookup"]
    names = sorted(lookup, key=lookup.__getitem__)
    columns: dict[str, Any] = {
        **who,
        "tick": arrays["tick"],
        "action": arrays["actions"],
        "action_name": [names[number] for number in arrays["actions"].tolist()],
        **_named("action_", ARGUMENTS, arrays["action_args"]),
        "log_prob": arrays["old_log_probs"],
        "value": arrays["value_preds"][:-1],
        "next_value": arrays["value_preds"][1:],
        "reward": arrays["rewards"],
        "done": arrays["dones"],
        **_named("position_", "xy", arrays["positions"]),
        **{name: arrays.get(name, False) for name in ("blocked", "off_mask")},
        **_named("reward_", metadata["reward_term_names"], arrays["reward_terms"]),
        **_named("feature_", metadata["feature_names"], arrays["features"]),
    }
    return library.DataFrame(columns, index=range(steps))


def _named(prefix: str, names: Iterable[str], array: np.ndarray) -> dict[str, np.ndarray]:
    """[T, M] as columns by name."""
    return {f"{prefix}{name}": array[:, number] for number, name in enumerate(names)}
