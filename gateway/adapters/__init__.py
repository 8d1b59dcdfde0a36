"""The device families that the gateway translates, each behind the same small interface."""

from collections.abc import Mapping

from gateway.adapters.esphome import Esphome
from gateway.adapters.homie import Homie
from gateway.adapters.interface import Adapter, Implausible, Installed, Observed, Repeats, Translation
from gateway.adapters.json import Json
from gateway.adapters.lorawan import Lorawan
from gateway.adapters.openwrt import Openwrt
from gateway.adapters.senml import Senml
from gateway.adapters.shelly import Shelly
from gateway.adapters.tasmota import Tasmota
from gateway.adapters.zigbee2mqtt import Zigbee2mqtt
from siaga.model.sites import Adapter as Family

__all__ = ["ADAPTERS", "Adapter", "Implausible", "Installed", "Observed", "Repeats", "Translation"]

ADAPTERS: Mapping[Family, Adapter] = {
    Family.SENML: Senml(),
    Family.TASMOTA: Tasmota(),
    Family.SHELLY: Shelly(),
    Family.ZIGBEE2MQTT: Zigbee2mqtt(),
    Family.ESPHOME: Esphome(),
    Family.OPENWRT: Openwrt(),
    Family.HOMIE: Homie(),
    Family.LORAWAN: Lorawan(),
    Family.JSON: Json(),
}
"""The families by their name in the sites file."""
