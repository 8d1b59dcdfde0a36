"""Scorecards of villages: day verdicts and attestations, read for a page of villages at a time."""

import datetime
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, select

from api.attestations.counting import is_sensed
from api.attestations.scorecard import Scorecard, days_up_to, make_scorecard
from api.complaints.box import LOOKED_BACK, Box, box_of
from api.queries.attestations import by_village
from api.queries.complaints import open_between
from api.queries.days import heard_until
from api.queries.facility_spans import spans_between
from siaga.database import tables
from siaga.database.registry import villages_of
from siaga.database.scopes import within
from siaga.model.indicators import INDICATORS, terms
from siaga.model.intervals import Interval
from siaga.model.local_time import local_date
from siaga.model.scope import Scopes
from siaga.model.sites import Village
from siaga.timeline.span_algebra import FOREVER, cut
from siaga.timeline.spans import Span
from siaga.timeline.verdict import Verdict, judge_days, local_day

__all__ = ["scorecards", "villages_page"]


def villages_page(connection: Connection, scopes: Scopes, after: str, limit: int) -> list[Village]:
    """Returns the villages of some scopes by their codes, those after one."""
    table = tables.village
    query = select(table.c.code).where(table.c.code > after, within(table.c.code, scopes))
    codes = list(connection.execute(query.order_by(table.c.code).limit(limit)).scalars())
    found = villages_of(connection, codes)
    return [found[code] for code in codes]


def scorecards(
    connection: Connection,
    villages: Sequence[Village],
    day: datetime.date | None,
    now: int,
    answered_within: int | None = None,
) -> list[Scorecard]:
    """Returns the scorecards of villages at a local date; without one, each at its own yesterday.

    `now`: wall time, ms. `answered_within`: the district's rule for the complaints box, ms; `None`: it has none.
    """
    latest = max((_date(village, day, now) for village in villages), default=day)
    if latest is None:
        return []
    codes = [village.code for village in villages]
    attestations, heard = by_village(connection, codes, latest), heard_until(connection, codes)
    days = {village.code: _days(village, _date(village, day, now), now) for village in villages}
    spans = _spans(connection, days, now)
    boxes = _boxes(connection, villages, day, now, answered_within)
    found = []
    for village in villages:
        verdicts = _verdicts(village, days[village.code], spans, heard.get(village.code), now)
        on = _date(village, day, now)
        found.append(make_scorecard(village, on, verdicts, attestations.get(village.code, ()), boxes.get(village.code)))
    return found


def _boxes(
    connection: Connection,
    villages: Sequence[Village],
    day: datetime.date | None,
    now: int,
    answered_within: int | None,
) -> Mapping[str, Box]:
    """What is to be said of the complaints of each village that had some."""
    windows = {}
    for village in villages:
        last = _date(village, day, now)
        first = last - datetime.timedelta(days=LOOKED_BACK - 1)
        windows[village.code] = local_day(village, first)[0], min(local_day(village, last)[1], now + 1)
    if not windows:
        return {}
    whole = min(start for start, _ in windows.values()), max(end for _, end in windows.values())
    complaints = open_between(connection, windows.keys(), whole)
    boxes = {code: box_of(each, windows[code], answered_within) for code, each in complaints.items()}
    return {code: box for code, box in boxes.items() if box is not None}


def _date(village: Village, day: datetime.date | None, now: int) -> datetime.date:
    yesterday = local_date(now, village.timezone) - datetime.timedelta(days=1)
    return yesterday if day is None else day


def _days(village: Village, day: datetime.date, now: int) -> list[tuple[datetime.date, Interval]]:
    """The days that bear on the scorecard of a date and have begun, in order."""
    days = [(on, local_day(village, on)) for on in days_up_to(day)]
    return [(on, interval) for on, interval in days if interval[0] < now]


def _spans(
    connection: Connection, days: Mapping[str, Sequence[tuple[datetime.date, Interval]]], now: int
) -> Mapping[tuple[str, str], Sequence[Span]]:
    """The spans of all facilities of the villages in their days, in one query; what runs has lasted until now."""
    windows = [interval for each in days.values() for _, interval in each]
    if not windows:
        return {}
    window = min(start for start, _ in windows), min(max(end for _, end in windows), now)
    found = spans_between(connection, min(days), max(days), window)
    return {name: cut(spans, -FOREVER, now) for name, spans in found.spans.items() if name[0] in days}


def _verdicts(
    village: Village,
    days: Sequence[tuple[datetime.date, Interval]],
    spans: Mapping[tuple[str, str], Sequence[Span]],
    heard: int | None,
    now: int,
) -> dict[str, list[tuple[datetime.date, Verdict]]]:
    """By facility that a sensed indicator has: its verdicts on the days."""
    sensed = {kind for kind in INDICATORS if is_sensed(village, kind)}
    found = {}
    for facility in village.facilities:
        held_to = terms(facility)
        if facility.kind not in sensed or held_to is None:
            continue
        mine = spans.get((village.code, facility.id), ())
        judged = judge_days(village, held_to, mine, [interval for _, interval in days], heard, now)
        found[facility.id] = [(on, one.judged.verdict) for (on, _), one in zip(days, judged, strict=True)]
    return found
