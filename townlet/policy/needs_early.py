"""The policy `needs-early`: `needs` with thresholds of 0.9, whatever the config says. A strong baseline.

It serves a need long before it presses, so that all stay near full: where nothing but the needs counts, it comes close
to the most that a town can give.
"""

from __future__ import annotations

from townlet.policy.base import PolicyEntry, PolicyInfo, PolicySetting
from townlet.policy.needs import NeedsPolicy, NeedsTable, needs_table

THRESHOLD = 0.9


def early_table(setting: PolicySetting) -> NeedsTable:
    """The table of `needs` for a config, with early thresholds."""
    thresholds = [THRESHOLD] * len(setting.thresholds)
    return needs_table(setting.feature_names, thresholds, setting.effects, setting.gives)


POLICY = PolicyEntry(PolicyInfo("needs-early"), lambda setting: NeedsPolicy(early_table(setting)))
