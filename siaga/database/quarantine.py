"""The quarantine: refused payloads, stored for people to look at. It is bounded, and has no hardware addresses."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypedDict

from sqlalchemy import ColumnElement, Connection, Engine, func, select
from sqlalchemy.dialects import postgresql, sqlite

from siaga.database import tables, take_turns, writing
from siaga.database.scopes import within
from siaga.model.scope import EVERYWHERE, Scopes
from siaga.wire.refusal import LABELS, SAMPLE_BYTES, Refusal, mask, readable, sample
from siaga.wire.topics import is_village_code

__all__ = ["Quarantine", "QuarantineGroup", "QuarantineItem", "Refusal", "mask", "sample"]

PER_VILLAGE = 1_000
"""Rows of one village at most (the newest), so that a broken device leaves room for the others."""
TOTAL = 10_000
"""Rows at most."""
_TEXT = 1_000
"""Characters of a topic and of a reason at most. MQTT allows topics of 65,535 bytes."""


@dataclass(frozen=True, slots=True)
class QuarantineItem:
    """A stored refusal. A newer one has a larger `id`. `label`: of `siaga.wire.refusal.LABELS`; `None`: not known."""

    id: int
    village: str | None
    time: int
    topic: str
    reason: str
    bytes: str
    label: str | None = None


@dataclass(frozen=True, slots=True)
class QuarantineGroup:
    """What is kept of one village that was refused for one reason: how many, the time of the first, and the newest."""

    count: int
    first: int
    newest: QuarantineItem


class Quarantine:
    """The refused payloads in the SQL database. Safe for several threads and processes."""

    def __init__(self, engine: Engine, per_village: int = PER_VILLAGE, total: int = TOTAL) -> None:
        self._engine = engine
        self._per_village = per_village
        self._total = total

    def add(self, refusals: Iterable[Refusal]) -> int:
        """Store refusals in one transaction. Returns how many rows were dropped to make room."""
        rows = [_row(refusal) for refusal in refusals]
        if not rows:
            return 0
        dropped: Counter[str | None] = Counter()
        left = Counter(dict.fromkeys({row["village"] for row in rows}, self._per_village))
        newest = []
        for row in reversed(rows):
            left[row["village"]] -= 1
            if left[row["village"]] < 0:
                dropped[row["village"]] += 1
            else:
                newest.append(row)
        with writing(self._engine) as connection:
            take_turns(connection, "quarantine")
            connection.execute(tables.quarantine.insert(), newest[::-1])
            for village in left:
                dropped[village] += _drop_old(connection, _of(village), self._per_village)
            dropped += self._share(connection)
            _count(connection, dropped)
        return dropped.total()

    def items(
        self,
        scopes: Scopes = EVERYWHERE,
        limit: int = 100,
        before_id: int | None = None,
        label: str | None = None,
    ) -> list[QuarantineItem]:
        """Returns what is kept of some scopes, newest first, older than `before_id` if given.

        What is of no village is there for who sees everything alone. `label`: of this reason alone, "" for those
        whose reason is not known in one word.
        """
        table = tables.quarantine
        columns = table.c.village, table.c.time, table.c.topic, table.c.reason, table.c.bytes, table.c.label
        query = select(table.c.id, *columns).where(within(table.c.village, scopes))
        if label is not None:
            query = query.where(table.c.label == label if label else table.c.label.is_(None))
        if before_id is not None:
            query = query.where(table.c.id < before_id)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(table.c.id.desc()).limit(limit))
            return [QuarantineItem(*row) for row in rows]

    def groups(self, label: str, scopes: Scopes = EVERYWHERE, limit: int = 100) -> list[QuarantineGroup]:
        """Returns what is kept of some scopes with a label, by village and reason, the newest group first."""
        table = tables.quarantine
        newest = func.max(table.c.id).label("newest")
        found = (
            select(func.count().label("count"), func.min(table.c.time).label("first"), newest)
            .where(within(table.c.village, scopes), table.c.label == label)
            .group_by(table.c.village, table.c.reason)
            .order_by(newest.desc())
            .limit(limit)
            .subquery()
        )
        item = table.c.village, table.c.time, table.c.topic, table.c.reason, table.c.bytes, table.c.label
        query = select(found.c.count, found.c.first, table.c.id, *item).join(found, table.c.id == found.c.newest)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(table.c.id.desc()))
            return [QuarantineGroup(count, first, QuarantineItem(*newest)) for count, first, *newest in rows]

    def counts(self, scopes: Scopes = EVERYWHERE) -> dict[str | None, int]:
        """Returns how many refusals are kept of some scopes, by label."""
        table = tables.quarantine
        query = select(table.c.label, func.count()).where(within(table.c.village, scopes)).group_by(table.c.label)
        with self._engine.connect() as connection:
            return {label: count for label, count in connection.execute(query)}  # noqa: C416 - rows are no tuples

    def dropped(self) -> dict[str | None, int]:
        """Returns how many rows were dropped to make room since the database was created, by village."""
        table = tables.quarantine_dropped
        with self._engine.connect() as connection:
            rows = connection.execute(select(table.c.village, table.c.dropped))
            return {village or None: count for village, count in rows}

    def _share(self, connection: Connection) -> Counter[str | None]:
        """Reduce the rows to the total limit. Villages with the most rows lose theirs first, quiet ones none.

        Returns how many rows were dropped, by village.
        """
        table = tables.quarantine
        rows = connection.execute(select(table.c.village, func.count()).group_by(table.c.village))
        counts: dict[str | None, int] = {village: count for village, count in rows}  # noqa: C416 - rows are no tuples
        dropped: Counter[str | None] = Counter()
        if sum(counts.values()) <= self._total:
            return dropped
        share = _fair_share(list(counts.values()), self._total)
        if share == 0:
            return _drop_oldest(connection, self._total * 9 // 10)
        for village, count in counts.items():
            if count > share:
                dropped[village] = _drop_old(connection, _of(village), share)
        return dropped


class _Row(TypedDict):
    village: str | None
    time: int
    topic: str
    reason: str
    bytes: str
    label: str | None


def _row(refusal: Refusal) -> _Row:
    """Returns the row of a refusal. It is masked here too, because a gateway may have failed to."""
    known = refusal.village is not None and is_village_code(refusal.village)
    return {
        "village": refusal.village if known else None,
        "time": refusal.time,
        "topic": readable(mask(refusal.topic))[:_TEXT],
        "reason": readable(mask(refusal.reason))[:_TEXT],
        "bytes": readable(mask(refusal.bytes))[: SAMPLE_BYTES * 4],  # an escaped byte has four characters
        "label": refusal.label if refusal.label in LABELS else None,
    }


def _of(village: str | None) -> ColumnElement[bool]:
    column = tables.quarantine.c.village
    return column.is_(None) if village is None else column == village


def _drop_old(connection: Connection, which: ColumnElement[bool], keep: int) -> int:
    """Delete all but the newest `keep` of these rows. Returns how many were deleted."""
    table = tables.quarantine
    last = select(table.c.id).where(which).order_by(table.c.id.desc()).offset(keep).limit(1).scalar_subquery()
    return connection.execute(table.delete().where(which, table.c.id <= last)).rowcount


def _drop_oldest(connection: Connection, keep: int) -> Counter[str | None]:
    """Delete all but the newest `keep` rows of all villages. Returns how many were deleted, by village."""
    table = tables.quarantine
    last = select(table.c.id).order_by(table.c.id.desc()).offset(keep).limit(1).scalar_subquery()
    gone = connection.execute(table.delete().where(table.c.id <= last).returning(table.c.village))
    return Counter(gone.scalars())


def _fair_share(counts: list[int], total: int) -> int:
    """Returns the largest number of rows per village with which all together have at most nine tenths of `total`.

    A tenth is left free, so that not every insert has to make room. With more villages than rows it returns 0: then the
    newest rows of all villages are kept.
    """
    room = total * 9 // 10
    for index, count in enumerate(sorted(counts)):
        share = room // (len(counts) - index)
        if count > share:
            return share
        room -= count
    return max(counts)


def _count(connection: Connection, dropped: Counter[str | None]) -> None:
    table = tables.quarantine_dropped
    rows = [{"village": village or "", "dropped": number} for village, number in dropped.items() if number]
    if not rows:
        return
    insert = postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)
    added = table.c.dropped + insert.excluded.dropped
    connection.execute(insert.on_conflict_do_update(index_elements=[table.c.village], set_={"dropped": added}), rows)
