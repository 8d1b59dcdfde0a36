"""What is physically so in one village: which faults are on, whether it is dark, when the guard came by. The truth.

Everything here is a function of time, so the same seed and timetable give the same village, stepped however.
"""

import random
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from firmware_sim.faults import Fault, FaultKind
from firmware_sim.sites import SimulatedDevice, SimulatedVillage
from firmware_sim.sun import dark_hours

__all__ = ["Scene", "Truth"]

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
TWILIGHT = 10 * MINUTE
"""The lamp's twilight switch turns on so long before sunset and off so long after sunrise."""
ROUNDS = (35 * MINUTE, 75 * MINUTE)
"""Between two check-ins of the guard."""
CHECKIN_HOLDS = 2 * HOUR
"""A guard who checked in within this time is on duty (indicator 5)."""
CAUSES = {
    "gate": (FaultKind.GATE_CLOSED,),
    "office_lighting": (FaultKind.MAINS_CUT, FaultKind.LAMP_BURNT, FaultKind.LAMP_OFF),
    "free_wifi": (
        FaultKind.MAINS_CUT,
        FaultKind.AP_OFF,
        FaultKind.PASSWORD_SET,
        FaultKind.NO_INTERNET,
        FaultKind.LINK_CUT,
    ),
}
"""What makes a facility of a kind fail, the strongest first."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What is so at a facility: `met`, `failed` or `not_required` (a lamp by day), and the fault behind a failure."""

    state: str
    cause: str | None = None


class Scene:
    """One village under its faults, from `start` (ms) on."""

    def __init__(self, village: SimulatedVillage, faults: Iterable[Fault], seed: int, start: int) -> None:
        self.village = village
        self._faults = [fault for fault in faults if fault.village == village.code]
        self._start = start
        self._rounds: dict[str, tuple[random.Random, list[int]]] = {}
        self._nights: dict[int, tuple[int, int]] = {}
        self._seed = seed
        self._striking: dict[tuple[str, FaultKind], list[Fault]] = {}

    def add(self, faults: Iterable[Fault]) -> None:
        """More faults, as a timetable that repeats goes on."""
        self._faults += [fault for fault in faults if fault.village == self.village.code]
        self._striking.clear()

    def on(self, kind: FaultKind, device: SimulatedDevice, time: int) -> Fault | None:
        """The fault of a kind that strikes a device at a time."""
        striking = self._striking.get((device.id, kind))
        if striking is None:
            striking = [fault for fault in self._faults if fault.kind is kind and fault.strikes(device)]
            self._striking[device.id, kind] = striking
        return next((fault for fault in striking if fault.start <= time < fault.end), None)

    def next_change(self, device: SimulatedDevice, time: int) -> int | None:
        """When something about a device changes next, after `time`."""
        moments = [
            moment
            for fault in self._faults
            if fault.strikes(device)
            for moment in (fault.start, fault.end)
            if moment > time
        ]
        if device.kind == "office_lighting":
            dusk, dawn = self._night(time)
            moments += [moment for moment in (dusk - TWILIGHT, dawn + TWILIGHT) if moment > time]
        if device.kind == "night_guard":
            moments.append(self._round_after(device, time))
        return min(moments, default=None)

    def dark(self, time: int) -> bool:
        """Whether the lamp's twilight switch is on."""
        dusk, dawn = self._night(time)
        return dusk - TWILIGHT <= time < dawn + TWILIGHT

    def _night(self, time: int) -> tuple[int, int]:
        """The night that is on at a time, twilight included, or else the next one."""
        for day in range(time // DAY - 1, time // DAY + 2):
            if day not in self._nights:
                self._nights[day] = dark_hours(self.village.latitude, self.village.longitude, day)
            if time < self._nights[day][1] + TWILIGHT:
                return self._nights[day]
        return self._nights[time // DAY + 1]

    def rounds(self, device: SimulatedDevice, after: int, until: int) -> list[int]:
        """When the guard pressed a button in `(after, until]`; nothing while asleep."""
        self._round_after(device, until)
        _, times = self._rounds[device.id]
        some = times[bisect_right(times, after) : bisect_right(times, until)]
        return [time for time in some if not self.on(FaultKind.GUARD_ASLEEP, device, time)]

    def _round_after(self, device: SimulatedDevice, time: int) -> int:
        """The first round after a time, whether or not the guard is awake for it."""
        if device.id not in self._rounds:
            chance = random.Random(f"{self._seed}/{self.village.code}/{device.id}/rounds")  # noqa: S311
            self._rounds[device.id] = (chance, [self._start + int(chance.uniform(5 * SECOND, 60 * SECOND))])
        chance, times = self._rounds[device.id]
        while times[-1] <= time:
            times.append(times[-1] + int(chance.uniform(*ROUNDS)))
        return times[bisect_right(times, time)]

    def mains(self, time: int) -> bool:
        """Whether there is grid power."""
        return not any(f.kind is FaultKind.MAINS_CUT and f.start <= time < f.end for f in self._faults)

    def mains_cut_since(self, time: int) -> int | None:
        """Since when there is none."""
        cuts = [f.start for f in self._faults if f.kind is FaultKind.MAINS_CUT and f.start <= time < f.end]
        return min(cuts, default=None)

    def mains_cuts(self) -> list[tuple[int, int]]:
        """All mains cuts, start and end."""
        return sorted((f.start, f.end) for f in self._faults if f.kind is FaultKind.MAINS_CUT)

    def stretches(self, kind: FaultKind, device: SimulatedDevice) -> list[tuple[int, int]]:
        """When a fault strikes a device, start and end of each."""
        return sorted((f.start, f.end) for f in self._faults if f.kind is kind and f.strikes(device))

    def truth(self, devices: Sequence[SimulatedDevice], time: int) -> Truth:
        """What is so at a facility with these devices: one device that is as it should be is enough."""
        answers = [self._truth(device, time) for device in devices]
        return next((answer for answer in answers if answer.state != "failed"), answers[0])

    def _truth(self, device: SimulatedDevice, time: int) -> Truth:
        if device.kind == "office_lighting" and not self._is_night(time):
            return Truth("not_required")
        if device.kind == "night_guard":
            awake = self.rounds(device, time - CHECKIN_HOLDS, time)
            return Truth("met") if awake else Truth("failed", FaultKind.GUARD_ASLEEP)
        for kind in CAUSES.get(device.kind, ()):
            if self.on(kind, device, time):
                return Truth("failed", kind)
        return Truth("met")

    def _is_night(self, time: int) -> bool:
        dusk, dawn = self._night(time)
        return dusk <= time < dawn

    def truth_moments(self, devices: Sequence[SimulatedDevice], start: int, end: int) -> list[int]:
        """The instants in `[start, end)` at which a facility's truth may change."""
        moments = {start}
        for device in devices:
            kinds = CAUSES.get(device.kind, (FaultKind.GUARD_ASLEEP,))
            moments |= {t for f in self._faults if f.kind in kinds and f.strikes(device) for t in (f.start, f.end)}
            if device.kind == "office_lighting":
                for day in range(start // DAY - 1, end // DAY + 1):
                    moments |= set(dark_hours(self.village.latitude, self.village.longitude, day))
            if device.kind == "night_guard":
                made = self.rounds(device, start - CHECKIN_HOLDS, end)
                moments |= {time + extra for time in made for extra in (0, CHECKIN_HOLDS)}
        return sorted(moment for moment in moments if start <= moment < end)
