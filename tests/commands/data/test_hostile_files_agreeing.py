"""Outputs in which somebody else has changed a file, and made every digest up to the index agree with it."""

from __future__ import annotations

from tests.commands.data.hostile_outputs import HostileOutputs


class TestAgreeing(HostileOutputs):
    agree = True
