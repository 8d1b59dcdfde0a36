"""Runs a world against a real broker in real time: one thread, one MQTT session per device, up to thousands.

It drives paho-mqtt with one selector loop instead of paho's threads. So ten thousand devices need ten thousand sockets,
but no threads, and a device that hangs really does not use its socket.
"""

import selectors
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from threading import Event
from urllib.parse import unquote, urlsplit

import structlog
from paho.mqtt.client import Client, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from firmware_sim.actions import Action, Connect, Drop, Freeze, Key, Leave, Send, Vanish
from firmware_sim.sites import SimulatedDevice
from firmware_sim.truth import TruthFile
from firmware_sim.wire import Packet
from firmware_sim.world import World

__all__ = ["Driver"]

log = structlog.get_logger(__name__)

KEEPALIVE = 20
"""Keep-alive in seconds. The broker notices a silent device within 30 s (one and a half times)."""
AT_A_TIME = 0.05
"""Seconds for the devices' actions before the network is served again."""
HOUSEKEEPING = 1.0
"""Seconds between two checks of every session: pings, and broken connections."""


@dataclass(slots=True)
class _Line:
    """One device's session."""

    client: Client
    will: bool
    sock: socket.socket | None = None
    events: int = 0
    frozen: bool = False
    unanswered: dict[int, tuple[SimulatedDevice, Packet, int]] = field(default_factory=dict)


