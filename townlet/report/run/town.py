"""What of a town does not change in a run: its map, what stands on it, the names of everything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from townlet.escaping import shown
from townlet.vocabulary import NEEDS
from townlet.world import state as st

if TYPE_CHECKING:
    from townlet.generator.generate import GeneratedWorld


def town_of(generated: GeneratedWorld) -> dict[str, Any]:
    """The part `town` of a run's data, but for its events."""
    town, names, params = generated.params.town, generated.names, generated.params
    width, height, _, day, time = town.size.tolist()
    site = town.site
    places = zip(names.objects, site.type.tolist(), site.x.tolist(), site.y.tolist(), strict=True)
    return {
        "width": width,
        "height": height,
        "walls": ["".join("#" if wall else "." for wall in row) for row in town.wall.tolist()],
        "ticks_per_day": day,
        "tick_of_day_at_0": time,
        "types": [shown(name) for name in names.object_types],
        "objects": [{"id": shown(name), "type": kind, "x": x, "y": y} for name, kind, x, y in places],
        "sites": [
            {"job": shown(name), "x": int(town.place_x[place]), "y": int(town.place_y[place])}
            for name, place in zip(names.jobs, params.jobs.place.tolist(), strict=True)
            if place != st.NOTHING
        ],
        "window": generated.layout.window // 2,
        "channels": list(generated.layout.map_channels),
    }


def names_of(generated: GeneratedWorld) -> dict[str, Any]:
    """The names by which a run's arrays are read."""
    durations = generated.params.affordances.duration.tolist()
    names = generated.names.affordances
    return {
        "actions": [shown(" ".join(action.values())) for action in generated.action_space.actions],
        "affordances": [
            {"name": shown(name), "duration": duration}
            for name, duration in zip(names, durations, strict=True)
        ],
        "terms": list(st.TERMS),
        "needs": list(NEEDS),
        "thresholds": generated.params.rules.thresholds[0].tolist(),
        "features": [shown(name) for name in generated.layout.feature_names],
    }
