"""Writes what agents see: the only kernel that others call to observe.

One call writes slot t of three buffers for all agents that are shown. A slot is overwritten whole, whatever
was in it before.
"""

from __future__ import annotations

from townlet.observation.extended import write_extended
from townlet.observation.features import write_nearby, write_personality, write_self, write_targets
from townlet.observation.guided_mask import guide_masks
from townlet.observation.hints import write_hints
from townlet.observation.layout import COMPACT, FULL, PERSONALITY, STATUS, TARGETS
from townlet.observation.maps import write_maps, write_paths, write_types
from townlet.observation.mask import write_masks
from townlet.observation.social import write_social
from townlet.world.jit import kernel
from townlet.world.state import NOTHING


@kernel
def observe(world, params, obs, maps, features, masks, t, which):
    """Write slot `t` of the buffers for every agent alive (`which` = ALL_ALIVE), or only for those who
    leave at the end of the tick just played (LEAVERS).

    maps [A, T + 1, C, W, W] float32 and features [A, T + 1, F] float32, both contiguous; masks [A, T + 1, U]
    bool. The rows of agents that are not shown are left as they are. `events.ready`, `any_ready` and `closed`
    must be up to date (rules/affordances.py, refresh).
    """
    clock, agents, queues, running, objects, ties, work, events, grid, _, _ = world
    town, affordances, people, _, jobs, _, rules, _ = params
    buffer = rules.arrival_buffer[0]
    write_maps(agents, grid, town, obs.sizes.window[0], maps, t, which)
    write_self(clock, agents, queues, work, town, obs, features, t, which)
    write_social(agents, ties, rules.rivalry[0], obs, features, t, which)
    write_hints(
        clock, agents, queues, running, work, events, town, affordances, people, jobs, buffer, obs,
        features, t, which,
    )  # fmt: skip
    write_masks(
        clock, agents, queues, running, events, grid, town, affordances, rules.commit_ticks[0],
        masks, t, which,
    )  # fmt: skip
    if obs.sizes.guided[0]:
        guide_masks(clock, agents, queues, running, town, affordances, obs, features, masks, t, which)
    if obs.sizes.block[0, TARGETS] != NOTHING:
        write_targets(agents, obs, features, t, which)
    if obs.sizes.block[0, PERSONALITY] != NOTHING:
        write_personality(agents, obs, features, t, which)
    if obs.sizes.block[0, STATUS] != NOTHING:
        write_extended(
            clock, agents, queues, running, objects, work, events, town, affordances, people, jobs, rules,
            obs, features, t, which,
        )  # fmt: skip
    if obs.sizes.variant[0] == COMPACT:
        write_types(agents, town, obs.sizes.window[0], obs.channel_type, maps, t, which)
        write_nearby(agents, grid, town, obs, features, t, which)
    elif obs.sizes.variant[0] == FULL:
        write_paths(
            clock, agents, queues, running, work, events, town, affordances, people, jobs, buffer, obs,
            maps, t, which,
        )  # fmt: skip
