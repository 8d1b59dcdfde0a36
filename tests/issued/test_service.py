"""Who issues what is ordered, once, whoever dies meanwhile; and who revises."""

import threading

import pytest
from sqlalchemy import select

from api.issued import checks, edition, orders, process
from api.issued.issue import carry_out, revise
from api.issued.orders import LEASE, MOST_ATTEMPTS, Placed
from api.issued.service import HELD_FOR
from api.reports.office import PLAIN
from api.words import Sentence
from siaga.database import tables, writing
from siaga.database.registry import Registry
from siaga.database.rewritten import note_rewritten
from siaga.database.spans import write_spans
from siaga.model.clock import DAY, HOUR, MINUTE, SECOND
from siaga.model.sites import Adapter, Device, Facility, Village
from siaga.timeline.span_algebra import FOREVER
from siaga.timeline.spans import Span, State
from tests.issued.desk import CODE, FEBRUARY, Desk, asked
from tests.reports.read_pdf import pages_of


def place(desk: Desk, key: str = "k", *, mine: bool = True, schedule: str | None = None) -> Placed:
    with writing(desk.engine) as connection:
        return orders.place(connection, asked(schedule), key, desk.clock.now(), mine=mine)


def work(desk: Desk) -> int:
    return process.work(desk.engine, PLAIN, desk.clock.now)


def test_one_of_several_has_the_lease_and_another_takes_over_when_it_is_gone(both: Desk) -> None:
    first, second = both.service(), both.service()
    assert (first.look(), second.look(), first.look()) == (True, False, True)
    both.clock.advance(HELD_FOR)
    assert (second.look(), first.look()) == (True, False)


def test_what_is_ordered_twice_is_made_once(both: Desk) -> None:
    first, second = place(both), place(both)
    assert (first.report, second.lease) == (second.report, None)
    assert work(both) == 0, "the first has it in hand"
    assert first.lease is not None
    process.work_on(both.engine, process.Mine("k", first.lease), PLAIN, both.clock.now)
    assert [row["id"] for row in both.reports()] == [first.report]
    assert both.orders() == []


def test_an_order_whose_maker_died_is_made_by_the_service_and_the_dead_one_writes_nothing(desk: Desk) -> None:
    placed = place(desk)
    assert placed.lease is not None
    dead = orders.take_leased(desk.engine, "k", placed.lease)
    assert dead is not None
    desk.clock.advance(LEASE)
    assert desk.service().look()
    assert [row["id"] for row in desk.reports()] == [placed.report]
    assert not carry_out(desk.engine, dead, PLAIN, desk.clock.now)
    assert len(desk.reports()) == 1


