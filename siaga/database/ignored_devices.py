"""Unknown devices that people want to see no more, such as a neighbour's: bounded per village."""

from dataclasses import dataclass

from sqlalchemy import Connection, Engine, func, select

from siaga.database import tables, take_turns, writing
from siaga.database.scopes import within
from siaga.database.upsert import insert
from siaga.model.scope import Scopes
from siaga.model.sites import Adapter

__all__ = ["PER_VILLAGE", "IgnoredDevice", "TooManyIgnored", "ignore", "ignored_devices", "list_again"]

PER_VILLAGE = 500
"""Ignored devices of one village at most."""


@dataclass(frozen=True, slots=True)
class IgnoredDevice:
    """An unknown device. `village`: where it is heard. `address`: of one with our firmware its id."""

    village: str
    adapter: Adapter
    address: str


class TooManyIgnored(Exception):
    """A village has `PER_VILLAGE` ignored devices."""


def ignore(engine: Engine, device: IgnoredDevice, by: str, now: int) -> None:
    """Ignore a device; again is once. `now`: wall time, ms.

    Raises:
        TooManyIgnored: the village has so many already.
    """
    table = tables.ignored_device
    count = select(func.count()).select_from(table).where(table.c.village == device.village)
    with writing(engine) as connection:
        take_turns(connection, "ignored_device")
        if connection.execute(count).scalar_one() >= PER_VILLAGE:
            raise TooManyIgnored(device.village)
        row = {**_key(device), "time": now, "by": by}
        connection.execute(insert(connection, table).values(row).on_conflict_do_nothing())


def list_again(engine: Engine, device: IgnoredDevice) -> None:
    """Take back that a device is ignored."""
    table = tables.ignored_device
    mine = [table.c[name] == value for name, value in _key(device).items()]
    with writing(engine) as connection:
        connection.execute(table.delete().where(*mine))


def ignored_devices(connection: Connection, scopes: Scopes) -> frozenset[IgnoredDevice]:
    """Returns the ignored devices of some scopes."""
    table = tables.ignored_device
    rows = connection.execute(
        select(table.c.village, table.c.adapter, table.c.address).where(within(table.c.village, scopes))
    )
    return frozenset(IgnoredDevice(row.village, Adapter(row.adapter), row.address) for row in rows.all())


def _key(device: IgnoredDevice) -> dict[str, str]:
    return {"village": device.village, "adapter": device.adapter.value, "address": device.address}
