"""What a page shows, read from the database and put into words; the templates only lay it out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, func, select

from api.alerts.excuses import with_plan
from api.http.alerts import open_alerts
from api.http.facilities import FacilityDocument, facilities_page
from api.http.never_heard import never_heard
from api.http.spans import JudgedFacility, filled, spans_by_facility
from api.http.villages import VillageDocument, villages_page
from api.web.strip import SLOT, Stroke, day_until, slots, strokes
from api.words import Words
from siaga.database import tables
from siaga.model.clock import HOUR
from siaga.model.indicators import INDICATORS, POWER
from siaga.model.scope import EVERYWHERE, Scope, Scopes
from siaga.timeline.availability import Availability, measure
from siaga.timeline.facility_state import DEVICE_SILENT
from siaga.timeline.spans import Span, State

__all__ = ["AlertView", "FacilityView", "PageView", "VillageView", "read_page"]

DETAILED = 24
"""Up to so many villages are shown with all they have; more are a list, each with a page of its own."""
LISTED = 200
SHOWN_ALERTS = 30
_MOST_FACILITIES = 1_000
_BEFORE_SIGN = "\u00a0"
"""What parts a number from its % sign."""


@dataclass(frozen=True, slots=True)
class FacilityView:
    """A facility and its last 24 hours."""

    name: str
    kind: str
    state: State
    badge: str
    cause: str | None
    since: str | None
    share: str | None
    strip: Sequence[Stroke]
    described: str


@dataclass(frozen=True, slots=True)
class AlertView:
    """An open alert, without names of persons."""

    severity: str
    severity_name: str
    what: str
    cause: str | None
    village: str
    code: str
    since: str
    planned: str | None


@dataclass(frozen=True, slots=True)
class VillageView:
    """A village; `facilities` is empty where the page lists villages only."""

    code: str
    name: str
    online: bool
    link: str
    counts: Sequence[tuple[State, str]]
    open_alerts: int
    facilities: Sequence[FacilityView]
    axis: Sequence[str]


@dataclass(frozen=True, slots=True)
class PageView:
    """A page. `detailed`: villages are shown with their facilities. `next`: where the list of villages goes on."""

    villages: Sequence[VillageView]
    alerts: Sequence[AlertView]
    more_alerts: int
    counts: Sequence[tuple[State, str, str]]
    village_count: str
    detailed: bool
    next: str | None
    updated: str


def read_page(
    connection: Connection, words: Words, now: int, *, after: str = "", village: str | None = None
) -> PageView | None:
    """The page of all villages after a code, or of one; `None`: there is no such village."""
    found = villages_page(connection, after, LISTED + 1, village)
    if village is not None and not found:
        return None
    total = connection.execute(select(func.count()).select_from(tables.village)).scalar_one()
    detailed = village is not None or total <= DETAILED
    shown = found[:LISTED]
    facilities = _facilities(connection, shown) if detailed else []
    views = _facility_views(connection, words, facilities, now, {one.code: one.timezone for one in shown})
    by_village: dict[str, list[FacilityView]] = {}
    for facility, view in zip(facilities, views, strict=True):
        by_village.setdefault(facility.village, []).append(view)
    alerts = open_alerts(connection, village, SHOWN_ALERTS + 1)
    open_count = _open_count(connection, village)
    return PageView(
        villages=[_village(words, one, now, by_village.get(one.code, [])) for one in shown],
        alerts=_alert_views(connection, words, alerts[:SHOWN_ALERTS], now),
        more_alerts=max(0, open_count - SHOWN_ALERTS),
        counts=_totals(connection, words, village),
        village_count=words.number(total),
        detailed=detailed,
        next=shown[-1].code if len(found) > LISTED else None,
        updated=words.time(now, now, shown[0].timezone if shown else "Asia/Jakarta"),
    )


def _village(words: Words, village: VillageDocument, now: int, facilities: Sequence[FacilityView]) -> VillageView:
    day = day_until(now)
    online = village.link.state == "online"
    link = words("link_online") if online else words("link_never" if village.link.since is None else "link_offline")
    if not online and village.link.since is not None:
        link += " " + words("since", time=words.time(_ms(village.link.since), now, village.timezone))
    counts = village.facilities.model_dump()
    return VillageView(
        code=village.code,
        name=village.name,
        online=online,
        link=link,
        counts=[
            (state, words.number(counts[state.value]))
            for state in (State.MET, State.FAILED, State.UNKNOWN)
            if counts[state.value]
        ],
        open_alerts=village.open_alerts,
        facilities=facilities,
        axis=[words.time(day[0] + n * 6 * HOUR, now, village.timezone, zone=False)[-5:] for n in range(4)],
    )


def _facilities(connection: Connection, villages: Sequence[VillageDocument]) -> list[FacilityDocument]:
    if not villages:
        return []
    alone = Scopes((Scope(villages[0].code),)) if len(villages) == 1 else EVERYWHERE
    return facilities_page(connection, alone, ("", ""), _MOST_FACILITIES)


def _facility_views(
    connection: Connection, words: Words, facilities: Sequence[FacilityDocument], now: int, zones: dict[str, str]
) -> list[FacilityView]:
    day = day_until(now)
    names = [JudgedFacility(one.village, one.id.partition("/")[2]) for one in facilities]
    spans = (found for _, found in spans_by_facility(connection, names, day))
    silent = never_heard(connection, facilities[0].village, facilities[-1].village) if facilities else {}
    unheard = {f"{village}/{name}" for village, found in silent.items() for name in found}
    return [
        _facility(
            words,
            one,
            filled(mine, (day[0], now)),
            now,
            zones.get(one.village, "Asia/Jakarta"),
            silent=one.id in unheard,
        )
        for one, mine in zip(facilities, spans, strict=True)
    ]


def _facility(
    words: Words, facility: FacilityDocument, spans: Sequence[Span], now: int, zone: str, *, silent: bool
) -> FacilityView:
    """A facility with its state in words; `silent`: nothing was ever heard of its devices."""
    day = day_until(now)
    # To the last whole slot, as the strip: so the figures of a page on which nothing happens stand still meanwhile
    measured = measure(spans, (day[0], now // SLOT * SLOT))
    judged = facility.kind in INDICATORS
    badge = words(f"state_{facility.state.value}")
    if facility.since is None:
        badge = words("never_judged" if judged else "not_judged")
    cause = words.cause(facility.state.value, facility.cause)
    if silent and (facility.since is None or facility.cause == DEVICE_SILENT):
        cause = words("never_heard")
    if cause is not None and spans and spans[-1].excused:
        cause = f"{cause} ({words('excused')})"
    return FacilityView(
        name=facility.name,
        kind=words.kind(facility.kind),
        state=facility.state,
        badge=badge,
        cause=cause,
        since=None
        if facility.since is None
        else words("since", time=words.time(_ms(facility.since), now, zone, zone=False)),
        share=_share(words, measured),
        strip=strokes(slots(spans, day, now)) if judged else (),
        described=_described(words, measured),
    )


def _share(words: Words, measured: Availability) -> str | None:
    """The share met, with both of its bounds where they differ."""
    low, high = measured.availability_low, measured.availability_high
    if low is None or high is None:
        return None
    lowest, highest = words.percent(low), words.percent(high)
    if lowest == highest:
        return words("share", share=lowest)
    return words("share", share=f"{lowest.partition(_BEFORE_SIGN)[0]}–{highest}")


def _described(words: Words, measured: Availability) -> str:
    """The strip for those who do not see it."""
    parts = [
        f"{words(f'state_{name}')} {words.percent(length / measured.required)}"
        for name, length in (("met", measured.met), ("failed", measured.failed), ("unknown", measured.unknown))
        if length
    ]
    return f"{words('last_day')}: {', '.join(parts) if parts else words('state_not_required')}"


def _alert_views(connection: Connection, words: Words, found_rows: Sequence[RowMapping], now: int) -> list[AlertView]:
    rows = with_plan(connection, [{str(key): value for key, value in row.items()} for row in found_rows], now)
    village, facility = tables.village, tables.facility
    codes = {row["village"] for row in rows}
    places = {
        row.code: (row.name, row.timezone)
        for row in connection.execute(
            select(village.c.code, village.c.name, village.c.timezone).where(village.c.code.in_(codes))
        )
    }
    names = {
        (row.village, row.id): row.name
        for row in connection.execute(
            select(facility.c.village, facility.c.id, facility.c.name).where(facility.c.village.in_(codes))
        )
    }
    return [_alert_view(words, row, places, names, now) for row in rows]


def _alert_view(
    words: Words,
    row: Mapping[str, Any],
    places: Mapping[str, tuple[str, str]],
    names: Mapping[tuple[str, str], str],
    now: int,
) -> AlertView:
    place, zone = places.get(row["village"], (row["village"], "Asia/Jakarta"))
    subject = names.get((row["village"], row["facility"]), row["facility"]) or row["device"] or place
    planned = row["evidence"].get("planned_until")
    return AlertView(
        severity=row["severity"],
        severity_name=words(f"severity_{row['severity']}"),
        what=words(f"alert_{row['kind']}", subject=subject) + words.clock(row["evidence"]),
        cause=words.cause("failed", row["cause"]) if row["facility"] is not None else None,
        village=place,
        code=row["village"],
        since=words("since", time=words.time(row["began_at"], now, zone)),
        planned=None if planned is None else words("planned", time=words.time(_ms(planned), now, zone)),
    )


def _open_count(connection: Connection, village: str | None) -> int:
    table = tables.alert
    query = select(func.count()).select_from(table).where(table.c.cleared_at.is_(None))
    found: int = connection.execute(query if village is None else query.where(table.c.village == village)).scalar_one()
    return found


def _totals(connection: Connection, words: Words, village: str | None) -> list[tuple[State, str, str]]:
    """How many facilities with an indicator are in which state: state, number, word."""
    facility, span = tables.facility, tables.span
    state = func.coalesce(span.c.state, State.NOT_REQUIRED.value)
    on = (span.c.village == facility.c.village) & (span.c.facility == facility.c.id) & span.c.end.is_(None)
    query = select(state, func.count()).select_from(facility.outerjoin(span, on)).where(facility.c.kind != POWER)
    if village is not None:
        query = query.where(facility.c.village == village)
    found = {name: count for name, count in connection.execute(query.group_by(state))}  # noqa: C416 - rows are no tuples
    return [(one, words.number(found.get(one.value, 0)), words(f"state_{one.value}")) for one in State]


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)
