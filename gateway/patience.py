"""Decides which readings may wait for the next batch, and how long.

Most readings say what the centre knows already: the gate is open, as it was a minute ago. Such a *repetition* adds
nothing but time, so it waits on disk for company. Whatever is news goes at once, and takes along what waits.

The centre lets a value hold for three intervals of its device. A repetition is sent well before the value that it
repeats ends, so at every instant the centre judges as if each reading had been sent at once. Two things follow from
that: only what has been sent counts as known, and what is not certain (another connection, another process, a disk that
failed) counts as unknown.

Times in ms: `received` and those of readings are of the gateway's clock.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from siaga.model.clock import SECOND
from siaga.model.observation import Reading, TrackKey
from siaga.model.signals import EVENTS, Value
from siaga.model.sites import Device

__all__ = ["LONGEST", "MARGIN", "METERS", "MOST", "AtOnce", "Known", "MayWait", "Patience", "Why", "decide"]

LONGEST = 30 * SECOND
"""The longest that a reading waits: until the gateway's next heartbeat, which goes at once."""
MARGIN = 10 * SECOND
"""A repetition is sent so long before the value that it repeats would end: for a slow link, and for the centre's clock.
A reading is of the present if its time is within so long of its receipt."""


METERS = frozenset({"clients", "rx_bytes", "tx_bytes", "energy", "latency", "rssi", "uptime"})
"""Signals that have another value each time, and decide nothing but that their device is heard. They repeat that."""
MOST = 2_000
"""Repetitions of a village that wait at most: a full batch."""


class Why(StrEnum):
    """Why a reading is sent at once."""

    NOT_OF_A_DEVICE = "it is the gateway's own, or of a device that the sites file does not have"
    EVENT = "it is an event"
    LATE = "it is not of the present"
    FIRST = "the centre is not known to have a value"
    CHANGE = "its value is another one"
    NOT_NEWER = "it does not go on from the last one"
    ENDS = "the value that it repeats has ended, or is about to"


@dataclass(frozen=True, slots=True)
class AtOnce:
    """The reading is sent at once."""

    why: Why


@dataclass(frozen=True, slots=True)
class MayWait:
    """The reading only repeats, and may wait until a time."""

    until: int


@dataclass(frozen=True, slots=True)
class Known:
    """The newest reading of a signal.

    `sent`: the time of the newest one that the centre has, or is about to get; `None` if it is not certain that the
    centre has this value.
    """

    value: Value
    time: int
    sent: int | None


