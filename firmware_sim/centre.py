"""The played gateways' MQTT session with the centre: sends batches and states, receives acknowledgements."""

import json
from collections import deque
from threading import Event
from urllib.parse import unquote, urlsplit

from paho.mqtt.client import Client, MQTTMessage, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from firmware_sim.village_gateway import Parcel, VillageGateway

__all__ = ["CentreSession"]


class CentreSession:
    """One session with the centre's broker, in paho's own thread. Use it as a context manager."""

    def __init__(self, url: str, gateways: list[VillageGateway], client_id: str = "played-gateways") -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise ValueError(f"broker {parts.scheme}://{parts.hostname or ''}: expected mqtt://HOST:PORT or mqtts://…")
        self._address = parts.hostname, parts.port or (8883 if parts.scheme == "mqtts" else 1883)
        self._gateways = gateways
        self.answers: deque[tuple[str, str, int]] = deque()
        """Village, epoch and number of each acknowledged batch."""
        self.ready = Event()
        """Set once the subscriptions to acknowledgements are granted. Earlier ones would be lost."""
        self.problem: str | None = None
        """Why the broker cannot be reached, in a sentence; `None` once it is."""
        self._granted = 0
        self._client = Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=MQTTv311)
        self._client.max_inflight_messages_set(200)
        self._client.on_connect = self._connected
        self._client.on_connect_fail = self._failed
        self._client.on_message = self._heard
        self._client.on_subscribe = self._subscribed
        if parts.username:
            self._client.username_pw_set(unquote(parts.username), unquote(parts.password or ""))
        if parts.scheme == "mqtts":
            self._client.tls_set()

    def __enter__(self) -> "CentreSession":
        self._client.connect_async(*self._address)
        self._client.loop_start()
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def batch(self, gateway: VillageGateway, parcel: Parcel) -> None:
        """Publish one batch."""
        self._client.publish(_topic(gateway, "batch"), parcel.payload, qos=1)

    def rubbish(self, gateway: VillageGateway, payload: bytes) -> None:
        """Publish an arbitrary payload on the gateway's batch topic."""
        self._client.publish(_topic(gateway, "batch"), payload, qos=1)

    def state(self, gateway: VillageGateway, *, online: bool) -> None:
        """Publish the gateway's state, or its last will, which a broker would have published."""
        payload = json.dumps({"state": "online" if online else "offline"})
        self._client.publish(_topic(gateway, "status"), payload, qos=1, retain=True)

    def _failed(self, *_: object) -> None:
        self.problem = f"no broker answers at {self._address[0]}:{self._address[1]}"

    def _connected(
        self, client: Client, _data: object, _flags: object, reason: ReasonCode, _properties: object
    ) -> None:
        if reason.is_failure:
            self.problem = f"the broker at {self._address[0]}:{self._address[1]} refuses gateways: {reason}"
            return
        self.problem = None
        self._granted = 0
        for gateway in self._gateways:
            client.subscribe(_topic(gateway, "ack"), 1)

    def _subscribed(self, *_: object) -> None:
        self._granted += 1
        if self._granted == len(self._gateways):
            self.ready.set()

    def _heard(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        try:
            answer = json.loads(message.payload)
            self.answers.append((message.topic.split("/")[2], str(answer["epoch"]), int(answer["seq"])))
        except (ValueError, KeyError, TypeError, IndexError):
            return  # not an acknowledgement: the batch is sent again


def _topic(gateway: VillageGateway, leaf: str) -> str:
    return f"siaga/v1/{gateway.village}/gateway/{gateway.name}/{leaf}"
