"""What a page shows, read from the database and put into words; the templates only lay it out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from api.queries.alerts import AlertFilter, AlertRecord, alerts, count_alerts
from api.queries.facilities import FacilityNow, count_by_state, facilities, facility_names
from api.queries.spans import FacilityName, filled, spans_by_facility
from api.queries.villages import VillageNow, count_villages, names_of, villages
from api.web.facility_view import FacilityView, facility_view, link_words
from api.web.public_sentence import PublicState, sentence_of, standing_of
from api.web.strip import day_until
from api.words import Words
from siaga.model.clock import HOUR
from siaga.model.local_time import NO_VILLAGES_ZONE
from siaga.model.scope import EVERYWHERE, Scope, Scopes
from siaga.timeline.spans import State

__all__ = ["AlertView", "FacilityView", "PageView", "VillageView", "read_page"]

DETAILED = 24
"""Up to so many villages are shown with all they have; more are a list, each with a page of its own."""
LISTED = 200
SHOWN_ALERTS = 30
_MOST_FACILITIES = 1_000
_MOST_VILLAGES = 10_000


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
    standing: PublicState
    sentence: str


def read_page(
    connection: Connection, words: Words, now: int, *, after: str = "", village: str | None = None
) -> PageView | None:
    """The page of all villages after a code, or of one; `None`: there is no such village."""
    asked = EVERYWHERE if village is None else Scopes((Scope(village),))
    found = villages(connection, asked, after if village is None else "", LISTED + 1)
    if village is not None and not found:
        return None
    total = count_villages(connection, EVERYWHERE)
    detailed = village is not None or total <= DETAILED
    shown = found[:LISTED]
    here = facilities(connection, asked, ("", ""), _MOST_FACILITIES) if detailed else []
    views = _facility_views(connection, words, here, now, shown)
    by_village: dict[str, list[FacilityView]] = {}
    for facility, view in zip(here, views, strict=True):
        by_village.setdefault(facility.village, []).append(view)
    open_ones = AlertFilter(asked, is_open=True)
    newest = alerts(connection, asked, open_ones, now, None, SHOWN_ALERTS)
    more = count_alerts(connection, open_ones) - SHOWN_ALERTS
    whole = found if not after and len(found) <= LISTED else villages(connection, asked, "", _MOST_VILLAGES)
    standing = standing_of(count_by_state(connection, asked), whole)
    return PageView(
        villages=[_village(words, one, now, by_village.get(one.code, [])) for one in shown],
        alerts=_alert_views(connection, words, newest, now),
        more_alerts=max(0, more),
        counts=_totals(connection, words, asked),
        village_count=words.number(total),
        detailed=detailed,
        next=shown[-1].code if len(found) > LISTED else None,
        standing=standing.state,
        sentence=sentence_of(words, standing, now),
        updated=words.time(now, now, shown[0].timezone if shown else NO_VILLAGES_ZONE),
    )


def _village(words: Words, village: VillageNow, now: int, facilities: Sequence[FacilityView]) -> VillageView:
    day = day_until(now)
    return VillageView(
        code=village.code,
        name=village.name,
        online=village.online,
        link=link_words(words, online=village.online, since=village.since, now=now, zone=village.timezone),
        counts=[
            (state, words.number(count))
            for state in (State.MET, State.FAILED, State.UNKNOWN)
            if (count := village.facilities.get(state, 0))
        ],
        open_alerts=village.open_alerts,
        facilities=facilities,
        axis=[words.time(day[0] + n * 6 * HOUR, now, village.timezone, zone=False)[-5:] for n in range(4)],
    )


def _facility_views(
    connection: Connection, words: Words, here: Sequence[FacilityNow], now: int, villages: Sequence[VillageNow]
) -> list[FacilityView]:
    day = day_until(now)
    names = [FacilityName(one.village, one.id) for one in here]
    spans = (found for _, found in spans_by_facility(connection, names, day))
    zones = {village.code: village.timezone for village in villages}
    unheard = {f"{village.code}/{name}" for village in villages for name in village.never_heard}
    return [
        facility_view(
            words,
            one,
            filled(mine, (day[0], now)),
            now,
            zones.get(one.village, NO_VILLAGES_ZONE),
            silent=one.full_name in unheard,
        )
        for one, mine in zip(here, spans, strict=True)
    ]


def _alert_views(connection: Connection, words: Words, found: Sequence[AlertRecord], now: int) -> list[AlertView]:
    codes = {one.village for one in found}
    places = names_of(connection, codes)
    names = facility_names(connection, codes)
    return [_alert_view(words, one, places, names, now) for one in found]


def _alert_view(
    words: Words,
    alert: AlertRecord,
    places: Mapping[str, tuple[str, str]],
    names: Mapping[FacilityName, str],
    now: int,
) -> AlertView:
    place, zone = places.get(alert.village, (alert.village, NO_VILLAGES_ZONE))
    facility = (
        None if alert.facility is None else names.get(FacilityName(alert.village, alert.facility), alert.facility)
    )
    planned = alert.evidence.get("planned_until")
    return AlertView(
        severity=alert.severity,
        severity_name=words(f"severity_{alert.severity}"),
        what=words(f"alert_{alert.kind}", subject=facility or alert.device or place) + words.clock(alert.evidence),
        cause=words.cause("failed", alert.cause) if alert.facility is not None else None,
        village=place,
        code=alert.village,
        since=words("since", time=words.time(alert.began_at, now, zone)),
        planned=words("planned", time=words.time(_ms(planned), now, zone)) if isinstance(planned, str) else None,
    )


def _totals(connection: Connection, words: Words, scopes: Scopes) -> list[tuple[State, str, str]]:
    """How many facilities with an indicator are in which state: state, number, word."""
    found = count_by_state(connection, scopes)
    return [(one, words.number(found.get(one, 0)), words(f"state_{one.value}")) for one in State]


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)
