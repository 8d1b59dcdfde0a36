"""Writing judged history into the database: the stretch of each facility is replaced, its days get a revision."""

from collections.abc import Sequence

from sqlalchemy import Connection, Engine

from api.alerts.alert import Kind
from api.alerts.days import correcting
from api.alerts.facility import KEPT
from api.alerts.happenings import Rebuilt
from api.alerts.reader import RebuildAnswer
from api.alerts.span_rows import read_spans, write_spans
from api.alerts.spans import FOREVER, cut, difference, joined, replaced, rewritten
from api.alerts.state import VillageState
from api.alerts.tables import Tables
from siaga.database import writing
from siaga.database.rewritten import note_rewritten
from siaga.model.sites import Facility, Village
from siaga.timeline.judge import Interval, Span

__all__ = ["archive", "write_rebuilt"]


def write_rebuilt(tables: Tables, village: VillageState, answer: RebuildAnswer, now: int, took: int) -> Rebuilt:
    """Write what a stretch of history has been judged to be. Returns what has changed for the village.

    Raises:
        DBAPIError: the database is away.
    """
    spans: dict[str, list[Span] | None] = {}
    failed: dict[str, list[Span]] = {}
    for name in archive(tables.engine, answer, now):
        facility = village.facilities[name]
        spans[name] = None
        if not facility.spans or answer.request.window[1] >= facility.spans[0].start:
            spans[name] = tables.spans(village.code, name, min(village.recent.covers, now - KEPT) - 1)
        alert = facility.alerts.get(Kind.FACILITY_FAILED)
        if alert is not None:
            failed[name] = tables.spans(village.code, name, alert.began_at)
    return Rebuilt(answer.request.window, answer.first, spans, failed, took)


def archive(engine: Engine, answer: RebuildAnswer, now: int) -> list[str]:
    """Write what a stretch of history has been judged to be, in one transaction; the facilities that it changed."""
    village = answer.request.village
    known = {facility.id: facility for facility in village.facilities}
    changed = []
    with writing(engine) as connection:
        for facility, spans in answer.spans.items():
            if _replace(connection, village, known[facility], answer.request.window, spans, now):
                changed.append(facility)
    return changed


def _replace(
    connection: Connection, village: Village, facility: Facility, window: Interval, spans: Sequence[Span], now: int
) -> bool:
    """Whether it changed anything. What was said of the window before the facility is judged now is gone."""
    begins = spans[0].start if spans else window[1]
    # One instant more on both sides: the neighbours, which may turn out to be the same span
    old = read_spans(connection, village.code, facility.id, window[0] - 1, window[1] + 1)
    renewed = replaced(joined(old), spans)
    after = joined([*cut(renewed, -FOREVER, window[0]), *cut(renewed, begins, FOREVER)])
    change = difference(old, after)
    if not change:
        return False
    rows: dict[int, Span | None] = dict.fromkeys(change.deleted)
    rows |= {span.start: span for span in change.written}
    changed_from = min(rows)
    correcting(
        connection,
        village,
        facility,
        (max(changed_from, window[0]), min(window[1], now)),
        lambda: write_spans(connection, {(village.code, facility.id): rows}),
    )
    stretch = rewritten(old, after)
    if stretch is not None:
        note_rewritten(connection, {(village.code, facility.id): stretch})
    return True
