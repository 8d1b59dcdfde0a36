"""The fixed vocabulary of signals. Everything native is translated into it at the gateway."""

import math
import sys
from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "EVENTS",
    "SIGNALS",
    "Plausible",
    "RefusedValue",
    "Signal",
    "SignalType",
    "Value",
    "check_value",
    "is_plausible",
]

Value = bool | int | float
"""What a signal can be; an event is the integer 1 (0 says that nothing happened)."""

INT_MIN, INT_MAX = -(2**63), 2**63 - 1
"""InfluxDB's integers are 64 bits."""


class SignalType(StrEnum):
    """How a signal's values are typed, on the wire and in the store."""

    BOOL = "bool"
    INT = "int"
    FLOAT = "float"
    EVENT = "event"


class RefusedValue(ValueError):
    """A value that its signal cannot have; the message is a sentence for people."""


@dataclass(frozen=True, slots=True)
class Plausible:
    """The values that say something: from `low` to `high`, both included, but none of `never`."""

    low: float
    high: float = math.inf
    never: frozenset[float] = frozenset()

    def __contains__(self, value: float) -> bool:
        """Whether a number says something."""
        return self.low <= value <= self.high and value not in self.never


@dataclass(frozen=True, slots=True)
class Signal:
    """One word of the vocabulary.

    `unit` is the SenML unit (RFC 8428, section 12.1) where there is one. `plausible` is the column of that name in
    section 2 of the contract; `None`: every value of the type.
    """

    name: str
    type: SignalType
    meaning: str
    unit: str | None = None
    plausible: Plausible | None = None


_FROM_ZERO = Plausible(0)
_SATURATED = frozenset({65535.0, 65534.0, 54612.5, 99999.999})
"""Illuminance that a saturated or broken sensor reports: a full or nearly full 16-bit register, the 65535 counts of a
BH1750 divided by its 1.2 counts per lux, and the largest number with five digits before the point."""


_ALL = (
    Signal("online", SignalType.BOOL, "the device holds its session with the village broker"),
    Signal("alive", SignalType.BOOL, "the gateway's own heartbeat"),
    Signal("heard", SignalType.EVENT, "the device spoke, and nothing of use came out of it; said by the gateway"),
    Signal("wifi_up", SignalType.BOOL, "the access point's radio is up"),
    Signal("wifi_open", SignalType.BOOL, "the public SSID takes clients without a password"),
    Signal("internet", SignalType.BOOL, "a client reaches the internet, no captive portal in the way"),
    Signal("clients", SignalType.INT, "stations associated", "count", Plausible(0, 10_000)),
    Signal("rx_bytes", SignalType.INT, "bytes received, may reset", "B", _FROM_ZERO),
    Signal("tx_bytes", SignalType.INT, "bytes sent, may reset", "B", _FROM_ZERO),
    Signal("lamp_on", SignalType.BOOL, "the lamp is lit"),
    Signal("power", SignalType.FLOAT, "active power", "W", Plausible(-1_000_000, 1_000_000)),
    Signal("energy", SignalType.FLOAT, "energy counter", "kWh", _FROM_ZERO),
    Signal("illuminance", SignalType.FLOAT, "illuminance", "lx", Plausible(0, 200_000, _SATURATED)),
    Signal("gate_open", SignalType.BOOL, "the gate stands open"),
    Signal("presence", SignalType.BOOL, "someone is there"),
    Signal("checkin", SignalType.EVENT, "the guard checked in"),
    Signal("cleaned", SignalType.EVENT, "the toilet was cleaned"),
    Signal("nh3", SignalType.FLOAT, "ammonia", "ppm", Plausible(0, 10_000)),
    Signal("service_ok", SignalType.BOOL, "an IT service answers as it should"),
    Signal("latency", SignalType.FLOAT, "time a service took to answer", "ms", _FROM_ZERO),
    Signal("mains", SignalType.BOOL, "grid (PLN) power is present"),
    Signal("battery", SignalType.FLOAT, "battery charge", "%EL", Plausible(0, 100)),
    Signal("rssi", SignalType.FLOAT, "received signal strength", "dBm", Plausible(-150, -1)),
    Signal("uptime", SignalType.INT, "time since boot", "s", _FROM_ZERO),
)

SIGNALS: dict[str, Signal] = {signal.name: signal for signal in _ALL}
"""The vocabulary by name."""

EVENTS = frozenset(signal.name for signal in _ALL if signal.type is SignalType.EVENT)
"""The names of the event signals."""


def check_value(signal: Signal, raw: object) -> Value:
    """The value as the signal's type has it, from a number or boolean of JSON.

    A boolean signal takes `true`/`false` and 0/1; a number signal takes finite numbers (an integer signal whole ones
    of 64 bits); an event takes `true`/`false` and numbers, anything but zero being 1. Words are the adapters' affair.

    Raises:
        RefusedValue: the raw value is of another type, not finite, or out of range.
    """
    if isinstance(raw, bool):
        if signal.type is SignalType.BOOL:
            return raw
        if signal.type is SignalType.EVENT:
            return int(raw)
    elif isinstance(raw, int) or (isinstance(raw, float) and math.isfinite(raw)):
        match signal.type:
            case SignalType.BOOL if raw in (0, 1):
                return bool(raw)
            case SignalType.EVENT:
                return int(raw != 0)
            case SignalType.FLOAT if abs(raw) <= sys.float_info.max:  # an int of JSON can be larger than any float
                return float(raw)
            case SignalType.INT if raw == int(raw) and INT_MIN <= raw <= INT_MAX:
                return int(raw)
            case _:
                pass
    raise RefusedValue(f"{signal.name}: {str(raw)[:40]!r} is not a value of type {signal.type}")


def is_plausible(signal: Signal, value: Value) -> bool:
    """Whether a checked value says something. One that does not is dropped and counted, as if it had not been sent."""
    return signal.plausible is None or value in signal.plausible
