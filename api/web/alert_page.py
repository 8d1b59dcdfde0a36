"""`/alerts/{id}`: one alert, with all that whoever goes there wants to know."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection
from starlette.responses import Response

from api.http.problems import not_found
from api.http.services import Services, ServicesHere
from api.queries.alert_events import newest_event
from api.queries.alert_list import ListedAlert, with_ids
from api.queries.alert_page import Around, around
from api.queries.spans import FacilityName
from api.queries.told import Awaited, Told, awaited_of, is_planned, told_of
from api.queries.villages import names_of
from api.web.access import SignedIn
from api.web.alert_filter import Stage, stage_of
from api.web.alert_forms import SNOOZES
from api.web.alert_view import Looking, alert_row
from api.web.chart import WIDTH, place
from api.web.chart_view import ChartView, Drawn, chart_view
from api.web.complaint_view import ComplaintView, complaints_about
from api.web.followed import unless_known
from api.web.frame import FrameHere
from api.web.guidance import Guidance
from api.web.readings import reading_name, reading_value
from api.web.strip import Stroke, day_until, slots, strokes
from api.web.trail import awaited_lines, trail_lines
from api.words import Words
from siaga.model.caller import Role
from siaga.model.clock import DAY, HOUR, MINUTE
from siaga.model.intervals import Interval
from siaga.model.signals import SIGNALS
from siaga.telemetry import StoreUnavailable

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

_AFTER = 6 * HOUR
"""How much of the time after the end of an alert is shown."""
_STEP = 5 * MINUTE
_CHARTS = 3
"""Devices whose signal is drawn."""
_TECHNICIANS = 50


async def _guidance(request: Request) -> Guidance:
    found: Guidance = request.app.state.guidance
    return found


GuidanceHere = Annotated[Guidance, Depends(_guidance)]


@dataclass(frozen=True, slots=True)
class Strip:
    """The day around the alert. `marks`: where it began and ended, in the strip's units; `axis`: times below it."""

    strokes: Sequence[Stroke]
    marks: Sequence[float]
    axis: Sequence[str]
    described: str


@router.get("/alerts/{alert}")
def alert_page(
    request: Request,
    frame: FrameHere,
    services: ServicesHere,
    looker: SignedIn,
    guidance: GuidanceHere,
    alert: str,
) -> Response:
    """An alert: why, since when, what its facility and its link did then, what to do, whom to ring, what was done."""
    caller, words, now = looker.caller, looker.words, services.clock.now()
    assert caller is not None  # noqa: S101 - `SignedIn` lets nobody else in
    with services.engine.connect() as connection:
        newest = newest_event(connection)  # before the rest: what happens meanwhile is told once more, not never
        listed = with_ids(connection, caller.scopes, [alert], now).get(alert)
        if listed is None:
            raise not_found("alert", alert)
        window = _window(listed, now)
        known = around(connection, caller.scopes, listed, window, now)
        names = names_of(connection, set(listed.villages))
        complaints = _complaints(connection, words, listed, window, now)
        messages = _messages(connection, alert) if looker.may(Role.TECHNICIAN) else _NOT_SHOWN
    looking = Looking(words, caller.name, now, now)
    row = alert_row(looking, listed)
    charts, unreadable = _charts(services, words, listed, known, window, now)
    may_act = looker.may(Role.TECHNICIAN)
    page = frame.page(
        request,
        looker,
        "alert.html",
        title=row.what,
        newest=newest,
        about=[alert, *filter(None, (row.facility, row.device)), *listed.villages],
        alert=row,
        listed=listed,
        known=known,
        times=list(_times(words, listed, now)),
        evidence=[*_together(words, listed, names), *_evidence(words, listed, known, now)],
        strip=_strip(words, listed, known, window, now),
        charts=charts,
        unreadable=unreadable,
        steps=guidance.steps(words, listed.kind, listed.cause),
        contacts=guidance.contacts_of(listed.village),
        technicians=_technicians(services, listed) if may_act else (),
        before=[alert_row(looking, one, with_village=False) for one in known.before],
        complaints=complaints,
        trail=trail_lines(words, listed, known.trail, messages.told, now),
        awaited=awaited_lines(words, listed, messages.awaited, now),
        told_nobody=messages.nobody and listed.cleared_at is None,
        may_act=may_act,
        may_manage=looker.may(Role.ADMIN),
        is_open=listed.cleared_at is None,
        is_new=stage_of(listed, now) is Stage.NEW,
        is_taken=listed.cleared_at is None and (listed.acknowledged_at is not None or listed.assignee is not None),
        snoozes=SNOOZES,
        width=WIDTH,
    )
    return unless_known(request, page)


