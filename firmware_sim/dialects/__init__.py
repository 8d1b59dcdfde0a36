"""The message formats of device families, one module per family. They match messages recorded from real devices."""

from zoneinfo import ZoneInfo

from firmware_sim.dialects.esphome import Esphome
from firmware_sim.dialects.openwrt import Openwrt
from firmware_sim.dialects.senml import SenML
from firmware_sim.dialects.shelly import is_gen2
from firmware_sim.dialects.shelly_gen1 import ShellyGen1
from firmware_sim.dialects.shelly_gen2 import ShellyGen2
from firmware_sim.dialects.tasmota import Tasmota
from firmware_sim.dialects.zigbee2mqtt import Zigbee2mqtt, Zigbee2mqttBridge, base_topic
from firmware_sim.sites import SimulatedDevice
from firmware_sim.wire import Dialect

__all__ = ["Zigbee2mqtt", "Zigbee2mqttBridge", "base_topic", "dialect"]


def dialect(device: SimulatedDevice, zone: ZoneInfo) -> Dialect:
    """Returns the dialect of this device. A device behind a Zigbee bridge has `Zigbee2mqtt` instead."""
    match device.adapter:
        case "tasmota":
            return Tasmota(device, zone)
        case "shelly":
            return ShellyGen2(device) if is_gen2(device) else ShellyGen1(device)
        case "esphome":
            return Esphome(device)
        case "openwrt":
            return Openwrt(device)
        case _:
            return SenML(device)
