"""Devices that gateways hear and do not know: the newest report of each, bounded per village and in all."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, Engine, func, select

from siaga.database import tables, take_turns, writing
from siaga.database.scopes import within
from siaga.database.upsert import upsert
from siaga.model.clock import DAY
from siaga.model.scope import EVERYWHERE, Scopes
from siaga.model.sites import Adapter
from siaga.wire.unknown_device import UnknownDevice

__all__ = ["UnknownDevices", "unknown_devices"]

PER_VILLAGE = 200
"""Devices of one village at most, those heard last."""
TOTAL = 10_000
"""Devices at most."""
KEPT = 7 * DAY
"""How long a device is kept that is not heard any more, ms."""
_KEYS = ("village", "gateway", "adapter", "address")


class UnknownDevices:
    """The unknown devices in the SQL database. Safe for several threads and processes."""

    def __init__(self, engine: Engine, per_village: int = PER_VILLAGE, total: int = TOTAL) -> None:
        self._engine = engine
        self._per_village = per_village
        self._total = total

    def add(self, devices: Iterable[UnknownDevice], now: int) -> None:
        """Store reports, each in place of the device's earlier one. `now`: wall time, ms."""
        rows = list({tuple(row[key] for key in _KEYS): row for row in map(_row, devices)}.values())
        if not rows:
            return
        table = tables.unknown_device
        with writing(self._engine) as connection:
            take_turns(connection, "unknown_device")
            upsert(connection, table, rows, _KEYS)
            connection.execute(table.delete().where(table.c.last < now - KEPT))
            for village in {str(row["village"]) for row in rows}:
                self._make_room(connection, village, self._per_village)
            self._make_room(connection, None, self._total)

    def _make_room(self, connection: Connection, village: str | None, most: int) -> None:
        """Delete the devices of a village, or of all, that were heard longest ago."""
        table = tables.unknown_device
        which = [] if village is None else [table.c.village == village]
        count: int = connection.execute(select(func.count()).select_from(table).where(*which)).scalar_one()
        if count <= most:
            return
        oldest = select(*(table.c[key] for key in _KEYS)).where(*which).order_by(table.c.last).limit(count - most)
        for row in connection.execute(oldest).all():
            same = [table.c[key] == value for key, value in zip(_KEYS, row, strict=True)]
            connection.execute(table.delete().where(*same))


def unknown_devices(connection: Connection, scopes: Scopes = EVERYWHERE, limit: int = 500) -> Sequence[UnknownDevice]:
    """Returns the unknown devices that gateways in some scopes report, the last heard first."""
    table = tables.unknown_device
    query = select(table).where(within(table.c.village, scopes)).order_by(table.c.last.desc()).limit(limit)
    return [
        UnknownDevice(
            row.village, row.gateway, Adapter(row.adapter), row.address,
            row.first, row.last, row.messages, row.every, row.topic, row.bytes,
            row.document["values"], row.document["gives"],
        )
        for row in connection.execute(query)
    ]  # fmt: skip


def _row(device: UnknownDevice) -> dict[str, object]:
    return {
        "village": device.village,
        "gateway": device.gateway,
        "adapter": device.adapter.value,
        "address": device.address,
        "first": device.first,
        "last": device.last,
        "messages": device.count,
        "every": device.every,
        "topic": device.topic,
        "bytes": device.bytes,
        "document": {"values": dict(device.values), "gives": {k: list(v) for k, v in device.gives.items()}},
    }
