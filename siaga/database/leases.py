"""Who leads each partition of the villages: a row with a growing epoch, held for a few seconds at a time.

Time is the database's clock, so that members whose clocks differ agree. A write of the leader calls `check` first, in
its own transaction: a lease that somebody else has taken meanwhile lets nothing be committed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, ColumnElement, Connection, Engine, Row, func, literal_column, select

from siaga.database import tables
from siaga.database.engine import take_turns, writing

__all__ = ["TTL", "Free", "Held", "Lease", "LeaseLost", "Leases", "OtherLayout", "check", "leaderless"]

TTL = 8_000
"""ms for which a lease holds without being renewed."""
IDLE_WITHIN = 5_000
"""ms after which PostgreSQL ends a leader's transaction that waits for its client: a process that was stopped in the
middle of one would keep the row locked, and nobody could take the lease."""

_LEASE = tables.engine_lease
_NOW = {
    "postgresql": "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)",
    "sqlite": "CAST((julianday('now') - 2440587.5) * 86400000 AS integer)",
}


class LeaseLost(RuntimeError):
    """Another process leads the partition now. The message is a sentence."""

    def __init__(self, partition: int) -> None:
        super().__init__(f"partition {partition} is led by another siaga now")


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to lead a partition, until another process takes it with a higher epoch."""

    partition: int = 0
    partitions: int = 1
    epoch: int = 0


@dataclass(frozen=True, slots=True)
class Free:
    """Nobody leads the partition."""


@dataclass(frozen=True, slots=True)
class Held:
    """Somebody leads the partition. `is_deaf`: it has lost its connection to the broker."""

    holder: str
    is_deaf: bool = False


@dataclass(frozen=True, slots=True)
class OtherLayout:
    """The villages are dealt to another number of partitions."""

    partitions: int
    is_led: bool
    """Whether somebody leads one of them."""


class Leases:
    """The leases as one member sees them. Every method may raise SQLAlchemy's `DBAPIError`.

    Args:
        engine: the database; with a short timeout, as a lease is soon over.
        holder: the member's name; no other process has it.
        partitions: how many there are.
        ttl: ms for which a lease holds.
    """

    def __init__(self, engine: Engine, holder: str, partitions: int, ttl: int = TTL) -> None:
        self.holder, self.partitions, self.ttl = holder, partitions, ttl
        self._engine, self._now = engine, _now(engine)

    def look(self, partition: int) -> Free | Held | OtherLayout:
        """Returns how a partition stands. Locks nothing."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(_LEASE, (_LEASE.c.until > self._now).label("is_held"))).all()
        other = self._other_layout(rows)
        if other is not None:
            return other
        [row] = [row for row in rows if row.partition == partition]
        return Held(row.holder, row.deaf) if row.is_held else Free()

    def take(self, partition: int, found: Free | Held) -> Lease | None:
        """Take a lease that is free, or that is held as `found` says. Waits for the transactions that have checked it.

        Returns the lease with the next epoch; `None` if another member has taken it since `found` was read.
        """
        is_free = _LEASE.c.until <= self._now
        if isinstance(found, Held):
            is_free |= (_LEASE.c.holder == found.holder) & (_LEASE.c.deaf == found.is_deaf)
        update = (
            _LEASE.update()
            .where(_LEASE.c.partition == partition, _LEASE.c.partitions == self.partitions)
            .where(is_free)
            .values(epoch=_LEASE.c.epoch + 1, holder=self.holder, until=self._now + self.ttl, deaf=False)
            .returning(_LEASE.c.epoch)
        )
        with writing(self._engine) as connection:
            _limit_idling(connection)
            connection.execute(select(_LEASE.c.epoch).where(_LEASE.c.partition == partition).with_for_update())
            epoch = connection.execute(update).scalar()
        return None if epoch is None else Lease(partition, self.partitions, epoch)

    def renew(self, lease: Lease, *, deaf: bool = False) -> None:
        """Hold a lease for longer, from now on. `deaf`: the holder has lost its connection to the broker.

        Raises:
            LeaseLost: somebody else has taken it.
        """
        self._set(lease, until=self._now + self.ttl, deaf=deaf)

    def release(self, lease: Lease) -> None:
        """Let others take the lease at once.

        Raises:
            LeaseLost: somebody else has taken it.
        """
        self._set(lease, until=0)

    def _set(self, lease: Lease, **values: ColumnElement[int] | int | bool) -> None:
        with writing(self._engine) as connection:
            _limit_idling(connection)
            if connection.execute(_LEASE.update().where(_is_of(lease)).values(values)).rowcount != 1:
                raise LeaseLost(lease.partition)

    def deal_anew(self, carry_over: Callable[[Connection, int], None]) -> None:
        """Make the partitions as many as this member's setting says, unless one of the old ones is led.

        `carry_over`: called in the same transaction, with the number, to keep what engines of the old ones left.
        """
        with writing(self._engine) as connection:
            take_turns(connection, "lease")
            rows = connection.execute(
                select(_LEASE, (_LEASE.c.until > self._now).label("is_held")).with_for_update()
            ).all()
            other = self._other_layout(rows)
            if other is None or other.is_led:
                return
            epoch = max((row.epoch for row in rows), default=0) + 1  # so that no old lease counts again
            connection.execute(_LEASE.delete())
            connection.execute(
                _LEASE.insert(),
                [
                    {
                        "partition": number,
                        "partitions": self.partitions,
                        "epoch": epoch,
                        "holder": "",
                        "until": 0,
                        "deaf": False,
                    }
                    for number in range(self.partitions)
                ],
            )
            connection.execute(tables.village_partition.delete())
            carry_over(connection, self.partitions)

    def _other_layout(self, rows: Sequence[Row[*tuple[object, ...]]]) -> OtherLayout | None:
        if len(rows) == self.partitions and all(row.partitions == self.partitions for row in rows):
            return None
        return OtherLayout(len(rows), any(row.is_held for row in rows))


def check(connection: Connection, lease: Lease) -> None:
    """Return if a lease still counts. Then it counts until the end of the transaction: whoever takes it waits for that.

    A renewal does not wait: it changes no key of the row.

    Raises:
        LeaseLost: somebody else has taken it.
    """
    columns: list[ColumnElement[int] | ColumnElement[str]] = [_LEASE.c.epoch]
    if connection.dialect.name == "postgresql":
        columns = [*columns, _idling()]
    query = select(*columns).where(_is_of(lease)).with_for_update(read=True, key_share=True)
    if connection.execute(query).first() is None:
        raise LeaseLost(lease.partition)


def leaderless(connection: Connection, for_longer_than: int) -> list[int]:
    """Returns the partitions that nobody has led for so many ms."""
    until = _LEASE.c.until + for_longer_than
    return list(connection.execute(select(_LEASE.c.partition).where(until < _now(connection.engine))).scalars())


def _is_of(lease: Lease) -> ColumnElement[bool]:
    return (_LEASE.c.partition == lease.partition) & (_LEASE.c.epoch == lease.epoch)


def _now(engine: Engine) -> ColumnElement[int]:
    """Returns the clock of the database, ms."""
    return literal_column(_NOW[engine.dialect.name], BigInteger)


def _idling() -> ColumnElement[str]:
    return func.set_config("idle_in_transaction_session_timeout", str(IDLE_WITHIN), True)


def _limit_idling(connection: Connection) -> None:
    """Let PostgreSQL end this transaction when it waits for long for its client."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(_idling()))
