"""Reading complaints, each with what the sensors of its facility said at that minute.

`seen` are the scopes that the caller may see. What lies outside of them is not there.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, FromClause, Row, Select, and_, bindparam, case, func, or_, select, tuple_

from api.attestations.distance import metres_between
from api.complaints.rules import ID, State
from siaga.database import tables
from siaga.database.scopes import within
from siaga.model.intervals import Interval
from siaga.model.scope import Scopes
from siaga.timeline.spans import State as SensorState

__all__ = [
    "Complaint",
    "ComplaintFilter",
    "ComplaintPhoto",
    "Dated",
    "Place",
    "about",
    "by_ids",
    "counted",
    "dated",
    "doubts",
    "listed",
    "near",
    "one",
    "open_between",
    "photo",
    "place",
    "places",
    "places_within",
    "quiet_until",
    "quieted",
    "to_handle",
]


@dataclass(frozen=True, slots=True)
class Place:
    """A facility that people may complain of, as the registry has it now."""

    village: str
    village_name: str
    timezone: str
    facility: str
    kind: str
    name: str
    latitude: float
    longitude: float

    @property
    def full_name(self) -> str:
        """`VILLAGE/ID`."""
        return f"{self.village}/{self.facility}"


@dataclass(frozen=True, slots=True)
class ComplaintPhoto:
    """A photo without its bytes."""

    n: int
    width: int
    height: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Complaint:
    """A complaint as it is kept. Times in ms.

    `sensors`: the state of the facility at that time, and `cause` why; `None`: it was not judged then. `repeats`: how
    often the same sender said the same again. `ended_at`: when it was closed or rejected.
    """

    number: int
    id: str
    village: str
    facility: str
    kind: str
    problem: str
    note: str
    created_at: int
    repeats: int
    state: State
    seen_at: int | None
    seen_by: str | None
    ended_at: int | None
    ended_by: str | None
    answer: str | None
    erased_at: int | None
    sensors: SensorState | None
    cause: str | None
    photos: tuple[ComplaintPhoto, ...] = ()

    @property
    def contradicts(self) -> bool:
        """Whether the sensors said at that time that all is well."""
        return self.sensors is SensorState.MET


@dataclass(frozen=True, slots=True)
class ComplaintFilter:
    """Which complaints: of some scopes, or of one facility of their one village; in some states; made in a window.

    `problems`: kinds of facilities, each with a problem; `None`: all.
    """

    scopes: Scopes
    facility: str | None = None
    states: Sequence[State] = tuple(State)
    window: Interval | None = None
    problems: Collection[tuple[str, str]] | None = None


def place(connection: Connection, village: str, facility: str) -> Place | None:
    """Returns a facility that people may complain of."""
    query = _PLACES.where(tables.village.c.code == village, tables.facility.c.id == facility)
    row = connection.execute(query).one_or_none()
    return None if row is None else Place(*row)


def places_within(connection: Connection, scopes: Scopes, limit: int) -> Sequence[Place]:
    """Returns the facilities of some scopes, by village, in the order of the sites file."""
    query = _PLACES.where(within(tables.village.c.code, scopes))
    rows = connection.execute(query.order_by(tables.village.c.code, tables.facility.c.position).limit(limit))
    return [Place(*row) for row in rows]


def near(connection: Connection, kind: str, at: tuple[float, float], within_: int) -> Sequence[Place]:
    """Returns the facilities of a kind in the village nearest to a place, if that is within some metres.

    Where that village has none, its neighbours' are not meant.
    """
    home = tables.village
    north, east = at
    reach = within_ / 100_000  # degrees: a degree of latitude has 111 km, one of longitude in Indonesia hardly less
    box = home.c.latitude.between(north - reach, north + reach), home.c.longitude.between(east - reach, east + reach)
    rows = connection.execute(select(home.c.code, home.c.latitude, home.c.longitude).where(*box))
    far = {code: metres_between(at, (latitude, longitude)) for code, latitude, longitude in rows}
    nearest = min(far, key=lambda code: (far[code], code), default=None)
    if nearest is None or far[nearest] > within_:
        return []
    query = _PLACES.where(home.c.code == nearest, tables.facility.c.kind == kind)
    return [Place(*row) for row in connection.execute(query.order_by(tables.facility.c.position))]


def places(connection: Connection, names: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], Place]:
    """Returns facilities by their village's code and their own id; those that the registry has."""
    if not names:
        return {}
    table = tables.facility
    query = _PLACES.where(tuple_(table.c.village, table.c.id).in_(sorted(names)))
    found = [Place(*row) for row in connection.execute(query)]
    return {(one.village, one.facility): one for one in found}


def listed(connection: Connection, wanted: ComplaintFilter, before: int | None, limit: int) -> Sequence[Complaint]:
    """Returns complaints, the newest first, those older than the number `before` if given."""
    table = tables.complaint
    query = _filtered(_all(), wanted)
    if before is not None:
        query = query.where(table.c.number < before)
    return _read(connection, query.order_by(table.c.number.desc()).limit(limit))


