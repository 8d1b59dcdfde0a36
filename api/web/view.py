"""What a page shows, read from the database and put into words; the templates only lay it out."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby

from sqlalchemy import Connection

from api.queries.alerts import AlertFilter, AlertRecord, alerts, count_alerts
from api.queries.facilities import FacilityNow, count_by_state, facilities, facility_names
from api.queries.months import DAYS, VillageMonth
from api.queries.places import kinds_within, region_names
from api.queries.spans import FacilityName, filled, spans_by_facility
from api.queries.villages import VillageNow, count_villages, names_of, villages
from api.web.facility_view import FacilityView, facility_view, link_words
from api.web.month_strip import MonthStrip, column_strip, month_strip, rule_of
from api.web.months import Months
from api.web.past_failures import past_failures
from api.web.public_sentence import PublicState, sentence_of, standing_of
from api.web.strip import day_until
from api.words import Words
from siaga.database.public_note import read_note
from siaga.model.clock import HOUR
from siaga.model.indicators import INDICATORS
from siaga.model.local_time import NO_VILLAGES_ZONE, local_date
from siaga.model.scope import EVERYWHERE, Scope, Scopes
from siaga.timeline.spans import State

__all__ = ["AlertView", "FacilityView", "PageView", "RegionView", "VillageView", "read_page"]

DETAILED = 24
"""Up to so many villages are shown with all they have; more are folded by sub-district, each with a page of its own."""
LISTED = 300
SHOWN_ALERTS = 30
LISTED_ALERTS = 10
_COUNTED = (State.MET, State.FAILED, State.UNKNOWN)
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
    """A village. `state`: how its facilities stand now. `link`, `facilities` and `axis` are empty in a list."""

    code: str
    name: str
    state: PublicState
    online: bool
    link: str
    facilities: Sequence[FacilityView]
    axis: Sequence[str]


@dataclass(frozen=True, slots=True)
class RegionView:
    """A sub-district. `month`: all its facilities; `None`: not read yet, or drawn for each of them."""

    code: str
    name: str
    villages: Sequence[VillageView]
    counts: Sequence[tuple[State, str]]
    month: MonthStrip | None


@dataclass(frozen=True, slots=True)
class PageView:
    """A page. `detailed`: villages are shown with their facilities. `next`: where the list of villages goes on.

    `kinds`: the kinds of facilities of the villages, and by what rule each is met. `days`: of the strips.
    `note`: what the office says, and since when.
    """

    regions: Sequence[RegionView]
    alerts: Sequence[AlertView]
    more_alerts: int
    counts: Sequence[tuple[State, str, str]]
    village_count: str
    detailed: bool
    next: str | None
    updated: str
    standing: PublicState
    sentence: str
    kinds: Sequence[tuple[str, str]]
    days: str
    note: tuple[str, str] | None
    name: str = ""


def read_page(
    connection: Connection, words: Words, months: Months, now: int, *, after: str = "", scope: Scope | None = None
) -> PageView | None:
    """The page of all villages after a code, of a region or of one village; `None`: there is no such place."""
    asked = EVERYWHERE if scope is None else Scopes((scope,))
    total = count_villages(connection, asked)
    if scope is not None and not total:
        return None
    detailed = scope is not None or total <= DETAILED
    all_there = villages(connection, asked, "", _MOST_VILLAGES)
    limit = (DETAILED if detailed else LISTED) + 1
    if total > len(all_there):
        found: Sequence[VillageNow] = villages(connection, asked, after, limit)
    else:
        found = [one for one in all_there if one.code > after][:limit]
    shown = _page_of(found, DETAILED if detailed else LISTED, whole_regions=not detailed)
    names = region_names(connection)
    kept = months.of(connection, [one.code for one in shown]) if detailed else months.kept()
    here = _facilities(connection, asked, shown) if detailed else []
    alone = scope is not None and len(shown) == 1 and shown[0].code == scope.text
    failures = past_failures(connection, words, shown[0].code, now) if alone else {}
    by_village: dict[str, list[FacilityView]] = {}
    for facility, view in zip(here, _facility_views(connection, words, here, kept, now, shown), strict=True):
        whole = replace(view, failures=failures.get(facility.id))
        by_village.setdefault(facility.village, []).append(whole)
    most = SHOWN_ALERTS if detailed else LISTED_ALERTS
    open_ones = AlertFilter(asked, is_open=True)
    newest = alerts(connection, asked, open_ones, now, None, most)
    counts = count_by_state(connection, asked)
    standing = standing_of(counts, all_there)
    views = [_village(words, one, now, by_village.get(one.code, []), detailed=detailed) for one in shown]
    kinds = kinds_within(connection, asked) & INDICATORS.keys()
    return PageView(
        regions=_regions(words, shown, views, names, {} if detailed else kept),
        alerts=_alert_views(connection, words, newest, now),
        more_alerts=max(0, count_alerts(connection, open_ones) - len(newest)),
        counts=_totals(words, counts),
        village_count=words.number(total),
        detailed=detailed,
        next=shown[-1].code if len(found) > len(shown) else None,
        standing=standing.state,
        sentence=sentence_of(words, standing, now),
        updated=words.time(now, now, shown[0].timezone if shown else NO_VILLAGES_ZONE),
        kinds=[
            (words.kind(kind), rule_of(words, kind)) for kind in sorted(kinds, key=lambda one: INDICATORS[one].number)
        ],
        days=_days(words, now, shown[0].timezone if shown else NO_VILLAGES_ZONE),
        note=None if scope is not None else _note(connection, words, now),
        name=_name_of(scope, shown, names),
    )


def _note(connection: Connection, words: Words, now: int) -> tuple[str, str] | None:
    note = read_note(connection)
    return None if note is None else (note.text, words.time(note.time, now, NO_VILLAGES_ZONE))


def _page_of(found: Sequence[VillageNow], most: int, *, whole_regions: bool) -> Sequence[VillageNow]:
    """Returns the villages of one page; the last sub-district goes onto the next one where it is not whole."""
    if len(found) <= most:
        return found
    shown = found[:most]
    whole = [one for one in shown if region_of(one.code) != region_of(found[most].code)]
    return whole or shown if whole_regions else shown


def _facilities(connection: Connection, asked: Scopes, shown: Sequence[VillageNow]) -> list[FacilityNow]:
    """Returns the facilities of the villages of a page."""
    if not shown:
        return []
    first, last = shown[0].code, shown[-1].code
    found = facilities(connection, asked, (first, ""), _MOST_FACILITIES)
    return [one for one in found if one.village <= last]


def _regions(
    words: Words,
    shown: Sequence[VillageNow],
    views: Sequence[VillageView],
    names: Mapping[str, str],
    months: Mapping[str, VillageMonth],
) -> list[RegionView]:
    regions = []
    pairs = groupby(zip(shown, views, strict=True), key=lambda pair: region_of(pair[0].code))
    for code, group in pairs:
        mine = list(group)
        counts = sum((Counter(village.facilities) for village, _ in mine), Counter[State]())
        known = [months[village.code] for village, _ in mine if village.code in months]
        regions.append(
            RegionView(
                code,
                names.get(code, code),
                [view for _, view in mine],
                _counted(words, counts),
                column_strip(words, known),
            )
        )
    return regions


def _days(words: Words, now: int, zone: str) -> str:
    today = local_date(now, zone)
    return f"{words.day(today - timedelta(days=DAYS - 1))}–{words.day(today)}"


def _name_of(scope: Scope | None, shown: Sequence[VillageNow], names: Mapping[str, str]) -> str:
    if scope is None:
        return ""
    if shown and shown[0].code == scope.text:
        return shown[0].name
    return names.get(scope.text, scope.text)


def _counted(words: Words, counts: Mapping[State, int]) -> list[tuple[State, str]]:
    return [(state, words.number(counts[state])) for state in _COUNTED if counts.get(state)]


def _village(
    words: Words, village: VillageNow, now: int, facilities: Sequence[FacilityView], *, detailed: bool
) -> VillageView:
    day, zone = day_until(now), village.timezone
    return VillageView(
        code=village.code,
        name=village.name,
        state=standing_of(village.facilities, [village]).state,
        online=village.heard,
        link=_link(words, village, now) if detailed else "",
        facilities=facilities,
        axis=[words.time(day[0] + n * 6 * HOUR, now, zone, zone=False)[-5:] for n in range(4)] if detailed else (),
    )


def _link(words: Words, village: VillageNow, now: int) -> str:
    since = village.since if village.heard or not village.online else None
    return link_words(words, online=village.heard, since=since, now=now, zone=village.timezone)


def _facility_views(
    connection: Connection,
    words: Words,
    here: Sequence[FacilityNow],
    months: Mapping[str, VillageMonth],
    now: int,
    villages: Sequence[VillageNow],
) -> list[FacilityView]:
    day = day_until(now)
    names = [FacilityName(one.village, one.id) for one in here]
    spans = (found for _, found in spans_by_facility(connection, names, day))
    zones = {village.code: village.timezone for village in villages}
    unheard = {f"{village.code}/{name}" for village in villages for name in village.never_heard}
    found = []
    for one, mine in zip(here, spans, strict=True):
        zone = zones.get(one.village, NO_VILLAGES_ZONE)
        silent = one.full_name in unheard
        view = facility_view(words, one, filled(mine, (day[0], now)), now, zone, silent=silent)
        if view.cause == words("never_heard"):  # what to do about it is for who can
            view = replace(view, cause=words("link_never"))
        found.append(_with_month(words, view, months.get(one.village), one.id, now, zone))
    return found


def _with_month(
    words: Words, view: FacilityView, village: VillageMonth | None, facility: str, now: int, zone: str
) -> FacilityView:
    month = village.facilities.get(facility) if village is not None else None
    if village is None or month is None:
        return view
    measured = None
    if month.measured_at is not None and view.state not in (State.MET, State.FAILED):
        measured = words("last_measured", time=words.time(month.measured_at, now, zone))
    return replace(view, month=month_strip(words, month), measured=measured)


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


def _totals(words: Words, found: Mapping[State, int]) -> list[tuple[State, str, str]]:
    """How many facilities with an indicator are in which state: state, number, word."""
    return [(one, words.number(found.get(one, 0)), words(f"state_{one.value}")) for one in State]


def region_of(village: str) -> str:
    """Returns the code of a village's sub-district."""
    return village.rpartition(".")[0]


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)
