"""MQTT for every room: sessions with a broker, over the network and in memory, as workers pull from them.

`transport` says what a session is, `client` is one on paho-mqtt. One in memory is in `siaga.broker.memory`.
"""

from siaga.mqtt.address import BrokerAddress
from siaga.mqtt.client import MqttTransport
from siaga.mqtt.tls import Tls
from siaga.mqtt.transport import Message, Transport

__all__ = ["BrokerAddress", "Message", "MqttTransport", "Tls", "Transport"]
