"""The physical state of one village: active faults, power, darkness, presses of buttons.

Everything is a function of time, so the same seed and timetable give the same village, whatever the steps. `condition`
says what this means for the facilities.
"""

import random
from bisect import bisect_right
from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta

from firmware_sim.faults import Fault, FaultKind
from firmware_sim.sites import SimulatedDevice, SimulatedVillage
from firmware_sim.sun import dark_hours

__all__ = ["EVENTS", "FLAP", "GATEWAY", "UPS", "Scene"]

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
TWILIGHT = 10 * MINUTE
"""The lamp's twilight switch turns on this long before sunset, and off this long after sunrise (ms)."""
ROUNDS = (35 * MINUTE, 75 * MINUTE)
"""Time between two check-ins of the guard, ms: shortest and longest."""
CLEANINGS = (time(6, 45), time(12, 15))
"""When the toilet is cleaned, in local time: before the office opens, and at noon."""
BACK = 15 * SECOND
"""The longest time to boot and join, ms."""
FLAP = 2 * SECOND
"""How long a loose contact stays in one position, ms."""
GATEWAY = "gateway"
"""The kind in `UPS` of the village's gateway, its broker and its Zigbee bridge."""
UPS = {"power": 4 * HOUR, GATEWAY: HOUR}
"""Kind -> how long its devices run without mains, ms, unless the fault says otherwise. Other kinds stop at once."""
BATTERY = frozenset({"gate", "night_guard", "toilet"})
"""Kinds whose devices have their own battery."""
EVENTS = {"night_guard": ("checkin", FaultKind.GUARD_ASLEEP), "toilet": ("cleaned", FaultKind.NOT_CLEANED)}
"""Kind -> the event of its button, and the fault during which nobody presses it."""


