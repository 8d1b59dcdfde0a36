"""How villages are dealt to partitions, each watched by one engine; what engines leave when their number changes."""

import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, TypeAdapter
from sqlalchemy import Connection, select

from siaga.database import tables
from siaga.database.engine_state import write_values
from siaga.database.upsert import insert, upsert
from siaga.model.sites import Village

__all__ = ["HEARD", "MAINTENANCE", "Heard", "Share", "carry_over", "claim", "let_go", "taken_over", "watched_by"]

HEARD = "heard"
"""Key in `engine_state`, with the partition behind it: until when its engine has taken what the broker had, and whether
that kept its session."""
MAINTENANCE = "maintenance"
"""Key in `engine_state`, with the partition behind it: the declarations that its engine has judged history by."""
_IDS = TypeAdapter(list[str])
_AT_ONCE = 500
"""Villages per statement."""


class Heard(BaseModel):
    """The value of `HEARD`, which a successor has to know: all that was published until a wall time has been taken.

    `settled`: as far as the engine could tell, the broker kept its session, with everything since.
    """

    until: int
    settled: bool = False


@dataclass(frozen=True, slots=True)
class Share:
    """The villages of one partition, `number` of `count`."""

    number: int = 0
    count: int = 1

    def holds(self, village: Village) -> bool:
        """Whether a village is dealt to this partition. Those that share an uplink stay together."""
        return self.holds_name(village.uplink or village.code)

    def holds_name(self, name: str) -> bool:
        """Whether an uplink, or a village without one, is dealt to this partition."""
        return zlib.crc32(name.encode()) % self.count == self.number


def claim(connection: Connection, share: Share, villages: Collection[str]) -> dict[str, int | None]:
    """Have the engine of a partition watch those of the villages that no other engine watches.

    Returns those of them that it watches now. The value is the wall time until which another engine heard the village
    before it let it go; `None` if no engine has, or if `taken_over` was called since.
    """
    table, codes = tables.village_partition, list(villages)
    claiming = insert(connection, table).on_conflict_do_update(
        index_elements=["village"], set_={"partition": share.number}, where=table.c.partition.is_(None)
    )
    mine: dict[str, int | None] = {}
    for start in range(0, len(codes), _AT_ONCE):
        some = codes[start : start + _AT_ONCE]
        these = select(table).where(table.c.village.in_(some))
        held = {row.village for row in connection.execute(these.where(table.c.partition.is_not(None)))}
        free = [{"village": code, "partition": share.number} for code in some if code not in held]
        if free:
            connection.execute(claiming, free)
        claimed = connection.execute(these.where(table.c.partition == share.number))
        mine |= {row.village: row.let_go_at for row in claimed}
    return mine


def watched_by(connection: Connection, share: Share) -> set[str]:
    """Returns the villages that the engine of a partition watched last, also those that are no longer registered."""
    table = tables.village_partition
    return set(connection.execute(select(table.c.village).where(table.c.partition == share.number)).scalars())


def taken_over(connection: Connection, villages: Collection[str]) -> None:
    """What was published of villages while no engine watched them was read, or their snapshots say that it is to be."""
    table = tables.village_partition
    connection.execute(table.update().where(table.c.village.in_(list(villages))).values(let_go_at=None))


def let_go(connection: Connection, villages: Collection[str], heard_until: int) -> None:
    """Let other engines watch villages. Whatever the one that watched them knows of them has been saved."""
    rows = [{"village": code, "partition": None, "let_go_at": heard_until} for code in villages]
    upsert(connection, tables.village_partition, rows, ("village",))


def carry_over(connection: Connection, count: int) -> None:
    """The villages are dealt to `count` partitions from now on: keep for each what all engines before had done.

    Any of them may have watched a village. So it was heard only until the first of them stopped, no session with the
    broker counts, and maintenance is judged again that one of them did not know as it is now.
    """
    state = tables.engine_state
    values: dict[str, object] = {row.key: row.value for row in connection.execute(select(state))}
    heard = [Heard.model_validate(value) for key, value in values.items() if key.startswith(f"{HEARD}/")]
    applied = [_IDS.validate_python(value) for key, value in values.items() if key.startswith(f"{MAINTENANCE}/")]
    gone = [key for key in values if key.startswith((f"{HEARD}/", f"{MAINTENANCE}/", "past/"))]
    connection.execute(state.delete().where(state.c.key.in_(gone)))
    for number in range(count):
        if heard:
            until = Heard(until=min(each.until for each in heard))
            write_values(connection, {f"{HEARD}/{number}": until.model_dump()})
        if applied:
            write_values(connection, {f"{MAINTENANCE}/{number}": _known_to_all(connection, applied)})


def _known_to_all(connection: Connection, applied: Sequence[Sequence[str]]) -> list[str]:
    """Returns the declarations by which nobody has to judge again. What only some knew differs from what holds now."""
    table = tables.maintenance
    current = set(connection.execute(select(table.c.id).where(table.c.deleted_at.is_(None))).scalars())
    every, some = set(applied[0]).intersection(*applied), set().union(*applied)
    return sorted(every | (some - every - current))
