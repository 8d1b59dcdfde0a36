"""`/facilities/{code}/{id}`: one facility: its strips, what happened on a day, its month's budget, its alerts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Annotated
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request
from sqlalchemy import Connection
from starlette.responses import Response

from api.complaints.figures import ComplaintFigures, figures_of
from api.http.problems import Refused, not_found
from api.http.services import Services, ServicesHere
from api.queries import facilities as read
from api.queries.alert_events import newest_event
from api.queries.alert_list import ListedAlert
from api.queries.complaints import dated
from api.queries.history import alerts_of, first_judged, whole_spans
from api.queries.maintenance import KeptWindow, WindowFilter, windows
from api.queries.spans import FacilityName
from api.queries.villages import village
from api.reports.sla import MonthBudget, Pace, burn_rates, month_budget, pace
from api.web.access import SignedIn
from api.web.alert_view import Looking, alert_row
from api.web.complaint_view import complaints_about
from api.web.facility_strips import DAYS, Past, day_strip, strips_of
from api.web.facility_view import facility_view
from api.web.followed import unless_known
from api.web.frame import Frame, FrameHere
from api.web.looker import Looker
from api.web.preferences import local_path
from api.words import Words
from siaga.database.annotations import Annotation, annotations_of
from siaga.database.registry import villages_of
from siaga.model.alert_kinds import Kind
from siaga.model.caller import Role
from siaga.model.clock import DAY, HOUR, MINUTE
from siaga.model.indicators import terms
from siaga.model.intervals import Interval
from siaga.model.local_time import local_date, local_moment
from siaga.model.scope import Scope, Scopes
from siaga.model.sites import Facility, Village
from siaga.timeline.availability import measure
from siaga.timeline.span_algebra import at, failed_run
from siaga.timeline.spans import Span, State
from siaga.timeline.verdict import local_day, still_required

__all__ = ["Filled", "router", "show_again"]

router = APIRouter(include_in_schema=False)

_ALERTS = 20
_WINDOWS = 20
_REPEATS = {"daily": "FREQ=DAILY", "weekly": "FREQ=WEEKLY", "monthly": "FREQ=MONTHLY"}
"""How often a window may recur by the form. Other rules are declared by the API."""
_MOST_SPANS = 200
"""Spans of a table: of a day that has more, the last ones are shown."""


@dataclass(frozen=True, slots=True)
class SpanLine:
    """A span in words. `start` and `end` for a form, by the village's clock: `2026-03-04T10:00`."""

    state: State
    name: str
    cause: str
    times: str
    length: str
    notes: str
    start: str
    end: str


@dataclass(frozen=True, slots=True)
class BudgetView:
    """What a target leaves of the month, in words.

    `share`: how much of it is used, from 0 to 1. `pace`: how fast it is used now, by its name and in words.
    """

    month: str
    target: str
    whole: str
    used: str
    left: str
    overspent: bool
    share: float
    pace: Pace
    pace_said: str


@dataclass(frozen=True, slots=True)
class WindowLine:
    """Declared maintenance in words. `whom`: what it is of, where that is not the facility alone."""

    id: str
    times: str
    whom: str
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class AnnotationLine:
    """What somebody wrote about a stretch, in words."""

    id: int
    times: str
    text: str
    by: str


@dataclass(frozen=True, slots=True)
class Filled:
    """What a form about a stretch holds: proposed, or as it was typed. `problem`: why it was not taken."""

    start: str
    end: str
    text: str = ""
    whom: str = "facility"
    rrule: str = ""
    problem: str | None = None


@router.api_route("/facilities/{code}/{facility}", methods=["GET", "HEAD"])
def facility_page(
    request: Request,
    frame: FrameHere,
    services: ServicesHere,
    looker: SignedIn,
    code: str,
    facility: str,
    day: Annotated[str | None, Query(alias="date", max_length=10)] = None,
) -> Response:
    """A facility; `?date=` opens a local day, without it the last 24 hours."""
    return _show(request, frame, services, looker, (code, facility), day)


