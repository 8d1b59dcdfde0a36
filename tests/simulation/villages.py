"""The villages of a run: what stands there, what is true at first, and what may go wrong there.

Two kinds. Those of short runs are asked for around the clock: everything that happens within half an hour counts. Those
of long runs have the schedules that real ones have, report as seldom as is allowed, and miss their targets.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from siaga.model.clock import MINUTE, SECOND
from siaga.model.signals import Value
from siaga.model.sites import Adapter, Device, Facility, Village

__all__ = ["EVENT_OF", "Trouble", "make_village", "make_village_with_days", "says_at_first", "troubles"]

INITIAL: Mapping[str, Mapping[str, Value]] = {
    "gerbang-1": {"gate_open": True, "battery": 90.0},
    "gerbang-2": {"gate_open": False},
    "ap-1": {"wifi_up": True, "wifi_open": True, "internet": True, "clients": 3},
    "lampu-1": {"lamp_on": True},
    "jaga-1": {"battery": 80.0, "presence": True},
    "pln-1": {"mains": True},
    "toilet-1": {"nh3": 3.0, "battery": 70.0},
}
"""What each device says at first, but events."""


def says_at_first(device: Device) -> dict[str, Value]:
    """What a device says at first; those that come later are buttons of gates and servers."""
    return dict(
        INITIAL.get(device.id) or ({"service_ok": True} if device.id.startswith("server") else {"gate_open": False})
    )


EVENT_OF: Mapping[str, str] = {"jaga-1": "checkin", "toilet-1": "cleaned"}
"""What somebody does at a device now and then."""
ZONES = ("Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura")


@dataclass(frozen=True, slots=True)
class Trouble:
    """What may become otherwise in a village: a signal of a device that turns `bad`, and back."""

    device: str
    signal: str
    bad: Value

    def turned(self, state: Value) -> Value:
        """What the signal says when that changes."""
        return INITIAL[self.device][self.signal] if state == self.bad else self.bad


_GATE, _INTERNET = Trouble("gerbang-1", "gate_open", bad=False), Trouble("ap-1", "internet", bad=False)
_PASSWORD, _LAMP = Trouble("ap-1", "wifi_open", bad=False), Trouble("lampu-1", "lamp_on", bad=False)
_GUARD, _MAINS = Trouble("jaga-1", "presence", bad=False), Trouble("pln-1", "mains", bad=False)
_AIR = Trouble("toilet-1", "nh3", bad=60.0)


def troubles(*, days: bool) -> Sequence[Trouble]:
    """What may go wrong, some of it more often than the rest."""
    short = (_GATE, _GATE, _INTERNET, _PASSWORD, _LAMP, _LAMP, _GUARD, _MAINS)
    return (*short, _AIR, _LAMP) if days else short


def _code(number: int) -> str:
    return f"35.10.15.{2000 + number}"


def make_village(number: int, every: int, offline_after: int) -> Village:
    """A village with a gate, a Wi-Fi, a lamp that is asked for all day, a guard with two buttons, and mains."""
    gate = Facility(
        "gerbang",
        "gate",
        "Gerbang",
        (Device("gerbang-1", Adapter.SENML, every), Device("gerbang-2", Adapter.SENML, every)),
        grace=MINUTE,
        recovery=30 * SECOND,
    )
    wifi = Facility("wifi", "free_wifi", "Wi-Fi", (Device("ap-1", Adapter.SENML, every),), grace=2 * MINUTE)
    lamp = Facility(
        "lampu",
        "office_lighting",
        "Lampu",
        (Device("lampu-1", Adapter.TASMOTA, every, "lampu-depan"),),
        grace=MINUTE,
        schedule="24h",
    )
    guard = Facility("jaga", "night_guard", "Jaga", (Device("jaga-1", Adapter.SENML, every),), grace=MINUTE)
    power = Facility("pln", "power", "PLN", (Device("pln-1", Adapter.SENML, every),))
    places = (gate, wifi, lamp, guard, power)
    return Village(_code(number), f"Desa {number}", -8.2, 114.3, "Asia/Jakarta", places, True, offline_after)


def make_village_with_days(number: int, every: int, offline_after: int, chance: random.Random) -> Village:
    """The same with a lamp from sunset to sunrise, a toilet in office hours, and terms that differ by village.

    Its devices report every `every`, or a half or a third of that.
    """
    short = make_village(number, every, offline_after)
    gate, wifi, lamp, guard, power = short.facilities
    lamp = replace(lamp, schedule=chance.choice([None, None, ("Mon-Sat 18:00-06:00", "Sun 08:00-24:00")]))
    guard = replace(guard, target=chance.choice([None, 0.9]))
    gate = replace(gate, target=chance.choice([None, 0.8]))
    toilet = Facility("toilet", "toilet", "Toilet", (Device("toilet-1", Adapter.SENML, every),), grace=2 * MINUTE)
    places = tuple(
        replace(
            facility,
            devices=tuple(replace(device, every=every // chance.choice([1, 1, 2, 3])) for device in facility.devices),
        )
        for facility in (gate, wifi, lamp, guard, toilet, power)
    )
    return replace(short, facilities=places, timezone=chance.choice(ZONES))
