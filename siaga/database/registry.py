"""The registry: the imported villages, in the SQL database.

Whoever caches villages polls `version()`, and reads them again when it has grown. The version must be read first, so
that a change in between is seen at the next poll.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache

from pydantic import TypeAdapter
from sqlalchemy import Connection, Engine, Text, cast, select

from siaga.database import tables, writing
from siaga.database.rewritten import ALWAYS, note_rewritten
from siaga.database.scopes import within
from siaga.database.taken_out import note_put_back, note_taken_out
from siaga.model.probe_village import PROBE_VILLAGE
from siaga.model.scope import Scopes
from siaga.model.sites import Village
from siaga.sites.writing import fingerprint

__all__ = ["ChangedMeanwhile", "ImportReport", "ProbedRegistry", "Registry", "villages_of", "villages_within"]

_VILLAGE = TypeAdapter(Village)
_DOCUMENT = cast(tables.village.c.document, Text).label("document")
"""A village as its text: read at once, in half the time, and of equal words one is kept."""
_CHUNK = 500
"""Villages per query. SQLite allows 32,766 bound values."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """The result of an import, in villages."""

    added: int
    changed: int
    unchanged: int
    removed: int = 0


class ChangedMeanwhile(Exception):
    """The registry is no longer what the caller saw, so nothing was written. `villages`: the codes that differ."""

    def __init__(self, villages: Sequence[str]) -> None:
        super().__init__("the registry was changed meanwhile")
        self.villages = villages


class Registry:
    """Villages with their facilities and devices. Safe for several threads and processes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def replace(
        self,
        villages: Sequence[Village],
        now: int,
        regions: Mapping[str, str] | None = None,
        holidays: Mapping[date, str] | None = None,
        *,
        removed: Collection[str] = (),
        unnamed: Collection[str] = (),
        seen: Mapping[str, str | None] | None = None,
        seen_version: int | None = None,
    ) -> ImportReport:
        """Import the villages of one sites file, all or none. Each is replaced as a whole. Other villages stay.

        The version grows if anything changed. Villages keep their order if the file has the same.

        Args:
            now: wall time, ms; the `told` of new villages. Known villages keep theirs.
            regions: names of regions by code. Other regions stay.
            holidays: names of holidays by date. Other names stay.
            removed: codes of villages to take out. What was measured of them stays in its tables.
            unnamed: codes of regions whose names are deleted.
            seen: the fingerprints of villages that the caller saw, by code; `None`: it saw none.
            seen_version: the version that the caller saw.

        Raises:
            ChangedMeanwhile: the registry differs from what the caller saw.
        """
        with writing(self._engine) as connection:
            lock = select(tables.registry_version.c.version).with_for_update()
            version = connection.execute(lock).scalar_one()
            _check_seen(connection, seen or {})
            if seen_version is not None and seen_version != version:
                raise ChangedMeanwhile(())
            gone = _take_out(connection, removed, now)
            places, moved = _places(connection, villages)
            report = ImportReport(0, 0, 0, gone)
            for start in range(0, len(villages), _CHUNK):
                part = _replace(connection, villages[start : start + _CHUNK], now, places)
                report = ImportReport(
                    report.added + part.added, report.changed + part.changed, report.unchanged + part.unchanged, gone
                )
            renamed = _name_regions(connection, regions or {}, unnamed)
            renamed |= _name_holidays(connection, holidays or {})
            if report.added or report.changed or gone or moved or renamed:
                connection.execute(tables.registry_version.update().values(version=version + 1))
        return report

    def villages(self) -> list[Village]:
        """Returns all villages, in the order of the sites file."""
        query = select(_DOCUMENT, tables.village.c.told)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(tables.village.c.position, tables.village.c.code))
            return [_village(document, told) for document, told in rows]

    def village(self, code: str) -> Village | None:
        """Returns one village; `None` if it was never imported."""
        query = select(_DOCUMENT, tables.village.c.told).where(tables.village.c.code == code)
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        return _village(row.document, row.told) if row else None

    def behind_own_gateway(self) -> list[Village]:
        """Returns the villages without a gateway of their own: those of siaga's."""
        table = tables.village
        query = select(_DOCUMENT, table.c.told).where(table.c.document["remote"].as_boolean().is_(False))
        with self._engine.connect() as connection:
            return [_village(document, told) for document, told in connection.execute(query)]

    def regions(self) -> dict[str, str]:
        """Returns the names of regions by code, as far as sites files gave any."""
        with self._engine.connect() as connection:
            return {row.code: row.name for row in connection.execute(select(tables.region))}

    def holidays(self) -> dict[date, str]:
        """Returns the names of holidays by date. Which villages have one stands in each of them."""
        with self._engine.connect() as connection:
            return {row.date: row.name for row in connection.execute(select(tables.holiday))}

    def version(self) -> int:
        """Returns a number that grows with every import that changed something."""
        with self._engine.connect() as connection:
            version: int = connection.execute(select(tables.registry_version.c.version)).scalar_one()
        return version


