"""Facilities with their state now, and the timeline of one."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, and_, func, select, tuple_

from api.queries.spans import FacilityName, filled, spans_by_facility
from siaga.database import tables
from siaga.database.scopes import within
from siaga.model.indicators import POWER
from siaga.model.intervals import Interval
from siaga.model.scope import Scopes
from siaga.timeline.spans import Span, State

__all__ = [
    "FacilityNow",
    "count_by_state",
    "count_by_village",
    "facilities",
    "facility_names",
    "has_facility",
    "timeline",
]


@dataclass(frozen=True, slots=True)
class FacilityNow:
    """A facility as it stands now.

    `since` (ms): when the state began, whatever its causes since; `None`: it was never judged. `devices`: their ids.
    """

    village: str
    id: str
    kind: str
    name: str
    state: State
    since: int | None
    cause: str | None
    devices: tuple[str, ...]

    @property
    def full_name(self) -> str:
        """`VILLAGE/ID`."""
        return f"{self.village}/{self.id}"


def facilities(
    connection: Connection,
    scopes: Scopes,
    after: tuple[str, str],
    limit: int,
    kind: str | None = None,
    state: State | None = None,
) -> list[FacilityNow]:
    """Returns the facilities of some scopes after one (its village and id), in order, that match what is given."""
    facility, running, earlier = tables.facility, tables.span.alias("running"), tables.span.alias("earlier")
    mine = and_(earlier.c.village == facility.c.village, earlier.c.facility == facility.c.id)
    # A state goes on where only its cause changes: it began when the last span in another one ended, or with the first
    other_ended = (
        select(earlier.c.end)
        .where(mine, earlier.c.state != running.c.state)
        .order_by(earlier.c.start.desc())
        .limit(1)
        .scalar_subquery()
    )
    first = select(func.min(earlier.c.start)).where(mine).scalar_subquery()
    state_now = func.coalesce(running.c.state, State.NOT_REQUIRED.value)
    on = and_(running.c.village == facility.c.village, running.c.facility == facility.c.id, running.c.end.is_(None))
    query = (
        select(facility, state_now.label("state"), running.c.cause, func.coalesce(other_ended, first).label("since"))
        .select_from(facility.outerjoin(running, on))
        .where(tuple_(facility.c.village, facility.c.id) > tuple_(*after), within(facility.c.village, scopes))
    )
    for column, wanted in ((facility.c.kind, kind), (state_now, state)):
        if wanted is not None:
            query = query.where(column == str(wanted))
    rows = connection.execute(query.order_by(facility.c.village, facility.c.id).limit(limit)).all()
    devices = _devices(connection, scopes, rows[0].village, rows[-1].village) if rows else {}
    return [_facility(row, devices) for row in rows]


def _facility(row: Row[*tuple[Any, ...]], devices: Mapping[tuple[str, str], list[str]]) -> FacilityNow:
    mine = tuple(devices.get((row.village, row.id), ()))
    return FacilityNow(row.village, row.id, row.kind, row.name, State(row.state), row.since, row.cause, mine)


def _devices(connection: Connection, scopes: Scopes, first: str, last: str) -> dict[tuple[str, str], list[str]]:
    """The devices of the facilities of the villages from `first` to `last`."""
    device = tables.device
    rows = connection.execute(
        select(device.c.village, device.c.facility, device.c.id)
        .where(device.c.village.between(first, last), within(device.c.village, scopes))
        .order_by(device.c.village, device.c.id)
    )
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for village, facility, name in rows:
        found[village, facility].append(name)
    return found


def count_by_state(connection: Connection, scopes: Scopes) -> dict[State, int]:
    """Returns how many facilities of some scopes that have an indicator are in which state now."""
    found: Counter[State] = Counter()
    for counts in count_by_village(connection, scopes).values():
        found.update(counts)
    return dict(found)


def count_by_village(connection: Connection, scopes: Scopes) -> dict[str, dict[State, int]]:
    """Returns the same by the village's code. One that was never judged is not required."""
    facility, span = tables.facility, tables.span
    state = func.coalesce(span.c.state, State.NOT_REQUIRED.value)
    on = and_(span.c.village == facility.c.village, span.c.facility == facility.c.id, span.c.end.is_(None))
    query = (
        select(facility.c.village, state, func.count())
        .select_from(facility.outerjoin(span, on))
        .where(facility.c.kind != POWER, within(facility.c.village, scopes))
        .group_by(facility.c.village, state)
    )
    found: dict[str, dict[State, int]] = {}
    for village, name, count in connection.execute(query).all():
        found.setdefault(village, {})[State(name)] = count
    return found


def facility_names(connection: Connection, villages: Collection[str]) -> dict[FacilityName, str]:
    """Returns the names of the facilities of some villages."""
    table = tables.facility
    query = select(table.c.village, table.c.id, table.c.name).where(table.c.village.in_(villages))
    return {FacilityName(village, id_): name for village, id_, name in connection.execute(query)}


def has_facility(connection: Connection, scopes: Scopes, name: FacilityName) -> bool:
    """Whether there is a facility of this name in some scopes."""
    if not (scopes.holds(name.village) and name.full_name.isascii() and name.full_name.isprintable()):
        return False
    table = tables.facility
    query = select(table.c.id).where(table.c.village == name.village, table.c.id == name.id)
    return connection.execute(query).one_or_none() is not None


def timeline(connection: Connection, name: FacilityName, window: Interval) -> list[Span]:
    """Returns the spans of a facility over exactly the window, ms; before it was first judged it is not required."""
    if window[0] >= window[1]:
        return []
    [(_, spans)] = spans_by_facility(connection, [name], window)
    return filled(spans, window)
