"""Complaints in the database: made whole with their photos, or not at all; answered; erased."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Engine, Select, and_, func, or_, select
from sqlalchemy.exc import IntegrityError

from api.attestations.pictures import Picture
from api.complaints.rules import (
    ALPHABET,
    FOLDED_WITHIN,
    KEPT_AFTER_END,
    KEPT_UNHANDLED,
    LIMITED_OVER,
    Counts,
    Limit,
    State,
    Way,
    hashed_sender,
    limit_reached,
    same_note,
)
from api.queries.complaints import quiet_until
from siaga.database import tables, take_turns, writing
from siaga.database.upsert import insert, upsert

__all__ = [
    "AlreadyEnded",
    "DaySecrets",
    "DraftDiffers",
    "Quiet",
    "Said",
    "TooMany",
    "be_quiet",
    "check_room",
    "day_of",
    "end",
    "erase",
    "erase_old",
    "forget_senders",
    "is_known",
    "make",
    "mark_seen",
]

_ID_LENGTH = 12
"""59 bits: nobody finds one by trying."""


class DraftDiffers(ValueError):
    """A draft's name was used for another complaint before."""


class AlreadyEnded(ValueError):
    """A complaint is closed or rejected already; the message is its state."""


class TooMany(Exception):
    """A limit is reached; the message says which (`Limit`)."""

    def __init__(self, limit: Limit) -> None:
        super().__init__(limit.value)
        self.limit = limit


class Quiet(Exception):
    """The village takes no complaints until a time, ms."""

    def __init__(self, until: int) -> None:
        super().__init__(str(until))
        self.until = until


@dataclass(frozen=True, slots=True)
class Said:
    """What a citizen says, checked. `host`: of whom; it is kept hashed. `draft`: the sender's own name for it."""

    village: str
    facility: str
    kind: str
    problem: str
    note: str
    way: Way
    host: str
    draft: str | None = None
    photos: Sequence[Picture] = ()


def day_of(now: int) -> date:
    """Returns the day of a secret at a wall time, ms: in UTC."""
    return datetime.fromtimestamp(now / 1000, UTC).date()


