"""Simulated devices with a known truth. They use nothing of siaga but its wire formats.

`World` simulates many devices, `Driver` runs them against a broker, `History` makes batches of their past,
`RemoteGateways` sends those, and `command` is `siaga simulate`.
"""

from firmware_sim.driver import Driver
from firmware_sim.history import History
from firmware_sim.remote_gateway import RemoteGateways
from firmware_sim.world import World

__all__ = ["Driver", "History", "RemoteGateways", "World"]