@dataclass(frozen=True, slots=True)
class _Messages:
    """Who was told and who is next. `nobody`: it is decided, and nobody was told."""

    told: Sequence[Told]
    awaited: Sequence[Awaited]
    nobody: bool


_NOT_SHOWN = _Messages((), (), nobody=False)


def _messages(connection: Connection, alert: str) -> _Messages:
    told = told_of(connection, alert)
    return _Messages(told, awaited_of(connection, alert), nobody=not told and is_planned(connection, alert))


def _window(alert: ListedAlert, now: int) -> Interval:
    """Returns 24 hours that end now, or some time after it was over."""
    end = now if alert.cleared_at is None else min(now, (alert.ended_at or alert.cleared_at) + _AFTER)
    return day_until(end)


def _complaints(
    connection: Connection, words: Words, alert: ListedAlert, window: Interval, now: int
) -> Sequence[ComplaintView]:
    """Returns what citizens said of the alert's facility, from a day before it began on."""
    if alert.facility is None:
        return ()
    name = FacilityName(alert.village, alert.facility)
    return complaints_about(connection, words, name, (min(window[0], alert.began_at - DAY), window[1] + 1), now)


def _times(words: Words, alert: ListedAlert, now: int) -> Iterable[tuple[str, str]]:
    """Yields when it began, was noticed, was over, and was seen to be."""
    for name, time in (
        (words("this_time_began"), alert.began_at),
        (words("this_time_raised"), alert.raised_at),
        (words("this_time_ended"), alert.ended_at),
        (words("this_time_cleared"), alert.cleared_at),
    ):
        if time is not None:
            yield name, words.time(time, now, alert.timezone)
    if alert.acknowledged_at is not None:
        taken = words.time(alert.acknowledged_at, now, alert.timezone)
        after = words.duration(max(0, alert.acknowledged_at - alert.raised_at))
        yield words("this_time_taken"), words("this_taken_after", time=taken, duration=after)


def _together(words: Words, alert: ListedAlert, names: Mapping[str, tuple[str, str]]) -> Iterable[tuple[str, str]]:
    """Yields which villages were lost together, and what they share, as far as whoever looks may see them."""
    if len(alert.villages) > 1:
        listed = [names[code][0] if code in names else code for code in alert.villages]
        yield words.count("alerts_villages_lost", len(listed)), ", ".join(listed)
        if alert.uplink is not None:
            yield words("this_uplink"), alert.uplink


def _evidence(words: Words, alert: ListedAlert, known: Around, now: int) -> Iterable[tuple[str, str]]:
    """Yields what was found: name and value in words, as far as there are words; what is odd is left out."""
    said = alert.evidence
    if known.village is not None:
        link = words("link_online") if known.online else words("link_offline")
        if known.since is not None:
            link += " " + words("since", time=words.time(known.since, now, alert.timezone))
        yield words("this_link_now"), link
    if said.get("mains") in ("out", "present"):
        yield words("this_mains"), words("excuse_mains" if said["mains"] == "out" else "this_mains_present")
    share = said.get("availability_high")
    if isinstance(share, int | float) and 0 <= share <= 1:
        yield words("this_share"), words.percent(share)
    complaints = said.get("complaints")
    if isinstance(complaints, int):
        yield words("this_complaints"), words.number(complaints)
    for key, name in (
        ("last_arrival", words("this_last_arrival")),
        ("last_evidence", words("this_last_evidence")),
    ):
        time = _ms(said.get(key))
        if time is not None:
            yield name, words.time(time, now, alert.timezone)
    yield from _instead(words, said)
    signals = said.get("signals")
    for name, value in signals.items() if isinstance(signals, dict) else ():
        yield from _signal(words, str(name), value, alert, now)
    seen = said.get("last_seen")
    for device, at in seen.items() if isinstance(seen, dict) else ():
        time = _ms(at)
        yield (
            str(device),
            words("this_never_seen")
            if time is None
            else words("this_last_seen", time=words.time(time, now, alert.timezone)),
        )