def to_handle(
    connection: Connection, wanted: ComplaintFilter, limit: int, after: tuple[bool, int] | None = None
) -> Sequence[Complaint]:
    """Returns complaints in the order in which people look at them: what contradicts the sensors first, then by age.

    `after`: those behind one, by whether it contradicts and its number.
    """
    table = tables.complaint
    query = _filtered(_all(), wanted)
    if after is not None:
        stands, rank = _FIRST, 0 if after[0] else 1
        query = query.where(or_(stands > rank, and_(stands == rank, table.c.number < after[1])))
    return _read(connection, query.order_by(_FIRST, table.c.number.desc()).limit(limit))


def about(connection: Connection, village: str, facility: str, window: Interval, limit: int) -> Sequence[Complaint]:
    """Returns the complaints of one facility that were made in a window, what contradicts its sensors first."""
    table = tables.complaint
    query = (
        _all()
        .where(table.c.village == village, table.c.facility == facility)
        .where(table.c.created_at >= window[0], table.c.created_at < window[1])
        .order_by(_FIRST, table.c.number.desc())
        .limit(limit)
    )
    return _read(connection, query)


def one(connection: Connection, complaint: str) -> Complaint | None:
    """Returns a complaint by its id, for whoever knows it."""
    if ID.fullmatch(complaint) is None:
        return None
    return next(iter(_read(connection, _all().where(tables.complaint.c.id == complaint))), None)


def by_ids(connection: Connection, complaints: Sequence[str]) -> Sequence[Complaint]:
    """Returns the complaints that have one of some ids, in the order of these."""
    wanted = [complaint for complaint in dict.fromkeys(complaints) if ID.fullmatch(complaint) is not None]
    found = {found.id: found for found in _read(connection, _all().where(tables.complaint.c.id.in_(wanted)))}
    return [found[complaint] for complaint in wanted if complaint in found]


def photo(connection: Connection, complaint: Complaint, n: int) -> tuple[bytes, str] | None:
    """Returns the JPEG of a photo, by its number from 1, and its SHA-256."""
    table = tables.complaint_photo
    query = select(table.c.jpeg, table.c.sha256).where(table.c.complaint == complaint.number, table.c.n == n)
    row = connection.execute(query).one_or_none()
    return None if row is None else (bytes(row.jpeg), str(row.sha256))


def counted(connection: Connection, scopes: Scopes, states: Sequence[State]) -> tuple[int, int]:
    """Returns how many complaints of some scopes are in some states, and how many of these contradict the sensors."""
    table = tables.complaint
    contradicting = func.sum(case((_CONTRADICTS, 1), else_=0))
    query = (
        select(func.count(), contradicting)
        .select_from(_beside_sensors())
        .where(within(table.c.village, scopes), table.c.state.in_(states))
    )
    found, of_these = connection.execute(query).one()
    return int(found), int(of_these or 0)


def doubts(connection: Connection, since: int) -> Mapping[tuple[str, str], tuple[int, ...]]:
    """Returns by village and facility when people said otherwise than its sensors, from `since` on, ms, in order.

    Complaints that a technician has closed or rejected are left out.
    """
    found: dict[tuple[str, str], tuple[int, ...]] = {}
    for village, facility, time in connection.execute(_DOUBTS, {"since": since}):
        found[village, facility] = (*found.get((village, facility), ()), time)
    return found


@dataclass(frozen=True, slots=True)
class Dated:
    """When somebody complained of a facility, when it was seen and ended, ms, and whether it contradicts."""

    village: str
    facility: str
    kind: str
    created_at: int
    seen_at: int | None
    ended_at: int | None
    contradicts: bool


def dated(connection: Connection, scopes: Scopes, window: Interval, facility: str | None = None) -> Sequence[Dated]:
    """Returns the complaints of some scopes that were made in a window, without those that were rejected.

    `facility`: of the one village of the scopes, those of this one.
    """
    table = tables.complaint
    columns = table.c.village, table.c.facility, table.c.kind, table.c.created_at, table.c.seen_at, table.c.ended_at
    query = (
        select(*columns, case((_CONTRADICTS, 1), else_=0))
        .select_from(_beside_sensors())
        .where(within(table.c.village, scopes), table.c.state != State.REJECTED)
        .where(table.c.created_at >= window[0], table.c.created_at < window[1])
    )
    if facility is not None:
        query = query.where(table.c.facility == facility)
    return [
        Dated(village, facility, kind, created, seen, ended, contradicts == 1)
        for village, facility, kind, created, seen, ended, contradicts in connection.execute(query)
    ]


