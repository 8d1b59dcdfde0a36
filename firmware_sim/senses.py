"""What each device's sensors measure in a given physical state: signals and values of the contract, section 2."""

import random
from collections.abc import Callable

from firmware_sim.faults import FaultKind
from firmware_sim.scene import FLAP, UPS, Scene
from firmware_sim.sites import SimulatedDevice

__all__ = ["EVIDENCE", "Value", "sense"]

Value = bool | int | float

EVIDENCE = frozenset({"gate_open", "lamp_on", "wifi_up", "wifi_open", "internet", "mains"})
"""Signals whose changes are reported at once. The others wait for the next report."""

LAMP_WATTS, IDLE_WATTS = 18.0, 0.4
"""Power of a usual LED tube in a village office, and of its switch alone, W."""
LIT_LUX, NIGHT_LUX, DAY_LUX = 180.0, 0.3, 420.0
"""Light at a desk under the lamp, at night without it, and by day, lx (EN 12464-1 asks for 200 to 500)."""
DRAIN = 0.3
"""Battery use, per cent a day: the cell of a contact or a button lasts about a year."""
FRESH_PPM, DIRTY_PPM = (3.0, 9.0), (31.0, 44.0)
"""Ammonia in a clean and in a dirty toilet, ppm."""


def _gate(device: SimulatedDevice, scene: Scene, time: int, chance: random.Random) -> dict[str, Value]:
    is_open = scene.on(FaultKind.GATE_CLOSED, device, time) is None
    if flaps := scene.on(FaultKind.CONTACT_FLAPS, device, time):
        is_open = is_open is ((time - flaps.start) // FLAP % 2 == 0)
    return {"gate_open": is_open, "battery": _battery(scene, time), "rssi": float(-chance.randint(52, 71))}


def _lamp(device: SimulatedDevice, scene: Scene, time: int, chance: random.Random) -> dict[str, Value]:
    dark = scene.dark(time)
    closed = dark and not scene.on(FaultKind.LAMP_OFF, device, time)  # the relay
    lit = closed and not scene.on(FaultKind.LAMP_BURNT, device, time)
    watts = LAMP_WATTS + chance.uniform(-0.4, 0.4) if lit else IDLE_WATTS if closed else 0.0
    lux = LIT_LUX if lit else NIGHT_LUX if dark else DAY_LUX
    return {"lamp_on": closed, "power": round(watts, 1), "illuminance": round(lux * chance.uniform(0.95, 1.05), 1)}


def _access_point(device: SimulatedDevice, scene: Scene, time: int, chance: random.Random) -> dict[str, Value]:
    up = scene.on(FaultKind.AP_OFF, device, time) is None
    ways = (FaultKind.NO_INTERNET, FaultKind.LINK_CUT, FaultKind.CAPTIVE_PORTAL)
    cut = any(scene.on(kind, device, time) for kind in ways)
    is_open = scene.on(FaultKind.PASSWORD_SET, device, time) is None
    most = 140 if scene.on(FaultKind.CROWD, device, time) else 14
    clients = chance.randint(most // 14, most) if up and is_open else 0
    return {"wifi_up": up, "wifi_open": is_open, "internet": up and not cut, "clients": clients}


def _guard(_device: SimulatedDevice, scene: Scene, time: int, _chance: random.Random) -> dict[str, Value]:
    return {"battery": _battery(scene, time)}


def _toilet(device: SimulatedDevice, scene: Scene, time: int, chance: random.Random) -> dict[str, Value]:
    air = DIRTY_PPM if scene.on(FaultKind.TOILET_DIRTY, device, time) else FRESH_PPM
    return {"nh3": round(chance.uniform(*air), 1), "battery": _battery(scene, time)}


def _mains(device: SimulatedDevice, scene: Scene, time: int, _chance: random.Random) -> dict[str, Value]:
    cut = scene.on(FaultKind.MAINS_CUT, device, time)
    lasts = UPS["power"] if cut is None or cut.ups is None else cut.ups
    spent = 0.0 if cut is None else (time - cut.start) / max(lasts, 1)
    return {"mains": cut is None, "battery": round(max(4.0, 100.0 * (1 - spent)), 1)}


def _battery(scene: Scene, time: int) -> float:
    return round(max(3.0, 96.0 - (time - scene.start) / 86_400_000 * DRAIN), 1)


_SENSES: dict[str, Callable[[SimulatedDevice, Scene, int, random.Random], dict[str, Value]]] = {
    "gate": _gate,
    "office_lighting": _lamp,
    "free_wifi": _access_point,
    "night_guard": _guard,
    "toilet": _toilet,
    "power": _mains,
}


def sense(device: SimulatedDevice, scene: Scene, time: int, chance: random.Random) -> dict[str, Value]:
    """Returns all values that a device measures at `time`. A stuck sensor repeats those from when it got stuck.

    Presses of a button (a guard's check-in, a cleaning) are not included: they are events (`Scene.presses`).
    """
    stuck = scene.on(FaultKind.SENSOR_STUCK, device, time)
    return _SENSES[device.kind](device, scene, stuck.start if stuck else time, chance)
