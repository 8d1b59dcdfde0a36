"""OpenWrt access points that publish with collectd's MQTT plugin.

`collectd/HOST/PLUGIN[-INSTANCE]/TYPE[-INSTANCE]` holds `time:value`, or `time:value:value` for some types. Up to
version 5.12, which OpenWrt ships, a NUL follows. An unknown value is `nan`.

Clients are counted per radio, and summed here. By default collectd publishes traffic as a rate (`StoreRates`): a rate
is never read as a counter. None of these messages contains a station's address.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from gateway.adapters.interface import Installed, Topics, Translation
from gateway.values import Refused, native_of, read_text
from siaga.model.signals import SIGNALS, SignalType, is_plausible
from siaga.mqtt.transport import Message

__all__ = ["Openwrt"]

ROOT = "collectd"
"""collectd's default prefix. Another prefix is written before the host in `address`."""
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_NOT_FINITE = re.compile(r"[+-]?(nan|inf|infinity)", re.ASCII | re.IGNORECASE)
_COUNTERS: Mapping[str, int] = {"rx_bytes": 0, "tx_bytes": 1}
"""Counter signals, and their index in collectd's traffic types: received, sent."""
_PLACES: Mapping[str, int] = {"rx": 0, "tx": 1, "0": 0, "1": 1, "2": 2, "3": 3}
"""Suffixes of a key that select one of several values."""
_PING = re.compile(r"ping(-[^/]+)?/ping(-[^/]+)?")
"""The round-trip time to a host, in ms; `nan` without an answer."""
MAX_INTERFACES = 64
"""Interfaces of one access point that are remembered at most."""


class Openwrt:
    """Routers found by their host name in collectd."""

    topics = Topics(
        roots=frozenset({ROOT}),
        shapes=(re.compile(rf"{ROOT}/(?P<address>[^/]+)/[^/]+/[^/]+"),),
        no_device=re.compile(rf"{ROOT}/"),
        heard_on=(f"{ROOT}/+/+/+",),
    )

    def filters(self, installed: Installed) -> Iterable[str]:
        """Returns filters for all values of the host, and for topics of other scripts that the site maps."""
        base = _base(installed)
        beside = [key for key in installed.keys if not {"/", "+", "#", "*"} & set(key)]
        return [f"{base}/+/+", *(f"{base}/{key}" for key in beside)]

    def key(self, installed: Installed) -> str:
        """Returns prefix and host."""
        return _base(installed)

    def keys(self, message: Message) -> Sequence[str]:
        """Returns what precedes plugin and type, then what precedes the single level of another script."""
        levels = message.topic.split("/")
        return ["/".join(levels[:-2]), "/".join(levels[:-1])] if len(levels) > 2 else ()

    def concerns_all(self, message: Message) -> bool:  # noqa: ARG002 - the interface; there is no bridge
        """Returns False."""
        return False

    def translate(self, installed: Installed, message: Message, received: int) -> Translation:
        """Translate the values of one plugin and type, or a bare value of another script."""
        result = Translation()
        part = message.topic[len(_base(installed)) + 1 :]
        text = read_text(message.payload.rstrip(b"\0"))
        if not text:
            return result
        if "/" not in part:
            if part in installed.keys:
                result.heard = True
                signal = installed.keys[part]
                installed.read(signal, text, None, result, key=part, native=native_of(part, signal))
            return result
        stamp, values = _read(text)
        result.heard = True
        time = installed.when(stamp, result)
        for key, signal in installed.keys.items():
            native = _Native.of(key, signal, part)
            if fnmatchcase(part, _literally(native.pattern)):
                _take(installed, native, values, (time, received), result)
        return result


@dataclass(frozen=True, slots=True)
class _Native:
    """A key of the map, applied to one message.

    `part`: plugin and type of the message. `pattern`: the key's pattern for it.
    `index`: which of the message's values the key means.
    """

    part: str
    pattern: str
    signal: str
    index: int

    @classmethod
    def of(cls, key: str, signal: str, part: str) -> "_Native":
        """Returns the key for a message. `KEY:N` selects value N, though names may contain colons, too. Without a
        suffix the signal decides.
        """
        pattern, _, place = key.rpartition(":")
        if pattern and place in _PLACES:
            return cls(part, pattern, signal, _PLACES[place])
        return cls(part, key, signal, _COUNTERS.get(signal, 0))

    @property
    def summed(self) -> bool:
        """Whether the key stands for several interfaces whose numbers are added."""
        return "*" in self.pattern and SIGNALS[self.signal].type in (SignalType.INT, SignalType.FLOAT)


def _base(installed: Installed) -> str:
    address = installed.address
    return address if "/" in address else f"{ROOT}/{address}"


def _literally(pattern: str) -> str:
    """Returns the pattern with all wildcards but `*` escaped."""
    return pattern.replace("[", "[[]").replace("?", "[?]")


def _read(text: str) -> tuple[float, list[float]]:
    """Returns the time (Unix seconds) and the values.

    Raises:
        Refused: the text has another form.
    """
    stamp, *values = text.split(":")
    if not values or not _NUMBER.fullmatch(stamp):
        raise Refused("collectd", "the message is not time:value")
    if not all(_NUMBER.fullmatch(each) or _NOT_FINITE.fullmatch(each) for each in values):
        raise Refused("collectd", "a value after the time is no number")
    return float(stamp), [float(each) for each in values]


def _take(
    installed: Installed,
    native: _Native,
    values: Sequence[float],
    times: tuple[int | None, int],
    into: Translation,
) -> None:
    time, received = times
    if native.index >= len(values):
        into.refused.append(Refused("collectd", f"{native.signal}: the message has {len(values)} values only"))
        return
    value = values[native.index]
    kind = SIGNALS[native.signal].type
    if kind is SignalType.BOOL and _PING.fullmatch(native.part):
        installed.read(native.signal, math.isfinite(value), time, into)
        return
    if native.signal in _COUNTERS and not _counts(installed, native, values, into):
        return
    if kind is SignalType.INT and math.isfinite(value):
        value = math.floor(value)
    if native.summed:
        value = _sum(installed, native, value, received if time is None else time)
    installed.read(native.signal, value, time, into, key=native.part)


def _counts(installed: Installed, native: _Native, values: Sequence[float], into: Translation) -> bool:
    """Returns whether the value is a counter. If a topic ever has a fraction, all its values are rates.

    A zero may be either, so it is not taken as a counter.
    """
    known = f"rate {native.part}"
    if any(math.isfinite(value) and value != math.floor(value) for value in values):
        installed.memory[known] = True
    if installed.memory.get(known):
        sentence = f"{native.signal}: a rate is no counter; set StoreRates false in collectd"
        into.refused.append(Refused("rate", sentence))
        return False
    return values[native.index] != 0


def _sum(installed: Installed, native: _Native, value: float, time: int) -> float:
    """Returns the sum over all interfaces of the key that reported within three intervals.

    The interfaces report one after the other, with one clock. After that clock was set, each of the others counts again
    from its next report.
    """
    memory = installed.memory.setdefault(f"sum {native.pattern}:{native.index}", {})
    if not isinstance(memory, dict):
        return value
    memory.pop(native.part, None)
    if not math.isfinite(value) or not is_plausible(SIGNALS[native.signal], value):
        return value  # a radio that is off has no stations; an implausible value must not enter the sum
    for part, (_, seen) in list(memory.items()):
        if abs(time - seen) > installed.device.validity:
            del memory[part]
    if len(memory) < MAX_INTERFACES:
        memory[native.part] = (value, time)
    total: float = sum(each for each, _ in memory.values())
    return total
