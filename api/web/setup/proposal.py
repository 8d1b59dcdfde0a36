"""What an unknown device probably is, by what it says: pure. A person looks at the proposal before it is written."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from siaga.model.clock import HOUR, MINUTE, SECOND
from siaga.model.durations import format_duration
from siaga.model.indicators import INDICATORS, POWER, evidence_signals
from siaga.model.signals import SIGNALS, SignalType
from siaga.model.sites import Adapter
from siaga.wire.topics import DeviceTopic, ForeignTopic, is_slug, parse_topic

__all__ = ["Proposal", "alike", "device_of", "kind_of", "propose", "usual_interval", "words_of"]

_RECORD = re.compile(r'\{[^{}]*?"n"\s*:\s*"(?P<name>[^"]+)"[^{}]*')
"""A record of a SenML pack, of which a sample may have lost the end."""
_VALUE = re.compile(r'"(?P<label>vb|vs|v)"\s*:\s*(?P<text>"[^"]*"|[^,}\s]+)')
_REFUSED = re.compile(r"'(?P<device>[^']+)' is no device of the village")
_ALIKE: dict[str, tuple[str, ...]] = {
    "gate_open": ("gate", "door", "gerbang", "pintu", "contact", "open"),
    "lamp_on": ("lamp", "light", "lampu", "relay", "switch", "output"),
    "presence": ("motion", "pir", "occupancy", "guard", "jaga"),
    "checkin": ("button", "tombol", "rfid", "card", "absen"),
    "illuminance": ("lux", "light_level", "cahaya"),
    "wifi_up": ("wifi", "ssid", "ap"),
    "clients": ("stations", "users"),
    "mains": ("pln", "grid", "ac", "listrik"),
    "power": ("watt", "watts", "daya"),
    "energy": ("kwh",),
    "nh3": ("ammonia", "amonia"),
    "cleaned": ("clean", "bersih"),
    "battery": ("batt", "bat", "vbat", "baterai"),
    "rssi": ("signal", "sinyal"),
}
"""Words by which devices call a signal."""
_INTERVALS = tuple(
    [10 * SECOND, 30 * SECOND, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 30 * MINUTE]
    + [hours * HOUR for hours in (1, 2, 4, 12, 24)]
)
_USUAL = MINUTE
_KINDS = {"mains": POWER}


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a device probably is. `map`: native keys with their signals; `kind`: of its facility, `None`: not known.

    `signals`: what it gives, by its own names or by the map. `unread`: keys of which nobody knows what they mean; of a
    native device only if it gives nothing.
    `address`: of a native device.
    """

    device: str
    adapter: Adapter
    kind: str | None
    every: str
    map: Sequence[tuple[str, str]] = ()
    signals: Sequence[str] = ()
    unread: Sequence[str] = ()
    address: str = ""


def device_of(topic: str, reason: str) -> str | None:
    """Returns the id by which an unknown device calls itself, by its topic, or by why a batch's record was refused."""
    try:
        parsed = parse_topic(topic)
    except ForeignTopic:
        return None
    if isinstance(parsed, DeviceTopic):
        return parsed.device
    found = _REFUSED.fullmatch(reason)
    return found["device"] if found is not None and is_slug(found["device"]) else None


def propose(device: str, payload: str, count: int, first: int, last: int) -> Proposal:
    """Returns what a device probably is.

    Args:
        payload: the start of its newest message.
        count: how many messages it sent between `first` and `last`, ms.
    """
    names = list(dict.fromkeys(_names(device, payload)))
    mapped = {name: signal for name in names if name not in SIGNALS for signal in [_signal(name, payload)] if signal}
    signals = list(
        dict.fromkeys(
            [name if name in SIGNALS else mapped[name] for name in names if name in SIGNALS or name in mapped]
        )
    )
    unread = [name for name in names if name not in SIGNALS and name not in mapped]
    every = format_duration(_interval(count, first, last))
    return Proposal(device, Adapter.SENML, kind_of(signals), every, tuple(mapped.items()), signals, unread)


def _names(device: str, payload: str) -> Iterable[str]:
    base = re.search(r'"bn"\s*:\s*"([^"]*)"', payload)
    for found in _RECORD.finditer(payload):
        name = (base[1] if base is not None else "") + found["name"]
        yield name.removeprefix(f"{device}/").removeprefix(f"{device}:")


def _signal(name: str, payload: str) -> str | None:
    return alike(name, lambda signal: _fits(signal, name, payload))


def alike(name: str, fits: Callable[[str], bool]) -> str | None:
    """Returns the signal that a name stands for, by its words, if the kind of its value fits."""
    words = words_of(name)
    close = get_close_matches(name.lower(), SIGNALS, 1, cutoff=0.75)
    found = [*close, *(signal for signal, alike in _ALIKE.items() if any(word in alike for word in words))]
    return next((signal for signal in found if fits(signal)), None)


def words_of(name: str) -> Sequence[str]:
    """Returns the words of a name, in lower case."""
    return [word for word in re.split(r"[^a-z0-9]+", name.lower()) if word]


def _fits(signal: str, name: str, payload: str) -> bool:
    """Whether the value of a record can be one of a signal; a record that was cut off says nothing against it."""
    if signal in ("alive", "heard"):
        return False
    record = re.search(r"\{[^{}]*" + re.escape(f'"{name}"') + r"[^{}]*", payload)
    value = _VALUE.search(record[0]) if record is not None else None
    if value is None:
        return True
    is_number = value["label"] == "v" and value["text"] not in ("0", "1")
    if SIGNALS[signal].type in (SignalType.BOOL, SignalType.EVENT):
        return not is_number
    return value["label"] == "v"


def kind_of(signals: Sequence[str]) -> str | None:
    """Returns the kind of facility of whose evidence most is there."""
    best = max(INDICATORS, key=lambda kind: len(evidence_signals(kind) & {*signals} - {"online"}))
    if evidence_signals(best) & {*signals} - {"online"}:
        return best
    return next((kind for signal, kind in _KINDS.items() if signal in signals), None)


def _interval(count: int, first: int, last: int) -> int:
    """Returns the usual interval that is closest to, and not under, the time between two messages."""
    if count < 3 or last <= first:
        return _USUAL
    return usual_interval((last - first) / (count - 1))


def usual_interval(between: float) -> int:
    """Returns the usual interval that is closest to, and not under, an interval, ms."""
    return next((interval for interval in _INTERVALS if interval >= between * 0.9), _INTERVALS[-1])
