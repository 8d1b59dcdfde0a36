"""Devices: which there are, and what each said last."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select

from siaga.database import tables
from siaga.database.registry import villages_of
from siaga.model.scope import Scopes
from siaga.model.signals import Value
from siaga.model.sites import Device, Facility
from siaga.telemetry import TelemetryStore
from siaga.wire.topics import is_slug, is_village_code

__all__ = ["KnownDevice", "Latest", "device", "latest"]


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """A device that siaga was told of. `first_reports`: when each signal of it was first reported, ms."""

    village: str
    facility: Facility
    device: Device
    first_reports: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Latest:
    """What a device said last: of each signal its event time (ms) and value.

    `last_seen`: event time of its last reading, ms; `None`: it was never heard.
    """

    last_seen: int | None
    signals: Mapping[str, tuple[int, Value]]


def device(connection: Connection, seen: Scopes, village: str, name: str) -> KnownDevice | None:
    """Returns a device by the code of its village and its id; `None`: there is none that the caller may see."""
    if not (is_village_code(village) and is_slug(name) and seen.holds(village)):
        return None
    home = villages_of(connection, [village]).get(village)
    found = None if home is None else home.device(name)
    if found is None:
        return None
    table = tables.first_report
    query = select(table.c.signal, table.c.time).where(table.c.village == village, table.c.device == name)
    first = {signal: time for signal, time in connection.execute(query)}  # noqa: C416 - rows are no tuples
    return KnownDevice(village, *found, first)


def latest(store: TelemetryStore, known: KnownDevice) -> Latest:
    """Returns what a device said last, from the telemetry store.

    Raises:
        StoreUnavailable: the store cannot answer.
    """
    name = known.device.id
    reported = {(name, signal): time for signal, time in known.first_reports.items()}
    signals = store.latest(known.village, name, known=reported)
    # `online` is said of a device, and repeated by its gateway: it is no sign of life while the device says more
    own = [time for signal, (time, _) in signals.items() if signal != "online"]
    own = own or [time for time, _ in signals.values()]
    return Latest(max(own, default=None), signals)
