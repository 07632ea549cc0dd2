"""Outputs in which somebody else has changed a file, as it is."""

from __future__ import annotations

from tests.commands.data.hostile_outputs import HostileOutputs


class TestAsItIs(HostileOutputs):
    agree = False
