"""What a report is made of: registry, spans and alerts of all facilities of some scopes, in a few queries.

Telemetry is not read. The number of queries does not grow with the number of facilities.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import Connection, func, or_, select, text

from api.queries.beside import read_beside
from api.queries.facility_spans import spans_within
from api.reports.beside import Beside
from api.reports.period import Period
from api.reports.source import RUNS_ON, AlertLink, FacilityHistory, Source, VillageHistory
from siaga.database import tables
from siaga.database.registry import villages_within
from siaga.database.scopes import within, within_text
from siaga.database.taken_out import taken_out
from siaga.model.indicators import INDICATORS
from siaga.model.intervals import Interval
from siaga.model.scope import Scopes
from siaga.timeline.availability import Availability, measure
from siaga.timeline.spans import Span, State

__all__ = ["facility_days", "lengths", "load", "taken_out_histories"]

_Name = tuple[str, str]
"""Village and facility."""

_STATES = {state.value: state for state in State}
_FACILITY_FAILED = "facility_failed"
_FIRST_ZONE, _LAST_ZONE = "Etc/GMT-14", "Etc/GMT+12"
"""Where a day begins first, and where it ends last."""

_LENGTHS = """
    SELECT f.village, f.id, s.state, s.excused, s.excused_later, sum(
           CASE WHEN s."end" IS NULL OR s."end" > :end THEN :end ELSE s."end" END
           - CASE WHEN s.start < :start THEN :start ELSE s.start END)
      FROM village AS v CROSS JOIN facility AS f CROSS JOIN span AS s
     WHERE v.timezone = :timezone AND f.village = v.code AND f.kind <> 'power'
       AND IN_SCOPES
       AND s.village = f.village AND s.facility = f.id AND s.start < :end AND (s."end" IS NULL OR s."end" > :start)
       AND s.start >= coalesce(
           (SELECT max(p.start) FROM span AS p WHERE p.village = f.village AND p.facility = f.id AND p.start <= :start),
           :start)
     GROUP BY f.village, f.id, s.state, s.excused, s.excused_later
