"""When something happened, where a device only repeats how things are.

A native state that is mapped to an event signal (a switch, an occupancy, a polled value) is an event when it turns
true. Its first value is none: since when it is so, nobody knows. An action that a device says again with its number (a
Gen1 Shelly's `event_cnt`) is an event each time that the number is another.

What was said last is kept on the gateway's disk. The gateway's session with the broker outlasts its process, so after a
restart the messages go on where they ended, and a state that turned true meanwhile is an event. Without the memory a
press would be lost with each power cut, or a repeated `event_cnt` be a press with each restart.
"""

from collections.abc import Mapping
from typing import NamedTuple

from gateway.adapters import Installed, Observed, Translation

__all__ = ["Events", "Key", "Said"]

Key = tuple[str, str, str]
"""A village, a device, and a native key of it."""


class Said(NamedTuple):
    """What a key said last: 1 or 0, or the number of an action; and the event time (ms) at which it was an event."""

    value: int
    happened: int | None = None


class Events:
    """The memory of one gateway process."""

    def __init__(self) -> None:
        self._said: dict[Key, Said] = {}

    def update(self, devices: Mapping[tuple[str, str], Installed], remembered: Mapping[Key, Said]) -> None:
        """Take over the devices that there are. `remembered` is what was kept from before a restart."""
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
        """The observations that count: all, but for what only repeats that something happened, or that nothing did.

        `old`: somebody repeats what the device said before (a retained message); it can be a first value and no event.
        What is new of the memory goes into `changed`, to be kept.
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
    """What is known now of a key that says a state, or an action with its number; it happened if `happened` is `time`.

    The same message once more, as after a disk that failed, happened at its time, again.
    """
    value = int(true) if number is None else number
    if before is None:
        first = true and not old and number is not None  # of a state nobody knows since when it is so
        return Said(value, time if first else None)
    if old or before.value == value:  # what is old may be older than what is known
        return before
    return Said(value, time if true else None)
