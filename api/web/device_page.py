"""`/devices/{code}/{id}`: one device: its last values, its health, what of it was refused, its charts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api.http.problems import not_found
from api.http.services import Services, ServicesHere
from api.queries.alert_events import newest_event
from api.queries.alert_list import ListedAlert
from api.queries.devices import KnownDevice, Latest, latest
from api.queries.devices import device as read_device
from api.queries.history import alerts_of
from api.queries.villages import village
from api.web.access import SignedIn
from api.web.alert_view import Looking, alert_row
from api.web.chart import WIDTH
from api.web.chart_view import ChartView, Drawn, chart_view
from api.web.followed import unless_known
from api.web.frame import FrameHere
from api.web.readings import reading_name, reading_value
from api.words import Words
from api.words.said import said
from siaga.database.quarantine import QuarantineItem
from siaga.model.alert_kinds import Kind
from siaga.model.caller import Role
from siaga.model.clock import DAY, HOUR, MINUTE
from siaga.model.indicators import evidence_signals
from siaga.model.intervals import Interval
from siaga.model.scope import Scope, Scopes
from siaga.model.signals import SIGNALS
from siaga.model.sites import Device, Facility
from siaga.telemetry import StoreUnavailable
from siaga.timeline.judge import participants

__all__ = ["Stretch", "not_judged", "refused_of", "router"]

router = APIRouter(include_in_schema=False)

_ALERTS = 20
_REFUSED = 10
_LOOKED_AT = 1_000
"""Refused payloads of the village that are looked through: as many as are kept of one."""
_VITAL = ("battery", "rssi", "uptime", "mains")


class Stretch(StrEnum):
    """How far back charts go."""

    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"


_LENGTHS = {Stretch.DAY: (DAY, 5 * MINUTE), Stretch.WEEK: (7 * DAY, 30 * MINUTE), Stretch.MONTH: (30 * DAY, 2 * HOUR)}
"""Each with the step of its points, ms: some 300 of them, about one a pixel on a phone."""


@dataclass(frozen=True, slots=True)
class SignalLine:
    """The last value of a signal in words. `called`: its name in words. `old`: it holds no longer."""

    name: str
    called: str
    value: str
    time: str
    old: bool


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """A payload of the device that was refused."""

    time: str
    topic: str
    reason: str
    bytes: str


@router.api_route("/devices/{code}/{device}", methods=["GET", "HEAD"])
def device_page(
    request: Request,
    frame: FrameHere,
    services: ServicesHere,
    looker: SignedIn,
    code: str,
    device: str,
    stretch: Annotated[str, Query(max_length=10)] = Stretch.DAY,
) -> Response:
    """A device: last values, signal, battery, clock, what was refused of it, and charts of its signals."""
    caller, words, now = looker.caller, looker.words, services.clock.now()
    assert caller is not None  # noqa: S101 - `SignedIn` lets nobody else in
    with services.engine.connect() as connection:
        newest = newest_event(connection)  # before the rest: what happens meanwhile is told once more, not never
        known = read_device(connection, caller.scopes, code, device)
        home = village(connection, caller.scopes, code) if known is not None else None
        if known is None or home is None:
            raise not_found("device", f"{code}/{device}")
        alerts = alerts_of(connection, caller.scopes, code, None, [device], _ALERTS, now)
    found = _latest(services, known)
    chosen = Stretch(stretch) if stretch in tuple(Stretch) else Stretch.DAY
    length, step = _LENGTHS[chosen]
    end = now // step * step + step
    charts = None if found is None else _charts(services, words, known, found, (end - length, end), step, home.timezone)
    looking = Looking(words, caller.name, now, now)
    refused = refused_of(known.device, services.quarantine.items(Scopes((Scope(code),)), _LOOKED_AT))[:_REFUSED]
    page = frame.page(
        request,
        looker,
        "device.html",
        title=device,
        newest=newest,
        about=[code, f"{code}/{device}", f"{code}/{known.facility.id}"],
        full_name=f"{code}/{device}",
        village=home,
        known=known,
        not_judged=not_judged(words, known.facility),
        mend=f"/setup/sites/{code}/devices/{device}" if looker.may(Role.ADMIN) else None,
        every=words.duration(known.device.every) if known.device.every >= MINUTE else f"{known.device.every // 1000} s",
        heard=_heard(words, known, found, home.timezone, now),
        state=_state(known, found, now),
        vital=[] if found is None else list(_signals(words, known.device, found, home.timezone, now, vital=True)),
        signals=None if found is None else list(_signals(words, known.device, found, home.timezone, now, vital=False)),
        clock=_clock(words, alerts),
        charts=charts,
        chosen=chosen,
        stretches=tuple(Stretch),
        width=WIDTH,
        refused=[
            RefusedLine(words.time(one.time, now, home.timezone), one.topic, said(words, one.reason), one.bytes)
            for one in refused
        ],
        alerts=[alert_row(looking, one, with_village=False) for one in alerts],
    )
    return unless_known(request, page)


def refused_of(device: Device, items: Sequence[QuarantineItem]) -> list[QuarantineItem]:
    """Returns what of a village's refused payloads came on a topic of this device: by its id, or by its address."""
    names = {name.casefold() for name in (device.id, device.address) if name}
    return [item for item in items if _is_of(item.topic.casefold(), names)]