def test_two_that_revise_the_same_report_make_one_revision(both: Desk) -> None:
    place(both, mine=False)
    assert work(both) == 1
    both.late()
    both.clock.advance(MINUTE)
    assert checks.absorb(both.engine, both.clock.now()) == 1
    first = checks.take(both.engine, both.clock.now() + checks.GATHER)
    assert first is not None
    second = checks.take(both.engine, first.lease_until)
    assert second is not None
    made: list[str | None] = []
    threads = [
        threading.Thread(target=lambda check=check: made.append(revise(both.engine, check, PLAIN, both.clock.now)))
        for check in (first, second)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {one is None for one in made} == {True, False}
    assert [row["revision"] for row in both.reports()] == [1, 2]


def test_a_change_while_a_report_is_compared_is_not_lost(desk: Desk) -> None:
    place(desk, mine=False)
    work(desk)
    desk.clock.advance(MINUTE)
    check = checks.take(desk.engine, desk.clock.now())
    assert check is not None
    assert revise(desk.engine, check, PLAIN, desk.clock.now) is None
    desk.late()
    checks.absorb(desk.engine, desk.clock.now())
    checks.settle(desk.engine, check)  # what was compared was read before the change
    desk.clock.advance(checks.GATHER)
    assert work(desk) == 1


def test_changes_are_gathered_and_outside_of_its_time_there_are_none(desk: Desk) -> None:
    place(desk, mine=False)
    work(desk)
    desk.clock.advance(MINUTE)
    work(desk)
    desk.late(after=-48 * HOUR, lasts=HOUR)
    assert checks.absorb(desk.engine, desk.clock.now()) == 0
    desk.late()
    assert checks.absorb(desk.engine, desk.clock.now()) == 1
    assert work(desk) == 0
    desk.clock.advance(checks.GATHER - SECOND)
    desk.late(lasts=3 * HOUR)
    assert checks.absorb(desk.engine, desk.clock.now()) == 1
    desk.clock.advance(SECOND)
    assert work(desk) == 1, "the second change does not put off the first"


def test_a_scorecard_that_rests_on_days_before_the_period_is_revised(both: Desk) -> None:
    """On Sunday, 8 February, nothing is asked of the gate: its scorecard says what Friday was."""
    device = Device("gerbang-1", Adapter.SENML, MINUTE)
    gate = Facility("gerbang", "gate", "Gerbang", (device,), schedule=("Mon-Fri 08:00-15:00",))
    Registry(both.engine).replace([Village(CODE, "Kampunganyar", -8.2, 114.3, "Asia/Jakarta", (gate,))], FEBRUARY)
    friday = FEBRUARY + 5 * DAY + 8 * HOUR

    def known(failed: int) -> None:
        spans = [
            Span(FEBRUARY, friday, State.NOT_REQUIRED),
            Span(friday, friday + failed, State.FAILED, "gate_open"),
            Span(friday + failed, friday + 7 * HOUR, State.MET),
            Span(friday + 7 * HOUR, FOREVER, State.NOT_REQUIRED),
        ]
        with writing(both.engine) as connection:
            connection.execute(tables.span.delete())
            write_spans(connection, {(CODE, "gerbang"): {span.start: span for span in spans if span.start < span.end}})
            note_rewritten(connection, {(CODE, "gerbang"): (friday, friday + HOUR)})

    known(failed=0)
    with writing(both.engine) as connection:
        orders.place(connection, asked(period="2026-02-08"), "k", both.clock.now(), mine=False)
    assert work(both) == 1
    both.clock.advance(5 * MINUTE)
    assert work(both) == 0
    known(failed=HOUR)
    assert checks.absorb(both.engine, both.clock.now()) == 1
    both.clock.advance(checks.GATHER)
    assert work(both) == 1
    card = {"village": CODE, "facility": None, "figure": "scorecard.gate", "before": "met", "after": "missed"}
    assert both.reports()[1]["changes"] == [card | {"why": "late_data"}]


def test_what_is_too_large_is_not_kept_and_a_schedule_s_order_is_tried_a_few_times(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edition, "MOST_BYTES", 1000)
    placed = place(desk, "by hand")
    assert placed.lease is not None
    with pytest.raises(edition.TooLarge, match="are kept at most: issue it by district"):
        process.work_on(desk.engine, process.Mine("by hand", placed.lease), PLAIN, desk.clock.now)
    assert desk.orders() == [], "whoever waited was told"
    place(desk, "run", mine=False, schedule="bulanan")
    for attempt in range(1, MOST_ATTEMPTS + 1):
        work(desk)
        [row] = desk.orders()
        assert (row["attempts"], row["lease"], "made_too_large" in row["problem"]) == (attempt, None, True)
        desk.clock.advance(MINUTE * 2**attempt)
    assert work(desk) == 0
    with desk.engine.connect() as connection:
        assert orders.given_up(connection) == 1
    assert desk.reports() == []


def test_an_order_on_which_each_process_dies_is_left_alone(desk: Desk) -> None:
    place(desk, mine=False, schedule="bulanan")
    for _ in range(MOST_ATTEMPTS):
        assert orders.take(desk.engine, desk.clock.now()) is not None
        desk.clock.advance(LEASE)
    assert orders.take(desk.engine, desk.clock.now()) is None
    assert desk.orders()[0]["problem"] == Sentence("made_died").packed()


def test_a_revision_counts_up_to_the_same_moment_also_of_an_outage_that_went_on(desk: Desk) -> None:
    """The gate fails when the report is issued, and is repaired an hour later: that is no late data."""
    start = desk.clock.now() - HOUR
    february = 1_769_878_800_000
    desk.failed(start - february, 3 * HOUR)
    with writing(desk.engine) as connection:
        orders.place(connection, asked(period="2026-03"), "k", desk.clock.now(), mine=False)
    assert work(desk) == 1
    desk.clock.advance(5 * HOUR)
    assert work(desk) == 0
    desk.late(start - february - HOUR, 4 * HOUR)  # it had begun an hour earlier
    checks.absorb(desk.engine, desk.clock.now())
    desk.clock.advance(checks.GATHER)
    assert work(desk) == 1
    first, second = desk.reports()
    assert first["cut"] == second["cut"]
    changed = {change["figure"]: (change["before"], change["after"]) for change in second["changes"]}
    assert changed["failed_s"] == (3600, 7200)
    assert changed["longest_outage_s"] == (3600, 7200)
    assert "mttr_s" not in changed


def test_the_pdf_of_a_revision_lists_what_changed(desk: Desk) -> None:
    place(desk, mine=False)
    work(desk)
    desk.late()
    checks.absorb(desk.engine, desk.clock.now())
    desk.clock.advance(checks.GATHER)
    assert work(desk) == 1
    first, second = desk.reports()
    with desk.engine.connect() as connection:
        table = tables.report_file
        files = select(table.c.content).where(table.c.format == "pdf").order_by(table.c.report)
        told, revised = (" ".join(pages_of(content)) for content in connection.execute(files).scalars())
    assert f"Menggantikan revisi 1 ({first['id']})" in revised
    assert "data yang datang terlambat" in revised.rpartition("Lampiran XI.")[2]
    assert second["changes"]
    assert "Lampiran XI." not in told
