"""Each fault, as devices and gateways show it: stepped by time, without network."""

import gzip
import json
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from firmware_sim.actions import Action, Connect, Drop, Freeze, Leave, Send, Vanish
from firmware_sim.condition import Condition
from firmware_sim.faults import Fault, FaultKind
from firmware_sim.scene import Scene
from firmware_sim.sites import SimulatedVillage, villages_of
from firmware_sim.village_broker import VillageBroker
from firmware_sim.village_gateway import Parcel, VillageGateway
from firmware_sim.villages import Made, sites_of
from firmware_sim.world import World

START = 1_767_225_600_000  # 2026-01-01 00:00 UTC, a Thursday, 07:00 in the village
SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000


def made(place: int, *, remote: bool = False, mixed: bool = True) -> SimulatedVillage:
    """The village in this place of a generated district: each has other families."""
    content = sites_of(Made(count=place + 1, district="35.10.64", every="1m", mixed=mixed, remote=remote))
    return villages_of(content, Path("made"))[place]


def fault(village: SimulatedVillage, kind: FaultKind, at: int, lasts: int, **where: str | int) -> Fault:
    found = Fault(kind, START + at, START + at + lasts, village.code)
    return replace(found, **where)  # type: ignore[arg-type]  # mypy reads one type for all keywords


class Played:
    """A broker that takes everybody at once."""

    def __init__(self, village: SimulatedVillage, *faults: Fault) -> None:
        self.world = World([village], faults, seed=5, start=START)
        self.actions: list[tuple[int, Action]] = []

    def until(self, end: int) -> "Played":
        for now in range(START, START + end + 1, 250):
            self._do(self.world.run(now), now)
        return self

    def _do(self, actions: object, now: int) -> None:
        for action in actions:  # type: ignore[attr-defined]  # any iterable of actions
            self.actions.append((now, action))
            if isinstance(action, Connect):
                self._do(self.world.connected(action.device.key, now), now)

    def sent(self, device: str = "", signal: str = "") -> list[tuple[int, Send]]:
        return [
            (now, action)
            for now, action in self.actions
            if isinstance(action, Send)
            and device in ("", action.device.id)
            and (not signal or signal in action.packet.values)
        ]

    def of(self, *kinds: type) -> list[tuple[int, Action]]:
        return [(now - START, action) for now, action in self.actions if isinstance(action, kinds)]


def test_a_stuck_sensor_says_what_it_said_when_it_got_stuck() -> None:
    village = made(0)
    stuck = fault(village, FaultKind.SENSOR_STUCK, 5 * MINUTE, 20 * MINUTE, device="gerbang-1")
    closed = fault(village, FaultKind.GATE_CLOSED, 10 * MINUTE, 5 * MINUTE)
    run = Played(village, stuck, closed).until(20 * MINUTE)
    assert {s.packet.values["gate_open"] for _, s in run.sent("gerbang-1", "gate_open")} == {True}
    [gate] = [f for f in village.facilities if f.kind == "gate"]
    so = Condition(run.world.scenes[village.code], gate).at(START + 12 * MINUTE)
    assert (so.state, so.unknowable) == ("failed", "sensor_stuck")


def test_a_loose_contact_says_one_thing_and_the_other_every_two_seconds() -> None:
    village = made(0)
    run = Played(village, fault(village, FaultKind.CONTACT_FLAPS, MINUTE, 20 * SECOND)).until(2 * MINUTE)
    said = [s.packet.values["gate_open"] for now, s in run.sent("gerbang-1", "gate_open") if now > START + MINUTE]
    assert 6 <= sum(a != b for a, b in pairwise(said)) <= 10
    assert said[-1] is True


def test_a_lamp_that_is_burnt_out_is_told_by_power_and_light_and_not_by_its_relay() -> None:
    village = made(0)
    evening = Played(village, fault(village, FaultKind.LAMP_BURNT, 0, 24 * HOUR)).until(11 * HOUR)
    last = evening.sent("lampu-1", "lamp_on")[-1][1].packet.values
    assert last["lamp_on"] is True
    assert last["power"] < 2
    assert last["illuminance"] < 10


def test_a_full_battery_drains_and_uptime_begins_anew_with_each_boot() -> None:
    village = made(0)
    run = Played(village, fault(village, FaultKind.DEVICE_HANG, 5 * HOUR, MINUTE, device="gerbang-1")).until(9 * HOUR)
    levels = [float(s.packet.values["battery"]) for _, s in run.sent("gerbang-1", "battery")]
    assert levels == sorted(levels, reverse=True)
    assert 0.05 < levels[0] - levels[-1] < 1
    uptimes = [int(s.packet.values["uptime"]) for _, s in run.sent("gerbang-1", "uptime")]
    assert sum(b < a for a, b in pairwise(uptimes)) == 1
    assert run.world.devices[village.code, "gerbang-1"].reboots == 2


