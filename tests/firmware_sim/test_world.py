"""Simulated devices as their state machines behave, stepped by time: no network, no waiting."""

import json
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from astral import Observer, SunDirection
from astral.sun import time_at_elevation

from firmware_sim.actions import Action, Connect, Freeze, Send, Vanish
from firmware_sim.faults import Fault, FaultKind
from firmware_sim.world import World
from tests.firmware_sim.village import CODE, village

START = 1_767_225_600_000  # 2026-01-01 00:00 UTC, 07:00 in the village
MINUTE, HOUR = 60_000, 3_600_000


@dataclass
class Log:
    """Plays a broker that takes everybody at once, and notes what the devices do."""

    world: World
    sent: list[Send] = field(default_factory=list)
    events: list[tuple[str, str]] = field(default_factory=list)

    def run(self, until: int, broker: bool = True) -> "Log":
        for action in self.world.run(until):
            self._take(action, self.world, broker)
        return self

    def _take(self, action: Action, world: World, broker: bool) -> None:
        device = action.device
        match action:
            case Connect():
                now = world.devices[device.key].wake_at - 30_000  # when it asked
                self.events.append((device.id, "connects"))
                if broker:
                    for more in world.connected(device.key, now):
                        self._take(more, world, broker)
                else:
                    world.lost(device.key, now)
            case Send():
                self.sent.append(action)
            case Vanish():
                self.events.append((device.id, "vanishes"))
            case Freeze():
                self.events.append((device.id, "freezes"))

    def of(self, device: str) -> list[Send]:
        return [send for send in self.sent if send.device.id == device]


def world(directory: Path, *faults: Fault, seed: int = 1) -> World:
    return World([village(directory)], faults, seed=seed, start=START)


def test_a_device_boots_says_its_birth_and_then_reports_every_minute_with_jitter(tmp_path: Path) -> None:
    sent = Log(world(tmp_path)).run(START + 30 * MINUTE).of("ap")
    assert (sent[0].packet.topic, sent[0].packet.payload) == (f"siaga/v1/{CODE}/ap/status", b"online")
    assert sent[0].packet.retain
    reports = [send.time for send in sent if send.packet.topic.endswith("/senml")]
    gaps = [after - before for before, after in pairwise(reports)][1:]  # the first one is cut short
    assert all(57_000 <= gap <= 63_000 for gap in gaps)
    assert len(set(gaps)) > 10
    first, last = (json.loads(some.packet.payload) for some in (sent[1], sent[-1]))
    assert "bt" not in first[0], "NTP has not answered yet: no time, rather than a wrong one"
    assert abs(last[0]["bt"] - sent[-1].time / 1000) < 0.2, "a crystal drifts, not more"
    assert {record["n"] for record in first} == {"wifi_up", "wifi_open", "internet", "clients", "uptime"}


def test_the_same_seed_gives_the_same_run_and_another_seed_another(tmp_path: Path) -> None:
    def run(seed: int) -> list[Send]:
        return Log(world(tmp_path, seed=seed)).run(START + HOUR).sent

    assert run(1) == run(1)
    assert run(1) != run(2)


def test_stepping_in_small_steps_changes_nothing(tmp_path: Path) -> None:
    log = Log(world(tmp_path))
    for minute in range(61):
        log.run(START + minute * MINUTE)
    assert log.sent == Log(world(tmp_path)).run(START + HOUR).sent


def test_a_tasmota_contact_reports_a_closed_gate_within_a_second_with_its_polarity(tmp_path: Path) -> None:
    fault = Fault(FaultKind.GATE_CLOSED, START + 10 * MINUTE, START + 12 * MINUTE, CODE)
    sent = Log(world(tmp_path, fault)).run(START + 15 * MINUTE).of("kontak")
    words = [
        (send.time, json.loads(send.packet.payload)["Switch1"])
        for send in sent
        if send.packet.topic == "tele/kontak-depan/SENSOR"
    ]
    closed = next(time for time, word in words if word == "ON")  # inverted: OFF is open
    assert fault.start <= closed <= fault.start + 1_000
    opened = next(time for time, word in words if word == "OFF" and time > closed)
    assert fault.end <= opened <= fault.end + 1_000
    payload = json.loads(next(s for s in sent if s.time == closed).packet.payload)
    assert payload["Time"].startswith("2026-01-01T07:10:0"), "local time, no offset"


