"""Reading complaints, each with what the sensors of its facility said at that minute.

`seen` are the scopes that the caller may see. What lies outside of them is not there.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Row, Select, Subquery, and_, case, func, or_, select

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
    "Place",
    "about",
    "counted",
    "listed",
    "one",
    "photo",
    "place",
    "places",
    "quiet_until",
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
    """Which complaints: of some scopes, or of one facility of their one village; in some states; made in a window."""

    scopes: Scopes
    facility: str | None = None
    states: Sequence[State] = tuple(State)
    window: Interval | None = None


def place(connection: Connection, village: str, facility: str) -> Place | None:
    """Returns a facility that people may complain of."""
    home, table = tables.village, tables.facility
    query = (
        select(home.c.code, home.c.name, home.c.timezone, table.c.id, table.c.kind, table.c.name)
        .join(table, table.c.village == home.c.code)
        .where(home.c.code == village, table.c.id == facility)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else Place(*row)


def places(connection: Connection, names: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], Place]:
    """Returns facilities by their village's code and their own id; those that the registry has."""
    found = ((name, place(connection, *name)) for name in sorted(names))
    return {name: known for name, known in found if known is not None}


def listed(connection: Connection, wanted: ComplaintFilter, before: int | None, limit: int) -> Sequence[Complaint]:
    """Returns complaints, the newest first, those older than the number `before` if given."""
    table = tables.complaint
    query = _filtered(_all(), wanted)
    if before is not None:
        query = query.where(table.c.number < before)
    return _read(connection, query.order_by(table.c.number.desc()).limit(limit))


def to_handle(connection: Connection, wanted: ComplaintFilter, limit: int) -> Sequence[Complaint]:
    """Returns complaints in the order in which people look at them: what contradicts the sensors first, then by age."""
    at = _sensors()
    first = case((at.c.state == SensorState.MET.value, 0), else_=1)
    query = _filtered(_all(at), wanted).order_by(first, tables.complaint.c.number.desc()).limit(limit)
    return _read(connection, query)


def about(connection: Connection, village: str, facility: str, window: Interval, limit: int) -> Sequence[Complaint]:
    """Returns the complaints of one facility that were made in a window, what contradicts its sensors first."""
    table, at = tables.complaint, _sensors()
    first = case((at.c.state == SensorState.MET.value, 0), else_=1)
    query = (
        _all(at)
        .where(table.c.village == village, table.c.facility == facility)
        .where(table.c.created_at >= window[0], table.c.created_at < window[1])
        .order_by(first, table.c.number.desc())
        .limit(limit)
    )
    return _read(connection, query)


def one(connection: Connection, complaint: str) -> Complaint | None:
    """Returns a complaint by its id, for whoever knows it."""
    if ID.fullmatch(complaint) is None:
        return None
    return next(iter(_read(connection, _all().where(tables.complaint.c.id == complaint))), None)


def photo(connection: Connection, complaint: Complaint, n: int) -> tuple[bytes, str] | None:
    """Returns the JPEG of a photo, by its number from 1, and its SHA-256."""
    table = tables.complaint_photo
    query = select(table.c.jpeg, table.c.sha256).where(table.c.complaint == complaint.number, table.c.n == n)
    row = connection.execute(query).one_or_none()
    return None if row is None else (bytes(row.jpeg), str(row.sha256))


def counted(connection: Connection, scopes: Scopes, states: Sequence[State]) -> tuple[int, int]:
    """Returns how many complaints of some scopes are in some states, and how many of these contradict the sensors."""
    at, table = _sensors(), tables.complaint
    contradicting = func.sum(case((at.c.state == SensorState.MET.value, 1), else_=0))
    query = (
        select(func.count(), contradicting)
        .select_from(table.outerjoin(at, at.c.number == table.c.number))
        .where(within(table.c.village, scopes), table.c.state.in_(states))
    )
    found, of_these = connection.execute(query).one()
    return int(found), int(of_these or 0)


def quiet_until(connection: Connection, village: str, now: int) -> int | None:
    """Returns until when a village takes no complaints, ms; `None`: it takes them."""
    table = tables.complaint_quiet
    query = select(table.c.until).where(table.c.village == village, table.c.until > now)
    found: int | None = connection.execute(query).scalar_one_or_none()
    return found


def _sensors() -> Subquery:
    """Of each complaint, by its number, the span that holds its time."""
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
    columns = table.c.number, span.c.state, span.c.cause
    return select(*columns).select_from(table.join(span, holds)).subquery("sensors")


def _all(at: Subquery | None = None) -> Select[*tuple[object, ...]]:
    table = tables.complaint
    at = _sensors() if at is None else at
    return select(table, at.c.state.label("sensors"), at.c.cause.label("cause")).select_from(
        table.outerjoin(at, at.c.number == table.c.number)
    )


def _filtered(query: Select[*tuple[object, ...]], wanted: ComplaintFilter) -> Select[*tuple[object, ...]]:
    table = tables.complaint
    query = query.where(within(table.c.village, wanted.scopes))
    if wanted.facility is not None:
        query = query.where(table.c.facility == wanted.facility)
    if len(wanted.states) < len(State):
        query = query.where(table.c.state.in_(wanted.states))
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
