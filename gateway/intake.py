"""Turns a message from the village's broker into readings: finds the device, translates, decides the event time.

Nothing here waits or writes. The gateway puts the result on disk.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.adapters import Adapter, Implausible, Installed, Translation
from gateway.clocks import Judged, judge
from gateway.events import Events, Key, Said
from gateway.heard import Doubtful, Heard, Instead, due_signals, what_came
from gateway.metrics import GatewayMetrics
from gateway.presence import Presence
from gateway.refusals import Refusals
from gateway.router import Router
from gateway.values import MAX_PAYLOAD, Refused
from siaga.metrics import implausible
from siaga.model.clock import HOUR
from siaga.model.observation import Reading
from siaga.model.sites import Village
from siaga.mqtt.transport import Message
from siaga.wire.topics import DeviceTopic, ForeignTopic, GatewayTopic, parse_topic

__all__ = ["Intake", "Skew", "Taken"]

OWN = "siaga/"
"""The prefix of siaga's own topics. All other topics are native."""
STEADY = 10_000
"""Clock skew may change by this many ms before the centre is told: delivery times of messages vary."""
MAX_SENTENCES = 3
"""Refused values of one message that are described; the rest are counted."""


@dataclass(frozen=True, slots=True)
class Skew:
    """Clock skew of a device. `offset`: its clock minus the gateway's, ms. `since`: when it was first seen, ms."""

    offset: int
    since: int


@dataclass(slots=True)
class Taken:
    """What a message gave.

    `readings`: by village. `sessions`: the devices (village, id) whose session state changed.
    `said`: changed last values of repeated states (`gateway.events`).
    """

    readings: dict[str, list[Reading]] = field(default_factory=dict)
    sessions: set[tuple[str, str]] = field(default_factory=set)
    said: dict[Key, Said] = field(default_factory=dict)


