"""The one interface behind which every device family stands. Adapters are pure: what they answer depends on what they
are given, and on nothing else.

A new family is one module with one class here beside the others, and one line in the registry of `gateway.adapters`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from gateway.native_time import read_time
from gateway.values import Native, Refused, read_event, read_value
from siaga.model.capabilities import default_keys
from siaga.model.signals import EVENTS, SIGNALS, Value, is_plausible
from siaga.model.sites import Device, Facility, Village
from siaga.mqtt.transport import Message

__all__ = ["Adapter", "Implausible", "Installed", "Observed", "Repeats", "Topics", "Translation"]


class Observed(NamedTuple):
    """A value that a device reported. `time` is what the device says, ms; `None`: it does not say.

    Whether the device's clock is to be trusted is not the adapter's affair.
    """

    signal: str
    value: Value
    time: int | None = None


class Repeats(NamedTuple):
    """Of a value of an event signal: the native key that says it again and again. `gateway.events` says what happened.

    Without `number` it is a state, an event when it turns true; with it an action that is said again with its number,
    an event when that is another one.
    """

    key: str
    number: int | None = None


class Implausible(NamedTuple):
    """A value outside of what is plausible for its signal. It says nothing, and is counted."""

    signal: str
    value: Value


@dataclass(slots=True)
class Translation:
    """What a message means: values, and reasons why parts of it (or all) were refused. Neither: it is ignored.

    `implausible` are values that were dropped. `repeats` tells, by place, which of `observed` a device repeats.

    `heard` says that the device itself spoke, if only of things that nobody asked for. `repeated` says that it did
    not: somebody who keeps what devices said says it again, as a broker does with what it retained.

    Where something that is due does not come, and the message itself does not show why: `what` says what came instead,
    and `error` what another program found wrong (a decoder, an SNMP agent). Sentences for people, without values.
    `decoded` is the document in which the keys of the map are looked for, where that is not the message itself.
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
        """Whether the message is well-formed and of no use."""
        return not self.observed and not self.refused and not self.implausible


@dataclass(frozen=True, slots=True)
class Installed:
    """A device where it stands: what an adapter knows of it.

    `keys` are the native keys to look at and their signals: the family's own for this kind of facility, and the
    site's `map`. A default key gives way where the site names that key, or another key for the same signal.
    `memory` is the adapter's own, for what a family tells only in parts: it lives as long as the gateway's process.
    """

    village: str
    zone: ZoneInfo
    kind: str
    device: Device
    keys: Mapping[str, str]
    memory: dict[str, object] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, village: Village, facility: Facility, device: Device) -> "Installed":
        """A device of the registry.

        Raises:
            ZoneInfoNotFoundError: the village's time zone is none.
        """
        mapped = set(device.map.values())
        defaults = {
            key: signal for key, signal in default_keys(device.adapter, facility.kind).items() if signal not in mapped
        }
        keys = defaults | dict(device.map)
        return cls(village.code, ZoneInfo(village.timezone), facility.kind, device, keys)

    @property
    def address(self) -> str:
        """Where the device is found; the empty text for families that need none."""
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
        """Add a raw value: read, turned round where the site says `invert` (or the family, `turned`), or refused.

        Returns whether there was a value that says something. For an event signal `key` is the native key, and `native`
        says whether that is a state or an action.
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
        """The value, and whether it is a state of an event signal.

        Raises:
            Refused: it is no value of the signal.
        """
        if signal in EVENTS:
            return read_event(SIGNALS[signal], raw, native) or (None, False)
        return read_value(SIGNALS[signal], raw), False

    def when(self, raw: object, into: Translation) -> int | None:
        """A time that the message says, ms; `None`: it says none, or one that is refused: receipt counts then."""
        try:
            return read_time(raw, self.zone)
        except Refused as refused:
            into.refused.append(refused)
            return None


@dataclass(frozen=True, slots=True)
class Topics:
    """What is known of a family's topics without knowing a device."""

    roots: frozenset[str] = frozenset()
    """First levels that are the family's alone."""
    shapes: Sequence[re.Pattern[str]] = ()
    """Whole topics that tell the family, the likeliest first. The group `address` is the device's."""
    no_device: re.Pattern[str] | None = None
    """Beginnings of topics of the family that are no device's."""
    any_root: bool = False
    """Whether devices may stand under a first level of the owner's choice, so that it takes what nobody else has."""


class Adapter(Protocol):
    """One device family."""

    topics: Topics

    def filters(self, installed: Installed) -> Iterable[str]:
        """What to subscribe to for a device. Devices may share filters; two filters must not take one topic twice."""
        ...

    def key(self, installed: Installed) -> str:
        """Under which key the gateway finds the device again: see `keys`."""
        ...

    def keys(self, message: Message) -> Sequence[str]:
        """The keys of devices that a message may be of, the likeliest first; the first that exists is taken.

        The topic says it in most families; the payload, which may be anything, where a server's topics do not.
        """
        ...

    def concerns_all(self, message: Message) -> bool:
        """Whether the message is of every device of the family: a bridge that speaks of all its children."""
        ...

    def translate(self, installed: Installed, message: Message, received: int) -> Translation:
        """What the message means. `received` is the gateway's time, ms.

        Raises:
            Refused: nothing can be taken of it.
        """
        ...
