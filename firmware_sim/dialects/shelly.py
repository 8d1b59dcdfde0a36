"""What both generations of Shelly share: how to tell them apart."""

import re

from firmware_sim.sites import SimulatedDevice

__all__ = ["PUSHES", "is_gen2"]

GEN2_NAME = re.compile(r"shelly(plus|pro|.*g[34]-)", re.IGNORECASE)
PUSHES = frozenset({"checkin", "cleaned"})
"""Signals that are presses of a button."""


def is_gen2(device: SimulatedDevice) -> bool:
    """Returns whether a device is Gen2 or later: by components such as `input:0` in its map, or its model name."""
    return any(":" in key for key in device.map) or GEN2_NAME.match(device.address) is not None