class ProbedRegistry(Registry):
    """The villages of a registry, and the one of siaga's self-probe: for the collector and the alert engine alone."""

    def villages(self) -> list[Village]:
        """Returns all villages, in the order of the sites file, and the self-probe's."""
        return [*super().villages(), PROBE_VILLAGE]


def villages_of(connection: Connection, codes: Iterable[str]) -> dict[str, Village]:
    """Returns the imported villages among these codes, by code."""
    table = tables.village
    found: dict[str, Village] = {}
    wanted = list(codes)
    for start in range(0, len(wanted), _CHUNK):
        query = select(table.c.code, _DOCUMENT, table.c.told)
        for row in connection.execute(query.where(table.c.code.in_(wanted[start : start + _CHUNK]))):
            found[row.code] = _village(row.document, row.told)
    return found


def villages_within(connection: Connection, scopes: Scopes) -> list[Village]:
    """Returns the villages of some scopes, in the order of the sites file.

    The caller's transaction is read in, so that what else it reads is of the same moment.
    """
    table = tables.village
    query = select(_DOCUMENT, table.c.told).where(within(table.c.code, scopes))
    rows = connection.execute(query.order_by(table.c.position, table.c.code))
    return [_village(document, told) for document, told in rows]


def _village(document: str, told: int) -> Village:
    village = _VILLAGE.validate_json(document)
    return replace(village, told=told, holidays=_shared(village.holidays))


@lru_cache(maxsize=1024)
def _shared(holidays: frozenset[date]) -> frozenset[date]:
    """Returns one shared object for equal sets: a country's villages would need too much memory."""
    return holidays


def _check_seen(connection: Connection, seen: Mapping[str, str | None]) -> None:
    current = villages_of(connection, seen)
    differing = [
        code for code, known in seen.items() if known != (fingerprint(current[code]) if code in current else None)
    ]
    if differing:
        raise ChangedMeanwhile(differing)


def _take_out(connection: Connection, codes: Collection[str], now: int) -> int:
    """Delete villages, and with them their facilities and devices. Returns how many there were."""
    table, gone = tables.village, sorted(codes)
    note_taken_out(connection, list(villages_of(connection, gone).values()), (), now)
    return sum(
        connection.execute(table.delete().where(table.c.code.in_(gone[start : start + _CHUNK]))).rowcount
        for start in range(0, len(gone), _CHUNK)
    )


