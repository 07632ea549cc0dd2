"""What the compiled policies know before they see anything, as one argument for the kernels that play segments."""

from __future__ import annotations

from typing import NamedTuple

from townlet.arrays import F32
from townlet.policy.base import PolicySetting
from townlet.policy.needs import NeedsTable, table_of
from townlet.policy.uniform import log_table


class PolicyTables(NamedTuple):
    """The built-in policies' tables."""

    needs: NeedsTable
    log_table: F32  # [U + 1]  log-prob of one action of n


def policy_tables(setting: PolicySetting) -> PolicyTables:
    """The tables for a config."""
    return PolicyTables(table_of(setting), log_table(setting.action_space.dim))