def _show(
    request: Request,
    frame: Frame,
    services: Services,
    looker: Looker,
    name: tuple[str, str],
    day: str | None = None,
    *,
    work: Filled | None = None,
    note: Filled | None = None,
) -> Response:
    """Returns the page of a facility.

    Args:
        name: its village's code and its id.
        day: the local day that is open.
        work: the form for maintenance as it was sent and not taken.
        note: the same of the form for an annotation.

    Raises:
        Refused: 404, whoever looks sees no such facility.
    """
    code, facility = name
    caller, words, now = looker.caller, looker.words, services.clock.now()
    assert caller is not None  # noqa: S101 - `SignedIn` lets nobody else in
    with services.engine.connect() as connection:
        newest = newest_event(connection)  # before the rest: what happens meanwhile is told once more, not never
        found = village(connection, caller.scopes, code)
        home = villages_of(connection, [code]).get(code) if found is not None else None
        mine = next((one for one in home.facilities if one.id == facility), None) if home is not None else None
        here = Scopes((Scope(code),)) if found is not None else caller.scopes
        if found is None or home is None or mine is None:
            raise not_found("facility", f"{code}/{facility}")
        now_so = next(one for one in read.facilities(connection, here, (code, ""), 1_000) if one.id == facility)
        opened = _date(day, home, now)
        past = _past(connection, here, home, mine, opened, now)
        alerts = alerts_of(
            connection, caller.scopes, code, facility, [device.id for device in mine.devices], _ALERTS, now
        )
        declared = windows(connection, here, WindowFilter(here), None, _WINDOWS)
        complaints = complaints_about(connection, words, FacilityName(code, facility), (now - DAYS * DAY, now + 1), now)
        complaint_figures = _figures(words, figures_of(dated(connection, here, (now - DAYS * DAY, now + 1), facility)))
        annotated = annotations_of(connection, code, facility, (now - (DAYS + 2) * DAY, now + DAY))
        if opened is not None:
            annotated = annotations_of(connection, code, facility, local_day(home, opened))
    looking = Looking(words, caller.name, now, now)
    view = facility_view(words, now_so, past.spans, now, home.timezone, silent=facility in found.never_heard)
    address = f"/facilities/{code}/{facility}"
    page = frame.page(
        request,
        looker,
        "facility.html",
        status=422 if work or note else 200,
        here=address if opened is None else f"{address}?date={opened}",
        title=mine.name,
        newest=newest,
        about=[code, f"{code}/{facility}", *(f"{code}/{device.id}" for device in mine.devices)],
        village=found,
        facility=mine,
        full_name=f"{code}/{facility}",
        view=view,
        awaited=_awaited(words, mine, past.spans, alerts, now, home.timezone),
        strips=strips_of(words, home, mine, past, now, [(one.start, one.end) for one in annotated]),
        opened=opened,
        opened_name=words("last_day") if opened is None else words.date(opened),
        opened_strip=day_strip(words, home, mine, past, now, opened, [(one.start, one.end) for one in annotated]),
        before=(opened or local_date(now, home.timezone)) - timedelta(days=1),
        after=opened + timedelta(days=1) if opened is not None and opened < local_date(now, home.timezone) else None,
        today=local_date(now, home.timezone),
        spans=list(_lines(words, _shown(past.spans, home, opened, now), home.timezone, now)),
        budget=_budget(words, home, mine, past.spans, now),
        alerts=[alert_row(looking, one, with_village=False) for one in alerts],
        windows=[_window(words, one, home.timezone, now) for one in declared if one.facility in (None, facility)],
        annotations=[_annotation(words, one, home.timezone, now) for one in annotated],
        complaints=complaints,
        complaint_figures=complaint_figures,
        may_answer=looker.may(Role.TECHNICIAN),
        uplink=home.uplink,
        repeats=_REPEATS,
        may_act=looker.may(Role.TECHNICIAN) and terms(mine) is not None,
        work=work or _form(past.spans, home.timezone, now, (now, now + 2 * HOUR)),
        note=note or _form(past.spans, home.timezone, now, (now - 2 * HOUR, now)),
    )
    return unless_known(request, page)


