"""What technicians are told, as stories."""

from pathlib import Path

from sqlalchemy import select

from siaga.database import tables
from siaga.model.clock import HOUR, MINUTE, SECOND
from siaga.model.observation import Reading
from siaga.model.sites import Adapter, Device, Facility
from tests.alerts.world import CODE, MIDNIGHT, NOON, World, gate, village

OPEN, CLOSED = ("gerbang-1", "gate_open", True), ("gerbang-1", "gate_open", False)


def test_a_gate_that_closes_is_told_of_after_grace_and_cleared_after_recovery(world: World) -> None:
    world.live(10, OPEN)
    closed = world.clock.now()
    world.live(5, CLOSED)
    assert world.alerts() == []  # exactly at its grace it is not longer than its grace

    world.live(5, CLOSED)
    [alert] = world.alerts()
    assert (alert.kind, alert.subject, alert.cause) == ("facility_failed", f"{CODE}/gerbang", "gate_open")
    assert alert.began_at == closed
    assert alert.raised_at == closed + 5 * MINUTE + 1
    assert alert.cleared_at is None

    opened = world.clock.now()
    world.live(5, OPEN)
    [alert] = world.alerts()
    assert (alert.ended_at, alert.cleared_at) == (opened, opened + 2 * MINUTE)
    assert world.events() == [("raised", "facility_failed"), ("cleared", "facility_failed")]
    assert world.states() == [(NOON, "met", None), (closed, "failed", "gate_open"), (opened, "met", None)]


def test_a_failure_that_ends_within_grace_is_not_told_of(world: World) -> None:
    world.live(5, OPEN)
    world.live(4, CLOSED)
    world.live(10, OPEN)
    assert world.alerts() == []


def test_a_recovery_that_does_not_last_keeps_the_alert(world: World) -> None:
    world.live(5, OPEN)
    closed = world.clock.now()
    world.live(6, CLOSED)
    world.live(1, OPEN)
    world.live(6, CLOSED)
    opened = world.clock.now()
    world.live(3, OPEN)
    [alert] = world.alerts()
    assert (alert.began_at, alert.ended_at) == (closed, opened)


def test_grace_zero_tells_at_once(tmp_path: Path) -> None:
    world = World(tmp_path, village(gate(grace=0)))
    world.live(2, OPEN)
    closed = world.clock.now()
    world.beat(CLOSED)
    world.let(1)
    [alert] = world.alerts()
    assert (alert.began_at, alert.raised_at) == (closed, closed + 1)
    world.close()


def test_a_device_that_falls_silent(world: World) -> None:
    world.live(10, OPEN)
    last = world.clock.now() - MINUTE
    world.live(20)
    [alert] = world.alerts()
    assert (alert.kind, alert.subject, alert.cause) == ("device_silent", f"{CODE}/gerbang-1", "device_silent")
    assert (alert.began_at, alert.raised_at) == (last, last + 13 * MINUTE)
    assert world.states()[-1] == (last + 3 * MINUTE, "unknown", "device_silent")

    back = world.clock.now()
    world.live(1, OPEN)
    [alert] = world.alerts()
    assert (alert.ended_at, alert.cleared_at) == (back, back)


def test_repeats_of_online_are_no_reports(world: World) -> None:
    world.live(5, OPEN)
    world.live(20, ("gerbang-1", "online", True))
    assert [alert.kind for alert in world.alerts()] == ["device_silent"]


def test_a_device_that_never_says_anything_but_online_is_not_silent(world: World) -> None:
    world.live(30, ("gerbang-1", "online", True))
    assert world.alerts() == []


def test_a_device_that_never_reports_counts_from_when_the_centre_began_to_listen(world: World) -> None:
    world.let(2 * MINUTE)
    world.live(15)
    [alert] = world.alerts()
    assert (alert.kind, alert.began_at, alert.raised_at) == ("device_silent", NOON, NOON + 13 * MINUTE)


def test_a_village_falls_silent_and_comes_back(world: World) -> None:
    world.live(10, OPEN)
    last = world.clock.now() - 30 * SECOND
    world.let(30 * MINUTE)
    [alert] = world.alerts()
    assert (alert.kind, alert.subject, alert.cause) == ("village_offline", CODE, None)
    assert (alert.began_at, alert.raised_at) == (last, last + 5 * MINUTE)
    assert world.states()[-1] == (last + 90 * SECOND, "unknown", "village_offline")

    back = world.clock.now()
    world.live(1, OPEN)
    [alert] = world.alerts()
    assert (alert.ended_at, alert.cleared_at) == (back, back)


def test_a_village_never_heard_is_offline_from_when_the_centre_listened(world: World) -> None:
    world.let(10 * MINUTE)
    [alert] = world.alerts()
    assert (alert.kind, alert.began_at, alert.raised_at) == ("village_offline", NOON, NOON + 5 * MINUTE)


