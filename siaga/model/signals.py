"""The fixed vocabulary of signals. The gateway translates all native values into it."""

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
"""A signal's value. An event is the integer 1; 0 means that nothing happened."""

INT_MIN, INT_MAX = -(2**63), 2**63 - 1
"""The range of InfluxDB's 64-bit integers."""


class SignalType(StrEnum):
    """The type of a signal's values, on the wire and in the store."""

    BOOL = "bool"
    INT = "int"
    FLOAT = "float"
    EVENT = "event"


class RefusedValue(ValueError):
    """A signal cannot have this value. The message is a sentence for people."""


@dataclass(frozen=True, slots=True)
class Plausible:
    """The plausible values: from `low` to `high`, both inclusive, except those in `never`."""

    low: float
    high: float = math.inf
    never: frozenset[float] = frozenset()

    def __contains__(self, value: float) -> bool:
        """Returns whether a number is plausible."""
        return self.low <= value <= self.high and value not in self.never


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal of the vocabulary.

    `unit`: the SenML unit (RFC 8428, section 12.1), if there is one.
    `plausible`: its plausible values (contract, section 2); `None` for every value of the type.
    """

    name: str
    type: SignalType
    meaning: str
    unit: str | None = None
    plausible: Plausible | None = None


_FROM_ZERO = Plausible(0)
_SATURATED = frozenset({65535.0, 65534.0, 54612.5, 99999.999})
"""Illuminance of a saturated or broken sensor: a full or nearly full 16-bit register, a BH1750's 65535 counts divided
by its 1.2 counts per lux, and the largest number with five digits before the point."""


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
    """Returns a JSON number or boolean as a value of the signal's type.

    A boolean signal takes `true`, `false`, 0 and 1. A float signal takes finite numbers, an integer signal whole
    numbers of 64 bits. An event takes booleans and numbers; any number but zero is 1. Adapters translate words before.

    Raises:
        RefusedValue: the raw value has another type, is not finite, or is out of range.
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
    """Returns whether a checked value is plausible. Callers drop and count one that is not."""
    return signal.plausible is None or value in signal.plausible
