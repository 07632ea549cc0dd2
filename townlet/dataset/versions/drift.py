"""The golden metrics file: the figures that a data set should have, and how far another one is from them.

A golden file is JSON for people, a figure a line, rounded to six digits, so that it can be kept beside the
suite and its changes can be read in a review.

How far a figure has moved is measured against the larger of its golden mean (without sign) and its golden
standard deviation, both of the mean and of the standard deviation itself. So a mean near zero that moves by
a hundredth of what samples differ by anyway has moved by 1 %, not by half its size; and a mean that stays
while the samples around it spread is noticed as well. Where both are zero, `SMALLEST_SCALE` stands for them.
Minimum and maximum are not compared: they are one sample's.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from townlet.dataset.format.canonical import line_bytes, sha256_hex
from townlet.dataset.format.documents import convert_document, parse_object
from townlet.dataset.format.models import GoldenMetrics
from townlet.dataset.status.nested import output_above
from townlet.dataset.store.beside import beside
from townlet.dataset.store.local import read_named_file
from townlet.dataset.store.open_store import is_remote
from townlet.dataset.store.os_errors import translate_os_error
from townlet.errors import CorruptSampleError, OutputError, UserError
from townlet.escaping import shown
from townlet.run import RULES_VERSION, RunRef

GOLDEN_VERSION = 1  # raised when the file changes its meaning
DIGITS = 6  # that are kept of a figure
SMALLEST_SCALE = 1e-6  # what has been zero for all samples moves by this much at 100 %
TOLERANCE = 0.02  # how far a figure may be from the golden one, unless something else is asked for
OVERALL = "(overall)"  # where other movements have a scenario's name; no scenario can be called so
_KEPT = ("mean", "std")

Figures = Mapping[str, Mapping[str, float]]  # figure -> {count, mean, std, ...}


class Movement(NamedTuple):
    """One figure that is not what it was."""

    scenario: str  # or OVERALL
    figure: str  # "": the scenario as a whole
    of: str  # mean | std; "": it is only in one of the two
    golden: float | None  # None: the golden file does not know it
    now: float | None  # None: it is gone
    drift: float  # 0.02 = 2 % of the scale; infinite for what is gone or new


@dataclass(frozen=True)
class Drift:
    """All that moved, farthest first."""

    movements: tuple[Movement, ...]
    compared: int  # figures
    tolerance: float

    @property
    def beyond(self) -> tuple[Movement, ...]:
        """What moved by more than the tolerance."""
        return tuple(movement for movement in self.movements if movement.drift > self.tolerance)

    def to_json_dict(self) -> dict[str, Any]:
        """An infinite drift is null: JSON has no infinity."""
        return {
            "tolerance": self.tolerance,
            "compared": self.compared,
            "moved": [
                {**movement._asdict(), "drift": movement.drift if math.isfinite(movement.drift) else None}
                for movement in self.movements
            ],
        }


def golden_document(
    runs: Iterable[RunRef], suites: Sequence[str], metrics: Mapping[str, Any]
) -> dict[str, Any]:
    """What a golden file says of these runs. `metrics`: the data set's metrics.json."""
    lines = sorted(f"{run.name} {run.seed} {run.fingerprint}\n" for run in runs)
    return {
        "format_version": GOLDEN_VERSION,
        "rules_version": RULES_VERSION,
        "suites": list(suites),
        "run_count": len(lines),
        "runs_sha256": sha256_hex("".join(lines).encode()),
        "overall": _rounded(metrics["overall"]),
        "scenarios": {name: _rounded(figures) for name, figures in metrics["scenarios"].items()},
    }


def golden_bytes(document: Mapping[str, Any]) -> bytes:
    """The file: a figure a line, in the order of names. Equal facts are equal bytes."""
    facts = {name: value for name, value in document.items() if name not in ("overall", "scenarios")}
    lines = [f"{_text(name)}: {_text(facts[name])}" for name in sorted(facts)]
    lines.append(f'"overall": {_block(document["overall"], " ")}')
    scenarios = document["scenarios"]
    inner = ",\n".join(f"  {_text(name)}: {_block(scenarios[name], '  ')}" for name in sorted(scenarios))
    lines.append(f'"scenarios": {{\n{inner}\n }}')
    return ("{\n" + ",\n".join(f" {line}" for line in lines) + "\n}\n").encode()


