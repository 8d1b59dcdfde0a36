"""Villages: where they are, whether they are heard, how their facilities stand, how many alerts are open."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, select

from api.queries.never_heard import never_heard
from siaga.database import tables
from siaga.database.scopes import within
from siaga.model.scope import Scope, Scopes
from siaga.timeline.spans import State
from siaga.wire.topics import is_village_code

__all__ = ["VillageNow", "count_villages", "names_of", "village", "villages"]


@dataclass(frozen=True, slots=True)
class VillageNow:
    """A village as it stands now.

    `since` (wall time, ms): from when its link has been so; `None`: it was never heard. `facilities`: how many are in
    which state. `never_heard`: the ids of those of whose devices nothing ever arrived. `judged`: how many are judged at
    all. `open_alerts`: of the village, all that is in it, and the uplink it was lost with; `taken_alerts`: those
    that somebody takes care of.
    """

    code: str
    name: str
    latitude: float
    longitude: float
    timezone: str
    online: bool
    since: int | None
    open_alerts: int
    facilities: Mapping[State, int] = field(default_factory=dict)
    never_heard: tuple[str, ...] = ()
    judged: int = 0
    taken_alerts: int = 0

    @property
    def heard(self) -> bool:
        """Whether it is heard now. One of which nothing ever arrived is not, before its absence is an alert, too."""
        is_silent = self.judged == 0 and 0 < sum(self.facilities.values()) <= len(self.never_heard)
        return self.online and not is_silent


def villages(connection: Connection, scopes: Scopes, after: str, limit: int) -> list[VillageNow]:
    """Returns the villages of some scopes after a code, by code."""
    table, state = tables.village, tables.village_state
    query = (
        select(
            table.c.code,
            table.c.name,
            table.c.latitude,
            table.c.longitude,
            table.c.timezone,
            state.c.link,
            state.c.since,
        )
        .select_from(table.outerjoin(state, state.c.village == table.c.code))
        .where(table.c.code > after, within(table.c.code, scopes))
    )
    rows = connection.execute(query.order_by(table.c.code).limit(limit)).all()
    if not rows:
        return []
    between = rows[0].code, rows[-1].code
    counts, judged = _counts(connection, scopes, between)
    alerts, taken = _open_alerts(connection, scopes, between)
    silent = never_heard(connection, scopes, between)
    return [
        VillageNow(
            row.code,
            row.name,
            row.latitude,
            row.longitude,
            row.timezone,
            row.link == "online",
            row.since,
            alerts[row.code],
            counts.get(row.code, {}),
            tuple(silent.get(row.code, ())),
            judged.get(row.code, 0),
            taken[row.code],
        )
        for row in rows
    ]


def village(connection: Connection, scopes: Scopes, code: str) -> VillageNow | None:
    """Returns one village by its code, `None` where there is none in the scopes."""
    if not is_village_code(code):
        return None
    return next(iter(villages(connection, scopes.within(Scope(code)), "", 1)), None)


def count_villages(connection: Connection, scopes: Scopes) -> int:
    """Returns how many villages there are in some scopes."""
    table = tables.village
    query = select(func.count()).select_from(table).where(within(table.c.code, scopes))
    return int(connection.execute(query).scalar_one())


def names_of(connection: Connection, codes: set[str]) -> dict[str, tuple[str, str]]:
    """Returns the name and the time zone of each of some villages, by code."""
    table = tables.village
    query = select(table.c.code, table.c.name, table.c.timezone).where(table.c.code.in_(codes))
    return {code: (name, timezone) for code, name, timezone in connection.execute(query)}


def _from(village: ColumnElement[str], scopes: Scopes, between: tuple[str, str]) -> ColumnElement[bool]:
    return and_(village.between(*between), within(village, scopes))


def _counts(
    connection: Connection, scopes: Scopes, between: tuple[str, str]
) -> tuple[dict[str, dict[State, int]], dict[str, int]]:
    """How the facilities of these villages stand now, and how many of each village's are judged."""
    facility, span = tables.facility, tables.span
    running = and_(span.c.village == facility.c.village, span.c.facility == facility.c.id, span.c.end.is_(None))
    state = func.coalesce(span.c.state, State.NOT_REQUIRED.value)
    rows = connection.execute(
        select(facility.c.village, state, func.count(), func.count(span.c.start))
        .select_from(facility.outerjoin(span, running))
        .where(_from(facility.c.village, scopes, between))
        .group_by(facility.c.village, state)
    )
    found: dict[str, dict[State, int]] = defaultdict(dict)
    judged: Counter[str] = Counter()
    for code, name, count, spans in rows.all():
        found[code][State(name)] = count
        judged[code] += spans
    return found, judged


def _open_alerts(connection: Connection, scopes: Scopes, between: tuple[str, str]) -> tuple[Counter[str], Counter[str]]:
    """How many alerts are open of each village, and how many of them somebody takes care of."""
    alert, member = tables.alert, tables.alert_member
    is_taken = func.sum(case((or_(alert.c.acknowledged_at.is_not(None), alert.c.assignee.is_not(None)), 1), else_=0))
    own = (
        select(alert.c.village, func.count(), is_taken)
        .where(_from(alert.c.village, scopes, between), alert.c.cleared_at.is_(None))
        .group_by(alert.c.village)
    )
    others = (
        select(member.c.village, func.count(), is_taken)
        .select_from(member.join(alert, alert.c.id == member.c.alert))
        .where(_from(member.c.village, scopes, between), member.c.village != alert.c.village)
        .where(member.c.ended_at.is_(None), alert.c.cleared_at.is_(None))
        .group_by(member.c.village)
    )
    found, taken = Counter[str](), Counter[str]()
    for query in (own, others):
        for village, count, by_somebody in connection.execute(query).all():
            found[village] += count
            taken[village] += int(by_somebody)
    return found, taken
