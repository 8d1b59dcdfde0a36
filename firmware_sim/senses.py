"""What each device's sensors say, given what is physically so: signal names and values of the contract's section 2."""

import random
from collections.abc import Callable

from firmware_sim.faults import FaultKind
from firmware_sim.scene import Scene
from firmware_sim.sites import SimulatedDevice

__all__ = ["EVIDENCE", "Value", "sense"]

Value = bool | int | float

EVIDENCE = frozenset({"gate_open", "lamp_on", "wifi_up", "wifi_open", "internet", "mains"})
"""The signals whose change a device reports at once; the others wait for the next report."""

LAMP_WATTS = 18.0
"""A usual LED tube of a village office."""
UPS_HOURS = 4.0


def _gate(device: SimulatedDevice, scene: Scene, time: int, chance: random.Random) -> dict[str, Value]:
    return {"gate_open": scene.on(FaultKind.GATE_CLOSED, device, time) is None, "rssi": float(-chance.randint(52, 71))}


def _lamp(device: SimulatedDevice, scene: Scene, time: int, chance: random.Random) -> dict[str, Value]:
    dead = scene.on(FaultKind.LAMP_OFF, device, time) or scene.on(FaultKind.LAMP_BURNT, device, time)
    lit = scene.dark(time) and not dead
    return {"lamp_on": lit, "power": round(LAMP_WATTS + chance.uniform(-0.4, 0.4), 1) if lit else 0.0}


def _access_point(device: SimulatedDevice, scene: Scene, time: int, chance: random.Random) -> dict[str, Value]:
    up = scene.on(FaultKind.AP_OFF, device, time) is None
    cut = scene.on(FaultKind.NO_INTERNET, device, time) or scene.on(FaultKind.LINK_CUT, device, time)
    is_open = scene.on(FaultKind.PASSWORD_SET, device, time) is None
    clients = chance.randint(1, 14) if up and is_open else 0
    return {"wifi_up": up, "wifi_open": is_open, "internet": up and not cut, "clients": clients}


def _guard(_device: SimulatedDevice, _scene: Scene, _time: int, chance: random.Random) -> dict[str, Value]:
    return {"battery": float(chance.randint(78, 82))}


def _mains(_device: SimulatedDevice, scene: Scene, time: int, _chance: random.Random) -> dict[str, Value]:
    since = scene.mains_cut_since(time)
    spent = 0.0 if since is None else (time - since) / 3_600_000 / UPS_HOURS
    return {"mains": since is None, "battery": round(max(4.0, 100.0 * (1 - spent)), 1)}


_SENSES: dict[str, Callable[[SimulatedDevice, Scene, int, random.Random], dict[str, Value]]] = {
    "gate": _gate,
    "office_lighting": _lamp,
    "free_wifi": _access_point,
    "night_guard": _guard,
    "power": _mains,
}


def sense(device: SimulatedDevice, scene: Scene, time: int, chance: random.Random) -> dict[str, Value]:
    """All that a device measures now. A guard's check-ins are not among them: they are events (`Scene.rounds`)."""
    return _SENSES[device.kind](device, scene, time, chance)
