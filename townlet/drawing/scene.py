"""What is to be drawn of a town, out of its world."""

from __future__ import annotations

import numpy as np

from townlet.drawing.town import Scene
from townlet.world import state as st
from townlet.world.records import plain


def scene_of(world: st.World, params: st.Params) -> Scene:
    """The town as it is: whoever lives, where, with which needs."""
    agents, objects, site = plain(world.agents), plain(world.objects), plain(params.town.site)
    rows = np.flatnonzero(agents["alive"])
    return Scene(
        wall=params.town.wall, objects=np.stack([site["x"], site["y"]], axis=1), types=site["type"],
        taken=(objects["user"] != st.NOBODY) | (objects["holder"] != st.NOBODY),
        agents=np.stack([agents["x"], agents["y"]], axis=1)[rows].astype(np.int64), rows=rows,
        needs=agents["need"][rows],
    )  # fmt: skip
