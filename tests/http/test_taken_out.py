"""Who edits the sites file cannot change what was: what is taken out stays in reports of the time before."""

from dataclasses import replace

import pytest

from siaga.database import tables, writing
from siaga.database.registry import Registry
from siaga.model.clock import DAY, HOUR
from siaga.model.times import rfc3339
from tests.http.district import FAILED, GLAGAH, LICIN, MET, NOW, District, villages
from tests.http.test_reports import FEBRUARY, GATE, report, row


@pytest.fixture
def lived(both: District) -> District:
    """The gate of Glagah failed for three hours on 2 February, and fails again since this morning."""
    both.alternating(
        GLAGAH, "gerbang", FEBRUARY, (DAY, MET, None), (3 * HOUR, FAILED, "gate_open"), (27 * DAY, MET, None),
        (NOW - FEBRUARY - 28 * DAY - 3 * HOUR + DAY, FAILED, "gate_open"),
    )  # fmt: skip
    both.link(GLAGAH, "online", NOW, last_alive=NOW)
    return both


def without_the_gate(district: District) -> None:
    left = [
        replace(village, facilities=tuple(one for one in village.facilities if one.id != "gerbang"))
        if village.code == GLAGAH
        else village
        for village in villages()
    ]
    Registry(district.engine).replace(left, NOW)


def test_the_month_before_is_the_same_without_the_facility_in_the_registry(lived: District) -> None:
    with lived.served() as client:
        before = report(client, period="2026-02")
        without_the_gate(lived)
        after = report(client, period="2026-02")
    assert before["rows"] == after["rows"]
    assert before["outages"] == after["outages"]
    assert row(after, "facility", GATE)["failed_s"] == 3 * 3600


def test_a_village_that_is_gone_is_in_it_too_and_a_narrower_scope_has_its_own(lived: District) -> None:
    with lived.served() as client:
        before = report(client, period="2026-02")
        Registry(lived.engine).replace([], NOW, removed=[GLAGAH])
        assert report(client, period="2026-02")["rows"] == before["rows"]
        other = report(client, period="2026-02", scope=LICIN)
    assert not [each for each in other["rows"] if GLAGAH in each["id"]]


def test_it_is_not_judged_after_it_was_taken_out(lived: District) -> None:
    without_the_gate(lived)
    lived.clock.advance(10 * DAY)
    with writing(lived.engine) as connection:
        connection.execute(tables.gateway_state.update().values(last_alive=NOW + 10 * DAY))
    with lived.served() as client:
        told = report(client, period="2026-03")
    [outage] = [each for each in told["outages"] if each["facility"] == GATE]
    assert outage["end"] == rfc3339(NOW)
    shown = row(told, "facility", GATE)
    assert shown["required_s"] * 1000 == NOW - (FEBRUARY + 28 * DAY)
    assert sum(shown["days"][verdict] for verdict in ("met", "missed", "unjudged", "not_required")) == 4
    assert shown["days"]["provisional"] == 0


def test_put_back_it_is_one_facility_again(lived: District) -> None:
    without_the_gate(lived)
    Registry(lived.engine).replace(villages(), NOW)
    with lived.engine.connect() as connection:
        assert connection.execute(tables.taken_out.select()).all() == []
    with lived.served() as client:
        told = report(client, period="2026-02")
    assert len([each for each in told["rows"] if each["id"] == GATE and each["level"] == "facility"]) == 1


def test_one_that_never_was_judged_leaves_no_row(both: District) -> None:
    both.link(GLAGAH, "online", NOW, last_alive=NOW)
    without_the_gate(both)
    with both.served() as client:
        assert report(client, period="2026-02")["rows"] == []
