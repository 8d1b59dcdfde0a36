"""Where the villages of some scopes are, and what kinds of facilities they have: for choosing a report."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from siaga.database import tables
from siaga.database.scopes import within
from siaga.model.scope import Scopes

__all__ = ["Place", "facility_names", "kinds_within", "places_within", "region_names"]


@dataclass(frozen=True, slots=True)
class Place:
    """A village."""

    code: str
    name: str
    timezone: str


def places_within(connection: Connection, scopes: Scopes) -> Sequence[Place]:
    """Returns the villages of some scopes by code."""
    table = tables.village
    query = select(table.c.code, table.c.name, table.c.timezone).where(within(table.c.code, scopes))
    return [Place(*row) for row in connection.execute(query.order_by(table.c.code))]


def region_names(connection: Connection) -> Mapping[str, str]:
    """Returns the names of regions by code, as far as sites files gave any."""
    table = tables.region
    return {code: name for code, name in connection.execute(select(table.c.code, table.c.name))}  # noqa: C416


def kinds_within(connection: Connection, scopes: Scopes) -> frozenset[str]:
    """Returns the kinds of the facilities of some scopes."""
    table = tables.facility
    query = select(table.c.kind).where(within(table.c.village, scopes)).distinct()
    return frozenset(connection.execute(query).scalars())


def facility_names(connection: Connection, villages: Collection[str]) -> Mapping[str, str]:
    """Returns what the facilities of some villages are called, with their village, by `VILLAGE/ID`."""
    table, village = tables.facility, tables.village
    query = (
        select(table.c.village, table.c.id, table.c.name, village.c.name)
        .join(village, village.c.code == table.c.village)
        .where(table.c.village.in_(villages))
    )
    return {f"{code}/{id_}": f"{name}, {place}" for code, id_, name, place in connection.execute(query)}
