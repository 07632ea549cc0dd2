"""The page of files: every array with dtype, shape and unit, every key of every JSON file, every metric."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from scripts.reference.file_keys import DOCUMENTS, METRICS
from scripts.reference.markdown import code, escaped, table
from townlet.samples import ALL_ARRAYS, ARRAYS, OPTIONAL_ARRAYS, ArraySpec
from townlet.world.state import TERMS

# Unit and meaning of each array.
ARRAY_TEXT: Mapping[str, tuple[str, str]] = {
    "map": ("0..1", "what the agent saw around it before acting; channels are `map_channels`"),
    "features": ("by column", "what else it saw before acting; columns are `feature_names`"),
    "actions": ("id", "what it did; `action_lookup` says what an id is"),
    "old_log_probs": (
        "nats",
        "log-probability of the action under the policy that acted; 0 where that had no choice",
    ),
    "value_preds": ("reward", "the critic's value of what was seen; the last is the bootstrap value"),
    "rewards": ("reward", "for the action of the same row"),
    "dones": ("", "the life ended in this tick (termination); a cut is `truncated` in the metadata"),
    "tick": ("ticks", "consecutive"),
    "action_args": (
        "index, index, 0..1",
        "object, target (arrival number - 1) and quality of the action; -1 = none",
    ),
    "action_mask": ("", "which actions could be attempted; the action taken is always set"),
    "reward_terms": ("reward", "the reward by term; columns are `reward_term_names`"),
    "positions": ("tiles", "x (east), y (south) before acting"),
    "final_map": ("0..1", "seen after the last step"),
    "final_features": ("by column", "seen after the last step"),
    "final_action_mask": ("", "what could be attempted after the last step"),
    "blocked": ("", "a schedule labels this attempt `blocked`: its author expects it to be refused"),
    "off_mask": ("", "the mask that was seen did not allow the action taken"),
}
INTRODUCTION = """\
# Files: arrays, keys, metrics

<!-- Made by `make docs` from townlet/samples.py and the files' models; a test holds it there. -->

[A capture](../index.md) is a folder of NumPy archives with JSON beside them. All numbers are little-endian. Seeds are
numbers in JSON; `seed_text` beside each is for readers whose numbers are 64-bit floats.

## Arrays of a sample

Axes: T timesteps, C map channels, H x W the map window, F features, A actions, K reward terms. Frame t holds what was
seen *before* action t, the action, and the reward *for* it.

"""


def shape_of(spec: ArraySpec) -> str:
    return f"({', '.join(map(str, spec.axes))}{',' if len(spec.axes) == 1 else ''})"


def render() -> str:
    """The text of docs/reference/files.md."""
    return "\n".join([INTRODUCTION, *_arrays(), *_documents(), *_metrics()]).rstrip() + "\n"


def _arrays() -> Iterator[str]:
    head = ("array", "dtype", "shape", "unit", "meaning")
    rows = {
        name: (code(name), spec.dtype.name, shape_of(spec), *ARRAY_TEXT[name])
        for name, spec in ALL_ARRAYS.items()
    }
    yield table(head, [rows[name] for name in ARRAYS])
    yield "In a sample only where they say something; `sample.array(name)` gives False for one that is not there:\n"
    yield table(head, [rows[name] for name in OPTIONAL_ARRAYS])
    yield f"The terms of the reward are {', '.join(map(code, TERMS))}: [what each is](rules.md#10-rewards).\n"
    yield "The columns of `features` and the channels of `map`: [what an agent sees](../observations.md).\n"


def _documents() -> Iterator[str]:
    for document in DOCUMENTS:
        yield f"## {document.heading}\n"
        yield f"{document.text}\n"
        yield table(
            ("key", "type", "meaning"),
            [(code(key), escaped(kind), escaped(meaning)) for key, kind, meaning in document.keys],
        )


def _metrics() -> Iterator[str]:
    yield "## Metrics of a sample\n"
    yield (
        "In the JSON beside a sample, in `*_metrics.json` and in the tables of an index; `metrics.json` has count, "
        "mean, std, min and max of each over samples. Sums are float64 in a fixed order, so that they are equal to the "
        "bit on every machine. A metric whose column a sample does not have is left out.\n"
    )
    rows = [(code(name), unit, escaped(meaning)) for name, (unit, meaning) in METRICS.items()]
    yield table(("metric", "unit", "meaning"), rows)