class Driver:
    """Connects the devices of a world to the broker at `url`.

    Args:
        clock: returns Unix time, ms.
        polite: at the end the devices disconnect, so that no last will is published.
        elsewhere: is called first with each action. Returns whether it has carried it out, for a device that is not on
            this broker.
        speed: how many times faster than real time the clock runs. Keep-alives are shorter by the same factor, but at
            least one second, MQTT's shortest.
    """

    def __init__(
        self,
        world: World,
        url: str,
        truth: TruthFile,
        clock: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        *,
        polite: bool = False,
        elsewhere: Callable[[Action], bool] = lambda _: False,
        speed: float = 1,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise ValueError(f"broker {parts.scheme}://{parts.hostname or ''}: expected mqtt://HOST:PORT or mqtts://…")
        self._host, self._port = parts.hostname, parts.port or (8883 if parts.scheme == "mqtts" else 1883)
        self._tls = parts.scheme == "mqtts"
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self._world, self._truth, self._clock = world, truth, clock
        self._lines: dict[Key, _Line] = {}
        self._selector = selectors.DefaultSelector()
        self._next_housekeeping = 0.0
        self._due: Iterator[Action] | None = None
        self._to_do: list[Action] = []
        self._polite = polite
        self._elsewhere = elsewhere
        self._speed = speed
        self.problem: str | None = None
        """Why the last connection failed; `None` once one succeeds."""

    @property
    def online(self) -> int:
        """The number of devices with a session."""
        return sum(line.sock is not None and not line.frozen for line in self._lines.values())

    def run(self, stop: Event, until: int | None = None, progress: Callable[[], None] = lambda: None) -> None:
        """Run the devices until `stop` is set or the clock reaches `until` (ms)."""
        try:
            while not stop.is_set() and (until is None or self._clock() < until):
                self.turn()
                progress()
        finally:
            self.end()

    def turn(self) -> None:
        """Carry out some actions that are due, then serve the network until the next one, at most 200 ms."""
        wait = self._some_of_what_is_due()
        for key, events in self._selector.select(wait):
            self._serve(key.data, events)
        self._do(self._taken())
        if time.monotonic() >= self._next_housekeeping:
            self._next_housekeeping = time.monotonic() + max(HOUSEKEEPING / self._speed, AT_A_TIME)
            for device in list(self._lines):
                self._look_after(device)

    def _some_of_what_is_due(self) -> float:
        """Run the world for a moment. Returns the seconds until its next event.

        A thousand devices that connect at once must not delay the traffic of those that are connected.
        """
        if self._due is None:
            self._due = self._world.run(self._clock())
        enough = time.monotonic() + AT_A_TIME
        for action in self._due:
            self._do((action,))
            if time.monotonic() > enough:
                return 0.0
        self._due = None
        due = self._world.next_event
        return min(0.2, max(0.0, (due - self._clock()) / 1000 / self._speed)) if due is not None else 0.2

    def _taken(self) -> list[Action]:
        actions, self._to_do = self._to_do, []
        return actions

    def _do(self, actions: Iterable[Action]) -> None:
        for action in actions:
            if self._elsewhere(action):
                continue
            key = action.device.key
            match action:
                case Connect(will=will):
                    self._connect(key, will)
                case Send(packet=packet, time=moment, session=session):
                    self._send(session, action.device, packet, moment)
                case Drop(packet=packet, time=moment):
                    self._say(action.device, packet, moment, ok=False)
                case Vanish():
                    self._drop(key)
                case Leave():
                    self._leave(key)
                case Freeze():
                    self._freeze(key)

    def _connect(self, key: Key, will: Packet | None) -> None:
        self._drop(key)
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"{key[0]}-{key[1]}",
            clean_session=True,
            protocol=MQTTv311,
            reconnect_on_failure=False,
        )
        if will is not None:
            client.will_set(will.topic, will.payload, qos=1, retain=will.retain)
        client.connect_timeout = 3.0
        client.on_socket_register_write = lambda *_: None  # else paho writes within publish()
        client.on_connect = lambda _c, _u, _f, reason, _p: self._answered(key, str(reason), failed=reason.is_failure)
        client.on_publish = lambda _c, _u, mid, _r, _p: self._acknowledged(key, mid)
        if self._user:
            client.username_pw_set(self._user, self._password)
        if self._tls:
            client.tls_set()
        line = self._lines[key] = _Line(client, will is not None)
        try:
            client.connect(self._host, self._port, max(1, round(KEEPALIVE / self._speed)))
        except OSError as problem:
            self._failed(key, f"no broker at {self._host}:{self._port} ({problem})")
            return
        self._watch(key, line)

    def _answered(self, key: Key, reason: str, *, failed: bool) -> None:
        if failed:
            self._failed(key, f"the broker at {self._host}:{self._port} refuses devices: {reason}")
        else:
            self.problem = None
            self._to_do += self._world.connected(key, self._clock())

    def _failed(self, key: Key, problem: str) -> None:
        if problem != self.problem:
            log.warning("devices_cannot_connect", problem=problem)
        self.problem = problem
        self._drop(key)
        self._to_do += self._world.lost(key, self._clock())

    def _send(self, key: Key, device: SimulatedDevice, packet: Packet, moment: int) -> None:
        line = self._lines.get(key)
        if line is None or line.frozen:
            self._say(device, packet, moment, ok=False)
            return
        info = line.client.publish(packet.topic, packet.payload, qos=1, retain=packet.retain)
        if info.rc in (MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_QUEUE_SIZE):
            line.unanswered[info.mid] = (device, packet, self._clock())
        self._watch(key, line)

    def _acknowledged(self, key: Key, mid: int) -> None:
        if (line := self._lines.get(key)) and (sent := line.unanswered.pop(mid, None)):
            self._say(*sent, ok=True)

    def _say(self, device: SimulatedDevice, packet: Packet, moment: int, *, ok: bool) -> None:
        if packet.values:
            time = moment if packet.time is None else packet.time
            self._truth.report(device.key, time, packet.values, timed=packet.timed, ok=ok)

    def _freeze(self, key: Key) -> None:
        if line := self._lines.get(key):
            self._gone(key, line)
            line.frozen = True
            self._unwatch(line)

    def _drop(self, key: Key) -> None:
        """Close a device's socket without a disconnect, and give up what was not acknowledged."""
        if (line := self._lines.pop(key, None)) is None:
            return
        if not line.frozen:
            self._gone(key, line)
        self._unwatch(line)
        if isinstance(sock := line.client.socket(), socket.socket):
            sock.close()
        for sent in line.unanswered.values():
            self._say(*sent, ok=False)

    def _gone(self, key: Key, line: _Line) -> None:
        for device in self._world.devices[key].speaks_for:
            self._truth.gone(device.key, self._clock(), will=line.will)

    def _leave(self, key: Key) -> None:
        """End a session with a disconnect, so that no last will is published."""
        if (line := self._lines.get(key)) and not line.frozen:
            line.client.disconnect()
            line.client.loop_write()
            line.will = False
        self._drop(key)

    def _watch(self, key: Key, line: _Line) -> None:
        sock = line.client.socket()
        if not isinstance(sock, socket.socket) or line.frozen:
            return
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if line.client.want_write() else 0)
        if line.sock is None:
            self._selector.register(sock, events, key)
        elif line.events != events:
            self._selector.modify(sock, events, key)
        line.sock, line.events = sock, events

    def _unwatch(self, line: _Line) -> None:
        if line.sock is not None:
            self._selector.unregister(line.sock)
            line.sock = None

    def _serve(self, key: Key, events: int) -> None:
        if (line := self._lines.get(key)) is None:
            return
        if events & selectors.EVENT_WRITE:
            line.client.loop_write()
        if events & selectors.EVENT_READ:
            line.client.loop_read()
        if self._lines.get(key) is line:
            self._after(key, line)

    def _look_after(self, key: Key) -> None:
        line = self._lines[key]
        if not line.frozen:
            line.client.loop_misc()
            self._after(key, line)

    def _after(self, key: Key, line: _Line) -> None:
        if line.client.socket() is None:  # paho closed it, because the connection broke
            if line.sock is not None:
                self._selector.unregister(line.sock)
                line.sock = None
            self._drop(key)
            self._to_do += self._world.lost(key, self._clock())
        else:
            self._watch(key, line)

    def end(self) -> None:
        """Close all sockets without a disconnect, as in a power cut; with `polite`, disconnect first."""
        for key in list(self._lines):
            if self._polite:
                self._leave(key)
            self._drop(key)
        self._selector.close()
        self._truth.flush()
