"""Commands of pages that would take minutes, made small."""

from __future__ import annotations

# What makes a command small, by its first words: options that it says otherwise, or does not say.
SMALL = {
    ("evaluate",): {"--seeds": "0..1", "--ticks": "30"},
    ("capture",): {"--seeds": "0..7", "--ticks": "40"},
    ("inspect",): {},
    ("verify",): {},
    ("train", "bc"): {
        "--epochs": "1",
        "--validation": "0.3",
        "--play": "2",
        "--ticks": "20",
        "--hidden": "8",
    },
    ("train", "ppo"): {
        "--iterations": "1",
        "--runs": "2",
        "--ticks": "20",
        "--choose-runs": "2",
        "--choose-every": "1",
        "--warmup": "0",
    },
}


def small(words: list[str]) -> list[str]:
    """The same command, small. Raises KeyError for one that nobody has made small."""
    kind = tuple(words[:2]) if words[0] == "train" else (words[0],)
    found = list(words)
    for option, value in SMALL[kind].items():
        if option in found:
            found[found.index(option) + 1] = value
        else:
            found += [option, value]
    return found
