"""Simulated devices with a known truth, which speak only the wire.

`World` steps many devices by time, `Driver` runs them against a broker, `History` is their past in batches,
`RemoteGateways` sends it; `command` is what `siaga simulate` does.
"""

from firmware_sim.driver import Driver
from firmware_sim.history import History
from firmware_sim.remote_gateway import RemoteGateways
from firmware_sim.world import World

__all__ = ["Driver", "History", "RemoteGateways", "World"]