def test_a_clock_that_nobody_sets_stands_in_1970() -> None:
    village = made(1)  # Tasmota
    run = Played(village, fault(village, FaultKind.CLOCK_1970, 0, HOUR)).until(15 * MINUTE)
    packets = [s.packet for _, s in run.sent("gerbang-1", "gate_open")]
    assert not any(packet.timed for packet in packets)
    assert all(json.loads(p.payload)["Time"].startswith("1970-01-01T00:") for p in packets if b"Time" in p.payload)


def test_a_slow_link_delays_everything_in_order_and_drops_what_a_cut_leaves_on_it() -> None:
    village = made(0)
    slow = fault(village, FaultKind.LINK_SLOW, MINUTE, 10 * MINUTE)
    run = Played(village, slow).until(10 * MINUTE)
    delays = [now - s.time for now, s in run.sent() if s.time > START + MINUTE]
    assert min(delays) >= 90
    assert max(delays) > 1_000, "some of it was lost and sent again"
    times = [s.time for _, s in run.sent("gerbang-1")]
    assert times == sorted(times)
    cut = fault(village, FaultKind.MAINS_CUT, 5 * MINUTE, MINUTE, ups=0)
    dropped = Played(village, slow, cut).until(7 * MINUTE).of(Drop)
    sent = Played(village, slow).until(7 * MINUTE).of(Drop)
    assert sent == []
    assert all(isinstance(action, Drop) and action.packet.topic for _, action in dropped)


def test_a_broker_that_restarts_takes_sessions_without_last_wills_and_all_come_back() -> None:
    village = made(0)
    run = Played(village, fault(village, FaultKind.BROKER_RESTART, 3 * MINUTE, 20 * SECOND)).until(6 * MINUTE)
    assert len(run.of(Leave)) == len(village.devices)
    assert run.of(Vanish, Freeze) == []
    assert Counter(a.device.id for _, a in run.of(Connect)) == {device.id: 2 for device in village.devices}


def test_zigbee_devices_have_one_session_which_dies_with_the_gateway_s_battery() -> None:
    village = made(2)  # its guard's button stands behind a bridge
    zigbee = [device.id for device in village.devices if device.adapter == "zigbee2mqtt"]
    assert zigbee == ["jaga-1"]
    cut = fault(village, FaultKind.MAINS_CUT, 10 * MINUTE, 30 * MINUTE, ups=5 * MINUTE)
    run = Played(village, cut).until(50 * MINUTE)
    connects = [(now, a) for now, a in run.of(Connect) if a.device.id == "zigbee2mqtt"]
    assert len(connects) == 2
    first = connects[0][1]
    assert isinstance(first, Connect)
    assert first.will is not None
    assert (first.will.topic, first.will.payload) == (f"z2m-{village.code}/bridge/state", b'{"state":"offline"}')
    [gone] = [now for now, a in run.of(Vanish) if a.device.id == "zigbee2mqtt"]
    assert gone == 15 * MINUTE
    assert {s.session for _, s in run.sent("jaga-1")} == {(village.code, "zigbee2mqtt")}


def test_a_bridge_says_of_a_device_that_hangs_that_it_is_away_and_later_that_it_is_back() -> None:
    village = made(2)
    hang = fault(village, FaultKind.DEVICE_HANG, 10 * MINUTE, 20 * MINUTE, device="jaga-1")
    run = Played(village, hang).until(40 * MINUTE)
    said = [(now - START, s.packet.values["online"]) for now, s in run.sent("jaga-1", "online")]
    assert [online for _, online in said] == [True, False, True]
    assert 19 * MINUTE < said[1][0] < 22 * MINUTE
    assert said[2][0] >= 30 * MINUTE


def test_a_hostile_device_throws_rubbish_and_says_nothing_that_counts() -> None:
    village = made(0)
    run = Played(village, fault(village, FaultKind.HOSTILE_DEVICE, MINUTE, MINUTE)).until(3 * MINUTE)
    thrown = run.sent("penyerang")
    assert 250 <= len(thrown) <= 310
    assert all(not s.packet.values and START + MINUTE <= s.time < START + 2 * MINUTE for _, s in thrown)
    assert len({s.packet.payload for _, s in thrown}) > 30