def _is_of(topic: str, names: set[str]) -> bool:
    levels = set(topic.split("/"))
    return any(name in levels or topic == name or f"{topic}/".startswith(f"{name}/") for name in names)


def _latest(services: Services, known: KnownDevice) -> Latest | None:
    try:
        return latest(services.store, known)
    except StoreUnavailable:
        return None


def _state(known: KnownDevice, found: Latest | None, now: int) -> str:
    """Returns `heard`, `silent`, `never`, or `unknown` where the store cannot be read."""
    if found is None:
        return "unknown"
    if found.last_seen is None:
        return "never"
    return "heard" if now - found.last_seen <= known.device.validity else "silent"


def not_judged(words: Words, facility: Facility) -> str | None:
    """Returns a sentence for the devices of a facility, where none can give anything that it is judged by."""
    wanted = evidence_signals(facility.kind)
    if not wanted or participants(facility):
        return None
    return words("device_not_judged", signals=", ".join(reading_name(words, name) for name in sorted(wanted)))


def _heard(words: Words, known: KnownDevice, found: Latest | None, zone: str, now: int) -> str:
    if found is None:
        return words("no_store")
    if found.last_seen is None:
        return words("never_heard")
    time = words.time(found.last_seen, now, zone)
    return words("device_heard" if _state(known, found, now) == "heard" else "device_silent_since", time=time)


def _signals(words: Words, device: Device, found: Latest, zone: str, now: int, *, vital: bool) -> Iterator[SignalLine]:
    for name, (time, value) in sorted(found.signals.items()):
        if (name in _VITAL) is vital:
            shown = reading_value(words, SIGNALS[name], value) if name in SIGNALS else str(value)
            yield SignalLine(
                name, reading_name(words, name), shown, words.time(time, now, zone), now - time > device.validity
            )


def _clock(words: Words, alerts: Sequence[ListedAlert]) -> str:
    """Returns how the device's clock stands: an open alert says that it is off."""
    skewed = next((one for one in alerts if one.kind == Kind.CLOCK_SKEW and one.cleared_at is None), None)
    return words("clock_right") if skewed is None else words("clock_off") + words.clock(skewed.evidence)


def _charts(
    services: Services, words: Words, known: KnownDevice, found: Latest, window: Interval, step: int, zone: str
) -> list[ChartView] | None:
    """Returns a chart of each signal that has points in the window; `None`: the store cannot be read."""
    charts, now = [], services.clock.now()
    try:
        for name in sorted(found.signals):
            meaning = SIGNALS.get(name)
            if meaning is None:
                continue
            points = services.store.series(known.village, known.device.id, name, *window, step)
            drawn = Drawn(name, reading_name(words, name), name, window, step, zone)
            charts.append(chart_view(words, meaning, points, drawn, now))
    except StoreUnavailable:
        return None
    return [one for one in charts if one is not None]