class Scene:
    """One village with its faults, from `start` (ms). All times in ms."""

    def __init__(self, village: SimulatedVillage, faults: Iterable[Fault], seed: int, start: int) -> None:
        self.village = village
        self.start = start
        self._faults = [fault for fault in faults if fault.village == village.code]
        self._presses: dict[str, tuple[random.Random, list[int]]] = {}
        self._nights: dict[int, tuple[int, int]] = {}
        self._seed = seed
        self._striking: dict[tuple[str, FaultKind], list[Fault]] = {}
        self._changes: dict[str, list[int]] = {}
        self._out: dict[str, list[tuple[int, int]]] = {}
        self._gateway_out: list[tuple[int, int]] | None = None
        self._kinds: dict[FaultKind, list[Fault]] | None = None

    def add(self, faults: Iterable[Fault]) -> None:
        """Add faults, as a repeating timetable continues."""
        fresh = [fault for fault in faults if fault.village == self.village.code]
        if fresh:
            self._faults += fresh
            self._striking.clear()
            self._changes.clear()
            self._out.clear()
            self._gateway_out = None
            self._kinds = None

    @property
    def faults(self) -> list[Fault]:
        """All faults that were added so far, in order of their start."""
        return sorted(self._faults, key=lambda fault: (fault.start, fault.kind))

    def on(self, kind: FaultKind, device: SimulatedDevice, time: int) -> Fault | None:
        """Returns the fault of a kind that affects a device at a time; `None` if there is none."""
        return next((f for f in self._of(kind, device) if f.start <= time < f.end), None)

    def here(self, kind: FaultKind, time: int) -> Fault | None:
        """Returns the fault of a kind that affects the village, or something in it, at a time; `None` if none."""
        if self._kinds is None:
            self._kinds = {}
            for fault in self._faults:
                self._kinds.setdefault(fault.kind, []).append(fault)
        some = self._kinds.get(kind)
        return None if some is None else next((f for f in some if f.start <= time < f.end), None)

    def stretches(self, kind: FaultKind, device: SimulatedDevice) -> list[tuple[int, int]]:
        """Returns start and end of each fault of a kind that affects a device."""
        return [(f.start, f.end) for f in self._of(kind, device)]

    def _of(self, kind: FaultKind, device: SimulatedDevice) -> list[Fault]:
        striking = self._striking.get((device.id, kind))
        if striking is None:
            striking = sorted(
                (fault for fault in self._faults if fault.kind is kind and fault.strikes(device)),
                key=lambda fault: fault.start,
            )
            self._striking[device.id, kind] = striking
        return striking

    def next_change(self, device: SimulatedDevice, time: int) -> int | None:
        """Returns when the physical state of a device changes next, after `time`; `None` if never."""
        changes = self._changes.get(device.id)
        if changes is None:
            found = {m for f in self._faults if f.strikes(device) for m in (f.start, f.end)}
            found |= {begin for begin, _ in self.outages(device)}
            changes = self._changes[device.id] = sorted(found)
        place = bisect_right(changes, time)
        moments = changes[place : place + 1]
        if device.kind == "office_lighting":
            dusk, dawn = self.night(time)
            moments += [moment for moment in (dusk - TWILIGHT, dawn + TWILIGHT) if moment > time]
        if device.kind in EVENTS:
            moments.append(self._press_after(device, time))
        if flaps := self.on(FaultKind.CONTACT_FLAPS, device, time):
            moments.append(time + FLAP - (time - flaps.start) % FLAP)
        return min(moments, default=None)

    # Power

    def mains(self, time: int) -> bool:
        """Returns whether there is mains power."""
        return self.here(FaultKind.MAINS_CUT, time) is None

    def mains_cuts(self) -> list[tuple[int, int]]:
        """Returns start and end of all mains cuts."""
        return sorted((f.start, f.end) for f in self._faults if f.kind is FaultKind.MAINS_CUT)

    def powered(self, device: SimulatedDevice, time: int) -> bool:
        """Returns whether a device is installed and has power, from the mains or a battery."""
        return not any(begin <= time < end for begin, end in self.outages(device))

    def outages(self, device: SimulatedDevice) -> list[tuple[int, int]]:
        """Returns when a device has no power or is not installed."""
        out = self._out.get(device.id)
        if out is None:
            out = self.stretches(FaultKind.NOT_INSTALLED, device)
            if device.kind not in BATTERY:
                out += self._cuts(device.kind)
            self._out[device.id] = sorted(out)
        return out

    def gateway_outages(self) -> list[tuple[int, int]]:
        """Returns when the village's gateway and broker have no power, or nothing in the village is installed."""
        if self._gateway_out is not None:
            return self._gateway_out
        bare = [f for f in self._faults if f.kind is FaultKind.NOT_INSTALLED and not f.facility and not f.device]
        self._gateway_out = sorted(self._cuts(GATEWAY) + [(f.start, f.end) for f in bare])
        return self._gateway_out

    def _cuts(self, kind: str) -> list[tuple[int, int]]:
        cuts = [f for f in self._faults if f.kind is FaultKind.MAINS_CUT]
        held = [(f.start + _bridged(f, kind), f.end) for f in cuts]
        return [(begin, end) for begin, end in held if begin < end]

    # Light

    def dark(self, time: int) -> bool:
        """Returns whether the lamp's twilight switch is on."""
        dusk, dawn = self.night(time)
        return dusk - TWILIGHT <= time < dawn + TWILIGHT

    def night(self, time: int) -> tuple[int, int]:
        """Returns sunset and sunrise of the current night (twilight included), or of the next one."""
        for day in range(time // DAY - 1, time // DAY + 2):
            if day not in self._nights:
                self._nights[day] = dark_hours(self.village.latitude, self.village.longitude, day)
            if time < self._nights[day][1] + TWILIGHT:
                return self._nights[day]
        return self._nights[time // DAY + 1]

    # Presses of a button

    def presses(self, device: SimulatedDevice, after: int, until: int) -> list[int]:
        """Returns when a device's button was pressed in `(after, until]`: not while the guard sleeps, for example."""
        self._press_after(device, until)
        _, times = self._presses[device.id]
        some = times[bisect_right(times, after) : bisect_right(times, until)]
        return [time for time in some if not self.on(EVENTS[device.kind][1], device, time)]

    def said(self, device: SimulatedDevice, press: int) -> bool:
        """Returns whether a press can be reported: the device works, and its bridge, if it has one."""
        bridge = self.gateway_outages() if device.adapter == "zigbee2mqtt" else []
        out = self.outages(device) + self.stretches(FaultKind.DEVICE_HANG, device) + bridge
        return not any(begin <= press < end + BACK for begin, end in out)

    def first_press(self, device: SimulatedDevice) -> int:
        """Returns the time of the first press, which tests the button. Before it, the signal is not asked for."""
        self._press_after(device, self.start)
        return self._presses[device.id][1][0]

    def _press_after(self, device: SimulatedDevice, time: int) -> int:
        """Returns the first planned press after a time, whether or not somebody is there to press."""
        if device.id not in self._presses:
            chance = random.Random(f"{self._seed}/{self.village.code}/{device.id}/rounds")  # noqa: S311
            self._presses[device.id] = (chance, [self.start + int(chance.uniform(5 * SECOND, 60 * SECOND))])
        chance, times = self._presses[device.id]
        while times[-1] <= time:
            if device.kind == "toilet":
                times.append(self._next_cleaning(times[-1]) + int(chance.uniform(0, 10 * MINUTE)))
            else:
                times.append(times[-1] + int(chance.uniform(*ROUNDS)))
        return times[bisect_right(times, time)]

    def _next_cleaning(self, after: int) -> int:
        """Returns the next cleaning that is at least half an hour after `after`."""
        day = datetime.fromtimestamp(after / 1000, UTC).astimezone(self.village.zone).date()
        for clock in (*CLEANINGS, *CLEANINGS):
            moment = int(datetime.combine(day, clock, self.village.zone).timestamp() * 1000)
            if moment > after + 30 * MINUTE:
                return moment
            if clock == CLEANINGS[-1]:
                day += timedelta(days=1)
        raise AssertionError("two days have four cleanings")


def _bridged(cut: Fault, kind: str) -> int:
    """Returns how long a device of a kind runs on after a mains cut, ms. No lamp has a battery."""
    if kind == "office_lighting":
        return 0
    return UPS.get(kind, 0) if cut.ups is None else cut.ups