def test_what_is_not_installed_yet_is_silent_and_not_judged() -> None:
    village = made(0)
    run = Played(village, fault(village, FaultKind.NOT_INSTALLED, 0, 10 * MINUTE)).until(12 * MINUTE)
    assert min(now for now, _ in run.of(Send)) > 10 * MINUTE
    for facility in village.facilities:
        condition = Condition(run.world.scenes[village.code], facility)
        assert condition.at(START + 9 * MINUTE).state == "not_required"


# The truth about a facility under a fault: kind of facility, fault, its options, state, cause, excused, unknowable
CONDITIONS = {
    "gate closed": ("gate", FaultKind.GATE_CLOSED, {}, "failed", "gate_closed", False, None),
    "loose contact of an open gate": ("gate", FaultKind.CONTACT_FLAPS, {}, "met", None, False, "contact_flaps"),
    "gate without mains": ("gate", FaultKind.MAINS_CUT, {}, "met", None, False, None),
    "Wi-Fi without mains": ("free_wifi", FaultKind.MAINS_CUT, {}, "failed", "mains_cut", True, None),
    "Wi-Fi on a battery": ("free_wifi", FaultKind.MAINS_CUT, {"ups": 2 * HOUR}, "met", None, False, None),
    "Wi-Fi and meter dark": ("free_wifi", FaultKind.MAINS_CUT, {"ups": 0}, "failed", "mains_cut", False, None),
    "captive portal": ("free_wifi", FaultKind.CAPTIVE_PORTAL, {}, "failed", "captive_portal", False, None),
    "access point hangs": ("free_wifi", FaultKind.DEVICE_HANG, {}, "failed", "device_hang", False, None),
    "crowd": ("free_wifi", FaultKind.CROWD, {}, "met", None, False, None),
    "dirty toilet": ("toilet", FaultKind.TOILET_DIRTY, {}, "failed", "toilet_dirty", False, None),
    "guard's device hangs": ("night_guard", FaultKind.DEVICE_HANG, {}, "met", None, False, None),
}


