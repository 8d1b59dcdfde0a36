"""`siaga up --demo`: twelve simulated villages with weeks of history, and faults that recur every few minutes.

The villages are invented. Their history is sent in a gateway's batches, like any late data. What the store already has
is not sent again, so a second run continues where the first one stopped.
"""

import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
import yaml

from firmware_sim.command import histories, progress_bar
from firmware_sim.driver import Driver
from firmware_sim.history import History
from firmware_sim.remote_gateway import RemoteGateways
from firmware_sim.sites import SimulatedVillage, read_sites
from firmware_sim.timetable import Timetable, read_timetable
from firmware_sim.truth import TruthFile
from firmware_sim.world import World
from siaga.telemetry import StoreUnavailable, TelemetryStore

__all__ = ["Demo", "demo_sites"]

log = structlog.get_logger(__name__)

HOUR, DAY = 3_600_000, 86_400_000
SEED = 11
EVERY = "5m"
"""`every` in the sites file, and the interval of the history. Live devices report more often."""
REPORT_EVERY = 20_000
"""The interval of live reports, ms."""
GRACE, RECOVERY = "20s", "15s"
"""Short, so that a viewer sees alerts being raised and cleared."""

# Invented villages: code, name, latitude, longitude. The first four numbers are those of Banyuwangi (East Java),
# Jembrana and Buleleng (Bali); the district numbers 81 to 91 do not exist.
_VILLAGES = (
    ("35.10.81.2001", "Sumberwangi", -8.17, 114.29, "Asia/Jakarta"),
    ("35.10.81.2002", "Kedungmelati", -8.20, 114.34, "Asia/Jakarta"),
    ("35.10.82.2001", "Tegalasri Lor", -8.26, 114.21, "Asia/Jakarta"),
    ("35.10.82.2002", "Karangteduh", -8.31, 114.27, "Asia/Jakarta"),
    ("35.10.83.2001", "Bayuwening", -8.39, 114.17, "Asia/Jakarta"),
    ("35.10.83.2002", "Glagaharjo Wetan", -8.13, 114.36, "Asia/Jakarta"),
    ("35.10.84.2001", "Watupanjang", -8.45, 114.08, "Asia/Jakarta"),
    ("35.10.84.2002", "Jatirukun", -8.35, 114.14, "Asia/Jakarta"),
    ("35.10.85.2001", "Rawapinang", -8.52, 114.25, "Asia/Jakarta"),
    ("35.10.85.2002", "Gunungteduh", -8.06, 114.24, "Asia/Jakarta"),
    ("51.01.91.2001", "Segarawangi", -8.36, 114.63, "Asia/Makassar"),
    ("51.08.91.2001", "Banjarlaut", -8.19, 114.68, "Asia/Makassar"),
)

# Recurring faults: village by its index, facility, fault, first at, lasts, every.
_FAULTS = (
    (0, "gerbang", "gate_closed", "20s", "45s", "6m"),
    (1, "wifi", "password_set", "55s", "100s", "9m"),
    (2, "wifi", "no_internet", "70s", "80s", "7m"),
    (3, "gerbang", "gate_closed", "95s", "150s", "11m"),
    (4, "wifi", "ap_off", "110s", "90s", "8m"),
    (5, None, "mains_cut", "140s", "120s", "17m"),
    (6, "wifi-balai", "device_hang", "60s", "150s", "13m"),
    (7, "gerbang", "gate_closed", "50s", "30m", "2h"),
    (8, "wifi", "no_internet", "3m", "2m", "10m"),
    (9, None, "link_cut", "4m", "90s", "19m"),
    (10, "lampu", "lamp_off", "75s", "110s", "8m"),
    (11, "lampu", "lamp_off", "2m", "3m", "12m"),
)


def _facility(kind: str, name: str, facility: str, *devices: dict[str, object], since: str) -> dict[str, object]:
    described: dict[str, object] = {"id": facility, "kind": kind, "name": name}
    if kind != "power":
        described |= {"since": since, "grace": GRACE, "recovery": RECOVERY}
    return {**described, "devices": [{**device, "every": EVERY} for device in devices]}


def demo_sites(start: int) -> dict[str, object]:
    """Returns the demo's sites file. `start`: when its history begins, ms; a midnight in Makassar."""
    since = (datetime.fromtimestamp(start / 1000, UTC) + timedelta(hours=8)).date().isoformat()
    villages = []
    for place, (code, name, latitude, longitude, timezone) in enumerate(_VILLAGES):
        contact: dict[str, object] = {"id": "gerbang-1", "adapter": "senml"}
        lamp: dict[str, object] = {"id": "lampu-1", "adapter": "senml"}
        if place % 2 == 0:  # half of the villages have off-the-shelf devices
            address = f"demo-{place + 1}-gerbang"
            contact |= {"adapter": "tasmota", "address": address, "map": {"Switch1": "gate_open"}}
            contact["invert"] = ["gate_open"]
            lamp |= {"adapter": "tasmota", "address": f"demo-{place + 1}-lampu"}
        facilities = [
            _facility("gate", "Gerbang kantor desa", "gerbang", contact, since=since),
            _facility("free_wifi", "Wi-Fi kantor desa", "wifi", {"id": "ap-1", "adapter": "senml"}, since=since),
            _facility("office_lighting", "Lampu kantor desa", "lampu", lamp, since=since),
        ]
        if place % 3 != 1:
            button: dict[str, object] = {"id": "jaga-1", "adapter": "senml"}
            facilities.append(_facility("night_guard", "Jaga malam", "jaga", button, since=since))
        if place % 3 == 0:
            second: dict[str, object] = {"id": "ap-2", "adapter": "senml"}
            facilities.append(_facility("free_wifi", "Wi-Fi balai desa", "wifi-balai", second, since=since))
        facilities.append(
            _facility("power", "Listrik PLN", "listrik", {"id": "pln-1", "adapter": "senml"}, since=since)
        )
        villages.append(
            {
                "code": code,
                "name": name,
                "lat": latitude,
                "lon": longitude,
                "timezone": timezone,
                "facilities": facilities,
            }
        )
    return {"villages": villages}


