"""Event detection: finds the events in states that a device repeats.

A native state that is mapped to an event signal (a switch, an occupancy, a polled value) is an event when it turns
true. Its first value is not an event, because nobody knows when the state began. An action that a device repeats with a
counter (`event_cnt` of a Gen1 Shelly) is an event each time the counter changes.

The last value of each key is stored on the gateway's disk. The broker keeps the gateway's session over a restart, so
the messages continue where they stopped, and a state that turned true meanwhile is an event. Without the stored values
each power cut would lose a press, or each restart would count a repeated `event_cnt` as a new press.
"""

from collections.abc import Mapping
from typing import NamedTuple

from gateway.adapters import Installed, Observed, Translation

__all__ = ["Events", "Key", "Said"]

Key = tuple[str, str, str]
"""Village, device, and native key of the device."""


class Said(NamedTuple):
    """The last value of a key: 1 or 0 for a state, the counter for an action.

    `happened`: the event time (ms) at which this value was an event; `None` if it was not.
    """

    value: int
    happened: int | None = None


class Events:
    """The last values of all repeated keys of one gateway process."""

    def __init__(self) -> None:
        self._said: dict[Key, Said] = {}

    def update(self, devices: Mapping[tuple[str, str], Installed], remembered: Mapping[Key, Said]) -> None:
        """Replace the set of devices. `remembered`: the values that were stored before a restart."""
        known = {**remembered, **self._said}
        self._said = {
            (village, device, key): said
            for (village, device, key), said in known.items()
            if (village, device) in devices and key in devices[village, device].keys
        }

    def select(
        self,
        device: tuple[str, str],
        translation: Translation,
        received: int,
        *,
        old: bool,
        changed: dict[Key, Said],
    ) -> list[Observed]:
        """Returns the observations without those that only repeat an earlier state or event.

        Args:
            old: the message is a repetition (retained): it may set a first value, but is never an event.
            changed: receives the changed values, which the caller stores.
        """
        counted: list[Observed] = []
        for place, each in enumerate(translation.observed):
            repeats = translation.repeats.get(place)
            if repeats is None:
                counted.append(each)
                continue
            key, time = (*device, repeats.key), received if each.time is None else each.time
            before = self._said.get(key)
            now = _judge(before, repeats.number, time, true=bool(each.value), old=old)
            if now != before:
                self._said[key] = changed[key] = now
            if now.happened == time and not old:
                counted.append(each)
        return counted


def _judge(before: Said | None, number: int | None, time: int, *, true: bool, old: bool) -> Said:
    """Returns the new last value of a key. The message is an event if `happened` equals `time`.

    A message that is delivered again, for example after a disk failure, is the same event at the same time.
    """
    value = int(true) if number is None else number
    if before is None:
        first = true and not old and number is not None  # a first state is no event: its beginning is unknown
        return Said(value, time if first else None)
    if old or before.value == value:  # a retained message may be older than the stored value
        return before
    return Said(value, time if true else None)