@pytest.mark.parametrize("name", CONDITIONS)
def test_the_truth_under_a_fault(name: str) -> None:
    kind, what, more, state, cause, excused, unknowable = CONDITIONS[name]
    village = made(0)
    [facility] = [f for f in village.facilities if f.kind == kind]
    where = {} if what is FaultKind.MAINS_CUT else {"facility": facility.id}
    scene = Scene(village, [fault(village, what, HOUR, HOUR + HOUR // 2, **where, **more)], 5, START)
    so = Condition(scene, facility).at(START + 2 * HOUR)  # 09:00 in the village
    assert (so.state, so.cause, so.excused, so.unknowable) == (state, cause, excused, unknowable)
    before = Condition(scene, facility).at(START + HOUR + 1 - 2)
    assert before.state in ("met", "not_required")


def test_a_lamp_is_required_at_night_and_a_toilet_in_office_hours() -> None:
    village = made(0)
    scene = Scene(village, [], 5, START)
    states = {
        facility.kind: [Condition(scene, facility).at(START + hours * HOUR).state for hours in (2, 9, 14)]
        for facility in village.facilities
    }
    assert states["office_lighting"] == ["not_required", "not_required", "met"]  # 09:00, 16:00, 21:00
    assert states["toilet"] == ["met", "not_required", "not_required"]
    assert states["gate"] == ["met"] * 3


class Site:
    """A village with its own broker and gateway, stepped a second at a time; the centre acknowledges what it gets."""

    def __init__(self, *faults: Fault, village: SimulatedVillage) -> None:
        self.world = World([village], faults, seed=5, start=START)
        self.gateway = VillageGateway(self.world.scenes[village.code], "gw", 5, START)
        self.broker = VillageBroker(self.world, self.gateway)
        self.parcels: list[tuple[int, Parcel]] = []
        self.stored: list[tuple[int, str, object]] = []

    def until(self, end: int, *, acknowledge: bool = True) -> "Site":
        for now in range(START, START + end + 1, SECOND):
            self.broker.do(self.world.run(now), now)
            self.broker.tick(now)
            for parcel in self.gateway.tick(now):
                self.parcels.append((now - START, parcel))
                if acknowledge:
                    self._store(parcel)
                    self.gateway.acknowledged(parcel.epoch, parcel.seq)
        return self

    def _store(self, parcel: Parcel) -> None:
        wire = json.loads(gzip.decompress(parcel.payload))
        base = wire["senml"][0]["bt"]
        for record in wire["senml"]:
            time = round((base + record["t"]) * 1000) - START
            self.stored.append((time, record["n"], record.get("vb", record.get("v"))))

    def times(self, name: str) -> list[int]:
        return sorted({time for time, stored, _ in self.stored if stored == name})


@pytest.fixture(name="remote")
def remote_village() -> SimulatedVillage:
    return made(0, remote=True)


def test_a_played_gateway_beats_every_thirty_seconds_and_numbers_its_batches(remote: SimulatedVillage) -> None:
    site = Site(village=remote).until(5 * MINUTE)
    assert site.times("gw/alive") == list(range(0, 5 * MINUTE, 30 * SECOND))
    numbers = [parcel.seq for _, parcel in site.parcels]
    assert numbers == list(range(1, len(numbers) + 1))
    assert {value for _, name, value in site.stored if name == "gerbang-1/online"} == {True}
    assert not list(site.gateway.pending()) or site.gateway.idle is False


def test_what_a_cut_link_holds_back_comes_later_and_nothing_is_missing(remote: SimulatedVillage) -> None:
    site = Site(fault(remote, FaultKind.LINK_CUT, 2 * MINUTE, 5 * MINUTE), village=remote).until(9 * MINUTE)
    assert not [now for now, _ in site.parcels if 2 * MINUTE <= now < 7 * MINUTE]
    assert site.times("gw/alive") == list(range(0, 9 * MINUTE, 30 * SECOND))
    gate = site.times("gerbang-1/gate_open")
    assert max(b - a for a, b in pairwise(gate)) <= 64 * SECOND


def test_a_killed_gateway_is_not_heard_but_its_broker_keeps_what_devices_say(remote: SimulatedVillage) -> None:
    site = Site(fault(remote, FaultKind.GATEWAY_KILL, 2 * MINUTE, 4 * MINUTE), village=remote).until(8 * MINUTE)
    assert not [time for time in site.times("gw/alive") if 2 * MINUTE <= time < 6 * MINUTE]
    assert [time for time in site.times("gerbang-1/gate_open") if 2 * MINUTE <= time < 6 * MINUTE]


def test_a_lost_card_loses_what_was_not_sent_and_begins_a_new_epoch(remote: SimulatedVillage) -> None:
    cut = fault(remote, FaultKind.LINK_CUT, 2 * MINUTE, 5 * MINUTE)
    site = Site(cut, fault(remote, FaultKind.SD_CARD_LOST, 4 * MINUTE, MINUTE), village=remote).until(9 * MINUTE)
    assert len({parcel.epoch for _, parcel in site.parcels}) == 2
    lost = {(r.device, r.time - START) for r in site.gateway.given_up}
    assert lost
    assert not {(name.split("/")[0], time) for time, name, _ in site.stored} & {x for x in lost if x[1] > 2 * MINUTE}


def test_an_unacknowledged_batch_comes_again_the_same_bytes(remote: SimulatedVillage) -> None:
    site = Site(village=remote).until(MINUTE, acknowledge=False)
    again: dict[int, set[bytes]] = {}
    for _, parcel in site.parcels:
        again.setdefault(parcel.seq, set()).add(parcel.payload)
    assert len(again) == 8, "no more are in flight"
    assert len(site.parcels) > 8
    assert all(len(payloads) == 1 for payloads in again.values())


def test_doubled_and_shuffled_batches_hold_the_same_readings(remote: SimulatedVillage) -> None:
    doubled = fault(remote, FaultKind.DUPLICATES, 0, HOUR)
    shuffled = fault(remote, FaultKind.REORDERING, 0, HOUR)
    plain = Site(village=remote).until(5 * MINUTE)
    other = Site(doubled, shuffled, village=remote).until(5 * MINUTE)
    assert Counter(p.seq for _, p in other.parcels) == {p.seq: 2 for _, p in plain.parcels}
    assert {x[:2] for x in other.stored} == {x[:2] for x in plain.stored}


def test_without_a_battery_the_whole_village_is_dark_and_its_button_says_its_presses_later(
    remote: SimulatedVillage,
) -> None:
    cut = fault(remote, FaultKind.MAINS_CUT, HOUR, 3 * HOUR, ups=0)
    site = Site(cut, village=remote).until(5 * HOUR)
    assert not [t for t in site.times("gw/alive") if HOUR <= t < 4 * HOUR]
    assert [t for t in site.times("jaga-1/checkin") if HOUR <= t < 4 * HOUR], "a press is kept by the button"
    assert not [t for t in site.times("wifi-1/wifi_up") if HOUR <= t < 4 * HOUR]
