"""What a morning note is made of: open alerts, those that passed, silent devices, attestations that expire soon."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Select, func, select

from api.complaints.rules import State
from api.queries import complaints
from api.queries.links import never_heard
from api.words import Words
from siaga.database import tables
from siaga.database.scopes import within
from siaga.model.alert_kinds import Kind
from siaga.model.clock import DAY
from siaga.model.local_time import local_date
from siaga.model.scope import Scopes

__all__ = ["EXPIRES_WITHIN", "MorningFacts", "Named", "Some", "morning_facts"]

EXPIRES_WITHIN = 14
"""Days before an attestation expires from which on the note says so."""
_FIRST = 8
_DOWN = (Kind.FACILITY_FAILED.value, Kind.VILLAGE_OFFLINE.value)


@dataclass(frozen=True, slots=True)
class Named:
    """A thing by its name, and since when it is so, ms."""

    name: str
    time: int


@dataclass(frozen=True, slots=True)
class Some:
    """The first of some things, and how many there are."""

    first: Sequence[Named] = ()
    count: int = 0


@dataclass(frozen=True, slots=True)
class MorningFacts:
    """The facts of a morning.

    `down`: what fails now, since when it does; `passed`: what was raised and cleared within the last 24 hours;
    `missed`: what is below its target over the last 24 hours, whether or not it fails now; `scopes`: names.
    `unheard`: villages from which nothing ever arrived, of which no other fact can say anything.
    `complaints`: what citizens say and nobody has looked at, `contradicting` of which contradict the sensors.
    """

    day: datetime.date
    scopes: Sequence[str]
    down: Some
    passed: Some
    missed: Some
    silent: Some
    expiring: Some
    unheard: Some = Some()
    complaints: Some = Some()
    contradicting: int = 0


def morning_facts(connection: Connection, scopes: Scopes, now: int, timezone: str, words: Words) -> MorningFacts:
    """Returns the facts of some scopes at wall time `now`, ms. `words`: for the names of indicators."""
    table = tables.alert
    day = local_date(now, timezone)
    mine = within(table.c.village, scopes)
    is_open = table.c.cleared_at.is_(None)
    return MorningFacts(
        day,
        _names(connection, scopes),
        _alerts(connection, mine & is_open & table.c.kind.in_(_DOWN)),
        _alerts(connection, mine & table.c.kind.in_(_DOWN) & (table.c.raised_at > now - DAY) & ~is_open),
        _alerts(connection, mine & is_open & (table.c.kind == Kind.INDICATOR_MISSED.value)),
        _alerts(connection, mine & is_open & (table.c.kind == Kind.DEVICE_SILENT.value)),
        _expiring(connection, scopes, day, words),
        _unheard(connection, scopes),
        *_complaints(connection, scopes),
    )


def _alerts(connection: Connection, condition: ColumnElement[bool]) -> Some:
    """The alerts of a condition, those that began first; a facility, a device or a village is named once."""
    table, village, facility = tables.alert, tables.village, tables.facility
    here = (facility.c.village == table.c.village) & (facility.c.id == table.c.facility)
    began = func.min(table.c.began_at).label("began")
    query = (
        select(table.c.village, table.c.device, table.c.facility, facility.c.name, village.c.name.label("place"), began)
        .outerjoin(facility, here)
        .outerjoin(village, village.c.code == table.c.village)
        .where(condition)
        .group_by(table.c.village, table.c.device, table.c.facility, facility.c.name, village.c.name)
    )
    count = connection.execute(select(func.count()).select_from(query.subquery())).scalar_one()
    rows = connection.execute(query.order_by(began).limit(_FIRST)).all() if count else []
    first = []
    for row in rows:
        place = row.place or row.village
        what = row.device or row.name or row.facility
        first.append(Named(place if what is None else f"{what} ({place})", row.began))
    return Some(first, count)


def _expiring(connection: Connection, scopes: Scopes, day: datetime.date, words: Words) -> Some:
    """The attestations that count and expire soon, the earliest first."""
    table, later, village = tables.attestation, tables.attestation.alias("later"), tables.village
    replaced = (
        select(later.c.number)
        .where(later.c.village == table.c.village, later.c.indicator == table.c.indicator)
        .where(later.c.withdrawn_at.is_(None), later.c.expires > table.c.expires)
        .exists()
    )
    until = day + datetime.timedelta(days=EXPIRES_WITHIN)
    condition = within(table.c.village, scopes) & table.c.withdrawn_at.is_(None) & ~replaced
    query: Select[*tuple[object, ...]] = (
        select(table.c.indicator, table.c.village, village.c.name, table.c.expires)
        .outerjoin(village, village.c.code == table.c.village)
        .where(condition, table.c.expires > day, table.c.expires <= until)
        .order_by(table.c.expires, table.c.number)
    )
    rows = connection.execute(query).all()
    first = [Named(f"{words.kind(row.indicator)} ({row.name or row.village})", 0) for row in rows[:_FIRST]]
    return Some(first, len(rows))


def _unheard(connection: Connection, scopes: Scopes) -> Some:
    codes = never_heard(connection, scopes)
    village = tables.village
    query = select(village.c.code, village.c.name).where(village.c.code.in_(codes[:_FIRST]))
    names = {code: name for code, name in connection.execute(query)} if codes else {}  # noqa: C416
    return Some([Named(names[code], 0) for code in codes[:_FIRST]], len(codes))


def _complaints(connection: Connection, scopes: Scopes) -> tuple[Some, int]:
    """The complaints that nobody has looked at, what contradicts the sensors first, and how many of them do."""
    count, contradicting = complaints.counted(connection, scopes, [State.NEW])
    wanted = complaints.ComplaintFilter(scopes, None, [State.NEW])
    found = complaints.to_handle(connection, wanted, _FIRST) if count else ()
    places = complaints.places(connection, {(one.village, one.facility) for one in found})
    names: dict[str, int] = {}
    for one in found:
        place = places.get((one.village, one.facility))
        name = f"{one.facility} ({one.village})" if place is None else f"{place.name} ({place.village_name})"
        names.setdefault(name, one.created_at)
    return Some([Named(name, time) for name, time in names.items()], count), contradicting


def _names(connection: Connection, scopes: Scopes) -> list[str]:
    village, region = tables.village, tables.region
    texts = scopes.texts
    named = {
        code: name
        for table in (region, village)
        for code, name in connection.execute(select(table.c.code, table.c.name).where(table.c.code.in_(texts)))
    }
    return [named.get(text, text) for text in texts]