class DaySecrets:
    """The secrets of the days, one for all processes. Safe for several threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: tuple[date, Sequence[str]] | None = None

    def of(self, now: int) -> Sequence[str]:
        """Returns the secrets that count at a wall time, ms: today's, and yesterday's if there is one.

        The first call of a day makes its secret. It deletes the older ones, and what they hashed.
        """
        today = day_of(now)
        known = self._known
        if known is not None and known[0] == today:
            return known[1]
        found = self._read(today)
        if not found or found[0][0] != today:
            self._begin(today)
            found = self._read(today)
        self._known = (today, [secret for _, secret in found])
        return self._known[1]

    def _read(self, today: date) -> Sequence[tuple[date, str]]:
        table = tables.complaint_day
        query = select(table.c.day, table.c.secret).where(
            table.c.day <= today, table.c.day >= today - timedelta(days=1)
        )
        with self._engine.connect() as connection:
            return [(day, secret) for day, secret in connection.execute(query.order_by(table.c.day.desc()))]

    def _begin(self, today: date) -> None:
        table = tables.complaint_day
        with writing(self._engine) as connection:
            new = insert(connection, table).values(day=today, secret=secrets.token_urlsafe(32))
            connection.execute(new.on_conflict_do_nothing(index_elements=[table.c.day]))
        forget_senders(self._engine, today)


def forget_senders(engine: Engine, today: date) -> None:
    """Delete the secrets of the days before yesterday, and the hashes of all days before today."""
    table, made = tables.complaint_day, tables.complaint
    midnight = int(datetime(today.year, today.month, today.day, tzinfo=UTC).timestamp() * 1000)
    old = and_(made.c.sender.is_not(None), made.c.created_at < midnight)
    with writing(engine) as connection:
        connection.execute(table.delete().where(table.c.day < today - timedelta(days=1)))
        connection.execute(made.update().where(old).values(sender=None))


def is_known(connection: Connection, said: Said) -> bool:
    """Returns whether a complaint was made of this draft before: it is taken again whatever the limits.

    Raises:
        DraftDiffers: the draft's name was used for something else.
    """
    return _by_draft(connection, said) is not None


def check_room(connection: Connection, said: Said, secret: str, now: int) -> None:
    """Check whether a complaint may come in now, before its photos are looked at. `now`: wall time, ms.

    Raises:
        Quiet: the village takes none.
        TooMany: a limit is reached.
    """
    until = quiet_until(connection, said.village, now)
    if until is not None:
        raise Quiet(until)
    limit = limit_reached(_counts(connection, said, secret, now))
    if limit is not None:
        raise TooMany(limit)


def make(engine: Engine, said: Said, secret: str, now: int) -> tuple[str, bool]:
    """Store a complaint. Returns its id, and whether it is new: one that is sent again is stored once.

    `secret`: of the day. `now`: wall time, ms.

    Raises:
        DraftDiffers: the draft's name was used for something else.
        Quiet: the village takes none.
        TooMany: a limit is reached.
    """
    made = "".join(secrets.choice(ALPHABET) for _ in range(_ID_LENGTH))
    try:
        with writing(engine) as connection:
            take_turns(connection, "complaint")
            known = _by_draft(connection, said) or _repeated(connection, said, secret, now)
            if known is not None:
                return known, False
            check_room(connection, said, secret, now)
            _insert(connection, said, made, secret, now)
    except IntegrityError:
        with engine.connect() as connection:
            known = _by_draft(connection, said)  # it was sent twice at the same time
        if known is None:
            raise
        return known, False
    return made, True


def mark_seen(engine: Engine, complaint: str, by: str, now: int) -> None:
    """Note that somebody looked at a complaint; who was first stays. `now`: wall time, ms."""
    table = tables.complaint
    with writing(engine) as connection:
        connection.execute(
            table.update()
            .where(table.c.id == complaint, table.c.state == State.NEW)
            .values(state=State.SEEN, seen_at=now, seen_by=by)
        )


def end(engine: Engine, complaint: str, state: State, answer: str, by: str, now: int) -> None:
    """Close or reject a complaint, with an answer for the citizen. `now`: wall time, ms.

    Raises:
        AlreadyEnded: it is closed or rejected.
    """
    table = tables.complaint
    this = table.c.id == complaint
    with writing(engine) as connection:
        connection.execute(table.update().where(this, table.c.state == State.NEW).values(seen_at=now, seen_by=by))
        changed = connection.execute(
            table.update()
            .where(this, table.c.state.in_([State.NEW, State.SEEN]))
            .values(state=state, ended_at=now, ended_by=by, answer=answer or None)
        )
        if changed.rowcount == 0:
            raise AlreadyEnded(connection.execute(select(table.c.state).where(this)).scalar_one())


def be_quiet(engine: Engine, village: str, until: int, by: str, now: int) -> None:
    """Take no complaints of a village until a time; one that is over takes them again. Wall times, ms."""
    row = {"village": village, "until": until, "set_by": by, "set_at": now}
    with writing(engine) as connection:
        upsert(connection, tables.complaint_quiet, [row], ["village"])


def erase(engine: Engine, complaint: str, now: int) -> bool:
    """Delete the text, the answer and the photos of a complaint. Returns whether there is one of this id."""
    table = tables.complaint
    with writing(engine) as connection:
        return _erase(connection, table.c.id == complaint, now) > 0


def erase_old(engine: Engine, now: int) -> int:
    """Erase what was kept for its time. Returns how many complaints lost their text. `now`: wall time, ms."""
    table = tables.complaint
    unhandled = and_(table.c.ended_at.is_(None), table.c.created_at <= now - KEPT_UNHANDLED)
    old = or_(table.c.ended_at <= now - KEPT_AFTER_END, unhandled)
    left = or_(table.c.erased_at.is_(None), table.c.erased_at < table.c.ended_at)  # it may be answered after a year
    with writing(engine) as connection:
        return _erase(connection, and_(left, old), now)


def _erase(connection: Connection, which: ColumnElement[bool], now: int) -> int:
    table, photo = tables.complaint, tables.complaint_photo
    numbers = select(table.c.number).where(which)
    connection.execute(photo.delete().where(photo.c.complaint.in_(numbers)))
    values = {"note": "", "answer": None, "draft": None, "sender": None, "erased_at": now}
    return connection.execute(table.update().where(which).values(values)).rowcount


def _counts(connection: Connection, said: Said, secret: str, now: int) -> Counts:
    table = tables.complaint
    lately = and_(table.c.created_at > now - LIMITED_OVER, table.c.way == said.way)
    here = and_(table.c.village == said.village, table.c.facility == said.facility)
    mine = table.c.sender == hashed_sender(secret, said.host)

    def count(*which: ColumnElement[bool]) -> Select[int]:
        return select(func.count()).select_from(table).where(lately, *which)

    return Counts(
        connection.execute(count(mine, here)).scalar_one(),
        connection.execute(count(mine)).scalar_one(),
        connection.execute(count(here)).scalar_one(),
    )


def _by_draft(connection: Connection, said: Said) -> str | None:
    """The id of the complaint that was made of this draft before."""
    if said.draft is None:
        return None
    table = tables.complaint
    row = connection.execute(select(table).where(table.c.draft == said.draft)).one_or_none()
    if row is None:
        return None
    if (row.village, row.facility, row.problem) != (said.village, said.facility, said.problem):
        raise DraftDiffers(said.draft)
    return str(row.id)


def _repeated(connection: Connection, said: Said, secret: str, now: int) -> str | None:
    """The id of an open complaint of the same sender that says the same; the repetition is counted in it."""
    table, photo = tables.complaint, tables.complaint_photo
    query = (
        select(table.c.number, table.c.id, table.c.note)
        .where(table.c.sender == hashed_sender(secret, said.host), table.c.created_at > now - FOLDED_WITHIN)
        .where(table.c.village == said.village, table.c.facility == said.facility, table.c.problem == said.problem)
        .where(table.c.state.in_([State.NEW, State.SEEN]))
        .order_by(table.c.number.desc())
    )
    pictures = {one.sha256 for one in said.photos}
    for number, known, note in connection.execute(query).all():
        of_it = connection.execute(select(photo.c.sha256).where(photo.c.complaint == number))
        if same_note(note, said.note) and set(of_it.scalars()) == pictures:
            again = table.update().where(table.c.number == number).values(repeats=table.c.repeats + 1)
            connection.execute(again)
            return str(known)
    return None


def _insert(connection: Connection, said: Said, made: str, secret: str, now: int) -> None:
    row = {
        "id": made,
        "village": said.village,
        "facility": said.facility,
        "kind": said.kind,
        "problem": said.problem,
        "note": said.note,
        "created_at": now,
        "way": said.way,
        "draft": said.draft,
        "sender": hashed_sender(secret, said.host),
        "repeats": 0,
        "state": State.NEW,
    }
    key = connection.execute(tables.complaint.insert(), row).inserted_primary_key
    assert key is not None  # noqa: S101 - one row was inserted
    for n, picture in enumerate(said.photos, 1):
        connection.execute(tables.complaint_photo.insert(), {"complaint": key[0], "n": n} | picture.columns)
