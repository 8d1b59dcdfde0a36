"""A database and a telemetry store as they are where siaga has watched for days, made without waiting for days.

The marks are left there by the engine itself, which opens on an empty store and closes again; spans, first reports,
open alerts and the store's readings are written as it and the collector write them.
"""

import time
from collections.abc import Collection, Iterator
from itertools import islice
from uuid import uuid4

from sqlalchemy import Engine

from api.alert_records.alert import OpenAlert
from api.alerts.decision import Raise
from api.alerts.outcome import Changes
from api.engine.engine import AlertEngine
from api.engine.questions import Answer, ArrivalsAnswer, ArrivalsRequest, MemoryAnswer, MemoryRequest, Request
from api.engine.tables import Tables
from bench.district import District
from siaga.broker.memory import MemoryBroker, MemoryTransport
from siaga.database import connect, migrate, writing
from siaga.database.registry import Registry
from siaga.database.spans import write_spans
from siaga.database.tokens import Tokens
from siaga.model.alert_kinds import Kind
from siaga.model.caller import Role
from siaga.model.clock import DAY, MINUTE, SystemClock
from siaga.model.observation import Point, Recalled
from siaga.telemetry import open_store
from siaga.timeline.span_algebra import FOREVER
from siaga.timeline.spans import Span, State

__all__ = ["age"]

DAYS, A_DAY, FAILED = 2, 5, MINUTE
"""Each facility fails five times a day for a minute: 99.7 % of a day are met."""
MINUTES = 15
"""Of readings in the store: what the engine reads at its start, and some more."""


def age(district: District, database_url: str, store_url: str, shut: Collection[tuple[int, int]]) -> str:
    """Fill both; the devices in `shut` say closed, and their facilities have open alerts. A token of the API."""
    database = connect(database_url)
    migrate(database)
    now = time.time_ns() // 1_000_000
    Registry(database).replace(district.sites(), now - DAYS * DAY)
    _leave_marks(database)
    closed = {district.facility(village, device) for village, device in shut}
    with writing(database) as connection:
        write_spans(connection, {key: dict(_spans(now, key, closed)) for key in _facilities(district)})
    Tables(database).commit(_changes(district, closed, now))
    store = open_store(store_url)
    points = _points(district, shut, now)
    while some := list(islice(points, 20_000)):
        store.write(some)
    store.close()
    token = Tokens(database).create(Role.VIEWER, "bench")
    database.dispose()
    return token


class _Empty:
    """A telemetry store that holds nothing, as the engine asks it."""

    def __init__(self) -> None:
        self._answers: list[Answer] = []

    def ask(self, request: Request) -> None:
        match request:
            case MemoryRequest(villages=villages):
                nothing = {village.code: Recalled({}, {}, {}) for village in villages}
                self._answers.append(MemoryAnswer(request, nothing, shows_after=0))
            case ArrivalsRequest():
                self._answers.append(ArrivalsAnswer(request, [], shows_after=0))
            case _:
                raise AssertionError(f"nothing was ever judged, and yet it asks for {request}")

    def poll(self) -> Answer | None:
        return self._answers.pop(0) if self._answers else None


def _leave_marks(database: Engine) -> None:
    transport = MemoryTransport(MemoryBroker(), "engine")
    engine = AlertEngine(Registry(database), Tables(database), SystemClock(), transport, _Empty())
    engine.open()
    while not all(village.recall.is_read for village in engine.villages.values()):
        engine.tick()
    engine.close()


def _facilities(district: District) -> Iterator[tuple[str, str]]:
    for village in district.sites():
        yield from ((village.code, facility.id) for facility in village.facilities)


def _spans(now: int, facility: tuple[str, str], closed: Collection[str]) -> Iterator[tuple[int, Span]]:
    """Two days of failures, and the state of now, which has lasted for ten minutes."""
    last = now - 10 * MINUTE
    for number in range(DAYS * A_DAY, 0, -1):
        start, end = last - number * DAY // A_DAY, last - (number - 1) * DAY // A_DAY
        yield start, Span(start, end - FAILED, State.MET)
        yield end - FAILED, Span(end - FAILED, end, State.FAILED, "gate_open")
    shut = "/".join(facility) in closed
    yield last, Span(last, FOREVER, State.FAILED, "gate_open") if shut else Span(last, FOREVER, State.MET)


def _changes(district: District, closed: Collection[str], now: int) -> Changes:
    """First reports, two days ago; alerts of what is closed."""
    changes = Changes()
    for village in district.sites():
        changes.first[village.code, ("gw", "alive")] = now - DAYS * DAY
        for facility in village.facilities:
            for device in facility.devices:
                changes.first[village.code, (device.id, "gate_open")] = now - DAYS * DAY
    began = now - 10 * MINUTE
    for name in closed:
        village_code, facility_id = name.split("/")
        alert = OpenAlert(uuid4().hex, Kind.FACILITY_FAILED, village_code, facility_id, None, began)
        changes.raised(alert, Raise("failed", began, "gate_open", {}), began)
    return changes


def _points(district: District, shut: Collection[tuple[int, int]], now: int) -> Iterator[Point]:
    """The last minutes of readings, and of heartbeats."""
    for minute in range(MINUTES, 0, -1):
        for village in range(district.villages):
            code, start = district.code(village), now - minute * MINUTE + village
            for device in range(district.devices):
                time_ = start + device * 3_000
                yield Point(code, f"gerbang-{device}", time_, time_, {"gate_open": (village, device) not in shut})
            for beat in (start, start + MINUTE // 2):
                yield Point(code, "gw", beat, beat, {"alive": True})