def read_golden(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Raises UserError for what is not there, not readable, or no golden metrics file."""
    try:
        document = parse_object(read_named_file(path), str(path), _GOLDEN)
        version = document.get("format_version", GOLDEN_VERSION)
        if version == GOLDEN_VERSION:
            convert_document(GoldenMetrics, document, str(path), _GOLDEN)
    except FileNotFoundError:
        raise UserError(f"{path}: no golden metrics file is there; `townlet golden` writes one") from None
    except CorruptSampleError as error:
        raise UserError(f"{error}; `townlet golden` writes one") from error
    if version != GOLDEN_VERSION:
        raise UserError(
            f"{path}: expected format version {GOLDEN_VERSION}, found {shown(repr(version))[:40]}; "
            "remove it and write it anew"
        )
    return document


_GOLDEN = "a golden metrics file"


def check_golden_place(path: str | os.PathLike[str], output: str | None = None) -> None:
    """Raise OutputError where no golden file can be written: said before work that would be in vain.

    In a data set it would be a stranger, which gc deletes: it goes neither into one that is there, nor into `output`.
    """
    place = Path(path)
    real = Path(os.path.realpath(place))
    data_set = output_above(place)
    if data_set is None and output is not None and not is_remote(output):
        folder = Path(os.path.realpath(output))
        data_set = str(folder) if folder in real.parents else None
    if data_set is not None:
        raise OutputError(
            f"{place}: lies inside {data_set}, where only data belong: name a golden file outside of it"
        )
    if os.path.isdir(real):
        raise OutputError(f"{place}: expected a file for the golden metrics, found a folder")
    above = next((folder for folder in real.parents if os.path.exists(folder)), Path("/"))
    if not os.path.isdir(above) or not os.access(above, os.W_OK | os.X_OK):
        raise OutputError(f"{place}: cannot write: {above} is no folder that you may write into")
    with contextlib.suppress(FileNotFoundError):
        read_named_file(
            place
        )  # what is there is to be replaced: a link to nowhere, or a pipe, is no file of ours


def write_golden(path: str | os.PathLike[str], document: Mapping[str, Any]) -> bool:
    """Write or replace the file (where it is a link, the one it leads to), in one step. False: it said so already."""
    place, data = Path(os.path.realpath(path)), golden_bytes(document)
    check_golden_place(path)
    with contextlib.suppress(FileNotFoundError):
        if read_named_file(place) == data:
            return False
    with translate_os_error("write", str(place)):
        place.parent.mkdir(parents=True, exist_ok=True)
        temporary = beside(place, f".{secrets.token_hex(4)}.tmp")
        try:
            temporary.write_bytes(data)
            temporary.replace(place)
        finally:
            temporary.unlink(missing_ok=True)
    return True


def check_suites(path: str | os.PathLike[str], golden: Mapping[str, Any], suites: Sequence[str]) -> None:
    """Raise UserError where a golden file is another suite's."""
    of = list(golden["suites"])
    if of != list(suites):
        raise UserError(
            f"{path}: is the golden file of {', '.join(of) or 'single configs'}, not of "
            f"{', '.join(suites) or 'single configs'}; name another file"
        )


def compare_metrics(golden: Mapping[str, Any], now: Mapping[str, Any], tolerance: float) -> Drift:
    """How far the figures of `now` (a golden document too) are from the golden ones. See the module's text."""
    old, new = _scopes(golden), _scopes(now)
    movements: list[Movement] = []
    for scenario in {*old, *new}:
        if scenario not in new or scenario not in old:
            movements.append(_only_one(scenario, "", old.get(scenario), new.get(scenario)))
        else:
            movements += _moved(scenario, old[scenario], new[scenario])
    movements.sort(key=lambda movement: (-movement.drift, *movement[:3]))
    compared = sum(len({*old.get(name, {}), *figures}) for name, figures in new.items())
    return Drift(tuple(movements), compared, tolerance)


def _scopes(document: Mapping[str, Any]) -> dict[str, Figures]:
    return {OVERALL: document["overall"], **document["scenarios"]}


def _moved(scenario: str, old: Figures, new: Figures) -> Iterator[Movement]:
    for name in {*old, *new}:
        if name not in old or name not in new:
            yield _only_one(scenario, name, old.get(name), new.get(name))
            continue
        before, after = old[name], new[name]
        scale = max(abs(before["mean"]), before["std"], SMALLEST_SCALE)
        for of in _KEPT:
            drift = abs(after[of] - before[of]) / scale
            if drift > 0:
                yield Movement(scenario, name, of, before[of], after[of], drift)


def _only_one(scenario: str, figure: str, old: Any, new: Any) -> Movement:
    """For what is gone or new: its mean, or for a whole scenario how many figures it has."""
    golden, now = (
        None if some is None else some["mean"] if figure else float(len(some)) for some in (old, new)
    )
    return Movement(scenario, figure, "", golden, now, math.inf)


def _rounded(figures: Figures) -> dict[str, dict[str, float]]:
    return {
        name: {"count": some["count"], **{of: float(f"{some[of]:.{DIGITS}g}") for of in _KEPT}}
        for name, some in figures.items()
    }


def _block(figures: Figures, indent: str) -> str:
    lines = [f"{indent} {_text(name)}: {_text(figures[name])}" for name in sorted(figures)]
    return "{\n" + ",\n".join(lines) + f"\n{indent}}}"


def _text(value: Any) -> str:
    """JSON on one line, with room to read."""
    return line_bytes(value).decode().strip() if isinstance(value, str) else json.dumps(value, sort_keys=True)
