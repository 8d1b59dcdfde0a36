"""The past of facilities for their pages: spans, when they were first judged, their alerts, and their gateways."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, func, or_, select

from api.queries.alert_list import ListedAlert, with_ids
from api.queries.spans import FacilityName
from siaga.database import tables
from siaga.database.scopes import within
from siaga.database.spans import read_spans
from siaga.model.intervals import Interval
from siaga.model.scope import Scopes
from siaga.timeline.span_algebra import FOREVER, cut
from siaga.timeline.spans import Span

__all__ = ["GatewayNow", "alerts_of", "first_judged", "gateways", "whole_spans"]


@dataclass(frozen=True, slots=True)
class GatewayNow:
    """A gateway of a village. `last_alive`: event time of its last heartbeat, ms; `None`: none ever came."""

    id: str
    status: str | None
    last_alive: int | None


def whole_spans(connection: Connection, name: FacilityName, window: Interval, now: int) -> list[Span]:
    """Returns the spans of a facility that touch a window, with whole failed runs; what runs has lasted until `now`."""
    return cut(read_spans(connection, name.village, name.id, *window), -FOREVER, now)


def first_judged(connection: Connection, scopes: Scopes) -> dict[FacilityName, int]:
    """Returns the event time (ms) from which each facility of some scopes is judged; of none where it never was."""
    facility, span = tables.facility, tables.span
    first = (
        select(func.min(span.c.start))
        .where(span.c.village == facility.c.village, span.c.facility == facility.c.id)
        .scalar_subquery()
    )
    query = select(facility.c.village, facility.c.id, first).where(within(facility.c.village, scopes))
    return {FacilityName(village, id_): time for village, id_, time in connection.execute(query) if time is not None}


def gateways(connection: Connection, village: str) -> list[GatewayNow]:
    """Returns the gateways of a village that were ever heard of, by id."""
    table = tables.gateway_state
    query = select(table.c.gateway, table.c.status, table.c.last_alive).where(table.c.village == village)
    return [GatewayNow(*row) for row in connection.execute(query.order_by(table.c.gateway))]


def alerts_of(
    connection: Connection,
    seen: Scopes,
    village: str,
    facility: str | None,
    devices: Collection[str],
    limit: int,
    now: int,
) -> list[ListedAlert]:
    """Returns the last alerts about a facility or about some devices of a village, the newest first."""
    if not seen.holds(village):
        return []
    table = tables.alert
    about: list[ColumnElement[bool]] = [table.c.device.in_(devices)]
    if facility is not None:
        about.append(table.c.facility == facility)
    query = select(table.c.id).where(table.c.village == village, or_(*about))
    ids = list(connection.execute(query.order_by(table.c.raised_at.desc(), table.c.id.desc()).limit(limit)).scalars())
    found = with_ids(connection, seen, ids, now)
    return [found[one] for one in ids if one in found]
