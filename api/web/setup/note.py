"""`/setup/note`: the sentence of the office on the public page."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from api.http.problems import not_found
from api.http.services import ServicesHere
from api.web.access import SignedInAdmin
from api.web.frame import FrameHere
from api.web.setup.limits import admin_of
from api.web.setup.site_village import back
from siaga.database.public_note import LONGEST_NOTE, read_note, write_note
from siaga.model.local_time import NO_VILLAGES_ZONE

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

_HERE = "/setup/note"


@router.api_route(_HERE, methods=["GET", "HEAD"])
def note_page(request: Request, services: ServicesHere, looker: SignedInAdmin, frame: FrameHere) -> Response:
    """The sentence, and for an admin of all villages a form that changes it: everybody reads it, of every village."""
    words, now = looker.words, services.clock.now()
    with services.engine.connect() as connection:
        note = read_note(connection)
    written = None
    if note is not None:
        written = words("note_written", name=note.by, time=words.time(note.time, now, NO_VILLAGES_ZONE))
    return frame.page(
        request,
        looker,
        "setup/note.html",
        title=words("setup_note"),
        note=note,
        written=written,
        longest=LONGEST_NOTE,
        may_write=admin_of(looker).scopes.everything,
        is_public=services.public_page,
    )


@router.post(_HERE)
def write(
    services: ServicesHere,
    looker: SignedInAdmin,
    text: Annotated[str, Form(max_length=4 * LONGEST_NOTE)] = "",
    seen: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    """Write the sentence, or take it away.

    `seen`: when the one was written that the form showed, ms; "": there was none.
    """
    admin, words = admin_of(looker), looker.words
    if not admin.scopes.everything:
        raise not_found("note", "public")
    said = " ".join("".join(one if one.isprintable() else " " for one in text).split())
    if len(said) > LONGEST_NOTE:
        return back(_HERE, words("note_too_long", most=words.number(LONGEST_NOTE)), wrong=True)
    known = int(seen) if seen.isascii() and seen.isdigit() else None
    if not write_note(services.engine, said, admin.name, services.clock.now(), known):
        return back(_HERE, words("note_changed_since"), wrong=True)
    return back(_HERE, words("note_saved" if said else "note_removed"))
