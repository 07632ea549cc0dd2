"""What the compiled policies know before they see anything, as one argument for the kernels that play segments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from townlet.arrays import F32
from townlet.policy.base import PolicySetting
from townlet.policy.needs import NeedsTable, table_of
from townlet.policy.needs_early import early_table
from townlet.policy.network.table import Actor, NetworkTable, network_table
from townlet.policy.uniform import log_table


class PolicyTables(NamedTuple):
    """The built-in policies' tables, and the networks' of a run."""

    needs: NeedsTable
    needs_early: NeedsTable
    log_table: F32  # [U + 1]  log-prob of one action of n
    networks: NetworkTable


def policy_tables(setting: PolicySetting, networks: Sequence[Actor] = ()) -> PolicyTables:
    """The tables for a config, and for the networks of a run in the order of their numbers."""
    dim = setting.action_space.dim
    return PolicyTables(table_of(setting), early_table(setting), log_table(dim), network_table(networks, dim))
