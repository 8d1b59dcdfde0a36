"""Faults: what goes wrong, where and when; also at random, with a seed. People write them as a `timetable`."""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from firmware_sim.sites import SimulatedDevice, SimulatedVillage

__all__ = ["ORDINARY", "WHOLE_VILLAGE", "Fault", "FaultKind", "Rate", "random_faults"]


class FaultKind(StrEnum):
    """The kinds of fault."""

    GATE_CLOSED = "gate_closed"
    CONTACT_FLAPS = "contact_flaps"
    LAMP_BURNT = "lamp_burnt"
    LAMP_OFF = "lamp_off"
    AP_OFF = "ap_off"
    PASSWORD_SET = "password_set"  # noqa: S105 - the name of a fault
    CAPTIVE_PORTAL = "captive_portal"
    NO_INTERNET = "no_internet"
    CROWD = "crowd"
    GUARD_ASLEEP = "guard_asleep"
    NOT_CLEANED = "not_cleaned"
    TOILET_DIRTY = "toilet_dirty"
    DEVICE_HANG = "device_hang"
    SENSOR_STUCK = "sensor_stuck"
    CLOCK_1970 = "clock_1970"
    NOT_INSTALLED = "not_installed"
    MAINS_CUT = "mains_cut"
    LINK_CUT = "link_cut"
    LINK_SLOW = "link_slow"
    BROKER_RESTART = "broker_restart"
    GATEWAY_KILL = "gateway_kill"
    SD_CARD_LOST = "sd_card_lost"
    DUPLICATES = "duplicates"
    REORDERING = "reordering"
    HOSTILE_DEVICE = "hostile_device"


STRIKES = {
    FaultKind.GATE_CLOSED: "gate",
    FaultKind.CONTACT_FLAPS: "gate",
    FaultKind.LAMP_BURNT: "office_lighting",
    FaultKind.LAMP_OFF: "office_lighting",
    FaultKind.AP_OFF: "free_wifi",
    FaultKind.PASSWORD_SET: "free_wifi",
    FaultKind.CAPTIVE_PORTAL: "free_wifi",
    FaultKind.NO_INTERNET: "free_wifi",
    FaultKind.CROWD: "free_wifi",
    FaultKind.GUARD_ASLEEP: "night_guard",
    FaultKind.NOT_CLEANED: "toilet",
    FaultKind.TOILET_DIRTY: "toilet",
}
"""Fault -> the kind of facility that it affects. The other faults affect any device, or a whole village."""
WHOLE_VILLAGE = frozenset(
    {
        FaultKind.MAINS_CUT,
        FaultKind.LINK_CUT,
        FaultKind.LINK_SLOW,
        FaultKind.BROKER_RESTART,
        FaultKind.GATEWAY_KILL,
        FaultKind.SD_CARD_LOST,
        FaultKind.DUPLICATES,
        FaultKind.REORDERING,
        FaultKind.HOSTILE_DEVICE,
    }
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault in `[start, end)`, ms.

    `facility`, `device`: which it affects; `None` for all that it can affect.
    `ups`: how long the village's batteries bridge a mains cut, ms; `None`: the defaults of `scene.UPS`.
    """

    kind: FaultKind
    start: int
    end: int
    village: str
    facility: str | None = None
    device: str | None = None
    ups: int | None = None

    def strikes(self, device: SimulatedDevice) -> bool:
        """Returns whether it affects this device, whatever the time."""
        return (
            self.village == device.village
            and self.facility in (None, device.facility)
            and self.device in (None, device.id)
            and STRIKES.get(self.kind, device.kind) == device.kind
        )


DAY, HOUR, MINUTE = 86_400_000, 3_600_000, 60_000


@dataclass(frozen=True, slots=True)
class Rate:
    """How often a fault occurs in a village. `between`: mean time to the next, ms. `repair`: mean duration, ms."""

    kind: FaultKind
    between: int
    repair: int


ORDINARY = (
    Rate(FaultKind.GATE_CLOSED, 9 * DAY, 3 * HOUR),
    Rate(FaultKind.LAMP_OFF, 12 * DAY, 30 * HOUR),
    Rate(FaultKind.AP_OFF, 7 * DAY, 3 * HOUR),
    Rate(FaultKind.PASSWORD_SET, 25 * DAY, 20 * HOUR),
    Rate(FaultKind.NO_INTERNET, 8 * DAY, 3 * HOUR),
    Rate(FaultKind.GUARD_ASLEEP, 10 * DAY, 3 * HOUR),
    Rate(FaultKind.MAINS_CUT, 11 * DAY, HOUR + HOUR // 2),
    Rate(FaultKind.LINK_CUT, 8 * DAY, 2 * HOUR + HOUR // 2),
)
"""An ordinary village: our own guess, for demonstrations."""


def random_faults(
    village: SimulatedVillage, start: int, end: int, seed: int, rates: Iterable[Rate] = ORDINARY
) -> list[Fault]:
    """Returns random faults of one village in `[start, end)`, each at least a minute long, determined by the seed."""
    faults = []
    for rate in rates:
        chance = random.Random(f"{seed}/{village.code}/{rate.kind}")  # noqa: S311 - a simulation that repeats
        time = start + chance.expovariate(1 / rate.between)
        while time < end:
            lasts = MINUTE + chance.expovariate(1 / rate.repair)
            fault = Fault(rate.kind, int(time), min(int(time + lasts), end), village.code)
            struck = [device for device in village.devices if fault.strikes(device)]
            if struck and rate.kind not in WHOLE_VILLAGE:
                fault = Fault(rate.kind, fault.start, fault.end, village.code, facility=chance.choice(struck).facility)
            if struck:
                faults.append(fault)
            time += lasts + chance.expovariate(1 / rate.between)
    return sorted(faults, key=lambda fault: (fault.start, fault.kind))
