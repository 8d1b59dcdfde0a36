"""The centre's broker: a log-in with the settings' own credentials, and what the broker says of itself."""

import secrets
import threading
from collections.abc import Iterator

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from siaga.model.clock import Clock
from siaga.mqtt.address import BrokerAddress
from siaga.mqtt.tls import Tls
from siaga.run.doctor.finding import Finding, Said, ok, warning, wrong
from siaga.run.doctor.service import is_local
from siaga.run.settings import Settings
from siaga.wire.batch import MAX_PACKED

__all__ = ["look"]

WITHIN = 5.0
"""Seconds for the answer to a log-in."""
SAYS_WITHIN = 1.5
"""Seconds for what a broker says of itself: its topics are retained, so they come at once or not at all."""
VERSION = "$SYS/broker/version"
LEAST = {
    "MaximumPacketSize": MAX_PACKED + 1_000,
    "MaximumQoS": 1,
    "RetainAvailable": 1,
    "WildcardSubscriptionAvailable": 1,
    "SharedSubscriptionAvailable": 1,
}
"""What siaga needs of a broker: a whole batch with its topic, QoS 1, retained states, and shared batches."""
DROPPED = "$SYS/broker/publish/messages/dropped"
"""Topics of Mosquitto."""


def look(settings: Settings, _clock: Clock) -> Iterator[Finding]:
    """Log in to the broker."""
    if settings.mqtt_url is None:
        return  # the embedded one is a part of the service; a village's gateway says itself how its link is
    address = BrokerAddress.parse(settings.central_broker)
    session = _Session(address, settings.tls)
    problem = session.log_in()
    if problem is not None:
        yield problem
        return
    said = session.listen()
    values = {"broker": address, "version": said.get(VERSION, "MQTT")}
    dropped = said.get(DROPPED, "0")
    if dropped.isdecimal() and int(dropped) > 0:
        yield warning("broker", Said.BROKER_DROPS, n=dropped, **values)
    else:
        yield ok("broker", Said.BROKER_OK, **values)
    if session.limits:
        yield wrong("broker_limits", Said.BROKER_LIMITS, limits="; ".join(session.limits), **values)
    elif session.is_old:
        yield warning("broker_limits", Said.BROKER_OLD, **values)
    if not address.tls and not is_local(address.host):
        yield warning("broker_tls", Said.BROKER_PLAIN, **values)


class _Session:
    """One clean session, which ends at the end of the look."""

    def __init__(self, address: BrokerAddress, tls: Tls) -> None:
        self._address, self._tls = address, tls
        self._answered, self._heard = threading.Event(), threading.Event()
        self._refusals: list[str] = []
        self._said: dict[str, str] = {}
        self._client: paho.Client | None = None
        self.is_old = False
        """Whether the broker speaks MQTT 3.1.1 alone."""
        self.limits: list[str] = []
        """What siaga needs and the broker's CONNACK forbids, in the words of MQTT 5."""

    def log_in(self) -> Finding | None:
        """Returns what is wrong; `None`: the session is open."""
        for version in (MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311):
            try:
                problem = self._try(version)
            except OSError as error:
                return wrong("broker", Said.BROKER_ABSENT, broker=self._address, reason=error.strerror or error)
            if problem is None or version == MQTTProtocolVersion.MQTTv311:
                self.is_old = version == MQTTProtocolVersion.MQTTv311
                return problem
        return None

    def _try(self, version: MQTTProtocolVersion) -> Finding | None:
        self._answered.clear()
        self._refusals.clear()
        client = paho.Client(CallbackAPIVersion.VERSION2, f"siaga-doctor-{secrets.token_hex(6)}", protocol=version)
        if self._address.tls:
            client.tls_set_context(self._tls.context())
        if self._address.user is not None:
            client.username_pw_set(self._address.user, self._address.password)
        client.connect_timeout = WITHIN
        client.on_connect = self._on_connect
        client.on_message = self._on_message
        client.connect(self._address.host, self._address.port)
        client.loop_start()
        self._client = client
        if not self._answered.wait(WITHIN):
            self._end()
            return wrong("broker", Said.BROKER_ABSENT, broker=self._address, reason=f"no answer within {WITHIN:g} s")
        if self._refusals:
            self._end()
            return wrong("broker", Said.BROKER_REFUSES, broker=self._address, reason=self._refusals[0])
        return None

    def listen(self) -> dict[str, str]:
        """Returns what the broker says of itself, by topic, and ends the session."""
        assert self._client is not None  # noqa: S101 - it has logged in
        self._client.subscribe([(VERSION, 0), (DROPPED, 0)])
        self._heard.wait(SAYS_WITHIN)
        self._end()
        return self._said

    def _end(self) -> None:
        if self._client is not None:
            self._client.disconnect()
            self._client.loop_stop()
            self._client = None

    def _on_connect(
        self,
        _client: paho.Client,
        _data: object,
        _flags: paho.ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._refusals.append(str(reason))
        elif properties is not None:
            self.limits = _too_small(properties)
        self._answered.set()

    def _on_message(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        self._said[message.topic] = message.payload[:100].decode("utf-8", "replace")
        if self._said.keys() >= {VERSION, DROPPED}:
            self._heard.set()


def _too_small(properties: Properties) -> list[str]:
    """Returns the limits of a CONNACK that are too small for siaga. A broker without limits names none."""
    found = {name: getattr(properties, name, least) for name, least in LEAST.items()}
    return [f"{name} {value}" for name, value in found.items() if value < LEAST[name]]
