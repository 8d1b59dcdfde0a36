"""Late data corrects history, in whatever order it comes, and days tell that they were corrected."""

import random
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select

from siaga.database import tables
from siaga.model.clock import DAY, HOUR, MINUTE, SECOND
from siaga.model.observation import Reading
from siaga.model.sites import Adapter, Device, Facility, Village
from siaga.timeline.judge import Evidence, judge, judged_from
from tests.alerts.world import CODE, MIDNIGHT, NOON, World, gate, looking_seldom, village
from tests.timeline.scenarios import tracks_of

OPEN = ("gerbang-1", "gate_open", True)


def revisions(world: World, facility: str = "gerbang") -> dict[date, int]:
    table = tables.day
    with world.database.connect() as connection:
        rows = connection.execute(select(table.c.date, table.c.revision).where(table.c.facility == facility))
        return {row.date: row.revision for row in rows}


def some_days(chance: random.Random, start: int, days: int) -> list[Reading]:
    """What a village with a gate, a network, a lamp and a guard could say in some days, a reading every two minutes."""
    readings = []
    for time in range(start, start + days * DAY, 80 * SECOND):
        if (time // HOUR) % 11 == 3:
            continue  # the village is without power for an hour now and then
        readings.append(Reading("gw", "alive", time + chance.randint(0, 5) * SECOND, True))
    for time in range(start, start + days * DAY, 2 * MINUTE):
        at = time + chance.randint(0, 20) * SECOND
        hour = time // HOUR
        if hour % 11 == 3:
            continue
        readings.append(Reading("gerbang-1", "gate_open", at, hour % 7 != 2))
        readings.append(Reading("lampu-1", "lamp_on", at, hour % 5 != 1))
        if hour % 13 != 4:
            readings.append(Reading("ap", "wifi_up", at, True))
            readings.append(Reading("ap", "internet", at, hour % 17 != 5))
        if chance.random() < 0.01:
            readings.append(Reading("jaga", "checkin", at, 1))
        readings.append(Reading("jaga", "battery", at, 80.0))
    return readings


def month_village(code: str) -> Village:
    every = 2 * MINUTE
    return village(
        Facility("gerbang", "gate", "Gerbang", (Device("gerbang-1", Adapter.SENML, every),)),
        Facility("wifi", "free_wifi", "Wi-Fi", (Device("ap", Adapter.SENML, every),), since=date(2026, 3, 2)),
        Facility("lampu", "office_lighting", "Lampu", (Device("lampu-1", Adapter.SENML, every),)),
        Facility("pos", "night_guard", "Pos jaga", (Device("jaga", Adapter.SENML, every),)),
        code=code,
    )


def test_days_of_several_villages_shuffled_and_doubled_equal_one_judgement(tmp_path: Path) -> None:
    chance = random.Random(7)
    codes = ["35.10.16.2001", "35.10.16.2002"]
    villages = [month_village(code) for code in codes]
    start = MIDNIGHT - 6 * DAY
    world = World(tmp_path, *villages, now=MIDNIGHT + 3 * HOUR)
    said = {code: some_days(chance, start, 6) for code in codes}
    batches = []
    for code in codes:
        readings = said[code][:]
        chance.shuffle(readings)
        batches += [(code, readings[at : at + 500]) for at in range(0, len(readings), 500)]
    chance.shuffle(batches)
    for number, (code, batch) in enumerate(batches):
        payload = world.send(batch, code=code, settle=number % 20 == 0)
        if number % 3 == 0:
            world.resend(payload, code=code, settle=False)
        if number % 10 == 0:
            world.let(200)
    world.let(10 * SECOND)
    now = world.clock.now()
    for place in villages:
        evidence = Evidence(tracks_of(said[place.code]))
        for facility in place.facilities:
            begins = judged_from(place, facility, evidence)
            assert begins is not None
            expected = judge(place, facility, evidence, (begins, now + 1))
            found = [span._replace(end=min(span.end, now + 1)) for span in world.spans(facility.id, place.code)]
            assert found == expected, (place.code, facility.id)
    assert [alert.kind for alert in world.alerts() if alert.kind == "facility_failed"] == []
    world.close()


def test_a_day_that_is_corrected_gets_a_revision_and_others_do_not(tmp_path: Path) -> None:
    world = World(tmp_path, now=MIDNIGHT + 22 * HOUR + 50 * MINUTE)
    world.live(90, OPEN)  # over midnight
    assert revisions(world) == {}

    late = MIDNIGHT + 23 * HOUR + 10 * SECOND
    world.send([Reading("gerbang-1", "gate_open", late, False)])
    world.let(5 * SECOND)
    assert revisions(world) == {date(2026, 3, 5): 1}

    world.send([Reading("gerbang-1", "gate_open", late, False)])  # says nothing new
    world.let(5 * SECOND)
    assert revisions(world) == {date(2026, 3, 5): 1}

    world.send([Reading("gerbang-1", "gate_open", late + SECOND, True)])
    world.let(5 * SECOND)
    assert revisions(world) == {date(2026, 3, 5): 2}
    world.close()


def test_a_failure_over_midnight_that_was_shorter_corrects_both_days(tmp_path: Path) -> None:
    """The longest failure of a day counts whole: 60 minutes before, 40 afterwards."""
    world = World(tmp_path, now=MIDNIGHT + 23 * HOUR + 30 * MINUTE)
    world.live(10, OPEN)
    world.live(60, ("gerbang-1", "gate_open", False))
    world.live(5, OPEN)
    with looking_seldom():
        world.let(DAY)
    assert revisions(world) == {}
    world.send([Reading("gerbang-1", "gate_open", MIDNIGHT + DAY + 20 * MINUTE, True)])
    world.let(5 * SECOND)
    assert revisions(world) == {date(2026, 3, 5): 1, date(2026, 3, 6): 1}
    world.close()


def test_a_reading_just_after_midnight_corrects_the_day_that_is_over(tmp_path: Path) -> None:
    world = World(tmp_path, now=MIDNIGHT + 23 * HOUR)
    world.live(63, OPEN)
    assert revisions(world) == {}
    world.send([Reading("gerbang-1", "gate_open", MIDNIGHT + DAY - 90 * SECOND, False)])
    assert revisions(world) == {date(2026, 3, 5): 1}
    world.close()


@pytest.mark.looks_often
def test_a_first_report_found_late_changes_all_that_follows(world: World) -> None:
    """A signal takes part from its first report: found late, the time since then is judged with it."""
    wifi = Facility("wifi", "free_wifi", "Wi-Fi", (Device("ap", Adapter.SENML, MINUTE),))
    world.registry.replace([village(wifi)], world.clock.now())
    world.centre.devices[CODE] = {"ap"}
    world.let(3 * SECOND)
    began = world.clock.now()
    world.live(40, ("ap", "wifi_up", True))
    assert world.states("wifi") == [(began, "met", None)]

    first = began + 5 * MINUTE + 10 * SECOND
    world.send([Reading("ap", "internet", first, True)])
    world.live(2, ("ap", "wifi_up", True))
    assert world.states("wifi") == [
        (began, "met", None),
        (first + 3 * MINUTE, "unknown", "internet"),
    ]


def test_readings_before_the_first_known_extend_the_history(world: World) -> None:
    world.live(30, OPEN)
    early = NOON - HOUR
    world.send([Reading("gw", "alive", early, True), Reading("gerbang-1", "gate_open", early, True)])
    world.let(5 * SECOND)
    assert world.states()[:3] == [
        (early, "met", None),
        (early + 90 * SECOND, "unknown", "village_offline"),
        (NOON, "met", None),
    ]


def test_late_data_waits_for_its_acknowledgement(world: World) -> None:
    world.live(30, OPEN)
    world.centre.held = True
    late = NOON + 5 * MINUTE + 10 * SECOND
    world.send([Reading("gerbang-1", "gate_open", late, False)])
    world.let(20 * SECOND)
    assert world.states() == [(NOON, "met", None)]
    world.centre.held = False
    world.live(1, OPEN)
    assert (late, "failed", "gate_open") in world.states()


def test_spans_and_first_reports_can_be_thrown_away_and_are_rebuilt(world: World) -> None:
    world.live(20, OPEN)
    world.live(4, ("gerbang-1", "gate_open", False))
    world.live(20, OPEN)
    before = world.spans()
    with world.database.begin() as connection:
        for table in (tables.span, tables.first_report, tables.village_state, tables.engine_state):
            connection.execute(table.delete())
    world.restart()
    world.live(1, OPEN)
    assert world.spans() == before


@pytest.mark.looks_often
def test_a_village_learned_of_later_is_watched_from_then(world: World) -> None:
    other = village(gate(), code="35.10.16.2009")
    world.live(5, OPEN)
    world.registry.replace([village(), other], world.clock.now())
    world.centre.devices[other.code] = {"gerbang-1"}
    now = world.clock.now()
    world.beat(OPEN, code=other.code)
    world.let(3 * SECOND)
    assert world.states("gerbang", other.code) == [(now, "met", None)]


@pytest.mark.looks_often
def test_a_facility_judged_since_a_date_has_a_history_of_unknown(world: World) -> None:
    world.registry.replace([village(gate(since=date(2026, 3, 1)))], world.clock.now())
    world.let(3 * SECOND)
    world.live(5, OPEN)
    since = MIDNIGHT - 4 * DAY
    assert [(start, state) for start, state, _ in world.states()] == [
        (since, "unknown"),
        (NOON + 3 * SECOND, "met"),
    ]


@pytest.mark.looks_often
def test_a_changed_schedule_judges_the_past_again(world: World) -> None:
    world.live(40, OPEN)
    closed_hours = replace(gate(), schedule=("Mon-Sun 12:10-12:20",))
    world.registry.replace([village(closed_hours)], world.clock.now())
    world.live(1, OPEN)
    assert world.states() == [
        (NOON, "not_required", None),
        (NOON + 10 * MINUTE, "met", None),
        (NOON + 20 * MINUTE, "not_required", None),
    ]


@pytest.mark.looks_often
def test_an_alert_of_a_facility_that_is_removed_is_closed(world: World) -> None:
    world.live(2, OPEN)
    world.live(10, ("gerbang-1", "gate_open", False))
    other = Facility("pintu", "gate", "Pintu", (Device("pintu-1", Adapter.SENML, MINUTE),))
    world.registry.replace([village(other)], world.clock.now())
    world.let(3 * SECOND)
    [alert] = world.alerts("facility_failed")
    assert alert.cleared_at is not None


def test_all_that_reaches_into_a_chunk_is_judged_with_it(tmp_path: Path) -> None:
    """A check-in still counts after the zeros that follow it, also where a chunk begins in between."""
    guard = Facility("pos", "night_guard", "Pos jaga", (Device("jaga", Adapter.SENML, 2 * MINUTE),))
    world = World(tmp_path, village(guard))
    start = NOON - 8 * DAY
    said = [Reading("gw", "alive", time, True) for time in range(start, NOON, 80 * SECOND)]
    said += [
        Reading("jaga", "checkin", time, int((time - start) % (100 * MINUTE) == 0))
        for time in range(start, NOON, 2 * MINUTE)
    ]
    for at in range(0, len(said), 2000):
        world.send(said[at : at + 2000], settle=False)
    world.settle()
    world.let(5 * SECOND)
    assert {state for _, state, _ in world.states("pos")} == {"met"}
    world.close()
