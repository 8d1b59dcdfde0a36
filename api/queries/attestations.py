"""Reading attestations: lists, one, its photos, and those that may count on a date.

`seen` are the scopes that the caller may see. What lies outside of them is not there: not in a list, not by its id,
and not as the older attestation that has the same picture.
"""

import datetime
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Connection, Row, Select, and_, func, select, tuple_

from api.attestations.counting import Attestation
from siaga.database import tables
from siaga.database.scopes import within
from siaga.model.scope import Scopes

__all__ = ["Kept", "KeptPhoto", "by_village", "in_force", "listed", "one", "photo"]

Value = TypeVar("Value")

_ID = re.compile("[0-9a-f]{32}")
_CHUNK = 500
"""Values per query: SQLite takes 32,766 bound values in one."""


@dataclass(frozen=True, slots=True)
class KeptPhoto:
    """A photo without its bytes. `same_as`: the id of the first older attestation with the same picture."""

    n: int
    width: int
    height: int
    bytes: int
    sha256: str
    source: str | None
    same_as: str | None


@dataclass(frozen=True, slots=True)
class Kept:
    """An attestation as it is kept. Times in ms, `distance` in metres."""

    number: int
    id: str
    village: str
    indicator: str
    met: bool
    date: datetime.date
    expires: datetime.date
    note: str
    by: str
    created_at: int
    device_time: int | None
    distance: int | None
    withdrawn_at: int | None
    withdrawn_by: str | None
    needs_review: bool
    confirmed_at: int | None
    confirmed_by: str | None
    photos: tuple[KeptPhoto, ...] = ()

    @property
    def key(self) -> tuple[str, int, int]:
        """Its place in the list: the latest date first, then what was made last."""
        return self.date.isoformat(), self.created_at, self.number


def listed(
    connection: Connection,
    seen: Scopes,
    asked: Scopes,
    indicator: str | None,
    after: tuple[datetime.date, int, int] | None,
    limit: int,
) -> list[Kept]:
    """Returns the attestations of an indicator, or of all, withdrawn ones too, by `Kept.key`, the last first.

    `asked`: of which villages, all of them seen.     `after`: the key of the one after which to go on.
    """
    table = tables.attestation
    query = select(table).where(within(table.c.village, asked))
    if indicator is not None:
        query = query.where(table.c.indicator == indicator)
    key = tuple_(table.c.date, table.c.created_at, table.c.number)
    if after is not None:
        query = query.where(key < tuple_(*after))
    query = query.order_by(table.c.date.desc(), table.c.created_at.desc(), table.c.number.desc()).limit(limit)
    return _kept(connection, seen, query)


def in_force(connection: Connection, seen: Scopes, start: datetime.date, end: datetime.date) -> list[Kept]:
    """Returns the attestations that are in force on one of the dates `[start, end)`, withdrawn ones too.

    They come by village, indicator and date.
    """
    table = tables.attestation
    query = select(table).where(within(table.c.village, seen), table.c.date < end, table.c.expires > start)
    query = query.order_by(table.c.village, table.c.indicator, table.c.date, table.c.created_at, table.c.number)
    return _kept(connection, seen, query)


def one(connection: Connection, seen: Scopes, attestation: str) -> Kept | None:
    """Returns an attestation by its id, also a withdrawn one."""
    if _ID.fullmatch(attestation) is None:
        return None
    table = tables.attestation
    query = select(table).where(table.c.id == attestation, within(table.c.village, seen))
    return next(iter(_kept(connection, seen, query)), None)


def photo(connection: Connection, seen: Scopes, attestation: str, n: int) -> tuple[bytes, str] | None:
    """Returns the JPEG of a photo, by its number from 1, and its SHA-256."""
    found = one(connection, seen, attestation)
    if found is None or n not in {each.n for each in found.photos}:
        return None
    table = tables.attestation_photo
    query = select(table.c.jpeg, table.c.sha256).where(table.c.attestation == found.number, table.c.n == n)
    row = connection.execute(query).one()
    return bytes(row.jpeg), str(row.sha256)


def by_village(connection: Connection, villages: Collection[str], day: datetime.date) -> dict[str, list[Attestation]]:
    """Returns what counting on a day, or on one before it, needs: of each village all that are dated up to then."""
    table = tables.attestation
    columns = (
        table.c.village,
        table.c.number,
        table.c.id,
        table.c.indicator,
        table.c.met,
        table.c.date,
        table.c.expires,
        table.c.created_at,
        table.c.withdrawn_at,
        and_(table.c.needs_review, table.c.confirmed_at.is_(None)),
        table.c.made_by,
    )
    found: dict[str, list[Attestation]] = defaultdict(list)
    for codes in _portions(sorted(villages)):
        query = select(*columns).where(table.c.village.in_(codes), table.c.date <= day)
        for village, *rest in connection.execute(query):
            found[village].append(Attestation(*rest))
    return found


def _kept(connection: Connection, seen: Scopes, query: Select[*tuple[object, ...]]) -> list[Kept]:
    rows = connection.execute(query).all()
    photos = _photos(connection, seen, [row.number for row in rows])
    return [_one(row, photos.get(row.number, ())) for row in rows]


def _one(row: Row[*tuple[object, ...]], photos: Iterable[KeptPhoto]) -> Kept:
    return Kept(
        row.number,
        row.id,
        row.village,
        row.indicator,
        row.met,
        row.date,
        row.expires,
        row.note,
        row.made_by,
        row.created_at,
        row.device_time,
        row.distance_m,
        row.withdrawn_at,
        row.withdrawn_by,
        row.needs_review,
        row.confirmed_at,
        row.confirmed_by,
        tuple(photos),
    )


def _photos(connection: Connection, seen: Scopes, numbers: Sequence[int]) -> dict[int, list[KeptPhoto]]:
    """The photos of these attestations in order."""
    table = tables.attestation_photo
    columns = (
        table.c.attestation,
        table.c.n,
        table.c.width,
        table.c.height,
        table.c.bytes,
        table.c.sha256,
        table.c.source,
    )
    found: dict[int, list[KeptPhoto]] = defaultdict(list)
    for portion in _portions(numbers):
        query = select(*columns).where(table.c.attestation.in_(portion)).order_by(table.c.attestation, table.c.n)
        rows = connection.execute(query).all()
        first = _first_with(connection, seen, sorted({row.sha256 for row in rows}))
        for number, n, width, height, size, sha256, source in rows:
            older, attestation = first.get(sha256, (number, None))
            same_as = attestation if older < number else None
            found[number].append(KeptPhoto(n, width, height, size, sha256, source, same_as))
    return found


def _first_with(connection: Connection, seen: Scopes, digests: Sequence[str]) -> dict[str, tuple[int, str]]:
    """For each picture the first attestation that has it, of those that are seen: its number and its id."""
    photo, made = tables.attestation_photo, tables.attestation
    found: dict[str, tuple[int, str]] = {}
    for portion in _portions(digests):
        first = (
            select(photo.c.sha256, func.min(made.c.number).label("number"))
            .join(made, made.c.number == photo.c.attestation)
            .where(photo.c.sha256.in_(portion), within(made.c.village, seen))
            .group_by(photo.c.sha256)
            .subquery()
        )
        query = select(first.c.sha256, first.c.number, made.c.id).join(made, made.c.number == first.c.number)
        for sha256, number, attestation in connection.execute(query):
            found[sha256] = (number, attestation)
    return found


def _portions(values: Sequence[Value]) -> Iterable[Sequence[Value]]:
    return (values[start : start + _CHUNK] for start in range(0, len(values), _CHUNK))
