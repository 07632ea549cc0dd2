"""What is made once for a config and used again for every seed, and the one place where it is kept.

Where every object has a position, that is all but who lives there; where some have none, the map is made anew for
each seed, since the tiles that such objects get are part of it.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from townlet.config.load import Resolved
from townlet.generator import paths
from townlet.generator.ground import Ground, make_ground
from townlet.generator.town import Thing, things, walls
from townlet.world import state as st

MOST_KEPT = 16  # configs
MOST_BYTES = 64_000_000  # of the grounds that are kept; a large town's can have 100 MB


class Blueprint:
    """A resolved config, with what was worked out of it so far."""

    def __init__(self, resolved: Resolved):
        self.resolved = resolved
        self._lock = threading.Lock()
        self._ground: Ground | None = None
        self._start: tuple[Any, st.World] | None = None

    @cached_property
    def wall(self) -> np.ndarray:
        """[H, W] bool: True where nobody can stand."""
        return walls(self.resolved.config)

    @cached_property
    def region(self) -> np.ndarray:
        """[H, W] int32: connected floor; -1 on walls."""
        region = np.empty(self.wall.shape, np.int32)
        paths.regions(self.wall, region)
        return region

    @cached_property
    def things(self) -> tuple[Thing, ...]:
        """The objects, with their positions where the config gives them."""
        return tuple(things(self.resolved.config, self.resolved.affordances))

    def ground(self, objects: list[Thing]) -> Ground:
        """The ground with `objects` placed: one for all seeds where the config places them all."""
        if any(thing.position is None for thing in self.things):
            return make_ground(self.resolved, objects, self.wall, self.region)
        with self._lock:
            if self._ground is None:
                self._ground = make_ground(self.resolved, objects, self.wall, self.region)
            return self._ground

    def start(self, key: Any, make: Callable[[], st.World]) -> st.World:
        """A world before its first tick, by all that it depends on; most often that is the same for every seed.

        The last one is kept, and copied.
        """
        with self._lock:
            kept = self._start
        if kept is None or kept[0] != key:
            kept = key, make()
            with self._lock:
                self._start = kept
        return st.copy_world(kept[1])

    @property
    def nbytes(self) -> int:
        """Bytes of the ground that is kept; 0 where there is none."""
        return 0 if self._ground is None else self._ground.nbytes


class BlueprintCache:
    """The blueprints used last, by the canonical JSON of their configs."""

    def __init__(self, most: int = MOST_KEPT, most_bytes: int = MOST_BYTES):
        self._most, self._most_bytes = most, most_bytes
        self._kept: OrderedDict[str, Blueprint] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, config_json: str) -> Blueprint:
        """The blueprint of a config. Raises ConfigError for a text that is no resolved config."""
        with self._lock:
            found = self._kept.get(config_json)
            if found is None:
                found = self._kept[config_json] = Blueprint(Resolved.from_json_dict(json.loads(config_json)))
            self._kept.move_to_end(config_json)
            self._drop()
            return found

    def _drop(self) -> None:
        """Forget those not used for longest; the one used last stays, whatever its size."""
        while len(self._kept) > 1 and (
            len(self._kept) > self._most or sum(one.nbytes for one in self._kept.values()) > self._most_bytes
        ):
            self._kept.popitem(last=False)


_blueprints = BlueprintCache()


def blueprint_of(config_json: str) -> Blueprint:
    """The blueprint of a config, made once."""
    return _blueprints.get(config_json)
