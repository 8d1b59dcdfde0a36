"""Scorecards of villages: day verdicts and attestations, read for a page of villages at a time."""

import datetime
from collections.abc import Sequence

from sqlalchemy import Connection, select

from api.attestations.counting import is_sensed
from api.attestations.scorecard import Scorecard, days_up_to, make_scorecard
from api.queries.attestations import by_village
from api.queries.days import heard_until, judged_days
from siaga.database import tables
from siaga.database.registry import villages_of
from siaga.database.scopes import within
from siaga.model.indicators import INDICATORS
from siaga.model.local_time import local_date
from siaga.model.scope import Scopes
from siaga.model.sites import Village
from siaga.timeline.verdict import Verdict, local_day

__all__ = ["scorecards", "villages_page"]


def villages_page(connection: Connection, scopes: Scopes, after: str, limit: int) -> list[Village]:
    """Returns the villages of some scopes by their codes, those after one."""
    table = tables.village
    query = select(table.c.code).where(table.c.code > after, within(table.c.code, scopes))
    codes = list(connection.execute(query.order_by(table.c.code).limit(limit)).scalars())
    found = villages_of(connection, codes)
    return [found[code] for code in codes]


def scorecards(
    connection: Connection, villages: Sequence[Village], day: datetime.date | None, now: int
) -> list[Scorecard]:
    """Returns the scorecards of villages at a local date; without one, each at its own yesterday. `now`: wall time."""
    latest = max((_date(village, day, now) for village in villages), default=day)
    if latest is None:
        return []
    codes = [village.code for village in villages]
    attestations, heard = by_village(connection, codes, latest), heard_until(connection, codes)
    found = []
    for village in villages:
        on = _date(village, day, now)
        verdicts = _verdicts(connection, village, on, heard.get(village.code), now)
        found.append(make_scorecard(village, on, verdicts, attestations.get(village.code, ())))
    return found


def _date(village: Village, day: datetime.date | None, now: int) -> datetime.date:
    yesterday = local_date(now, village.timezone) - datetime.timedelta(days=1)
    return yesterday if day is None else day


def _verdicts(
    connection: Connection, village: Village, day: datetime.date, heard: int | None, now: int
) -> dict[str, list[tuple[datetime.date, Verdict]]]:
    """By facility that a sensed indicator has: its verdicts on the days up to a date that have begun."""
    days = [(on, local_day(village, on)) for on in days_up_to(day)]
    begun = [(on, interval) for on, interval in days if interval[0] < now]
    sensed = {kind for kind in INDICATORS if is_sensed(village, kind)}
    return {
        facility.id: [
            (on, judged.judged.verdict)
            for (on, _), judged in zip(
                begun,
                judged_days(connection, village, facility, [interval for _, interval in begun], heard, now),
                strict=True,
            )
        ]
        for facility in village.facilities
        if facility.kind in sensed
    }