def _instead(words: Words, said: Mapping[str, object]) -> Iterable[tuple[str, str]]:
    """Yields what a device reports instead of evidence, what its gateways say that came, and why it was of no use."""
    signals = said.get("signals")
    if isinstance(signals, list) and signals:
        yield words("this_came_instead"), ", ".join(reading_name(words, str(name)) for name in signals)
    for key, name in (("came_instead", words("this_came_instead")), ("error", words("this_error"))):
        text = said.get(key)
        if isinstance(text, str) and text:
            yield name, text[:200]


def _signal(words: Words, name: str, value: object, alert: ListedAlert, now: int) -> Iterable[tuple[str, str]]:
    """Yields what a device (`DEVICE/SIGNAL`) said."""
    if not isinstance(value, dict):
        return
    device, _, signal = name.partition("/")
    time, last = _ms(value.get("time")), value.get("value")
    if time is None:
        said = words("this_no_value")
    else:
        said = words("this_value_at", value=_value(words, signal, last), time=words.time(time, now, alert.timezone))
    yield f"{device}: {reading_name(words, signal)}", said


def _value(words: Words, signal: str, value: object) -> str:
    meaning = SIGNALS.get(signal)
    if meaning is None or not isinstance(value, bool | int | float):
        return str(value)[:50]
    return reading_value(words, meaning, value)


def _ms(text: object) -> int | None:
    if not isinstance(text, str):
        return None
    try:
        return round(datetime.fromisoformat(text).timestamp() * 1000)
    except ValueError:
        return None


def _strip(words: Words, alert: ListedAlert, known: Around, window: Interval, now: int) -> Strip | None:
    if not known.spans:
        return None
    ends = [alert.began_at, *([] if alert.ended_at is None else [alert.ended_at])]
    times = [words.time(window[n], now, alert.timezone, zone=False) for n in range(2)]
    return Strip(
        strokes(slots(known.spans, window, min(now, window[1]))),
        [place(time, window) for time in ends if window[0] <= time < window[1]],
        [words.clock_time(window[0] + n * 6 * HOUR, alert.timezone) for n in range(5)],
        words("this_strip", start=times[0], end=times[-1]),
    )


def _charts(
    services: Services, words: Words, alert: ListedAlert, known: Around, window: Interval, now: int
) -> tuple[Sequence[ChartView], bool]:
    """Returns the signal that decided, of each device, and whether the store could not be read."""
    signal = alert.cause if alert.facility is not None else "battery"
    meaning = SIGNALS.get(signal or "")
    if signal is None or meaning is None:
        return (), False
    charts = []
    try:
        for device in known.devices[:_CHARTS]:
            points = services.store.series(alert.village, device.id, signal, *window, _STEP)
            title = f"{device.id}: {reading_name(words, signal)}"
            drawn = Drawn(device.id, title, "", window, _STEP, alert.timezone)
            charts.append(chart_view(words, meaning, points, drawn, now))
    except StoreUnavailable:
        return (), True
    return [one for one in charts if one is not None], False


def _technicians(services: Services, alert: ListedAlert) -> Sequence[tuple[str, str]]:
    """Returns the people who may work on alerts of the village: name and what others read."""
    found = [
        (person.name, person.display_name)
        for person in services.persons.listed()
        if person.caller.may(Role.TECHNICIAN) and person.scopes.holds(alert.village)
    ]
    return found[:_TECHNICIANS]
