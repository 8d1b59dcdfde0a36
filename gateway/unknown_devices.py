"""Devices of native families that no sites file has: heard within limits, and reported to the centre.

The gateway listens on the families' usual topics with a session of its own, which the broker does not keep. So what
unknown devices say waits nowhere while the gateway is away, and delays nothing that known ones say. Retained messages
tell of no device that is there now, and are ignored.

The bounds hold for any number of names on the broker: a device that was heard once makes room for a new one, a device
that is heard again and again does not; and when more is said than a small budget, the gateway stops to listen for a
minute.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import orjson

from gateway.adapters import ADAPTERS, Installed, Translation, own_name, sender_of
from gateway.heard import native_values
from gateway.metrics import GatewayMetrics
from gateway.router import Router
from gateway.values import MAX_PAYLOAD, Refused
from siaga.model.capabilities import default_keys, kinds_with_defaults
from siaga.model.clock import HOUR, MINUTE, SECOND, Clock
from siaga.model.sites import Adapter as Family
from siaga.model.sites import Device, Village
from siaga.mqtt.transport import Message, Transport
from siaga.wire.refusal import sample
from siaga.wire.topics import refused_topic
from siaga.wire.unknown_device import LONGEST_ADDRESS, MAX_VALUES, UnknownDevice, encode_unknown

__all__ = ["FILTERS", "UnknownDevices"]

FILTERS = frozenset(each for adapter in ADAPTERS.values() for each in adapter.topics.heard_on)
"""The topic filters on which unknown devices are heard."""
MAX_DEVICES = 100
"""Unknown devices that are remembered at most."""
MAX_TOPICS = 16
"""Topics of one device whose interval is measured at most."""
BURST, PER_SECOND = 2_000, 200
"""Messages that are listened to: at once, and per second in the long run."""
PAUSE = MINUTE
"""How long the gateway does not listen after the budget was spent, ms."""
REPORTS_AT_ONCE, REPORT_EVERY = 20, SECOND
"""Reports to the centre: at once, and the interval in the long run, ms. A report has about 1 kB."""
SETTLES = 2 * SECOND
"""From the first message of a device to its first report, ms: most devices say all they have at once."""
NEWS_EVERY, AGAIN_EVERY = 15 * SECOND, 10 * MINUTE
"""Between two reports of one device that said something new, and of one that did not, ms."""
FORGOTTEN = HOUR
"""A device that was not heard for so long makes room for a new one."""
_SAMPLED = 512
"""Bytes of the newest message that are kept: more than a sample shows."""
_SHORT = 60
"""Characters of a value that are kept."""


@dataclass(slots=True)
class _Interval:
    """When messages came on one topic, ms."""

    first: int
    last: int
    count: int = 1


@dataclass(slots=True)
class _Heard:
    """An unknown device. `trials`: as it would be installed in each kind of facility that gives its keys a meaning.

    `told`: when it was reported last, monotonic ms. `news`: whether it has said something since that was not there.
    """

    trials: Mapping[str, Installed]
    since: int
    first: int
    last: int = 0
    count: int = 0
    newest: Message = field(default_factory=lambda: Message("", b""))
    values: dict[str, str] = field(default_factory=dict)
    gives: dict[str, dict[str, None]] = field(default_factory=dict)
    topics: dict[str, _Interval] = field(default_factory=dict)
    told: int | None = None
    told_count: int = 0
    news: bool = True

    def every(self, usual: int) -> int:
        """Returns the longest interval between two messages on one topic, ms; the family's usual one if not known."""
        known = [(each.last - each.first) // (each.count - 1) for each in self.topics.values() if each.count > 2]
        return max(max(known, default=usual), SECOND)

    def is_due(self, now: int) -> bool:
        """Returns whether it is to be reported. `now`: monotonic ms."""
        if self.told is None:
            return now - self.since >= SETTLES
        return self.count > self.told_count and now - self.told >= (NEWS_EVERY if self.news else AGAIN_EVERY)


class UnknownDevices:
    """Listens for unknown devices, and reports them. Nothing is stored on disk.

    `transport`: a session with the devices' broker of its own; not kept by the broker.
    """

    def __init__(self, transport: Transport, clock: Clock, metrics: GatewayMetrics) -> None:
        self.transport = transport
        self._clock, self._metrics = clock, metrics
        self._router = Router(())
        self._home: Village | None = None
        self._heard: dict[tuple[Family, str], _Heard] = {}
        self._budget, self._budget_at = float(BURST), clock.monotonic()
        self._reports, self._reports_at = float(REPORTS_AT_ONCE), clock.monotonic()
        self._paused_until: int | None = None
        self._listening = False

    def update(self, router: Router, villages: Sequence[Village]) -> None:
        """Apply the current registry. The devices are reported under the first of the villages."""
        self._router = router
        self._home = next(iter(villages), None)
        for sender in [each for each, heard in self._heard.items() if router.knows(heard.trials[""])]:
            del self._heard[sender]
        self._listen(self._home is not None and self._paused_until is None)

    def hear(self, message: Message) -> None:
        """Process a message of the devices' broker, and acknowledge it."""
        self.transport.acknowledge(message)
        now = self._clock.monotonic()
        if self._home is None or self._paused_until is not None:
            return
        self._budget = min(BURST, self._budget + (now - self._budget_at) / 1000 * PER_SECOND) - 1
        self._budget_at = now
        if self._budget < 0:
            self._pause(now)
            return
        if message.retain or message.topic.startswith(("siaga/", "$")) or len(message.payload) > MAX_PAYLOAD:
            return
        sender = sender_of(message)
        if sender is None or len(sender[1]) > LONGEST_ADDRESS or not own_name(*sender):
            return
        if next(self._router.route(message), None) is None:
            self._take(sender, message, now)

    def tick(self, centre: Transport) -> None:
        """Listen again after a pause, and report the devices that are due."""
        now = self._clock.monotonic()
        if self._paused_until is not None and now >= self._paused_until:
            self._paused_until, self._budget, self._budget_at = None, float(BURST), now
            self._listen(self._home is not None)
        passed, self._reports_at = now - self._reports_at, now
        self._reports = min(REPORTS_AT_ONCE, self._reports + passed / REPORT_EVERY)
        if self._home is None:
            return
        topic = refused_topic(self._home.code, self._home.gateway)
        for (family, address), heard in self._heard.items():
            if self._reports < 1:
                return
            if not heard.is_due(now):
                continue
            report = self._report(self._home, family, address, heard)
            if not centre.publish(topic, encode_unknown(report)):
                return
            self._reports -= 1
            heard.told, heard.told_count, heard.news = now, heard.count, False

    def _pause(self, now: int) -> None:
        self._metrics.unknown_pauses.inc()
        self._paused_until = now + PAUSE
        self._listen(False)
        for heard in self._heard.values():
            heard.topics.clear()  # what is said meanwhile is not heard, and no interval can be told over it

    def _listen(self, wanted: bool) -> None:
        if wanted == self._listening:
            return
        self._listening = wanted
        for each in sorted(FILTERS):
            (self.transport.subscribe if wanted else self.transport.unsubscribe)(each)

    def _take(self, sender: tuple[Family, str], message: Message, now: int) -> None:
        known = self._heard.get(sender)
        trials = _trials(*sender) if known is None else known.trials
        wall = self._clock.now()
        said = {kind: each for kind, one in trials.items() if (each := _translated(one, message, wall)) is not None}
        if "" not in said or not said[""].heard:
            return  # another program's, or no word of the device itself
        if known is None:
            if not self._make_room():
                self._metrics.unknown_left_out.inc()
                return
            known = self._heard[sender] = _Heard(trials, now, wall)
            self._metrics.unknown_devices.set(len(self._heard))
        _note(known, message, said, wall)

    def _make_room(self) -> bool:
        """Forget a device that was heard once, or not for long, if there is no room. Returns whether there is room."""
        if len(self._heard) < MAX_DEVICES:
            return True
        wall = self._clock.now()
        stays = {each: one.count > 1 and wall - one.last < FORGOTTEN for each, one in self._heard.items()}
        oldest = min(self._heard, key=lambda each: (stays[each], self._heard[each].last))
        if stays[oldest]:
            return False
        del self._heard[oldest]
        return True

    def _report(self, home: Village, family: Family, address: str, heard: _Heard) -> UnknownDevice:
        return UnknownDevice(
            village=home.code,
            gateway=home.gateway,
            adapter=family,
            address=address,
            first=heard.first,
            last=heard.last,
            count=heard.count,
            every=heard.every(ADAPTERS[family].topics.usual),
            topic=heard.newest.topic,
            bytes=sample(heard.newest.payload),
            values=heard.values,
            gives={kind: tuple(signals) for kind, signals in heard.gives.items()},
        )


def _trials(family: Family, address: str) -> Mapping[str, Installed]:
    """Returns the device as it would be in each kind of facility in which the family gives keys a meaning."""
    device = Device("unknown", family, ADAPTERS[family].topics.usual, address)
    zone = ZoneInfo("UTC")  # times are not looked at
    return {
        kind: Installed("", zone, kind, device, default_keys(family, kind))
        for kind in ("", *kinds_with_defaults(family))
    }


def _translated(installed: Installed, message: Message, received: int) -> Translation | None:
    """Returns what the message would mean; `None` if the family cannot read it."""
    try:
        return ADAPTERS[installed.device.adapter].translate(installed, message, received)
    except Refused:
        return None


def _note(heard: _Heard, message: Message, said: Mapping[str, Translation], wall: int) -> None:
    heard.last, heard.count = wall, heard.count + 1
    heard.newest = Message(message.topic, message.payload[:_SAMPLED])
    interval = heard.topics.get(message.topic)
    if interval is not None:
        interval.last, interval.count = wall, interval.count + 1
    elif len(heard.topics) < MAX_TOPICS:
        heard.topics[message.topic] = _Interval(wall, wall)
    for kind, translation in said.items():
        signals = heard.gives.setdefault(kind, {})
        for observed in translation.observed:
            heard.news |= observed.signal not in signals
            signals[observed.signal] = None
    for key, value in _values(heard.trials[""], message, said[""].decoded):
        if key in heard.values or len(heard.values) < MAX_VALUES:
            heard.news |= key not in heard.values
            heard.values[key] = value


def _values(installed: Installed, message: Message, decoded: object) -> Iterator[tuple[str, str]]:
    """Yields the native keys of a message, as a map names them, with their values as text."""
    for key, value in native_values(installed, message, decoded):
        text = value.rstrip("\0") if isinstance(value, str) else orjson.dumps(value).decode()
        yield key, text[:_SHORT]
