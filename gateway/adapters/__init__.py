"""The device families that the gateway translates, each behind the same small interface."""

from collections.abc import Mapping

from gateway.adapters.interface import Adapter, Installed, Observed, Translation
from gateway.adapters.senml import Senml
from gateway.adapters.tasmota import Tasmota
from gateway.adapters.zigbee2mqtt import Zigbee2mqtt
from siaga.sites import Adapter as Family

__all__ = ["ADAPTERS", "Adapter", "Installed", "Observed", "Translation"]

ADAPTERS: Mapping[Family, Adapter] = {
    Family.SENML: Senml(),
    Family.TASMOTA: Tasmota(),
    Family.ZIGBEE2MQTT: Zigbee2mqtt(),
}
"""The families by their name in the sites file."""