def test_a_retained_birth_is_no_arrival_a_fresh_one_is(world: World) -> None:
    world.live(1, OPEN)
    world.status("online")
    world.let(6 * MINUTE)
    assert [alert.kind for alert in world.alerts() if alert.cleared_at is None] == ["village_offline"]
    world.restart()  # the retained birth comes again
    assert [alert.cleared_at for alert in world.alerts()] == [None]
    world.status("online")
    assert [alert.cleared_at for alert in world.alerts()] == [world.clock.now()]


def test_an_hour_cut_off_is_corrected_and_nobody_is_told_of_what_is_over(world: World) -> None:
    world.live(10, OPEN)
    cut = world.clock.now()
    world.let(HOUR)
    back = world.clock.now()
    last = cut - 30 * SECOND
    assert world.states() == [(NOON, "met", None), (last + 90 * SECOND, "unknown", "village_offline")]

    closed, opened = cut + 10 * MINUTE, cut + 20 * MINUTE
    buffered = [Reading("gw", "alive", time, True) for time in range(cut, back, 30 * SECOND)]
    buffered += [
        Reading("gerbang-1", "gate_open", time, not closed <= time < opened) for time in range(cut, back, MINUTE)
    ]
    buffered.sort(key=lambda reading: reading.time)
    for at in range(0, len(buffered), 20):
        world.send(buffered[at : at + 20])
    world.live(10, OPEN)
    assert [(alert.kind, alert.cleared_at) for alert in world.alerts()] == [("village_offline", back)]
    assert world.states() == [(NOON, "met", None), (closed, "failed", "gate_open"), (opened, "met", None)]


def test_what_still_fails_when_a_village_comes_back_is_told_with_its_true_beginning(world: World) -> None:
    world.live(10, OPEN)
    cut = world.clock.now()
    world.let(HOUR)
    back = world.clock.now()
    closed = cut + 10 * MINUTE
    buffered = [Reading("gw", "alive", time, True) for time in range(cut, back, 30 * SECOND)]
    buffered += [Reading("gerbang-1", "gate_open", time, time < closed) for time in range(cut, back, MINUTE)]
    buffered.sort(key=lambda reading: reading.time)
    for at in range(0, len(buffered), 20):
        world.send(buffered[at : at + 20])
    world.live(10, CLOSED)
    [alert] = world.alerts("facility_failed")
    assert alert.began_at == closed
    assert alert.raised_at < back + 10 * SECOND


def test_while_a_village_is_offline_nothing_else_of_it_is_raised(tmp_path: Path) -> None:
    wifi = Facility("wifi", "free_wifi", "Wi-Fi", (Device("ap", Adapter.SENML, MINUTE),), grace=0)
    world = World(tmp_path, village(wifi, offline_after=MINUTE))
    world.live(5, ("ap", "wifi_up", True))
    world.let(10 * MINUTE)
    assert [alert.kind for alert in world.alerts()] == ["village_offline"]
    world.close()


def test_wifi_whose_access_point_is_off_has_failed_by_its_silence(tmp_path: Path) -> None:
    wifi = Facility("wifi", "free_wifi", "Wi-Fi", (Device("ap", Adapter.SENML, MINUTE),))
    world = World(tmp_path, village(wifi))
    world.live(5, ("ap", "wifi_up", True))
    last = world.clock.now() - MINUTE
    world.live(10)
    [alert] = world.alerts()
    assert (alert.kind, alert.cause, alert.began_at) == ("facility_failed", "device_silent", last + 3 * MINUTE)
    world.close()


def test_a_lamp_that_failed_at_night_is_not_repaired_by_the_sunrise(tmp_path: Path) -> None:
    lamp = Facility("lampu", "office_lighting", "Lampu", (Device("lampu-1", Adapter.SENML, MINUTE),))
    world = World(tmp_path, village(lamp), now=MIDNIGHT + 5 * HOUR)
    dark = ("lampu-1", "lamp_on", False)
    world.live(60, dark)  # the sun rises at about half past five
    assert [span.state.value for span in world.spans("lampu")] == ["failed", "not_required"]
    [alert] = world.alerts("facility_failed")
    assert alert.cleared_at is None
    world.close()


def test_a_schedule_opens_without_any_new_telemetry(tmp_path: Path) -> None:
    device = Device("gerbang-1", Adapter.SENML, HOUR)
    hours = Facility("gerbang", "gate", "Gerbang", (device,), schedule=("Mon-Sun 12:30-18:00",))
    world = World(tmp_path, village(hours))
    world.beat(CLOSED)
    world.live(40)
    opens = NOON + 30 * MINUTE
    assert world.states() == [(NOON, "not_required", None), (opens, "failed", "gate_open")]
    [alert] = world.alerts()
    assert (alert.began_at, alert.raised_at) == (opens, opens + 5 * MINUTE + 1)
    world.close()


def test_without_mains_a_failure_is_excused_and_not_told(tmp_path: Path) -> None:
    meter = Facility("pln", "power", "Meter", (Device("meter", Adapter.SENML, MINUTE),))
    world = World(tmp_path, village(gate(), meter))
    world.live(3, OPEN, ("meter", "mains", True))
    world.live(20, CLOSED, ("meter", "mains", False))
    assert world.alerts() == []
    back = world.clock.now()
    world.live(10, CLOSED, ("meter", "mains", True))
    [alert] = world.alerts()
    assert alert.began_at == back
    world.close()