def open_between(
    connection: Connection, codes: Collection[str], window: Interval
) -> Mapping[str, Sequence[tuple[int, int | None]]]:
    """Returns by village when each complaint that was open in a window was made, and when it was closed, ms.

    Those that were rejected are left out.
    """
    table = tables.complaint
    query = select(table.c.village, table.c.created_at, table.c.ended_at).where(
        table.c.village.in_(codes),
        table.c.state != State.REJECTED,
        table.c.created_at < window[1],
        or_(table.c.ended_at.is_(None), table.c.ended_at >= window[0]),
    )
    found: dict[str, list[tuple[int, int | None]]] = defaultdict(list)
    for village, made, closed in connection.execute(query):
        found[village].append((made, closed))
    return found


def quiet_until(connection: Connection, village: str, now: int) -> int | None:
    """Returns until when a village takes no complaints, ms; `None`: it takes them."""
    table = tables.complaint_quiet
    query = select(table.c.until).where(table.c.village == village, table.c.until > now)
    found: int | None = connection.execute(query).scalar_one_or_none()
    return found


def quieted(connection: Connection, scopes: Scopes, now: int) -> Sequence[tuple[str, int]]:
    """Returns the villages of some scopes that take no complaints, each with until when, ms."""
    table = tables.complaint_quiet
    query = select(table.c.village, table.c.until).where(within(table.c.village, scopes), table.c.until > now)
    return [(village, until) for village, until in connection.execute(query.order_by(table.c.village))]


def _beside_sensors() -> FromClause:
    """Complaints, each beside the span of its facility that holds its time, if there is one."""
    table, span, first = tables.complaint, tables.span, tables.span.alias("first")
    begins = (
        select(func.max(first.c.start))
        .where(first.c.village == table.c.village, first.c.facility == table.c.facility)
        .where(first.c.start <= table.c.created_at)
        .correlate(table)
        .scalar_subquery()
    )
    holds = and_(
        span.c.village == table.c.village,
        span.c.facility == table.c.facility,
        span.c.start == begins,
        or_(span.c.end.is_(None), span.c.end > table.c.created_at),
    )
    return table.outerjoin(span, holds)


_PLACES = select(
    tables.village.c.code,
    tables.village.c.name,
    tables.village.c.timezone,
    tables.facility.c.id,
    tables.facility.c.kind,
    tables.facility.c.name,
    tables.village.c.latitude,
    tables.village.c.longitude,
).join(tables.facility, tables.facility.c.village == tables.village.c.code)
_CONTRADICTS = tables.span.c.state == SensorState.MET.value
_FIRST = case((_CONTRADICTS, 0), else_=1)
"""What contradicts the sensors stands first."""


def _all() -> Select[*tuple[object, ...]]:
    table, span = tables.complaint, tables.span
    return select(table, span.c.state.label("sensors"), span.c.cause.label("cause")).select_from(_beside_sensors())


def _filtered(query: Select[*tuple[object, ...]], wanted: ComplaintFilter) -> Select[*tuple[object, ...]]:
    table = tables.complaint
    query = query.where(within(table.c.village, wanted.scopes))
    if wanted.facility is not None:
        query = query.where(table.c.facility == wanted.facility)
    if len(wanted.states) < len(State):
        query = query.where(table.c.state.in_(wanted.states))
    if wanted.problems is not None:
        query = query.where(tuple_(table.c.kind, table.c.problem).in_(list(wanted.problems)))
    if wanted.window is not None:
        query = query.where(table.c.created_at >= wanted.window[0], table.c.created_at < wanted.window[1])
    return query


def _read(connection: Connection, query: Select[*tuple[object, ...]]) -> Sequence[Complaint]:
    rows = connection.execute(query).all()
    photos: dict[int, list[ComplaintPhoto]] = defaultdict(list)
    table = tables.complaint_photo
    columns = table.c.complaint, table.c.n, table.c.width, table.c.height, table.c.bytes
    of_these = select(*columns).where(table.c.complaint.in_([row.number for row in rows]))
    for number, *rest in connection.execute(of_these.order_by(table.c.complaint, table.c.n)) if rows else ():
        photos[number].append(ComplaintPhoto(*rest))
    return [_one(row, photos.get(row.number, [])) for row in rows]


def _one(row: Row[*tuple[object, ...]], photos: Sequence[ComplaintPhoto]) -> Complaint:
    return Complaint(
        row.number,
        row.id,
        row.village,
        row.facility,
        row.kind,
        row.problem,
        row.note,
        row.created_at,
        row.repeats,
        State(row.state),
        row.seen_at,
        row.seen_by,
        row.ended_at,
        row.ended_by,
        row.answer,
        row.erased_at,
        None if row.sensors is None else SensorState(row.sensors),
        row.cause,
        tuple(photos),
    )


_DOUBTS = (
    select(tables.complaint.c.village, tables.complaint.c.facility, tables.complaint.c.created_at)
    .select_from(_beside_sensors())
    .where(tables.complaint.c.created_at > bindparam("since"), _CONTRADICTS)
    .where(tables.complaint.c.state.in_([state for state in State if state.is_open]))
    .order_by(tables.complaint.c.created_at)
)
"""Made once: the alert engine asks it every two seconds, and to make it takes ten times as long as to run it."""
