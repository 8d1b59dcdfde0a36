"""Attestations in the database: made whole with their photos, or not at all; never changed; withdrawn."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, Engine, select
from sqlalchemy.exc import IntegrityError

from api.attestations.counting import expiry
from api.attestations.pictures import Picture
from siaga.database import tables, writing
from siaga.database.rewritten import note_rewritten
from siaga.model.local_time import local_moment

__all__ = ["Draft", "DraftDiffers", "confirm", "erase", "make", "sent_before", "withdraw"]


class DraftDiffers(ValueError):
    """A draft's name was used for another attestation before; the message is its id."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody attests, checked. `device_time`: ms by the device's clock; `distance`: metres from the office.

    `name`: the sender's own, by which it is known when it is sent again. `photos`: each with `camera`, `file` or
    `None`, as the sender says. `needs_review`: it counts only once a second person has confirmed it.
    """

    village: str
    indicator: str
    met: bool
    date: datetime.date
    note: str = ""
    name: str | None = None
    device_time: int | None = None
    distance: int | None = None
    photos: Sequence[tuple[Picture, str | None]] = ()
    needs_review: bool = False


def make(engine: Engine, draft: Draft, by: str, now: int) -> tuple[str, bool]:
    """Store an attestation. Returns its id, and whether it is new: one that is sent again is stored once.

    Issued reports of its time are compared with it. `by`: who attests; `now`: wall time, ms.

    Raises:
        DraftDiffers: the same person used the draft's name for something else.
    """
    made = uuid4().hex
    try:
        with writing(engine) as connection:
            _insert(connection, draft, made, by, now)
            _note_changed(connection, tables.attestation.c.id == made)
    except IntegrityError:
        known = _known(engine, draft, by)  # it was sent twice at the same time
        if known is None:
            raise
        return known, False
    return made, True


def sent_before(engine: Engine, by: str, name: str) -> str | None:
    """Returns the id of the attestation that a person made of a draft of this name."""
    table = tables.attestation
    query = select(table.c.id).where(table.c.made_by == by, table.c.draft == name)
    with engine.connect() as connection:
        found: str | None = connection.execute(query).scalar_one_or_none()
    return found


def withdraw(engine: Engine, attestation: str, by: str, now: int) -> None:
    """Withdraw an attestation by its id; who was first stays. `now`: wall time, ms."""
    table = tables.attestation
    with writing(engine) as connection:
        withdrawn = connection.execute(
            table.update()
            .where(table.c.id == attestation, table.c.withdrawn_at.is_(None))
            .values(withdrawn_at=now, withdrawn_by=by)
        )
        if withdrawn.rowcount:
            _note_changed(connection, table.c.id == attestation)


def confirm(engine: Engine, attestation: str, by: str, now: int) -> bool:
    """Confirm an attestation by its id, as the second person; who was first stays. `now`: wall time, ms.

    Returns whether it is confirmed now. It is not where `by` made it, where it was withdrawn, or where none was asked
    for: the caller has looked, and says which.
    """
    table = tables.attestation
    mine = (table.c.id == attestation) & table.c.needs_review & table.c.withdrawn_at.is_(None)
    with writing(engine) as connection:
        confirmed = connection.execute(
            table.update()
            .where(mine, table.c.made_by != by, table.c.confirmed_at.is_(None))
            .values(confirmed_at=now, confirmed_by=by)
        )
        if confirmed.rowcount:
            _note_changed(connection, mine)
        found = connection.execute(select(table.c.confirmed_at).where(mine)).scalar_one_or_none()
    return found is not None


def _note_changed(connection: Connection, which: ColumnElement[bool]) -> None:
    """Leave word that the scorecard of a village may be another one while an attestation is in force."""
    table, village = tables.attestation, tables.village
    query = select(table.c.village, table.c.date, table.c.expires, village.c.timezone)
    row = connection.execute(query.join(village, village.c.code == table.c.village).where(which)).one_or_none()
    if row is not None:  # else the registry has the village no more, and it has no scorecard
        stretch = (local_moment(row.date, 0, row.timezone), local_moment(row.expires, 0, row.timezone))
        note_rewritten(connection, {(row.village, ""): stretch})


def erase(engine: Engine, attestation: str) -> bool:
    """Delete the note, the photos and the place of an attestation; what it says of the indicator stays.

    Returns whether there is one of this id.
    """
    table, photo = tables.attestation, tables.attestation_photo
    this = table.c.id == attestation
    values = {"note": "", "draft": None, "device_time": None, "distance_m": None}
    with writing(engine) as connection:
        connection.execute(photo.delete().where(photo.c.attestation.in_(select(table.c.number).where(this))))
        return connection.execute(table.update().where(this).values(values)).rowcount > 0


def _insert(connection: Connection, draft: Draft, made: str, by: str, now: int) -> None:
    row = {
        "id": made,
        "village": draft.village,
        "indicator": draft.indicator,
        "met": draft.met,
        "date": draft.date,
        "expires": expiry(draft.indicator, draft.date),
        "note": draft.note,
        "made_by": by,
        "created_at": now,
        "draft": draft.name,
        "device_time": draft.device_time,
        "distance_m": draft.distance,
        "needs_review": draft.needs_review,
    }
    key = connection.execute(tables.attestation.insert(), row).inserted_primary_key
    assert key is not None  # noqa: S101 - one row was inserted
    for n, (picture, source) in enumerate(draft.photos, 1):
        photo = {"attestation": key[0], "n": n, "source": source} | picture.columns
        connection.execute(tables.attestation_photo.insert(), photo)


def _known(engine: Engine, draft: Draft, by: str) -> str | None:
    """The id of the attestation that was made of this draft before."""
    if draft.name is None:
        return None
    table = tables.attestation
    query = select(table).where(table.c.made_by == by, table.c.draft == draft.name)
    with engine.connect() as connection:
        row = connection.execute(query).one_or_none()
    if row is None:
        return None
    if (row.village, row.indicator, row.met, row.date) != (draft.village, draft.indicator, draft.met, draft.date):
        raise DraftDiffers(row.id)
    return str(row.id)