def test_the_centres_own_absence_is_not_the_villages(world: World) -> None:
    world.live(10, OPEN)
    world.transport.cut()
    world.let(20 * MINUTE)
    assert world.alerts() == []
    world.transport.restore()
    world.let(4 * MINUTE)
    assert world.alerts() == []
    world.live(3, OPEN)
    assert world.alerts() == []


def test_what_the_collector_stored_while_the_engine_was_deaf_is_taken_from_the_store(world: World) -> None:
    world.live(10, OPEN)
    world.transport.cut()
    closed = world.clock.now()
    world.live(4, CLOSED)
    opened = world.clock.now()
    world.live(20, OPEN)
    world.transport.restore()
    world.live(2, OPEN)
    assert world.states() == [(NOON, "met", None), (closed, "failed", "gate_open"), (opened, "met", None)]
    assert world.alerts() == []


def test_a_clock_that_is_set_makes_no_village_offline(world: World) -> None:
    world.live(10, OPEN)
    world.clock.jump(HOUR)
    world.settle()
    world.let(SECOND)
    world.live(5, OPEN)
    assert world.alerts("village_offline") == []


def test_a_reading_of_the_future_decides_nothing_before_its_time(world: World) -> None:
    world.live(5, OPEN)
    ahead = world.clock.now() + 20 * MINUTE
    world.send([Reading("gerbang-1", "gate_open", ahead, False)])
    world.live(19, OPEN)
    assert world.alerts() == []
    assert {state for _, state, _ in world.states()} == {"met"}
    world.live(1.5)
    assert world.states()[-1] == (ahead, "failed", "gate_open")


def test_the_store_is_away_and_alerts_go_on(world: World) -> None:
    world.live(5, OPEN)
    world.store.away = True
    closed = world.clock.now()
    world.live(10, CLOSED)
    [alert] = world.alerts()
    assert alert.began_at == closed


def test_a_start_with_the_store_away_watches_what_arrives(tmp_path: Path) -> None:
    world = World(tmp_path, engine=False)
    world.store.away = True
    world.start()
    world.live(10, OPEN)
    assert world.states()[-1][1:] == ("met", None)
    world.live(10, CLOSED)
    assert [alert.kind for alert in world.alerts()] == ["facility_failed"]
    world.close()


def test_a_garbled_message_disturbs_nothing(world: World) -> None:
    world.live(5, OPEN)
    for payload in (b"", b"\xff\xfe", b"{}", b"[]", b'{"epoch":"x","seq":1,"senml":[]}', b"\x1f\x8bnonsense"):
        world.resend(payload)
    world.resend(b'{"epoch":"x","seq":1}', code="99.99.99.9999")
    world.live(5, OPEN)
    assert world.states() == [(NOON, "met", None)]


def test_the_link_is_told_as_soon_as_it_changes(world: World) -> None:
    def link() -> tuple[str, int]:
        with world.database.connect() as connection:
            row = connection.execute(select(tables.village_state)).one()
        return row.link, row.since

    assert link() == ("offline", NOON)
    world.let(SECOND)
    world.beat(OPEN)
    assert link() == ("online", NOON + SECOND)
    world.status("online")
    world.let(SECOND)
    world.status("offline")  # its last will
    assert link() == ("offline", NOON + 2 * SECOND)
    world.let(SECOND)
    world.beat(OPEN)
    assert link() == ("online", NOON + 3 * SECOND)
    world.let(10 * MINUTE)
    assert link() == ("offline", NOON + 3 * SECOND + 5 * MINUTE)


def test_when_a_gateway_was_last_heard_is_kept(world: World) -> None:
    world.live(10, OPEN)
    last = world.clock.now() - 30 * SECOND
    world.let(11 * SECOND)
    with world.database.connect() as connection:
        [row] = connection.execute(select(tables.gateway_state)).all()
    assert (row.gateway, row.last_alive, row.last_arrival) == ("gw", last, last)


def test_a_device_that_says_the_same_after_its_last_will_is_known_again(world: World) -> None:
    world.live(2, OPEN)
    world.beat(OPEN)
    world.let(10 * SECOND)
    will = world.clock.now()
    world.beat(("gerbang-1", "online", False))
    world.let(10 * SECOND)
    again = world.clock.now()
    world.beat(OPEN)
    assert world.states() == [(NOON, "met", None), (will, "unknown", "device_silent"), (again, "met", None)]


def test_the_last_will_of_the_villages_meter_ends_an_excuse(tmp_path: Path) -> None:
    meter = Facility("pln", "power", "Meter", (Device("meter", Adapter.SENML, 2 * MINUTE),))
    world = World(tmp_path, village(gate(), meter))
    world.beat(CLOSED, ("meter", "mains", False))
    world.let(MINUTE)
    gone = world.clock.now()
    world.beat(CLOSED, ("meter", "online", False))
    assert [(span.start, span.excused) for span in world.spans()] == [(NOON, True), (gone, False)]
    world.close()
