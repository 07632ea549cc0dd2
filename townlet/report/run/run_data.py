"""The data of a run's page, made by playing its stored actions again: what is shown cannot disagree with them.

Up to 5,000 ticks (fewer where more than 64 agents live) are shown in full; of a longer run so many of them, and the
whole of it in bins.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from townlet.dataset.format.documents import convert_document
from townlet.dataset.format.models import StoredConfig
from townlet.dataset.reading.capture import Capture
from townlet.errors import UserError
from townlet.escaping import shown
from townlet.playback.events import Event, events_at
from townlet.playback.playback import Playback
from townlet.policy_text import NO_MODELS, SHORT_DIGEST, Models
from townlet.report.bundle import PageArrays
from townlet.report.facts.warnings import warnings_of
from townlet.report.run.bins import Bins, bin_ticks
from townlet.report.run.command import command_of, policy_words
from townlet.report.run.doing import doing_of
from townlet.report.run.perturbations import Perturbations
from townlet.report.run.spans import SpanArrays
from townlet.report.run.stored import StoredArrays
from townlet.report.run.town import names_of, town_of
from townlet.report.run.verdict import Tally
from townlet.rollout.acting.course import Course
from townlet.vocabulary import OUTSIDE, POLICIES, SCRIPTED
from townlet.world import state as st
from townlet.world.refusals import REASONS

if TYPE_CHECKING:
    from townlet.playback.playback import Moment

MOST_TICKS = 5_000  # that are shown in full
MOST_ROW_TICKS = 64 * MOST_TICKS  # ticks times agents, likewise

Watched = Callable[[Iterable["Moment"]], Iterable["Moment"]]


def build_run(
    capture: Capture,
    arrays: PageArrays,
    models: Models = NO_MODELS,
    *,
    span: tuple[int, int] | None = None,
    watched: Watched = iter,
) -> dict[str, Any]:
    """The entry of a run in a page's `runs`. Its arrays are appended to `arrays`.

    `span`: the first and the last tick that are shown in full; None = as many as fit, from the start. `watched` goes
    through the moments of the whole run. Raises UserError for a span that the run does not have, or that is too long,
    and what `Playback` raises for a capture that cannot be played.
    """
    playback = Playback(capture, models)
    generated, lives = playback.generated, max((record.arrival for record in capture.samples), default=0)
    agents = len(generated.names.agents)
    first, last = _span(span, playback.ticks, agents)
    age_weight = float(generated.params.rules.age_weight[0])
    shown_ticks = SpanArrays(generated, first, last + 1 - first, lives)
    is_whole = last + 1 - first == playback.ticks
    bins = None if is_whole else Bins(agents, playback.ticks, len(generated.names.affordances))
    tally, perturbations, events = Tally(generated), Perturbations(generated), list[list[Any]]()
    for moment in watched(playback.moments()):
        doing = doing_of(moment.before, moment.world, age_weight)
        if first <= moment.tick <= last:
            shown_ticks.note(moment, doing)
            events += map(_event, events_at(playback, moment))
        if bins is not None:
            bins.note(moment, doing)
        tally.note(moment)
        perturbations.note(moment)
    stored = StoredArrays(playback, models, first, last + 1 - first)
    rows = dict(enumerate(playback.registry.row, start=1))
    facts = stored.read(capture, rows, shown_ticks.arrays)
    found = {**shown_ticks.finished(), **stored.finished(), **({} if bins is None else bins.finished())}
    people = _lives(playback, tally)
    return {
        "head": {
            **_head(capture, playback, facts),
            "first": first,
            "shown": last + 1 - first,
            "notices": list(_notices(first, last, playback)),
            "policy": ", ".join(sorted({life["policy"] for life in people})),
            "verdict": tally.verdict(playback.registry.names),
        },
        "town": {**town_of(generated), "events": perturbations.found},
        "lives": people,
        **names_of(generated),
        "reasons": list(REASONS),
        "events": events,
        "arrays": arrays.table(found),
        **({} if bins is None else {"bins": {"ticks": bins.ticks}}),
    }


def _span(asked: tuple[int, int] | None, ticks: int, agents: int) -> tuple[int, int]:
    """The first and the last tick that are shown in full."""
    most = max(1, min(MOST_TICKS, MOST_ROW_TICKS // agents))
    if asked is None:
        return 0, min(ticks, most) - 1
    first, last = asked
    if last >= ticks or first > last:
        raise UserError(f"--ticks: expected some of 0..{ticks - 1}, which the run has, got {first}..{last}")
    if last + 1 - first > most:
        raise UserError(
            f"--ticks: at most {most:,} ticks of {agents} agents are shown in full, got {last + 1 - first:,}: "
            f"choose fewer, {first}..{first + most - 1} for example"
        )
    return first, last


def _event(event: Event) -> list[Any]:
    """A line as a page has it: tick, life (0 = the town), kind, what, then, refused, expected."""
    words = (shown(event.what), shown(event.then))
    return [event.tick, event.life, event.kind, *words, event.refused is not None, event.expected]


def _head(capture: Capture, playback: Playback, facts: list[dict[str, Any]]) -> dict[str, Any]:
    metadata = capture.metadata
    config = convert_document(StoredConfig, capture.config, capture.place, "a capture's config").config
    return {
        "scenario": shown(metadata.get("scenario_name") or metadata.get("config_id") or ""),
        "description": shown(metadata.get("scenario_description") or ""),
        "seed": str(metadata["seed"]),
        "ticks": playback.ticks,
        "fingerprint": shown(metadata["fingerprint"]),
        "command": command_of(playback.run),
        "branched_from": _branched_from(metadata.get("branch")),
        "warnings": [*dict.fromkeys(shown(text) for text in warnings_of(facts, config.rewards))],
    }


def _branched_from(branch: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The run that a branched one left, and where; None for any other."""
    if branch is None:
        return None
    return {
        "scenario": shown(branch.get("scenario_name", "")),
        "seed": str(branch.get("seed", "")),
        "tick": branch.get("tick"),
        "changes": "; ".join(map(shown, branch.get("changes", ()))),
        "content": shown(branch.get("content_digest", ""))[:SHORT_DIGEST],
    }