def _awaited(
    words: Words, facility: Facility, spans: Sequence[Span], alerts: Sequence[ListedAlert], now: int, zone: str
) -> str | None:
    """Returns when the failure that is there now raises an alert, or when the open one can be over; else `None`."""
    held_to = terms(facility)
    if held_to is None:
        return None
    is_open = any(one.kind == Kind.FACILITY_FAILED and one.cleared_at is None for one in alerts)
    run, span = failed_run(spans, now - 1), at(spans, now - 1)
    if run is not None and not is_open and now <= run.start + held_to.grace:
        return words("alert_comes", time=words.time(_whole_minute(run.start + held_to.grace), now, zone))
    if is_open and span is not None and span.state is State.MET and now <= span.start + held_to.recovery:
        return words("alert_ends", time=words.time(_whole_minute(span.start + held_to.recovery), now, zone))
    return None


def _whole_minute(time: int) -> int:
    """Returns the end of a time's minute: what is shown without seconds is not too early."""
    return -(-time // MINUTE) * MINUTE


def show_again(
    request: Request,
    frame: Frame,
    services: Services,
    looker: Looker,
    facility: str,
    back: str,
    *,
    work: Filled | None = None,
    note: Filled | None = None,
) -> Response | None:
    """Returns the page of a facility with a form that was sent from it (`back`) and not taken; `None`: of no facility.

    Args:
        facility: `VILLAGE/ID`.
    """
    code, _, name = facility.partition("/")
    day = parse_qs(urlsplit(local_path(back)).query).get("date", [None])[0]
    try:
        return _show(request, frame, services, looker, (code, name), day, work=work, note=note)
    except Refused as refused:
        if refused.status != 404:
            raise
        return None


def _figures(words: Words, found: Sequence[ComplaintFigures]) -> str:
    """Returns in one line how often citizens complained of a facility, and how long it took to answer."""
    if not found:
        return ""
    (one,) = found
    said = words.count("complaint_figures", one.complaints, contradicting=words.number(one.contradicting))
    if one.until_seen is not None:
        said += " · " + words("complaint_until_seen", duration=_length(words, one.until_seen))
    if one.until_ended is not None:
        said += " · " + words("complaint_until_ended", duration=_length(words, one.until_ended))
    return said


def _length(words: Words, length: int) -> str:
    return words.duration(length) if length else words("no_time")


def _date(text: str | None, home: Village, now: int) -> date | None:
    """Returns the day that an address opens; `None`: none, or one that has not begun."""
    try:
        found = None if text is None else date.fromisoformat(text)
    except ValueError:
        return None
    return found if found is None or date(1990, 1, 1) <= found <= local_date(now, home.timezone) else None


def _past(
    connection: Connection, here: Scopes, home: Village, facility: Facility, opened: date | None, now: int
) -> Past:
    """Returns the spans that the page tells of: of the last days, of the month, and of the day that is opened."""
    name = FacilityName(home.code, facility.id)
    spans = whole_spans(connection, name, (now - (DAYS + 2) * DAY, now), now)
    if opened is not None and local_day(home, opened)[0] < now - (DAYS + 2) * DAY:
        older = whole_spans(connection, name, local_day(home, opened), now)
        spans = [*(one for one in older if not spans or one.start < spans[0].start), *spans]
    return Past(spans, first_judged(connection, here).get(name))


def _shown(spans: Sequence[Span], home: Village, opened: date | None, now: int) -> list[Span]:
    """Returns the spans of the day that is open, the last first."""
    start, end = (now - DAY, now) if opened is None else local_day(home, opened)
    return [one for one in reversed(spans) if one.start < end and one.end > start][:_MOST_SPANS]


def _lines(words: Words, spans: Sequence[Span], zone: str, now: int) -> Iterator[SpanLine]:
    for span in spans:
        runs = span.end >= now
        times = words(
            "span_runs" if runs else "span_times",
            start=words.time(span.start, now, zone, zone=False),
            end=words.time(span.end, span.start, zone, zone=False),  # with its date, where that is another one
        )
        note = words("excused_later" if span.excused_later else "excused") if span.excused else ""
        yield SpanLine(
            state=span.state,
            name=words(f"state_{span.state.value}"),
            cause=words.cause(span.state.value, span.cause) or "",
            times=times,
            length=words.duration(span.end - span.start),
            notes=note,
            start=_local(span.start, zone),
            end=_local(span.end, zone),
        )


def _local(time: int, zone: str) -> str:
    """Returns a time (ms) as a form's field `datetime-local` has it."""
    return datetime.fromtimestamp(time / 1000, ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M")


def _budget(words: Words, home: Village, facility: Facility, spans: Sequence[Span], now: int) -> BudgetView | None:
    """Returns the budget of the running month, by the village's calendar; `None`: there is no indicator."""
    held_to = terms(facility)
    if held_to is None:
        return None
    today = local_date(now, home.timezone)
    month = today.replace(day=1)
    start = local_moment(month, 0, home.timezone)
    end = local_moment((month + timedelta(days=32)).replace(day=1), 0, home.timezone)
    still = still_required(home, held_to, (now, end), now)
    target = Fraction(str(held_to.target))
    found = month_budget(measure(spans, (start, now)), still, target)
    return _budget_view(words, found, month, pace(burn_rates(spans, target, now)))


def _budget_view(words: Words, found: MonthBudget, month: date, pace: Pace) -> BudgetView:
    left = round(found.left)
    return BudgetView(
        month=words.month(month),
        target=words.percent(float(found.target)),
        whole=words.duration(round(found.whole)),
        used=_length(words, found.used),
        left=words("budget_over", duration=words.duration(-left)) if left < 0 else words.duration(left),
        overspent=left < 0,
        share=1.0 if left < 0 else float(found.used / found.whole) if found.whole else 0.0,
        pace=pace,
        pace_said=words(f"pace_{pace}"),
    )


def _window(words: Words, window: KeptWindow, zone: str, now: int) -> WindowLine:
    whom = ""
    if window.uplink is not None:
        whom = words("maintenance_of_uplink", uplink=window.uplink)
    elif window.facility is None:
        whom = words("maintenance_of_village")
    times = words(
        "span_times", start=words.time(window.start, now, zone, zone=False), end=words.time(window.end, now, zone)
    )
    return WindowLine(
        id=window.id,
        times=f"{times}, {_repeats(words, window.rrule)}" if window.rrule else times,
        whom=whom,
        reason=window.reason,
        by=window.created_by,
    )


def _repeats(words: Words, rule: str) -> str:
    """Returns how a window recurs; a rule that the form does not offer as it was written."""
    name = next((name for name, offered in _REPEATS.items() if offered == rule), None)
    return rule if name is None else words(f"repeat_{name}")


def _annotation(words: Words, one: Annotation, zone: str, now: int) -> AnnotationLine:
    times = words("span_times", start=words.time(one.start, now, zone, zone=False), end=words.time(one.end, now, zone))
    written = words.time(one.created_at, now, zone)
    return AnnotationLine(one.id, times, one.text, words("annotation_by", name=one.created_by, time=written))


def _form(spans: Sequence[Span], zone: str, now: int, other: Interval) -> Filled:
    """Returns a form that proposes a stretch: the last failure that is not excused, else another one."""
    failed = next((one for one in reversed(spans) if one.state is State.FAILED and not one.excused), None)
    if failed is None or failed.end < now - DAY:
        return Filled(_local(other[0], zone), _local(other[1], zone))
    return Filled(_local(failed.start, zone), _local(failed.end + 59_999, zone))
