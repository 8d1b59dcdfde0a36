"""A database with one village, and the service over it, with a clock that is moved by hand."""

from collections.abc import Callable

from sqlalchemy import Engine, RowMapping, select

from api.issued.asked import Asked
from api.issued.service import IssuedService
from api.reports.period import parse_period
from api.words import Language
from siaga.database import tables, writing
from siaga.database.registry import Registry
from siaga.database.rewritten import note_rewritten
from siaga.database.spans import write_spans
from siaga.model.clock import DAY, HOUR, ManualClock
from siaga.model.scope import EVERYWHERE
from siaga.model.sites import Facility, Village
from siaga.timeline.spans import Span, State
from tests.schema import with_tables

CODE = "35.10.15.2012"
FEBRUARY = 1_769_878_800_000
"""2026-02-01, midnight in western Indonesia."""
MARCH = FEBRUARY + 28 * DAY


class Desk:
    """A gate that failed for an hour on 3 February."""

    def __init__(self, engine: Engine, now: int = MARCH + 8 * HOUR) -> None:
        with_tables(engine)
        self.engine = engine
        self.clock = ManualClock(now)
        gate = Facility("gerbang", "gate", "Gerbang")
        Registry(engine).replace([Village(CODE, "Kampunganyar", -8.2, 114.3, "Asia/Jakarta", (gate,))], FEBRUARY)
        self.failed(2 * DAY, HOUR)

    def failed(self, after: int, lasts: int) -> None:
        """So long after the begin of February the gate failed for so long, and at no other time."""
        start, end = FEBRUARY + after, FEBRUARY + after + lasts
        spans = [
            Span(FEBRUARY, start, State.MET),
            Span(start, end, State.FAILED, "gate_open"),
            Span(end, 2**62, State.MET),
        ]
        with writing(self.engine) as connection:
            connection.execute(tables.span.delete())
            write_spans(connection, {(CODE, "gerbang"): {span.start: span for span in spans}})

    def late(self, after: int = 2 * DAY, lasts: int = 2 * HOUR) -> None:
        """Late data: it failed otherwise than was known, and the engine has left word of it."""
        self.failed(after, lasts)
        with writing(self.engine) as connection:
            note_rewritten(connection, {(CODE, "gerbang"): (FEBRUARY + after, FEBRUARY + after + lasts)})

    def service(self, steps: Callable[[int], object] | None = None) -> IssuedService:
        """A service over the database, in this process."""
        return IssuedService(self.engine, clock=self.clock, steps=steps)

    def reports(self) -> list[RowMapping]:
        """The issued reports, in their order."""
        with self.engine.connect() as connection:
            return list(connection.execute(select(tables.report).order_by(tables.report.c.number)).mappings())

    def orders(self) -> list[RowMapping]:
        """What is ordered and not made."""
        with self.engine.connect() as connection:
            return list(connection.execute(select(tables.report_order)).mappings())


def asked(schedule: str | None = None, period: str = "2026-02") -> Asked:
    """A report of everything."""
    return Asked(parse_period(period), EVERYWHERE, Language.ID, "ratih", schedule=schedule)