def _places(connection: Connection, villages: Sequence[Village]) -> tuple[dict[str, int], bool]:
    """Returns the position of each village of a file by code, and whether known ones got another order.

    If the file has the known villages in the registry's order and the new ones after them, the known ones keep their
    positions. Otherwise the positions are those in the file.
    """
    table = tables.village
    rows = connection.execute(select(table.c.code, table.c.position).order_by(table.c.position, table.c.code)).all()
    rank = {row.code: number for number, row in enumerate(rows)}
    position = {row.code: row.position for row in rows}
    ranks = [rank[village.code] for village in villages if village.code in rank]
    in_order = all(village.code in rank for village in villages[: len(ranks)]) and ranks == sorted(ranks)
    if not in_order:
        places = {village.code: number for number, village in enumerate(villages)}
        moves = [(code, place) for code, place in places.items() if position.get(code, place) != place]
        for code, place in moves:
            connection.execute(table.update().where(table.c.code == code).values(position=place))
        return places, bool(moves)
    after = max(position.values(), default=-1) + 1
    new = (village.code for village in villages[len(ranks) :])
    return position | {code: number for number, code in enumerate(new, after)}, False


def _name_regions(connection: Connection, names: Mapping[str, str], unnamed: Collection[str]) -> bool:
    """Store names of regions, and delete others. Returns whether any changed."""
    table = tables.region
    known = {row.code: row.name for row in connection.execute(select(table))}
    changed = {code: name for code, name in names.items() if known.get(code) != name}
    gone = [code for code in unnamed if code in known and code not in names]
    if changed or gone:
        connection.execute(table.delete().where(table.c.code.in_([*changed, *gone])))
    if changed:
        connection.execute(table.insert(), [{"code": code, "name": name} for code, name in changed.items()])
    return bool(changed or gone)


def _name_holidays(connection: Connection, names: Mapping[date, str]) -> bool:
    """Store names of holidays. Returns whether any changed."""
    table = tables.holiday
    known = {row.date: row.name for row in connection.execute(select(table))}
    changed = {day: name for day, name in names.items() if known.get(day) != name}
    if changed:
        connection.execute(table.delete().where(table.c.date.in_(list(changed))))
        connection.execute(table.insert(), [{"date": day, "name": name} for day, name in changed.items()])
    return bool(changed)


def _replace(connection: Connection, villages: Sequence[Village], now: int, places: Mapping[str, int]) -> ImportReport:
    """Import some of the villages. `places`: their positions by code."""
    table = tables.village
    query = select(table.c.code, _DOCUMENT, table.c.told)
    rows = connection.execute(query.where(table.c.code.in_([village.code for village in villages])))
    known = {row.code: _village(row.document, row.told) for row in rows}
    added, changed = [], []
    for village in villages:
        before, place = known.get(village.code), places[village.code]
        if before is None:
            added.append((place, replace(village, told=now)))
        elif before != replace(village, told=before.told):
            changed.append((place, replace(village, told=before.told)))
    changing = [village for _, village in changed]
    note_taken_out(connection, [known[village.code] for village in changing], changing, now)
    note_put_back(connection, changing + [village for _, village in added])
    # deleting a village deletes its facilities and devices
    connection.execute(table.delete().where(table.c.code.in_([village.code for _, village in changed])))
    _insert(connection, added + changed, now)
    note_rewritten(connection, {(village.code, ""): ALWAYS for _, village in changed})
    return ImportReport(len(added), len(changed), len(villages) - len(added) - len(changed))


def _insert(connection: Connection, placed: Sequence[tuple[int, Village]], now: int) -> None:
    villages, facilities, devices = [], [], []
    for place, village in placed:
        document = _VILLAGE.dump_python(replace(village, told=0), mode="json")
        villages.append(
            {
                "code": village.code,
                "name": village.name,
                "latitude": village.latitude,
                "longitude": village.longitude,
                "timezone": village.timezone,
                "document": document,
                "told": village.told,
                "position": place,
                "changed_at": now,
            }
        )
        for index, facility in enumerate(village.facilities):
            here = {"village": village.code, "id": facility.id}
            facilities.append(here | {"kind": facility.kind, "name": facility.name, "position": index})
            devices += [
                {"village": village.code, "id": device.id, "facility": facility.id, "adapter": device.adapter.value}
                for device in facility.devices
            ]
    for table, rows in ((tables.village, villages), (tables.facility, facilities), (tables.device, devices)):
        if rows:
            connection.execute(table.insert(), rows)