def _timetable() -> dict[str, object]:
    lines = []
    for place, facility, fault, at, lasts, every in _FAULTS:
        line = {"at": at, "for": lasts, "every": every, "village": _VILLAGES[place][0], "fault": fault}
        lines.append(line | ({"facility": facility} if facility else {}))
    return {"faults": lines}


@dataclass(frozen=True, slots=True)
class _Beginning:
    """The first run of the demo. `at`: when it was, ms; its history ends there. `history`: the length of that, ms."""

    at: int
    history: int

    @property
    def start(self) -> int:
        """When the history begins, ms: at a midnight in Makassar (UTC+8)."""
        return (self.at - self.history + 8 * HOUR) // DAY * DAY - 8 * HOUR

    @classmethod
    def of(cls, directory: Path, now: int, history: int) -> "_Beginning":
        """Returns the first run that the directory has stored. Without one, stores and returns the current run."""
        path = directory / "demo.json"
        if path.exists():
            known = json.loads(path.read_text(encoding="utf-8"))
            return cls(int(known["began_at"]), int(known.get("history", 30 * DAY)))
        at = now // 60_000 * 60_000
        directory.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"began_at": at, "history": history}), encoding="utf-8")
        return cls(at, history)


class Demo:
    """The simulated villages of one data directory. Call `prepare` first, then `start` once the system listens.

    `history`: the length of the history in a new directory, ms. A later run keeps the first run's history.
    """

    def __init__(self, data_dir: Path, history: int) -> None:
        self._directory = data_dir
        self._beginning = _Beginning.of(data_dir, time.time_ns() // 1_000_000, history)
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._villages: tuple[SimulatedVillage, ...] = ()
        self._timetable = Timetable()

    def prepare(self) -> Path:
        """Write the sites file. Returns its path."""
        sites, faults = self._directory / "demo-sites.yaml", self._directory / "demo-faults.yaml"
        sites.write_text(yaml.safe_dump(demo_sites(self._beginning.start), sort_keys=False), encoding="utf-8")
        faults.write_text(yaml.safe_dump(_timetable(), sort_keys=False), encoding="utf-8")
        self._villages = read_sites(sites, REPORT_EVERY)
        self._timetable = read_timetable(faults, self._villages)
        return sites

    def start(self, url: str, store: TelemetryStore) -> None:
        """Start the devices, and send the history, in threads of their own."""
        for name, work in (("demo devices", self._live), ("demo history", lambda url: self._past(url, store))):
            thread = threading.Thread(target=work, args=(url,), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Disconnect the devices, and stop sending the history."""
        self._stop.set()
        for thread in self._threads:
            thread.join(5)

    def _live(self, url: str) -> None:
        start = time.time_ns() // 1_000_000
        world = World(self._villages, seed=SEED, start=start, timetable=self._timetable)
        Driver(world, url, TruthFile(None), polite=True).run(self._stop)

    def _past(self, url: str, store: TelemetryStore) -> None:
        past = histories(self._villages, "gw", self._beginning.start, self._beginning.at, SEED)
        missing = self._missing(past, store)
        if not missing:
            log.info("demo_history_is_there")
            return
        log.info("demo_history_begins", batches=len(missing))
        began = time.monotonic()
        with progress_bar() as bar:
            days = self._beginning.history / DAY
            task = bar.add_task(f"{days:.3g} days of {len(self._villages)} villages", total=len(missing))
            batches = (one.batch(seq) for seq, one in missing)
            done = RemoteGateways(url, client_id="siaga-demo-history").send(
                batches, self._stop, lambda _batch: bar.advance(task)
            )
        if done:
            log.info("demo_history_sent", batches=len(missing), seconds=round(time.monotonic() - began, 1))

    def _missing(self, past: Sequence[History], store: TelemetryStore) -> list[tuple[int, History]]:
        """Returns the batches that the store does not have, the newest first, because people look at those first."""
        missing = []
        for one in past:
            while not self._stop.is_set():
                try:
                    stored = _stored(one, store)
                    break
                except StoreUnavailable:
                    self._stop.wait(2)
            else:
                return []
            missing += [(seq, one) for seq in range(one.chunks, 0, -1) if seq not in stored]
        return sorted(missing, key=lambda pair: -pair[0])


def _stored(one: History, store: TelemetryStore) -> set[int]:
    """Returns the batches of a village's history that are stored. Each has heartbeats, and is stored as a whole."""
    code = one.scene.village.code
    track = store.tracks(code, one.start, one.end, signals=("alive",)).get((one.gateway, "alive"))
    if track is None:
        return set()
    found = set()
    for seq in range(1, one.chunks + 1):
        start, end = one.stretch(seq)
        if track.between(start, end).times:
            found.add(seq)
    return found