def _notices(first: int, last: int, playback: Playback) -> Iterable[str]:
    if last + 1 - first < playback.ticks:
        yield (
            f"ticks {first} to {last} of {playback.ticks:,} are shown in full, the others in bins of "
            f"{bin_ticks(playback.ticks)}; `townlet report --ticks A..B` shows others"
        )
    if any("mode=greedy" in name for name in playback.generated.networks):
        yield "a greedy network takes the likeliest action; probabilities and entropy are those of its softmax"


def _lives(playback: Playback, tally: Tally) -> list[dict[str, Any]]:
    """Who ever lived, by arrival number."""
    registry, course, found = playback.registry, Course(playback.generated), []
    for at, name in enumerate(registry.names):
        last, why = tally.left.get(at + 1, (playback.ticks - 1, None))
        found.append(
            {
                "name": shown(name),
                "row": registry.row[at],
                "born": registry.born[at],
                "end": last + 1,
                "left": why,
                "policy": _policy(playback, course, at, registry.born[at], last + 1),
                "scripted": registry.scripted[at],
            }
        )
    return found


def _policy(playback: Playback, course: Course, at: int, first: int, end: int) -> str:
    """Who decides for a life in these ticks; of a branched run one after another."""
    registry, words = playback.registry, list[str]()
    for codes, drops_schedules, _ in course.between(first, end):
        code = int(codes[registry.row[at]])
        if registry.scripted[at] and not drops_schedules:
            words.append(SCRIPTED)
        elif code >= st.POLICY_FIRST_NETWORK:
            words.append(policy_words(playback.generated.networks[code - st.POLICY_FIRST_NETWORK]))
        else:
            is_outside = code == st.POLICY_OUTSIDE
            words.append(policy_words(playback.run.policy or OUTSIDE) if is_outside else POLICIES[code])
    return ", then ".join(word for word, _ in itertools.groupby(words))
