"""The true state of a facility, against which siaga's figures are checked."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from firmware_sim.faults import FaultKind
from firmware_sim.scene import EVENTS, Scene
from firmware_sim.sites import NIGHT, OFFICE, SimulatedDevice, SimulatedFacility

__all__ = ["Condition", "Truth"]

HOUR, DAY = 3_600_000, 86_400_000
HOLDS = {"night_guard": 2 * HOUR, "toilet": 8 * HOUR}
"""How long an event keeps its facility `met`, ms (contract, section 5)."""
OPENS, CLOSES = time(8), time(15)
"""Office hours, Monday to Friday except holidays (contract, section 3)."""
CAUSES = {
    "gate": (FaultKind.GATE_CLOSED,),
    "office_lighting": (FaultKind.MAINS_CUT, FaultKind.LAMP_BURNT, FaultKind.LAMP_OFF),
    "free_wifi": (
        FaultKind.MAINS_CUT,
        FaultKind.DEVICE_HANG,
        FaultKind.AP_OFF,
        FaultKind.PASSWORD_SET,
        FaultKind.CAPTIVE_PORTAL,
        FaultKind.NO_INTERNET,
        FaultKind.LINK_CUT,
    ),
    "toilet": (FaultKind.TOILET_DIRTY,),
}
"""The faults that make a facility fail, by kind, the strongest first. An access point that hangs serves nobody."""
MISLEADS = (FaultKind.SENSOR_STUCK, FaultKind.CONTACT_FLAPS)
"""Faults with which a device reports wrong values, so that siaga cannot know the truth."""
SILENCES = frozenset({FaultKind.MAINS_CUT, FaultKind.DEVICE_HANG, FaultKind.LINK_CUT})
"""Faults that show as silence only, or as silence first."""
HIDES = SILENCES | {
    FaultKind.CONTACT_FLAPS,
    FaultKind.NOT_INSTALLED,
    FaultKind.LINK_SLOW,
    FaultKind.BROKER_RESTART,
    FaultKind.GATEWAY_KILL,
    FaultKind.SD_CARD_LOST,
}
"""Faults during which it is uncertain what a device's reports say at an instant."""


@dataclass(frozen=True, slots=True)
class Truth:
    """The true state of a facility.

    `state`: `met`, `failed` or `not_required`. `cause`: the fault behind a failure.
    `excused`: the mains are off, and the village's meter reports it.
    `unknowable`: a fault because of which the devices' reports are wrong.
    `silent`: the failure shows as silence.
    """

    state: str
    cause: str | None = None
    excused: bool = False
    unknowable: str | None = None
    silent: bool = False