"""


def load(
    connection: Connection,
    period: Period,
    scopes: Scopes,
    now: int,
    *,
    compared: bool = False,
    beside: bool = False,
    answered_within: int | None = None,
) -> Source:
    """Returns what the report of a period and some scopes is made of.

    `now`: wall time, ms. `compared`: with what the period before and the one a year ago came to. `beside`: with what
    stands beside the rows, such as links and attestations. `answered_within`: as `scorecards` takes it.
    """
    villages = villages_within(connection, scopes)
    gone = taken_out_histories(connection, period, scopes, now)
    if not villages:
        return Source(tuple(gone.values()), _regions(connection))
    timezones = {village.timezone for village in villages}
    windows = [period.window(timezone) for timezone in timezones]
    window = min(start for start, _ in windows), min(max(end for _, end in windows), now)
    found = spans_within(connection, scopes, window)
    spans, judged_from = found.spans, found.judged_from
    oldest = min((each[0].start for each in spans.values()), default=window[0])
    alerts = _alerts(connection, scopes, oldest)
    heard = _heard_until(connection, scopes)
    before = lengths(connection, scopes, period.before, timezones, now) if compared else {}
    a_year_ago = lengths(connection, scopes, period.a_year_ago, timezones, now) if compared else {}
    return Source(
        tuple(
            VillageHistory(
                village,
                tuple(
                    FacilityHistory(
                        facility,
                        spans.get(name, ()),
                        judged_from.get(name),
                        alerts.get(name, ()),
                        before.get(name),
                        a_year_ago.get(name),
                    )
                    for facility in village.facilities
                    if facility.kind in INDICATORS
                    for name in [(village.code, facility.id)]
                )
                + tuple(gone.pop(village.code).facilities if village.code in gone else ()),
                heard.get(village.code),
            )
            for village in villages
        )
        + tuple(gone.values()),
        _regions(connection),
        read_beside(connection, villages, period, scopes, now, answered_within) if beside else Beside(),
    )


def taken_out_histories(connection: Connection, period: Period, scopes: Scopes, now: int) -> dict[str, VillageHistory]:
    """What the registry has no more, by village: judged until it was taken out, and never after."""
    start = period.window(_FIRST_ZONE)[0]
    found = taken_out(connection, scopes, start)
    if not found:
        return {}
    window = start, min(period.window(_LAST_ZONE)[1], now)
    judged = spans_within(connection, scopes, window, taken_out=True)
    histories: dict[str, VillageHistory] = {}
    for one in found:
        (facility,) = one.village.facilities
        name = one.village.code, facility.id
        spans = tuple(
            span._replace(end=min(span.end, one.at)) for span in judged.spans.get(name, ()) if span.start < one.at
        )
        if facility.kind in INDICATORS and spans:
            known = histories.get(one.village.code)
            history = FacilityHistory(facility, spans, judged.judged_from.get(name), until=one.at)
            others = known.facilities if known is not None else ()
            # Nothing of it is stored any more, so no day of it is provisional
            histories[one.village.code] = VillageHistory(one.village, (*others, history), RUNS_ON)
    return histories


def facility_days(connection: Connection, period: Period, scopes: Scopes) -> int:
    """Returns how many facilities a report is of, times its days: what it costs to make."""
    table = tables.facility
    query = select(func.count()).select_from(table).where(within(table.c.village, scopes))
    return int(connection.execute(query).scalar_one()) * len(period.dates)


def _alerts(connection: Connection, scopes: Scopes, oldest: int) -> Mapping[_Name, Sequence[AlertLink]]:
    """The alerts about failures that were not over at `oldest`, ms, of each facility in order of their beginning."""
    table = tables.alert
    query = (
        select(
            table.c.village,
            table.c.facility,
            table.c.id,
            table.c.began_at,
            table.c.ended_at,
            table.c.acknowledged_by,
            table.c.acknowledged_at,
        )
        .where(table.c.kind == _FACILITY_FAILED, within(table.c.village, scopes))
        .where(or_(table.c.ended_at.is_(None), table.c.ended_at >= oldest))
        .order_by(table.c.began_at, table.c.id)
    )
    found: dict[_Name, list[AlertLink]] = defaultdict(list)
    for village, facility, *rest in connection.execute(query):
        found[village, facility].append(AlertLink(*rest))
    return found


def _regions(connection: Connection) -> dict[str, str]:
    """The names of regions by code, as far as sites files gave any."""
    table = tables.region
    return {code: name for code, name in connection.execute(select(table.c.code, table.c.name))}  # noqa: C416


def _heard_until(connection: Connection, scopes: Scopes) -> dict[str, int | None]:
    """Event time at which one of each village's gateways was last heard."""
    table = tables.gateway_state
    query = select(table.c.village, func.max(table.c.last_alive)).where(within(table.c.village, scopes))
    return {village: heard for village, heard in connection.execute(query.group_by(table.c.village))}  # noqa: C416


def lengths(
    connection: Connection, scopes: Scopes, period: Period | None, timezones: set[str], now: int
) -> dict[_Name, Availability]:
    """What a whole earlier period came to for the facilities of which anything was required in it.

    The database adds the lengths up, and the algebra says what they come to.
    """
    where, asked = within_text("f.village", scopes)
    query = text(_LENGTHS.replace("IN_SCOPES", where))
    found: dict[_Name, Availability] = defaultdict(Availability)
    for timezone, (start, end) in _windows(period, timezones, now):
        bounds = {"start": start, "end": end, "timezone": timezone}
        for village, facility, state, excused, later, length in connection.execute(query, asked | bounds):
            span = Span(0, int(length), _STATES[state], None, bool(excused), bool(later))
            found[village, facility] += measure([span], (0, int(length)))
    return {name: availability for name, availability in found.items() if availability.required}


def _windows(period: Period | None, timezones: set[str], now: int) -> Iterator[tuple[str, Interval]]:
    """The period by each clock, up to now."""
    if period is None:
        return
    for timezone in sorted(timezones):
        start, end = period.window(timezone)
        if start < min(end, now):
            yield timezone, (start, min(end, now))
