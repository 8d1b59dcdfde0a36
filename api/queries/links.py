"""How villages were cut off and dark in a time, as the engine keeps it. Telemetry is not read.

A *cut* is wall time: nothing arrived for longer than `offline_after`, from the last arrival on. It is a
`village_offline` alert, of which a shared uplink has one for several villages. *Dark* is event time: the gateway did
not run, up to its last heartbeat, as what is after it may still arrive (`siaga.timeline.dark`).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, or_, select

from siaga.database import tables
from siaga.database.dark import dark_stretches
from siaga.database.scopes import within
from siaga.model.intervals import Interval, clip, merge, total
from siaga.model.scope import Scopes
from siaga.timeline.facility_state import VILLAGE_OFFLINE

__all__ = ["LinkFigures", "links", "never_heard"]

_Cuts = Mapping[str, list[tuple[int, int | None]]]


@dataclass(frozen=True, slots=True)
class LinkFigures:
    """The link of one village in a window; milliseconds.

    `link` and `since` are as of now. `cut` and `dark` lie in the window; `longest_cut` is whole, also where it reaches
    beyond. `blank`: nothing ever arrived.
    """

    village: str
    online: bool
    since: int | None
    cut: int
    cuts: int
    longest_cut: int
    dark: int
    blank: bool


def links(
    connection: Connection, scopes: Scopes, window: Interval, after: str, limit: int, now: int
) -> list[LinkFigures]:
    """Returns the villages after a code, in order of their codes.

    Args:
        connection: the database.
        scopes: whose villages.
        window: wall time for cuts, event time for what was dark.
        after: only villages with a later code.
        limit: at most so many.
        now: wall time; a cut that goes on has lasted until then.
    """
    village, state = tables.village, tables.village_state
    query = (
        select(village.c.code, state.c.link, state.c.since, state.c.last_arrival)
        .select_from(village.outerjoin(state, state.c.village == village.c.code))
        .where(village.c.code > after, within(village.c.code, scopes))
    )
    rows = connection.execute(query.order_by(village.c.code).limit(limit)).all()
    if not rows:
        return []
    between = rows[0].code, rows[-1].code
    heard = _heard(connection, between)
    cuts, dark = _cuts(connection, window), dark_stretches(connection, window, between)
    found = []
    for row in rows:
        mine = [
            (start, now if end is None else end)
            for start, end in cuts.get(row.code, ())
            if start < window[1] and (end is None or end > window[0])
        ]
        found.append(
            LinkFigures(
                row.code,
                row.link == "online",
                row.since,
                total(clip(merge(mine), *window)),
                len(mine),
                max((end - start for start, end in mine), default=0),
                total(clip(dark.get(row.code, ()), *window)),
                row.last_arrival is None and row.code not in heard,
            )
        )
    return found


def never_heard(connection: Connection, scopes: Scopes) -> list[str]:
    """Returns the codes of the villages from which nothing ever arrived: those that are `blank` in `links`."""
    village, state, gateway = tables.village, tables.village_state, tables.gateway_state
    arrived = select(state.c.village).where(state.c.village == village.c.code, state.c.last_arrival.is_not(None))
    alive = select(gateway.c.village).where(gateway.c.village == village.c.code, gateway.c.last_alive.is_not(None))
    blank = select(village.c.code).where(within(village.c.code, scopes), ~arrived.exists(), ~alive.exists())
    return list(connection.execute(blank.order_by(village.c.code)).scalars())


def _heard(connection: Connection, between: tuple[str, str]) -> set[str]:
    """Returns the villages from which a heartbeat ever came."""
    table = tables.gateway_state
    query = select(table.c.village).where(table.c.village.between(*between), table.c.last_alive.is_not(None))
    return set(connection.execute(query).scalars())


def _cuts(connection: Connection, window: Interval) -> _Cuts:
    """When each village was cut off, by the alerts that touch the window; the end is `None` while it goes on."""
    table = tables.alert
    query = select(table.c.village, table.c.began_at, table.c.ended_at, table.c.evidence).where(
        table.c.kind == VILLAGE_OFFLINE,
        table.c.began_at < window[1],
        or_(table.c.ended_at.is_(None), table.c.ended_at > window[0]),
    )
    found: dict[str, list[tuple[int, int | None]]] = defaultdict(list)
    for village, began_at, ended_at, evidence in connection.execute(query):
        children = list(_children(evidence))
        for code, start, end in children or [(village, began_at, ended_at)]:
            found[code].append((start, end if end is not None else ended_at))
    return found


def _children(evidence: object) -> Iterator[tuple[str, int, int | None]]:
    """The villages that a shared alert lists, with when each was lost and came back."""
    listed = evidence.get("children") if isinstance(evidence, dict) else None
    for child in listed if isinstance(listed, list) else ():
        began = _time(child.get("began_at"))
        if began is not None:
            yield str(child.get("village")), began, _time(child.get("ended_at"))


def _time(text: object) -> int | None:
    return round(datetime.fromisoformat(text).timestamp() * 1000) if isinstance(text, str) else None