class Condition:
    """One facility of a scene."""

    def __init__(self, scene: Scene, facility: SimulatedFacility) -> None:
        self.scene, self.facility = scene, facility
        self._meters = [device for device in scene.village.devices if device.kind == "power"]

    def at(self, moment: int) -> Truth:
        """Returns the state at an instant (ms). Before a device is installed, nothing is required."""
        there = [d for d in self.facility.devices if not self.scene.on(FaultKind.NOT_INSTALLED, d, moment)]
        if not there or not self._required(moment):
            return Truth("not_required")
        answers = [self._of(device, moment) for device in there]
        wanted = "met" if self.facility.needs == "any" else "failed"
        answer = next((each for each in answers if each.state == wanted), answers[0])
        misled = next((each.unknowable for each in answers if each.unknowable), None)
        excused = answer.state == "failed" and self._excused(moment)
        return Truth(answer.state, answer.cause, excused, misled, answer.silent)

    def reported(self, moment: int) -> str | None:
        """Returns the state that the devices report at an instant (ms), be it so or not; `None` if that is uncertain.

        A stuck sensor reports what was so when it got stuck. A state is certain once it has lasted for an interval.
        """
        settled = max((device.every for device in self.facility.devices), default=0)
        found = {self._reported(each) for each in (*self._moments(moment - settled, moment), moment)}
        return found.pop() if len(found) == 1 else None

    def _reported(self, moment: int) -> str | None:
        if not self.facility.devices:
            return None
        if not self._required(moment):
            return "not_required"
        states = []
        for device in self.facility.devices:
            stuck = self.scene.on(FaultKind.SENSOR_STUCK, device, moment)
            so = self._of(device, stuck.start if stuck else moment)
            misled = so.unknowable not in (None, FaultKind.SENSOR_STUCK)
            if misled or any(self.scene.on(kind, device, moment) for kind in HIDES):
                return None
            states.append(so.state)
        wanted = "met" if self.facility.needs == "any" else "failed"
        return wanted if wanted in states else states[0]

    def _excused(self, moment: int) -> bool:
        return not self.scene.mains(moment) and any(self.scene.powered(meter, moment) for meter in self._meters)

    def _of(self, device: SimulatedDevice, moment: int) -> Truth:
        misled = next((str(kind) for kind in MISLEADS if self.scene.on(kind, device, moment)), None)
        for kind in CAUSES.get(device.kind, ()):
            if not self._fails(device, kind, moment):
                continue
            if kind is FaultKind.LAMP_BURNT and _says_relay(device):
                misled = str(kind)  # the relay still reports closed, and it takes precedence over the power
            return Truth("failed", kind, unknowable=misled, silent=kind in SILENCES)
        if device.kind in EVENTS and not self._said_in_time(device, moment):
            return Truth("failed", EVENTS[device.kind][1], unknowable=misled)
        if device.kind in EVENTS and not self._said_in_time(device, moment, known=True):
            misled = misled or "press_lost"
        return Truth("met", unknowable=misled)

    def _fails(self, device: SimulatedDevice, kind: FaultKind, moment: int) -> bool:
        if kind is FaultKind.MAINS_CUT:
            return not self.scene.mains(moment) and not self.scene.powered(device, moment)
        return self.scene.on(kind, device, moment) is not None

    def _said_in_time(self, device: SimulatedDevice, moment: int, *, known: bool = False) -> bool:
        """Returns whether there was an event within the interval, or there was never a first one.

        `known`: count only events that the device could report.
        """
        if moment < self.scene.first_press(device):
            return True
        presses = self.scene.presses(device, moment - HOLDS[device.kind], moment)
        return any(not known or self.scene.said(device, press) for press in presses)

    def _required(self, moment: int) -> bool:
        if self.facility.schedule == NIGHT:
            dusk, dawn = self.scene.night(moment)
            return dusk <= moment < dawn
        if self.facility.schedule == OFFICE:
            local = datetime.fromtimestamp(moment / 1000, UTC).astimezone(self.scene.village.zone)
            closed = local.weekday() >= 5 or local.date() in self.scene.village.holidays
            return not closed and OPENS <= local.time() < CLOSES
        return True

    def spans(self, start: int, end: int) -> Iterator[tuple[int, int, Truth]]:
        """Yields start, end and state in `[start, end)`, without gap or overlap. Neighbours differ."""
        moments = [*self._moments(start, end), end]
        began, so = start, self.at(start)
        for moment in moments[1:]:
            after = self.at(moment) if moment < end else None
            if after == so:
                continue
            yield began, moment, so
            if after is not None:
                began, so = moment, after

    def _moments(self, start: int, end: int) -> list[int]:
        """The instants in `[start, end)` at which the truth may change."""
        devices = (*self.facility.devices, *self._meters)
        moments = {start}
        moments |= {m for f in self.scene.faults if any(map(f.strikes, devices)) for m in (f.start, f.end)}
        moments |= {m for device in devices for pair in self.scene.outages(device) for m in pair}
        for device in self.facility.devices:
            if device.kind in EVENTS:
                holds = HOLDS[device.kind]
                made = self.scene.presses(device, start - holds, end)
                moments |= {m + extra for m in made for extra in (0, holds)} | {self.scene.first_press(device)}
        if self.facility.schedule == NIGHT:
            for day in range(start // DAY - 1, end // DAY + 2):
                moments |= set(self.scene.night(day * DAY))
        if self.facility.schedule == OFFICE:
            moments |= set(self._office(start, end))
        return sorted(moment for moment in moments if start <= moment < end)

    def _office(self, start: int, end: int) -> Iterator[int]:
        zone = self.scene.village.zone
        day = datetime.fromtimestamp(start / 1000, UTC).astimezone(zone).date()
        while True:
            for clock in (OPENS, CLOSES):
                moment = int(datetime.combine(day, clock, zone).timestamp() * 1000)
                if moment >= end:
                    return
                yield moment
            day += timedelta(days=1)


def _says_relay(device: SimulatedDevice) -> bool:
    return device.adapter != "esphome" or "lamp_on" in device.map.values()
