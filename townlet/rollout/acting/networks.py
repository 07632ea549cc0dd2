"""Networks of a run inside compiled code: they act for their agents, and value what those see."""

from __future__ import annotations

from townlet.policy.network.choose import choose, is_finite
from townlet.policy.network.forward import forward
from townlet.world import state as st
from townlet.world.jit import inner, kernel, rule


@inner
def next_rows(agents, script, people, code, start, row):
    """Fill `row` with those from row `start` on whom the policy `code` decides for: alive, without a schedule.

    Returns how many they are, at most as many as `row` takes, and where to go on.
    """
    count, i = 0, start
    while i < agents.alive.shape[0] and count < row.shape[0]:
        if agents.alive[i] and script.entry[i] == st.NOTHING and people.policy[i] == code:
            row[count] = i
            count += 1
        i += 1
    return count, i


@rule
def act_networks(agents, script, people, seed, tick, table, maps, features, masks, t, given, batch):
    """Fill `batch` for everybody whom a compiled network decides for, from what stands in slot t.

    `given`: the action in `batch` was chosen before; only its log-prob and the value are written.
    """
    for n in range(table.compiled.shape[0]):
        i = 0 if table.compiled[n] else agents.alive.shape[0]
        while i < agents.alive.shape[0]:
            count, i = next_rows(agents, script, people, st.POLICY_FIRST_NETWORK + n, i, table.row)
            if count > 0:
                forward(table, n, maps, features, masks, t, count)
            for r in range(count):
                who = table.row[r]
                chosen = batch.action[who] if given else -1
                action, log_prob = choose(
                    table, n, r, masks, who, t, seed, tick, agents.arrival[who], chosen
                )  # fmt: skip
                batch.log_prob[who] = log_prob
                batch.value[who] = table.value[r]
                if not given:
                    batch.action[who] = action
                    batch.object[who] = st.NOTHING
                    batch.target[who] = st.NOBODY
                    batch.quality[who] = -1.0
                    batch.labelled[who] = False


@kernel
def value_networks(agents, script, people, table, maps, features, masks, t, values):
    """Write the compiled networks' values of what their agents see in slot t to `values[:, t]` ([A, T + 1])."""
    for n in range(table.compiled.shape[0]):
        i = 0 if table.compiled[n] else agents.alive.shape[0]
        while i < agents.alive.shape[0]:
            count, i = next_rows(agents, script, people, st.POLICY_FIRST_NETWORK + n, i, table.row)
            if count > 0:
                forward(table, n, maps, features, masks, t, count)
            for r in range(count):
                values[table.row[r], t] = table.value[r]
                if not is_finite(table.value[r]):
                    table.fault[n] = True
