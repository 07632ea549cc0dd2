"""When a town's events held: price spikes, blackouts, outages and arranged meets, each with its first and last tick."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from townlet.escaping import shown
from townlet.world import state as st

if TYPE_CHECKING:
    from townlet.generator.generate import GeneratedWorld
    from townlet.playback.playback import Moment

KINDS = {
    st.PRICE_SPIKE: "price_spike",
    st.BLACKOUT: "blackout",
    st.OUTAGE: "outage",
    st.ARRANGED_MEET: "arranged_meet",
}


class Perturbations:
    """The events of a run, noted moment by moment. Ticks come in order."""

    def __init__(self, generated: GeneratedWorld) -> None:
        self._kinds = generated.params.events.kind.tolist()
        self._names = generated.names.events
        self._known = [st.NEVER] * len(self._kinds)  # by event: the first tick on which it no longer holds
        self.found: list[dict[str, Any]] = []

    def note(self, moment: Moment) -> None:
        """Add what has begun in a moment's tick."""
        events = moment.world.events
        for e, until in enumerate(events.until.tolist()):
            if until <= moment.tick or until == self._known[e]:
                continue
            self._known[e] = until
            kind, text = KINDS[self._kinds[e]], shown(self._names[e])
            if kind == "price_spike":
                text += f": prices x {float(events.magnitude[e]):.3g}"
            self.found.append({"kind": kind, "first": moment.tick, "until": until, "text": text})
