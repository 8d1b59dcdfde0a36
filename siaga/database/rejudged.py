"""What a stretch of the past was judged to be takes the place of what stood there."""

from collections.abc import Sequence

from sqlalchemy import Connection

from siaga.database.days import correcting
from siaga.database.rewritten import note_rewritten
from siaga.database.spans import read_spans, write_spans
from siaga.model.intervals import Interval
from siaga.model.sites import Facility, Village
from siaga.timeline.judge import Span
from siaga.timeline.span_algebra import FOREVER, cut, difference, joined, replaced, rewritten

__all__ = ["replace_judged"]


def replace_judged(
    connection: Connection, village: Village, facility: Facility, window: Interval, spans: Sequence[Span], now: int
) -> bool:
    """Replace a facility's spans of a window, correct its days until `now`, and leave word for issued reports.

    Spans before the facility begins to be judged go. Returns True if any changed.
    """
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
    correcting(
        connection,
        village,
        facility,
        (max(min(rows), window[0]), min(window[1], now)),
        lambda: write_spans(connection, {(village.code, facility.id): rows}),
    )
    stretch = rewritten(old, after)
    if stretch is not None:
        note_rewritten(connection, {(village.code, facility.id): stretch})
    return True
