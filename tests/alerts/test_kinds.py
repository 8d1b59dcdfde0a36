"""Availability, buffers and clocks: what technicians are told of them, as stories."""

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select

from siaga.database import tables
from siaga.model.clock import DAY, HOUR, MINUTE, SECOND
from siaga.model.observation import Reading
from siaga.model.sites import Adapter, Device, Facility
from siaga.wire.topics import health_topic
from tests.alerts.world import CODE, MIDNIGHT, NOON, World, gate, village

OPEN, CLOSED = ("gerbang-1", "gate_open", True), ("gerbang-1", "gate_open", False)
ALLOWED = DAY // 100 + 1
"""How long a gate may be closed within a day, at a target of 99 %, until it has missed it."""


def history(world: World, minutes: int, closed: range = range(0), *, upto: int | None = None) -> None:
    """What a gateway buffered of the last minutes; in some of them the gate was closed."""
    end = world.clock.now() if upto is None else upto
    start = end - minutes * MINUTE
    said = []
    for minute in range(minutes):
        time = start + minute * MINUTE
        said.append(Reading("gw", "alive", time, True))
        said.append(Reading("gerbang-1", "gate_open", time, minute not in closed))
    for at in range(0, len(said), 1000):
        world.send(said[at : at + 1000])


def test_the_days_target_is_missed_at_the_very_instant(world: World) -> None:
    history(world, 24 * 60)
    world.live(1, OPEN)
    closed = world.clock.now()
    world.live(16, CLOSED)
    [alert] = world.alerts("indicator_missed")
    assert (alert.began_at, alert.raised_at) == (closed + ALLOWED, closed + ALLOWED)
    [evidence] = world.evidence("indicator_missed")
    assert evidence["target"] == 0.99
    assert 0.9899 < float(str(evidence["availability_high"])) < 0.99
    opened = world.clock.now()
    world.live(5, OPEN)
    assert world.alerts("indicator_missed")[0].cleared_at is None

    # A failure leaves the window as it entered it: the share is back when all but the allowance has left
    back = closed + (opened - closed - ALLOWED + 1) + DAY
    history(world, (back - world.clock.now()) // MINUTE, upto=back - 3 * MINUTE)
    world.clock.advance(back - 2 * MINUTE - world.clock.now())
    world.live(4, OPEN)
    [alert] = world.alerts("indicator_missed")
    assert (alert.ended_at, alert.cleared_at) == (back, back)


def test_a_short_failure_of_a_new_gate_misses_no_day(world: World) -> None:
    world.live(1, CLOSED)
    world.live(20, OPEN)
    assert world.alerts("indicator_missed") == []


def test_what_a_village_buffered_tells_nobody_of_a_target_missed_by_what_is_over(world: World) -> None:
    history(world, 10 * 60, closed=range(60, 90))
    world.live(1, OPEN)
    assert world.alerts("indicator_missed") == []


def test_a_miss_that_began_days_ago_is_dated_from_then(tmp_path: Path) -> None:
    world = World(tmp_path, village(gate(since=date(2026, 2, 25))))
    history(world, 6 * 24 * 60, closed=range(2 * 24 * 60, 6 * 24 * 60))
    world.live(2, CLOSED)
    [alert] = world.alerts("indicator_missed")
    assert alert.began_at == NOON - 4 * DAY + ALLOWED
    world.close()


def test_while_its_village_is_offline_no_miss_is_raised_and_after_that_it_is(world: World) -> None:
    history(world, 60, closed=range(42, 50))
    world.live(4, CLOSED)
    world.let(30 * MINUTE)  # unknown counts for met
    assert world.alerts("indicator_missed") == []
    history(world, 30, closed=range(30))
    assert [alert.kind for alert in world.alerts("village_offline") if alert.cleared_at is None] == []
    world.live(1, CLOSED)
    [alert] = world.alerts("indicator_missed")
    assert alert.cleared_at is None


def test_a_miss_survives_a_restart_and_is_raised_once(world: World) -> None:
    history(world, 60)
    world.live(16, CLOSED)
    before = world.alerts("indicator_missed")
    world.restart()
    world.live(2, CLOSED)
    world.restart(clean=True)
    world.live(2, CLOSED)
    assert world.alerts("indicator_missed") == before
    assert len(before) == 1


def test_a_missed_target_is_found_by_deadline_after_a_restart_without_any_message(world: World) -> None:
    closed = world.clock.now()
    world.live(14, CLOSED)
    world.restart()
    world.let(MINUTE)
    [alert] = world.alerts("indicator_missed")
    assert alert.raised_at == closed + ALLOWED


@pytest.mark.looks_often
def test_maintenance_declared_afterwards_takes_a_miss_back(world: World) -> None:
    world.live(20, CLOSED)
    assert [alert.cleared_at for alert in world.alerts("indicator_missed")] == [None]
    window = {
        "id": "m1",
        "village": CODE,
        "start": NOON,
        "end": NOON + HOUR,
        "reason": "paint",
        "created_by": "t",
        "created_at": NOON,
    }
    with world.database.begin() as connection:
        connection.execute(tables.maintenance.insert(), window)
    world.live(1, CLOSED)
    [alert] = world.alerts("indicator_missed")
    assert alert.cleared_at is not None


def test_a_full_buffer_is_told_of_and_clears(world: World) -> None:
    world.live(1, OPEN)
    world.health(0.8)
    assert world.alerts() == []
    full = world.clock.now()
    world.health(0.81)
    world.let(MINUTE)
    world.health(0.95)
    [alert] = world.alerts()
    assert (alert.kind, alert.subject, alert.began_at, alert.raised_at) == ("gateway_buffer", f"{CODE}/gw", full, full)
    room = world.clock.now()
    world.health(0.4)
    [alert] = world.alerts()
    assert (alert.ended_at, alert.cleared_at) == (room, room)
    with world.database.connect() as connection:
        row = connection.execute(select(tables.alert)).one()
    assert (row.device, row.facility, row.severity, row.evidence["buffer"]) == ("gw", None, "warning", 0.81)


def test_a_clock_that_is_not_trusted_is_told_of_with_its_offset(world: World) -> None:
    world.live(1, OPEN)
    since = world.clock.now() - 20 * SECOND
    world.health(gerbang_1=(-3600.0, since / 1000), unknown_device=(1e9, 0))
    [alert] = world.alerts()
    assert (alert.kind, alert.subject, alert.began_at) == ("clock_skew", f"{CODE}/gerbang-1", since)
    assert world.evidence("clock_skew") == [{"offset_s": -3600.0, "reason": "not_trusted"}]
    world.health(gerbang_1=(-3500.0, since / 1000))
    world.let(MINUTE)
    right = world.clock.now()
    world.health()
    [alert] = world.alerts()
    assert (alert.ended_at, alert.cleared_at) == (right, right)


def test_health_is_heard_again_after_a_restart_and_doubles_nothing(world: World) -> None:
    world.live(1, OPEN)
    world.health(0.9, gerbang_1=(600.0, NOON / 1000))
    world.restart()
    world.live(1, OPEN)
    assert [(alert.kind, alert.cleared_at) for alert in world.alerts()] == [
        ("clock_skew", None),
        ("gateway_buffer", None),
    ]
    world.transport.cut()
    world.transport.close()
    world.health(0.1, settle=False)
    world.start()
    assert all(alert.cleared_at is not None for alert in world.alerts())


def test_a_gateway_that_starts_anew_has_not_yet_heard_the_clock_that_it_did_not_trust(world: World) -> None:
    world.live(1, OPEN)
    world.health(gerbang_1=(-3600.0, NOON / 1000))
    world.restart()
    world.health(trusted=[])
    assert world.alerts()[0].cleared_at is None, "nothing was heard of it"
    world.health(trusted=[], gerbang_1=(-3600.0, world.clock.now() / 1000))
    assert [alert.cleared_at for alert in world.alerts()] == [None], "still the same alert"
    world.health(trusted=["gerbang-1"])
    assert world.alerts()[0].cleared_at is not None


def test_of_two_gateways_one_that_distrusts_a_clock_is_enough(world: World) -> None:
    world.live(1, OPEN)
    world.health(gateway="gw-2", gerbang_1=(600.0, NOON / 1000))
    world.health()
    [alert] = world.alerts()
    assert alert.cleared_at is None
    world.health(gateway="gw-2")
    assert world.alerts()[0].cleared_at is not None


HEARD = ("gerbang-1", "heard", 1)
BROKEN = {"since": NOON / 1000, "what": "an uplink without decoded values", "error": "UPLINK_CODEC: no decoder"}


def test_a_device_that_speaks_without_evidence_is_told_of_with_what_came_instead(world: World) -> None:
    """Its battery is good: whoever goes has to look at its decoder, and reads there what that said."""
    world.live(5, OPEN, ("gerbang-1", "battery", 80.0))
    last = world.clock.now() - MINUTE
    world.health(heard={"gerbang-1": BROKEN, "unknown-device": BROKEN})
    world.live(11.5, HEARD)
    assert world.alerts() == []
    world.live(1, HEARD)
    [alert] = world.alerts()
    assert (alert.kind, alert.subject, alert.cause) == ("no_evidence", f"{CODE}/gerbang-1", "no_evidence")
    assert (alert.began_at, alert.raised_at) == (last, last + 13 * MINUTE)
    assert world.evidence("no_evidence") == [
        {
            "reason": "gives_evidence_no_more",
            "last_evidence": "2026-03-05T05:04:00Z",
            "every_s": 60.0,
            "signals": ["battery"],
            "came_instead": "an uplink without decoded values",
            "error": "UPLINK_CODEC: no decoder",
        }
    ]
    assert world.states()[-1] == (last + 3 * MINUTE, "unknown", "no_evidence")
    world.restart()
    world.live(3, HEARD)
    assert [alert.cleared_at for alert in world.alerts()] == [None]
    back = world.clock.now()
    world.live(2, OPEN)
    [alert] = world.alerts()
    assert (alert.ended_at, alert.cleared_at) == (back, back)


def test_what_came_instead_is_shown_also_where_the_gateway_says_it_afterwards(world: World) -> None:
    world.live(2, OPEN)
    world.live(15, HEARD)
    [evidence] = world.evidence("no_evidence")
    assert "came_instead" not in evidence
    world.health(heard={"gerbang-1": BROKEN})
    world.let(SECOND)
    [evidence] = world.evidence("no_evidence")
    assert (evidence["came_instead"], evidence["error"]) == (BROKEN["what"], BROKEN["error"])
    events = world.events()
    world.health(0.1, heard={"gerbang-1": BROKEN})
    world.let(SECOND)
    assert world.events() == events, "it says nothing new"


def test_a_silent_device_is_not_told_of_for_want_of_evidence_and_a_mute_one_not_for_silence(world: World) -> None:
    world.live(2, OPEN)
    world.live(2, HEARD)
    world.live(20)
    assert [alert.kind for alert in world.alerts()] == ["device_silent"]
    world.live(20, HEARD)
    assert [(alert.kind, alert.cleared_at is None) for alert in world.alerts()] == [
        ("device_silent", False),
        ("no_evidence", True),
    ]


GUARD_POST = Facility("pos", "night_guard", "Pos jaga", (Device("tombol", Adapter.SENML, MINUTE),))


def test_a_button_that_nobody_presses_gives_evidence_by_every_other_reading(tmp_path: Path) -> None:
    """It says that there was no check-in; before the first one it is given as long as a check-in counts."""
    world = World(tmp_path, village(GUARD_POST))
    world.live(20, ("tombol", "battery", 80.0))
    assert world.states("pos")[-1][1:] == ("unknown", "no_evidence")
    world.live(1, ("tombol", "checkin", 1))
    world.live(20, ("tombol", "battery", 80.0))
    assert world.alerts() == []
    world.close()


def test_a_button_that_was_never_pressed_is_told_of_after_a_whole_interval(tmp_path: Path) -> None:
    world = World(tmp_path, village(GUARD_POST))
    world.live(119, ("tombol", "battery", 80.0))
    assert world.alerts() == []
    world.live(3, ("tombol", "battery", 80.0))
    assert [(alert.kind, alert.began_at) for alert in world.alerts()] == [("no_evidence", NOON)]
    assert world.evidence("no_evidence")[0]["reason"] == "never_gave_evidence"
    world.close()


OTHERS = [
    # facility, what its device says, whether that wants evidence
    (Facility("wifi", "free_wifi", "Wi-Fi", (Device("d", Adapter.OPENWRT, MINUTE, "ap"),)), ("d", "clients", 3), True),
    (
        Facility("wifi", "free_wifi", "Wi-Fi", (
            Device("d", Adapter.OPENWRT, MINUTE, "ap"), Device("ap", Adapter.PROBE, MINUTE, "ap"),
        )),
        ("d", "clients", 3), False,
    ),
    (Facility("wifi", "free_wifi", "Wi-Fi", (Device("d", Adapter.SENML, MINUTE),)), ("d", "online", True), False),
    (Facility("gerbang", "gate", "Gerbang", (Device("d", Adapter.SENML, MINUTE),)), ("d", "mains", True), False),
    (Facility("baca", "reading_corner", "Baca", (Device("d", Adapter.SENML, MINUTE),)), ("d", "presence", True), False),
    (Facility("pln", "power", "PLN", (Device("d", Adapter.SENML, MINUTE),)), ("d", "power", 3.0), False),
]  # fmt: skip


@pytest.mark.parametrize(
    ("facility", "says", "wants"),
    OTHERS,
    ids=["none of its devices can", "another one can", "its stand-in", "mains, which excuses", "attested", "power"],
)
def test_of_which_devices_evidence_is_expected(
    tmp_path: Path, facility: Facility, says: tuple[str, str, object], wants: bool
) -> None:
    world = World(tmp_path, village(facility))
    world.live(20, says)
    assert [alert.kind for alert in world.alerts() if alert.subject == f"{CODE}/d"] == ["no_evidence"] * wants
    world.close()


def test_once_wifi_up_was_reported_online_stands_for_nothing(tmp_path: Path) -> None:
    world = World(tmp_path, village(Facility("wifi", "free_wifi", "Wi-Fi", (Device("d", Adapter.SENML, MINUTE),))))
    world.live(2, ("d", "wifi_up", True))
    world.live(15, ("d", "online", True), ("d", "clients", 3))
    assert [alert.kind for alert in world.alerts()] == ["no_evidence"]
    world.close()


def test_while_the_village_is_offline_its_gateway_is_not_told_of(world: World) -> None:
    world.live(1, OPEN)
    world.let(6 * MINUTE)
    world.health(0.9)
    assert [alert.kind for alert in world.alerts()] == ["village_offline"]
    world.live(1, OPEN)
    assert [alert.kind for alert in world.alerts() if alert.cleared_at is None] == ["gateway_buffer"]


@pytest.mark.parametrize(
    "payload",
    [b"", b"{}", b"[]", b"null", b"\xff", b'{"buffer":2}', b'{"buffer":NaN}', b'{"buffer":0.9,"clocks":[]}',
     b'{"buffer":0.9,"clocks":{"gerbang-1":{"offset":1e300,"since":0}}}', b" " * 70_000],
)  # fmt: skip
def test_a_garbled_health_message_changes_nothing(world: World, payload: bytes) -> None:
    world.live(1, OPEN)
    world.publish(health_topic(CODE, "gw"), payload)
    assert world.alerts() == []


def test_midnight_is_no_border_of_the_window(tmp_path: Path) -> None:
    world = World(tmp_path, now=MIDNIGHT - 7 * MINUTE)
    closed = world.clock.now()
    world.live(15, CLOSED)
    assert [alert.began_at for alert in world.alerts("indicator_missed")] == [closed + ALLOWED]
    world.close()