def decide(
    reading: Reading, known: Known | None, device: Device | None, received: int, *, live: bool
) -> AtOnce | MayWait:
    """Returns whether a reading may wait, and until when.

    Args:
        known: the newest reading of the same signal; `None` if there was none.
        device: its device; `None` if it is not known.
        received: when it was received.
        live: False if a broker retained or kept it.
    """
    if device is None:
        why = Why.NOT_OF_A_DEVICE
    elif reading.signal in EVENTS:
        why = Why.EVENT
    elif not live or abs(reading.time - received) > MARGIN:
        why = Why.LATE
    elif known is None or known.sent is None:
        why = Why.FIRST
    elif reading.value != known.value and reading.signal not in METERS:
        why = Why.CHANGE
    elif reading.time <= known.time:
        why = Why.NOT_NEWER
    else:
        ends = known.sent + device.validity - MARGIN
        if max(received, reading.time) < ends:
            return MayWait(min(received + min(LONGEST, device.every // 2), ends))
        why = Why.ENDS
    return AtOnce(why)


@dataclass(slots=True)
class _Village:
    """What the centre is known to have of one village's devices, and the repetitions that are in no batch.

    `wills`: by device, the time of its newest last will, which voids what the device said before.
    """

    known: dict[TrackKey, Known] = field(default_factory=dict)
    wills: dict[str, int] = field(default_factory=dict)
    waiting: list[Reading] = field(default_factory=list)


class Patience:
    """Which readings of a gateway's villages wait."""

    def __init__(self) -> None:
        self._devices: Mapping[tuple[str, str], Device] = {}
        self._villages: dict[str, _Village] = {}
        self._doubts = True

    def update(self, devices: Mapping[tuple[str, str], Device]) -> None:
        """Replace the devices, by village and id. Nothing is certain any more of one that changed."""
        changed = {key for key, device in self._devices.items() if devices.get(key) != device}
        for village, place in self._villages.items() if changed else ():
            place.known = {key: known for key, known in place.known.items() if (village, key[0]) not in changed}
            place.wills = {name: time for name, time in place.wills.items() if (village, name) not in changed}
        self._devices = devices

    def wait(self, village: str, readings: Iterable[Reading], received: int, *, live: bool) -> int:
        """Note readings of a village, in their order. Returns how long they may wait together, ms; 0: not at all.

        Args:
            received: when they were received.
            live: False if a broker retained or kept them.
        """
        self._doubts = False
        place = self._villages.setdefault(village, _Village())
        until = received + LONGEST
        for reading in readings:
            device, known = self._devices.get((village, reading.device)), place.known.get(reading[:2])
            is_will = reading.signal == "online" and not reading.value
            if is_will and known is not None and _spoke(place, reading.device, known.time):
                known = replace(known, sent=None)  # a repeated last will voids what came since
            decision = decide(reading, known, device, received, live=live)
            until = min(until, decision.until if isinstance(decision, MayWait) else received)
            if isinstance(decision, MayWait) and len(place.waiting) < MOST:
                place.waiting.append(reading)
            elif isinstance(decision, MayWait):
                until = received
            if device is not None:
                place.known[reading[:2]] = _after(reading, known, decision, place.wills.get(reading.device, 0))
            if device is not None and is_will:
                _void(place, reading)
        return max(0, until - received)

    def sent(self, village: str) -> None:
        """Note that all readings of a village are in batches."""
        place = self._villages.get(village)
        if place is None:
            return
        for reading in place.waiting:
            known = place.known.get(reading[:2])
            if known is not None and known.sent is not None:
                place.known[reading[:2]] = replace(known, sent=max(known.sent, reading.time))
        place.waiting = []

    def doubt(self) -> None:
        """Note that it is not certain any more what the centre has: the next reading of each signal is sent at once."""
        for place in self._villages.values() if not self._doubts else ():
            place.known = {key: replace(known, sent=None) for key, known in place.known.items()}
        self._doubts = True

    def give_up(self) -> dict[str, list[Reading]]:
        """Returns the repetitions that are in no batch, by village. They do not wait any more."""
        found = {village: place.waiting for village, place in self._villages.items() if place.waiting}
        for village in found:
            self._villages[village].waiting = []
        self.doubt()
        return found


def _after(reading: Reading, known: Known | None, decision: AtOnce | MayWait, will: int) -> Known:
    """Returns what is known of a signal after a reading. Of two at one time, the later one counts."""
    if known is not None and reading.time < known.time:
        return known
    if isinstance(decision, MayWait):
        return Known(reading.value, reading.time, None if known is None else known.sent)
    # With a late one, the centre may have a newer value from before this process started
    is_certain = decision.why is not Why.LATE and (reading.time >= will or reading.signal == "online")
    return Known(reading.value, reading.time, reading.time if is_certain else None)


def _void(place: _Village, will: Reading) -> None:
    """A last will makes unknown what its device said before: what it says next is news."""
    place.wills[will.device] = max(will.time, place.wills.get(will.device, 0))
    for key, known in place.known.items():
        if key[0] == will.device and key[1] != "online":
            place.known[key] = replace(known, sent=None)


def _spoke(place: _Village, device: str, since: int) -> bool:
    """Returns whether a device said anything of a time from `since` on."""
    return any(key[0] == device and key[1] != "online" and known.time >= since for key, known in place.known.items())