class Intake:
    """The devices of a gateway process, and what is known of each.

    `known`: the codes of all villages, if this gateway subscribes to all of `siaga/`. `None` if it subscribes to its
    own villages only: it cannot tell an unknown village from a neighbour's.
    """

    def __init__(self, refusals: Refusals, metrics: GatewayMetrics) -> None:
        self._refusals, self._metrics = refusals, metrics
        self._villages: dict[str, Village] = {}
        self._known: Collection[str] | None = None
        self.router = Router(())
        self.presences: dict[tuple[str, str], Presence] = {}
        """Sessions of devices, by village and id."""
        self.skewed: dict[tuple[str, str], Skew] = {}
        """Devices whose clock is not trusted."""
        self.trusted: set[tuple[str, str]] = set()
        """Devices that sent a time since this process started, and whose clock is right."""
        self.heard: dict[tuple[str, str], Heard] = {}
        """What each device reported since this process started."""
        self._events = Events()
        self._due: dict[tuple[str, str], tuple[str, ...]] = {}
        """By device, the signals whose absence is reported."""
        self._incomplete: set[tuple[str, str]] = set()
        """Devices that sent messages but lack a due signal."""

    def update(
        self,
        villages: Sequence[Village],
        known: Collection[str] | None,
        remembered: Mapping[tuple[str, str], Presence],
        said: Mapping[Key, Said],
    ) -> None:
        """Apply the current registry. `remembered`: sessions from before a restart; `said`: repeated states."""
        self._villages = {village.code: village for village in villages}
        self._known = known
        self.router = Router(villages, self.router)
        devices = self.router.installed
        self.presences = {
            device: self.presences.get(device) or remembered.get(device) or Presence() for device in devices
        }
        self.skewed = {device: skew for device, skew in self.skewed.items() if device in devices}
        self.trusted = {device for device in self.trusted if device in devices}
        self.heard = {device: heard for device, heard in self.heard.items() if device in devices}
        self._events.update(devices, said)
        self._due = {device: due_signals(installed) for device, installed in devices.items()}
        self._incomplete &= devices.keys()

    def take(self, message: Message, received: int) -> Taken:
        """Returns what the message gives. Refused messages are counted and sampled. `received` in ms."""
        taken = Taken()
        self._metrics.messages.inc()
        if message.topic.startswith(OWN) and not self._is_known(message, received):
            return taken
        useful = False
        for adapter, installed in self.router.route(message):
            useful |= self._take_one(adapter, installed, message, received, taken)
        if not useful:
            self._metrics.ignored.inc()
        return taken

    def polled(self, installed: Installed, translation: Translation, answered: int) -> Taken:
        """Returns what the answer of a polled device gives. `answered`: when it came, ms."""
        taken = Taken()
        message = Message(f"{installed.device.adapter}/{installed.device.id}", b"")
        if translation.refused:
            self._refuse_of(installed, translation.refused, message, answered)
        if (installed.village, installed.device.id) in self.presences:  # else the registry has lost it meanwhile
            self._take_values(installed, translation, message, answered, taken)
        return taken

    def _is_known(self, message: Message, received: int) -> bool:
        """Returns whether a message on one of siaga's topics is from a known device. Unknown senders are refused."""
        try:
            topic = parse_topic(message.topic)
        except ForeignTopic as error:
            self._refuse(Refused("foreign_topic", str(error)), None, message, received)
            return False
        if isinstance(topic, GatewayTopic):
            return False
        village = self._villages.get(topic.village)
        if village is None:
            if self._known is not None and topic.village not in self._known:
                why = Refused("unknown_village", f"{topic.village} is no village of the sites file")
                self._refuse(why, None, message, received)
            return False
        if (topic.village, topic.device) in self.router.installed and self._speaks_senml(topic):
            return True
        why = Refused("unknown_device", f"{topic.device} is no device with the adapter senml in {topic.village}")
        self._refuse(why, topic.village, message, received)
        return False

    def _speaks_senml(self, topic: DeviceTopic) -> bool:
        return self.router.installed[topic.village, topic.device].device.adapter == "senml"

    def _refuse(self, why: Refused, village: str | None, message: Message, received: int) -> None:
        """Count and sample a refusal. If the centre knows no such village, it is shown under one of this gateway's."""
        shown = village or next(iter(self._villages), None) or next(iter(self._known or ()), None)
        self._refusals.note(why, shown, message, received)

    def _refuse_of(self, installed: Installed, refused: Sequence[Refused], message: Message, received: int) -> None:
        why = _together(refused)
        heard = self.heard.setdefault((installed.village, installed.device.id), Heard())
        heard.refused += 1
        heard.refusal = why.sentence
        self._refuse(why, installed.village, message, received)

    def _take_one(self, adapter: Adapter, installed: Installed, message: Message, received: int, taken: Taken) -> bool:
        """Process the message for one device. Returns whether it had any usable or refused value."""
        of_all = adapter.concerns_all(message)
        try:
            if not of_all:  # a bridge's list of all its devices may be large
                _check_size(message)
            translation = adapter.translate(installed, message, received)
        except Refused as why:
            # A bridge's message about all its devices does not show that any of them is there.
            translation = Translation(refused=[why], heard=not (why.session or of_all))
        if translation.refused:
            self._refuse_of(installed, translation.refused, message, received)
        self._take_values(installed, translation, message, received, taken)
        return not translation.ignored

    def _take_values(
        self, installed: Installed, translation: Translation, message: Message, received: int, taken: Taken
    ) -> None:
        # A retained message without a time has an unknown age, so it is not an observation.
        old = message.retain or translation.repeated
        device = (installed.village, installed.device.id)
        observed = self._events.select(device, translation, received, old=old, changed=taken.said)
        values = [each for each in observed if each.signal != "online" and not (old and each.time is None)]
        for dropped in translation.implausible:
            self._drop(device, dropped, message, received)
        presence = self.presences[device]
        readings: list[Reading] = []
        if values:
            judged = judge(values, received, late=message.kept or old)
            self._note_clock(device, judged, received, kept=message.kept, old=old)
            if not (old and not judged.trusted):  # a retained value with a wrong time has an unknown age, too
                readings = [Reading(device[1], signal, time, value) for signal, value, time in judged.values]
        spoke = translation.heard and not old
        if spoke:
            readings += self._look_for_what_is_due(installed, translation, message, received, readings)
        before = (presence.online, presence.overruled)
        live = spoke and not message.kept
        if live or readings:
            self._note_heard(device, received, readings, live=live)
            newest = max((reading.time for reading in readings), default=received)
            if presence.heard(received if live else newest, live=live):
                readings.append(Reading(device[1], "online", received, value=True))
        for each in translation.observed:
            if each.signal == "online" and presence.told(
                bool(each.value), received, installed.device.every, retained=message.retain
            ):
                readings.append(Reading(device[1], "online", received, each.value))
        if (presence.online, presence.overruled) != before:
            taken.sessions.add(device)
        if readings:
            taken.readings.setdefault(installed.village, []).extend(readings)

    def _drop(self, device: tuple[str, str], dropped: Implausible, message: Message, now: int) -> None:
        """Count an implausible value. The first of a device's signal is shown at once, then at most one an hour.

        A saturated sensor repeats its value with each report, and must not hide the refusals of other devices.
        """
        implausible(dropped.signal)
        doubtful = self.heard.setdefault(device, Heard()).implausible.setdefault(dropped.signal, Doubtful())
        doubtful.number, doubtful.value = doubtful.number + 1, dropped.value
        if doubtful.shown is None or abs(now - doubtful.shown) >= HOUR:
            doubtful.shown = now
            self._refusals.show(Refused("implausible", _dropped(dropped)), device[0], message, now)

    def _look_for_what_is_due(
        self,
        installed: Installed,
        translation: Translation,
        message: Message,
        received: int,
        readings: Sequence[Reading],
    ) -> list[Reading]:
        """Note what arrived in place of due signals. Returns a `heard` reading if the message has no usable value."""
        device, every = (installed.village, installed.device.id), installed.device.every
        heard = self.heard.setdefault(device, Heard())
        came = {reading.signal for reading in readings}
        due = [signal for signal in self._due[device] if signal not in came]
        missing = heard.missing(due, received, installed.device.validity)
        if readings and (not missing or heard.own is None):
            heard.is_complete()
            self._incomplete.discard(device)
            return []
        failed = bool(translation.refused or translation.what or translation.error)
        if not missing and not failed and heard.gives(received, every):
            return []  # the device's other messages, besides its values
        error = translation.error or (_together(translation.refused).sentence if translation.refused else "")
        words = translation.what or "; ".join(map(_dropped, translation.implausible))
        heard.note_instead(received, what_came(installed, message, translation.decoded), words, error, missing)
        self._incomplete.add(device)
        if readings or not heard.may_be_said(received, every, failed=failed):
            return []
        return [Reading(device[1], "heard", received, 1)]

    def instead(self, now: int) -> dict[str, dict[str, Instead]]:
        """Returns what arrives in place of due signals, by village and device. `now`: wall time, ms."""
        found: dict[str, dict[str, Instead]] = {}
        for device in sorted(self._incomplete):
            instead = self.heard[device].instead(now, self.router.installed[device].device.validity)
            if instead is not None:
                found.setdefault(device[0], {})[device[1]] = instead
        return found

    def _note_heard(self, device: tuple[str, str], received: int, readings: Sequence[Reading], *, live: bool) -> None:
        heard = self.heard.setdefault(device, Heard())
        if live:
            heard.seen = received
            heard.first = received if heard.first is None else heard.first
        for reading in readings:
            if reading.signal == "heard":
                continue
            if live:
                heard.own = heard.came[reading.signal] = received
            before = heard.values.get(reading.signal)
            if before is None or before[0] <= reading.time:
                heard.values[reading.signal] = (reading.time, reading.value)

    def _note_clock(self, device: tuple[str, str], judged: Judged, received: int, *, kept: bool, old: bool) -> None:
        """Update the skew of a device. A kept or retained message says nothing about its current clock."""
        if old or judged.offset is None:
            return
        if not judged.trusted:
            known = self.skewed.get(device)
            if known is None or abs(judged.offset - known.offset) > STEADY:
                self.skewed[device] = Skew(judged.offset, known.since if known is not None else received)
            self.trusted.discard(device)
        elif not kept:
            self.skewed.pop(device, None)
            self.trusted.add(device)
        self._metrics.skewed.set(len(self.skewed))


def _check_size(message: Message) -> None:
    """Check the message's size (contract, section 4), whether or not an adapter would read it.

    Raises:
        Refused: the message is too large.
    """
    if len(message.payload) > MAX_PAYLOAD:
        raise Refused("too_large", f"the message has {len(message.payload)} bytes, more than {MAX_PAYLOAD}")


def _dropped(dropped: Implausible) -> str:
    return f"{dropped.signal}: {dropped.value} is not plausible and was dropped"


def _together(refused: Sequence[Refused]) -> Refused:
    """Returns one refusal for all refused values of a message."""
    sentences = [each.sentence for each in refused[:MAX_SENTENCES]]
    if len(refused) > MAX_SENTENCES:
        sentences.append(f"and {len(refused) - MAX_SENTENCES} more")
    return Refused(refused[0].label, "; ".join(sentences))
