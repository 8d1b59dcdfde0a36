"""The interface of all device families. Adapters are pure: their results depend on their arguments alone.

A new family is one module with one class in this package, and one line in `ADAPTERS` of `gateway.adapters`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from gateway.native_time import read_time
from gateway.values import Native, Refused, read_event, read_value
from siaga.model.capabilities import default_keys
from siaga.model.clock import MINUTE
from siaga.model.signals import EVENTS, SIGNALS, Value, is_plausible
from siaga.model.sites import Device, Facility, Village
from siaga.mqtt.transport import Message

__all__ = ["Adapter", "Implausible", "Installed", "Observed", "Repeats", "Topics", "Translation"]


class Observed(NamedTuple):
    """A value that a device reported. `time`: the device's time, ms; `None` if it sent none.

    The adapter does not judge the device's clock.
    """

    signal: str
    value: Value
    time: int | None = None


class Repeats(NamedTuple):
    """A native key that repeats the value of an event signal. `gateway.events` finds the events in it.

    `number` is `None` for a state: it is an event when it turns true. Otherwise it is the counter of a repeated action,
    which is an event when the counter changes.
    """

    key: str
    number: int | None = None


class Implausible(NamedTuple):
    """A value outside its signal's plausible range. It is counted and dropped."""

    signal: str
    value: Value


@dataclass(slots=True)
class Translation:
    """The meaning of a message.

    `observed`: its values. `refused`: why it, or parts of it, were refused.
    `implausible`: values that were dropped.
    `repeats`: by index in `observed`, the values that the device repeats.
    `heard`: the device itself sent the message, even if it has no usable value.
    `repeated`: a program other than the device sent an earlier state again, as a broker does with a retained message.
    `what`: a sentence for people, without values: what arrived in place of an expected signal. Only set if the message
    itself does not show it.
    `error`: a sentence for people, without values: an error reported by another program (a decoder, an SNMP agent).
    `decoded`: the document in which the map's keys are looked for, if that is not the whole message.
    """

    observed: list[Observed] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    implausible: list[Implausible] = field(default_factory=list)
    repeats: dict[int, Repeats] = field(default_factory=dict)
    heard: bool = False
    repeated: bool = False
    what: str = ""
    error: str = ""
    decoded: object = None

    @property
    def ignored(self) -> bool:
        """Whether the message is well-formed but has no usable value."""
        return not self.observed and not self.refused and not self.implausible


@dataclass(frozen=True, slots=True)
class Installed:
    """A device at its facility, as its adapter sees it.

    `village`: its code. `zone`: the village's time zone. `kind`: the facility's kind.
    `keys`: native keys and their signals: the family's defaults for this kind, and the site's `map`. The map replaces a
    default with the same key or the same signal.
    `memory`: the adapter's own state, for values that a family sends in parts. It is lost when the process ends.
    """

    village: str
    zone: ZoneInfo
    kind: str
    device: Device
    keys: Mapping[str, str]
    memory: dict[str, object] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, village: Village, facility: Facility, device: Device) -> "Installed":
        """Returns a device of the registry.

        Raises:
            ZoneInfoNotFoundError: the village's time zone does not exist.
        """
        mapped = set(device.map.values())
        defaults = {
            key: signal for key, signal in default_keys(device.adapter, facility.kind).items() if signal not in mapped
        }
        keys = defaults | dict(device.map)
        return cls(village.code, ZoneInfo(village.timezone), facility.kind, device, keys)

    @property
    def address(self) -> str:
        """The device's address; empty for families without one."""
        return self.device.address or ""

    def read(
        self,
        signal: str,
        raw: object,
        time: int | None,
        into: Translation,
        *,
        key: str = "",
        native: Native = Native.STATE,
        turned: bool = False,
    ) -> bool:
        """Read a raw value and add it to `into`, as an observation or a refusal. Returns whether it was observed.

        Args:
            time: the device's time, ms.
            key: the native key, needed for an event signal.
            native: whether the native key of an event signal is a state or an action.
            turned: the family's boolean means the opposite of the signal. The site's `invert` turns it again.
        """
        try:
            value, state = self._value(signal, raw, native)
        except Refused as refused:
            into.refused.append(refused)
            return False
        if value is None:
            return False
        if not is_plausible(SIGNALS[signal], value):
            into.implausible.append(Implausible(signal, value))
            return False
        if isinstance(value, bool) and (signal in self.device.invert) != turned:
            value = not value
        if state:
            into.repeats[len(into.observed)] = Repeats(key or signal)
        into.observed.append(Observed(signal, value, time))
        return True

    def _value(self, signal: str, raw: object, native: Native) -> tuple[Value | None, bool]:
        """Returns the value, and whether it is a state of an event signal.

        Raises:
            Refused: it is no value of the signal.
        """
        if signal in EVENTS:
            return read_event(SIGNALS[signal], raw, native) or (None, False)
        return read_value(SIGNALS[signal], raw), False

    def when(self, raw: object, into: Translation) -> int | None:
        """Returns a time in the message, ms; `None` if it is absent or refused. Then the time of receipt is used."""
        try:
            return read_time(raw, self.zone)
        except Refused as refused:
            into.refused.append(refused)
            return None


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of a family."""

    roots: frozenset[str] = frozenset()
    """First levels that belong to this family alone."""
    shapes: Sequence[re.Pattern[str]] = ()
    """Patterns of whole topics that identify the family, the most likely first. Group `address` is the device's; a
    pattern without it is of topics that do not name the device."""
    no_device: re.Pattern[str] | None = None
    """Prefixes of the family's topics that belong to no device."""
    any_root: bool = False
    """Whether the owner may choose the first level. The family then takes any that no other family has."""
    heard_on: Sequence[str] = ()
    """Topic filters for the messages of devices that are not registered. None of them takes a bridge's inventory."""
    usual: int = MINUTE
    """The interval at which most devices report as they come, ms."""
    serial: re.Pattern[str] | None = None
    """The form of a topic's level that is a device's name and holds its own hardware address."""


class Adapter(Protocol):
    """One device family."""

    topics: Topics

    def filters(self, installed: Installed) -> Iterable[str]:
        """Returns the topic filters for a device. Devices may share filters. No two filters may match one topic."""
        ...

    def key(self, installed: Installed) -> str:
        """Returns the key under which the gateway finds the device; see `keys`."""
        ...

    def keys(self, message: Message) -> Sequence[str]:
        """Returns the keys of the devices that may have sent a message, the most likely first. The first known one is
        taken.

        Most families find them in the topic. Where a server's topics do not name the device, the payload does. It may
        be anything.
        """
        ...

    def concerns_all(self, message: Message) -> bool:
        """Returns whether the message concerns every device of the family, as a bridge's own messages do."""
        ...

    def translate(self, installed: Installed, message: Message, received: int) -> Translation:
        """Returns the meaning of the message. `received`: the gateway's time, ms.

        Raises:
            Refused: the whole message is refused.
        """
        ...
