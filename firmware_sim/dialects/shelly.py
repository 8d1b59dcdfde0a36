"""What both languages of Shelly have in common: which of them a device speaks."""

import re

from firmware_sim.sites import SimulatedDevice

__all__ = ["PUSHES", "is_gen2"]

GEN2_NAME = re.compile(r"shelly(plus|pro|.*g[34]-)", re.IGNORECASE)
PUSHES = frozenset({"checkin", "cleaned"})
"""Signals that are a press of a button."""


def is_gen2(device: SimulatedDevice) -> bool:
    """Gen2 and later have components such as `input:0`, and model names of their own."""
    return any(":" in key for key in device.map) or GEN2_NAME.match(device.address) is not None