def test_a_lamp_is_lit_from_dusk_to_dawn_and_says_so_as_a_relay_does(tmp_path: Path) -> None:
    sent = Log(world(tmp_path)).run(START + 24 * HOUR).of("relai")
    changes = [(s.time, s.packet.payload) for s in sent if s.packet.topic == "stat/relai/POWER"]
    assert [payload for _, payload in changes] == [b"ON", b"OFF"]
    on, off = (time for time, _ in changes)
    dusk, dawn = sun(SunDirection.SETTING), sun(SunDirection.RISING)
    twilight = 10 * MINUTE  # the switch's margin, and up to a second until the firmware looks
    assert abs(on - dusk + twilight) < MINUTE
    assert (off - dawn - twilight + MINUTE) % (24 * HOUR) < 2 * MINUTE  # on whichever day astral puts it


def sun(direction: SunDirection) -> int:
    """Sunset or sunrise at the village by astral, which the simulator does not use."""
    place, zone = Observer(-8.21, 114.36), ZoneInfo("Asia/Jakarta")
    return int(
        time_at_elevation(place, -0.833, date(2026, 1, 1), direction, zone, with_refraction=False).timestamp() * 1000
    )


def test_without_mains_the_access_point_vanishes_and_the_ups_says_why(tmp_path: Path) -> None:
    fault = Fault(FaultKind.MAINS_CUT, START + 10 * MINUTE, START + 40 * MINUTE, CODE)
    log = Log(world(tmp_path, fault)).run(START + HOUR)
    assert [event for device, event in log.events if device == "ap"] == ["connects", "vanishes", "connects"]
    assert [event for device, event in log.events if device == "pln"] == ["connects"]
    assert not [send for send in log.of("ap") if fault.start + 1_000 < send.time < fault.end]
    said = [record for send in log.of("pln") if send.packet.timed for record in json.loads(send.packet.payload)]
    assert {record["vb"] for record in said if record["n"] == "mains"} == {True, False}
    assert min(record["v"] for record in said if record["n"] == "battery") < 90


def test_a_device_that_hangs_keeps_its_socket_and_comes_back_by_a_reboot(tmp_path: Path) -> None:
    fault = Fault(FaultKind.DEVICE_HANG, START + 10 * MINUTE, START + 20 * MINUTE, CODE, device="ap")
    simulated = world(tmp_path, fault)
    log = Log(simulated).run(START + 30 * MINUTE)
    assert [event for device, event in log.events if device == "ap"] == ["connects", "freezes", "vanishes", "connects"]
    assert simulated.devices[CODE, "ap"].reboots == 2


def test_with_no_broker_a_device_tries_ever_more_seldom_and_never_stops(tmp_path: Path) -> None:
    log = Log(world(tmp_path))
    log.run(START + 2 * MINUTE, broker=False)
    early = sum(device == "ap" for device, _ in log.events)
    log.run(START + 62 * MINUTE, broker=False)
    later = sum(device == "ap" for device, _ in log.events) - early
    assert 3 <= early <= 10
    assert 60 <= later <= 90
    log.run(START + 65 * MINUTE)
    assert log.of("ap")


def test_the_guard_checks_in_every_hour_or_so_and_not_while_asleep(tmp_path: Path) -> None:
    fault = Fault(FaultKind.GUARD_ASLEEP, START + 6 * HOUR, START + 12 * HOUR, CODE)
    sent = Log(world(tmp_path, fault)).run(START + 18 * HOUR).of("tombol")
    pressed = [send for send in sent if "checkin" in send.packet.values]
    assert not [send for send in pressed if fault.start <= send.time < fault.end]
    assert 8 <= len(pressed) <= 22
    assert all(json.loads(send.packet.payload)[0]["v"] == 1 for send in pressed)


@pytest.mark.parametrize(
    ("kind", "signal"),
    [
        (FaultKind.AP_OFF, "wifi_up"),
        (FaultKind.PASSWORD_SET, "wifi_open"),
        (FaultKind.NO_INTERNET, "internet"),
    ],
)
def test_each_fault_of_an_access_point_shows_in_its_own_signal(tmp_path: Path, kind: FaultKind, signal: str) -> None:
    fault = Fault(kind, START + 10 * MINUTE, START + 20 * MINUTE, CODE)
    sent = Log(world(tmp_path, fault)).run(START + 15 * MINUTE).of("ap")
    last = sent[-1].packet.values
    wrong = {name for name in ("wifi_up", "wifi_open", "internet") if not last[name]}
    assert wrong == ({signal, "internet"} if kind is FaultKind.AP_OFF else {signal})
