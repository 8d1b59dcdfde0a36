"""Issuing what was ordered, and the next revision where figures have changed: the work of the report's process."""

from collections.abc import Callable

import orjson
from sqlalchemy import Connection, Engine, RowMapping, select

from api.attestations.scorecard import DAYS
from api.issued.asked import Asked, factors_of, read_period, scopes_of
from api.issued.cards import card_changes, cards_of
from api.issued.checks import Check, settle
from api.issued.compare import changes
from api.issued.edition import Edition, NoLongerCurrent, files_of, told, write
from api.issued.grounds import grounds_since
from api.issued.orders import Order, complete
from api.reports.changed import Change
from api.reports.documents import row_document
from api.reports.forms import Form
from api.reports.levels import Level
from api.reports.office import Office
from api.reports.report import Report
from api.words import Language
from siaga.database import tables, writing
from siaga.model.clock import DAY

__all__ = ["REVISED_BY", "carry_out", "revise"]

Now = Callable[[], int]
"""Gives wall time, ms."""
REVISED_BY = "siaga"
"""Who issues a revision that nobody ordered."""


def carry_out(engine: Engine, order: Order, office: Office, now: Now) -> bool:
    """Issue the report of an order; whether it was this caller who did.

    Raises:
        TooLarge, CannotSet, NoLongerCurrent: it cannot be issued.
    """
    asked = order.asked
    with engine.connect() as connection:
        before = None if asked.supersedes is None else _current(connection, asked.supersedes)
        moment = now()
        report = told(connection, asked, office, moment if before is None else before["cut"], moment)
        found = [] if before is None else _changes(connection, before, report)
    revision = 1 if before is None else before["revision"] + 1
    files = files_of(report, asked, office, order.report, revision, found)
    # A run of a schedule and a form are issued once for ever; what a program orders, as often as it does
    key = order.report if asked.schedule is None and asked.once is None else order.key
    edition = Edition(order.report, key, asked, revision, report, files, found)
    with writing(engine) as connection:
        if not complete(connection, order):
            return False
        write(connection, edition)
    return True


def revise(engine: Engine, check: Check, office: Office, now: Now) -> str | None:
    """Compare a report with what is known now, and issue its next revision; the id of that, `None`: nothing differs.

    The revision tells of the same time, up to the same cut. It has the texts of the one before.

    Raises:
        TooLarge, CannotSet: it cannot be issued.
    """
    with engine.connect() as connection:
        row = connection.execute(select(tables.report).where(tables.report.c.number == check.number)).mappings().one()
        asked = _asked_again(row)
        report = told(connection, asked, office, row["cut"], now())
        found = _changes(connection, row, report)
    if not found:
        settle(engine, check)
        return None
    revision = row["revision"] + 1
    files = files_of(report, asked, office, check.successor, revision, found)
    edition = Edition(check.successor, f"revision of {row['id']}", asked, revision, report, files, found)
    with writing(engine) as connection:
        table = tables.report
        # What was left to be compared while this was made is left to the revision
        again = connection.execute(select(table.c.check_at).where(table.c.number == check.number)).scalar()
        try:
            write(connection, edition, None if again in (None, check.lease_until) else again)
        except NoLongerCurrent:  # somebody revised it meanwhile, by hand or in another process
            return None
    return check.successor


def _asked_again(row: RowMapping) -> Asked:
    return Asked(
        read_period(row["period"]),
        scopes_of(row["scopes"]),
        Language(row["language"]),
        REVISED_BY,
        factors_of(row["factors"]),
        row["id"],
        row["schedule"],
    )


def _current(connection: Connection, report: str) -> RowMapping:
    """The revision that is to be superseded.

    Raises:
        NoLongerCurrent: it is so already.
    """
    row = connection.execute(select(tables.report).where(tables.report.c.id == report)).mappings().one()
    if row["superseded_by"] is not None:
        raise NoLongerCurrent(report)
    return row


def _changes(connection: Connection, before: RowMapping, report: Report) -> list[Change]:
    """What differs from the kept JSON and scorecards of the revision before."""
    table = tables.report_file
    kept = select(table.c.content).where(table.c.report == before["number"], table.c.format == Form.JSON.value)
    rows = orjson.loads(connection.execute(kept).scalar_one())["rows"]
    today = [row_document(row) for row in report.rows if row.level is Level.FACILITY]
    found = changes(rows, today, grounds_since(connection, before["issued_at"], report))
    # What was issued before this was kept has none to compare with
    cards, scorecards = before["summary"].get("cards", {}), report.beside.scorecards
    done = grounds_since(connection, before["issued_at"], report, DAYS * DAY)
    facilities = {
        (card.village, cell.indicator.kind): [one.id for one in cell.facilities]
        for card in scorecards
        for cell in card.cells
    }

    def why_sensed(village: str, kind: str) -> str:
        return ",".join(sorted({why for one in facilities[village, kind] for why in done(village, one).grounds}))

    return [*found, *card_changes(cards, cards_of(scorecards), why_sensed)]
