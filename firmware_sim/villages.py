"""Generates villages for a scenario, as a sites file for siaga, with devices of one or all families."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

__all__ = ["KINDS", "Made", "sites_of"]

KINDS = ("gate", "free_wifi", "office_lighting", "night_guard", "toilet", "power")
NAMES = {
    "gate": ("gerbang", "Gerbang kantor desa"),
    "free_wifi": ("wifi", "Wi-Fi kantor desa"),
    "office_lighting": ("lampu", "Lampu kantor desa"),
    "night_guard": ("jaga", "Jaga malam"),
    "toilet": ("toilet", "Toilet umum"),
    "power": ("listrik", "Listrik PLN"),
}
Entry = dict[str, object]


@dataclass(frozen=True, slots=True)
class Made:
    """How to generate villages. Durations are text, as in a sites file.

    `count`: how many. `district`: the prefix of their codes.
    `mixed`: devices of all families in turn; otherwise our own firmware only.
    `uplinks`: how many uplinks the villages share; 0 leaves it out.
    """

    count: int
    district: str
    every: str = "5m"
    grace: str | None = None
    recovery: str | None = None
    offline_after: str | None = None
    kinds: Sequence[str] = KINDS
    mixed: bool = True
    remote: bool = False
    uplinks: int = 0
    latitude: float = -8.2
    longitude: float = 114.3


def _gate(place: int, address: str) -> Entry:
    choice: tuple[Entry, ...] = (
        {"adapter": "senml"},
        {"adapter": "tasmota", "address": address, "map": {"Switch1": "gate_open"}, "invert": ["gate_open"]},
        {"adapter": "shelly", "address": f"shellydw2-{address}"},
        {"adapter": "zigbee2mqtt", "address": address},
        {"adapter": "esphome", "address": address, "map": {"binary_sensor/pintu/state": "gate_open"}},
        {"adapter": "shelly", "address": f"shellyplus1-{address}", "map": {"input:0": "gate_open"}},
    )
    return choice[place % 6]


def _lamp(place: int, address: str) -> Entry:
    choice: tuple[Entry, ...] = (
        {"adapter": "senml"},
        {"adapter": "tasmota", "address": address},
        {"adapter": "shelly", "address": f"shelly1pm-{address}"},
        {"adapter": "shelly", "address": f"shellyplus1pm-{address}"},
        {"adapter": "zigbee2mqtt", "address": address},
        {"adapter": "esphome", "address": address, "map": {"sensor/terang/state": "illuminance"}},
    )
    return choice[place % 6]


def _access_point(place: int, address: str) -> Entry:
    by_collectd = {
        "exec-radio/gauge-up": "wifi_up",
        "exec-radio/gauge-open": "wifi_open",
        "ping/ping-9.9.9.9": "internet",
        "uptime/uptime": "uptime",
    }
    own: Entry = {"adapter": "senml"}
    return {"adapter": "openwrt", "address": address, "map": by_collectd} if place % 2 else own


def _guard(place: int, address: str) -> Entry:
    choice: tuple[Entry, ...] = (
        {"adapter": "senml"},
        {"adapter": "shelly", "address": f"shellybutton1-{address}", "map": {"input_event/0": "checkin"}},
        {"adapter": "zigbee2mqtt", "address": address, "map": {"action": "checkin"}},
    )
    return choice[place % 3]


def _toilet(place: int, address: str) -> Entry:
    entities = {"sensor/nh3/state": "nh3", "event/tombol/state": "cleaned"}
    own: Entry = {"adapter": "senml"}
    return {"adapter": "esphome", "address": address, "map": entities} if place % 2 else own


def _mains(_place: int, _address: str) -> Entry:
    return {"adapter": "senml"}


_DEVICES: dict[str, Callable[[int, str], Entry]] = {
    "gate": _gate,
    "office_lighting": _lamp,
    "free_wifi": _access_point,
    "night_guard": _guard,
    "toilet": _toilet,
    "power": _mains,
}


def sites_of(made: Made) -> dict[str, object]:
    """Returns the content of a sites file with these villages."""
    return {"villages": [_village(made, place) for place in range(made.count)]}


def _village(made: Made, place: int) -> Entry:
    code = f"{made.district}.{2001 + place}"
    village: Entry = {
        "code": code,
        "name": f"Desa {made.district.rsplit('.', 1)[-1]}-{place + 1}",
        "lat": round(made.latitude - place % 10 * 0.03, 4),
        "lon": round(made.longitude + place // 10 % 40 * 0.02, 4),
        "timezone": "Asia/Jakarta",
    }
    if made.remote:
        village["gateway"] = "remote"
    if made.offline_after:
        village["offline_after"] = made.offline_after
    if made.uplinks:
        village["uplink"] = f"odp-{place % made.uplinks + 1}"
    return {**village, "facilities": [_facility(made, code, place, kind) for kind in made.kinds]}


def _facility(made: Made, code: str, place: int, kind: str) -> Entry:
    identity, name = NAMES[kind]
    facility: Entry = {"id": identity, "kind": kind, "name": name}
    if kind != "power":
        facility |= {key: value for key in ("grace", "recovery") if (value := getattr(made, key))}
    address = f"{identity}-{code.replace('.', '')}"
    device = _DEVICES[kind](place if made.mixed else 0, address)
    return {**facility, "devices": [{"id": f"{identity}-1", **device, "every": made.every}]}
