"""`/lapor/{code}/{id}`: the citizen's form; `/lapor/{complaint}`: what became of it. Nobody signs in."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

import anyio.to_thread
from fastapi import APIRouter, Query, Request
from fastapi.exceptions import RequestValidationError
from starlette.responses import RedirectResponse, Response

from api.complaints.problems import PICTOGRAMS, PROBLEMS
from api.complaints.rules import Stamp, Way, WrongStamp, plain_id, read_stamp, shown_id, stamped
from api.http.complaint_body import FORM_LIMITS, ComplaintBody, checked_complaint
from api.http.complaint_desk import coming_in, desk_of, read_away
from api.http.complaint_taking import found_place, take_complaint
from api.http.photo_body import SentBody, sent_body
from api.http.problems import Refused, not_found
from api.http.services import Services, ServicesHere
from api.queries import complaints as read
from api.web.frame import Frame, FrameHere
from api.web.looker import Looker, LookerHere, as_citizen
from api.web.refusals import why
from api.words import Language

__all__ = ["ADDRESS", "router"]

router = APIRouter(include_in_schema=False)

ADDRESS = "/complaints"
"""Where the form goes: the path of its call, without the base."""
_TOO_LARGE, _TOO_MANY, _DIFFERS, _WRONG = 413, 429, 409, 422


_NAMES = {Language.ID.value: "Bahasa Indonesia", Language.EN.value: "English"}
"""What the built-in languages call themselves."""


@dataclass(frozen=True, slots=True)
class _Again:
    """Why a form is shown again, and what was entered. `stamp`: its own, if it may be sent again with it."""

    sentence: str
    status: int
    stamp: str | None = None
    texts: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


@router.api_route("/lapor/{code}/{facility}", methods=["GET", "HEAD"])
def complaint_form(
    request: Request, frame: FrameHere, looker: LookerHere, services: ServicesHere, code: str, facility: str
) -> Response:
    """The form of one facility: one screen, no sign-in, without JavaScript."""
    return _form(request, frame, _reader(request, looker, services), services, f"{code}/{facility}", None)


@router.api_route("/lapor/{complaint}", methods=["GET", "HEAD"])
def follow(request: Request, frame: FrameHere, looker: LookerHere, services: ServicesHere, complaint: str) -> Response:
    """State and answer, for whoever has the number."""
    looker = _reader(request, looker, services)
    words = looker.words
    with services.engine.connect() as connection:
        found = read.one(connection, plain_id(complaint[:40]))
    if found is None:
        title, detail = words("complaint_no_such"), words("complaint_no_such_detail")
        return frame.page(request, looker, "sentence.html", status=404, title=title, detail=detail)
    return frame.page(
        request,
        looker,
        "complaint.html",
        headers={"Cache-Control": "no-store"},
        title=words("complaint_number", id=shown_id(found.id)),
        state=found.state.value,
        answer=found.answer,
        address=f"/lapor/{shown_id(found.id)}",
        languages=_languages(services),
    )


@router.post(ADDRESS)
async def complain(
    request: Request,
    frame: FrameHere,
    looker: LookerHere,
    services: ServicesHere,
    facility: Annotated[str, Query(max_length=200)] = "",
    stamp: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Take the form, and lead to the page by which to follow it. A form that is sent again leads to the same one.

    Its stamp is in the address, so that what is no form of ours is refused, and its body is read away.
    """
    desk, now = desk_of(request), services.clock.now()
    looker = _reader(request, looker, services)
    known = await anyio.to_thread.run_sync(desk.secrets.of, now)
    found = read_stamp(known, stamp, facility, now)
    if found in (WrongStamp.FOREIGN, WrongStamp.OLD):
        await read_away(request)
        again = _Again(looker.words("complaint_old"), _WRONG)
    else:
        body = SentBody()
        try:
            async with coming_in(request, Way.FORM), sent_body(request, FORM_LIMITS) as body:
                if isinstance(found, Stamp):
                    made = await _taken(request, services, body, facility, found)
                    return RedirectResponse(f"/lapor/{made}{_language(request, services)}", 303)
                again = _Again(looker.words("complaint_soon"), _TOO_MANY, stamp, body.texts, {"Retry-After": "2"})
        except (Refused, RequestValidationError) as problem:
            again = _refused(looker, problem, stamp, body)
    return await anyio.to_thread.run_sync(_form, request, frame, looker, services, facility, again)


def _reader(request: Request, looker: Looker, services: Services) -> Looker:
    return as_citizen(request, looker, services.form_languages)


def _language(request: Request, services: Services) -> str:
    """The language that the page's address asks for, as the end of an address."""
    asked = request.query_params.get("lang")
    return f"?lang={asked}" if asked in {*Language, *services.form_languages} else ""


def _languages(services: Services) -> Mapping[str, str]:
    """By their tags what the languages call themselves; none where the frame's button changes between the two."""
    added = {tag: words.name for tag, words in services.form_languages.items()}
    return _NAMES | added if added else {}


async def _taken(request: Request, services: Services, body: SentBody, facility: str, stamp: Stamp) -> str:
    texts = dict(body.texts) | {"facility": facility, "draft": stamp.draft}
    said: ComplaintBody = checked_complaint(SentBody(None, texts))
    made, _ = await take_complaint(request, services, said, body.photos, Way.FORM)
    return made.id


def _refused(looker: Looker, problem: Refused | RequestValidationError, stamp: str, body: SentBody) -> _Again:
    """What to say of a form that was not taken.

    Raises:
        Refused: it has nothing to do with what was entered.
    """
    words = looker.words
    if isinstance(problem, RequestValidationError):
        names = {str(name) for one in problem.errors() for name in one["loc"]}
        is_note = "note" in names
        return _Again(
            words("complaint_wrong_note" if is_note else "complaint_wrong_problem"), _WRONG, stamp, body.texts
        )
    if problem.status == _TOO_LARGE:
        return _Again(words("complaint_too_large"), _TOO_LARGE, stamp, body.texts, problem.headers)
    if problem.status == _TOO_MANY:
        return _Again(why(problem, words), _TOO_MANY, stamp, body.texts, problem.headers)
    if problem.status == _DIFFERS:
        return _Again(words("complaint_old"), _DIFFERS, None, body.texts)
    if problem.status == _WRONG and not problem.detail.startswith("body facility"):
        is_photo = problem.detail.startswith("body photo")
        sentence = words("complaint_wrong_photo" if is_photo else "complaint_wrong_problem")
        return _Again(sentence, _WRONG, stamp, body.texts)
    raise problem


def _form(
    request: Request, frame: Frame, looker: Looker, services: Services, facility: str, again: _Again | None
) -> Response:
    try:
        place = found_place(services, facility)
    except Refused:
        raise not_found("facility", facility) from None
    now = services.clock.now()
    with services.engine.connect() as connection:
        quiet = again is None and read.quiet_until(connection, place.village, now) is not None
    stamp = None if again is None else again.stamp
    if stamp is None:
        new = Stamp(now, secrets.token_urlsafe(18))
        stamp = stamped(desk_of(request).secrets.of(now)[0], place.full_name, new)
    return frame.page(
        request,
        looker,
        "complaint_form.html",
        status=200 if again is None else again.status,
        here=f"/lapor/{place.full_name}",
        headers={"Cache-Control": "no-store"} | dict({} if again is None else again.headers),
        title=looker.words("complaint_title", facility=place.name),
        place=place,
        problems=PROBLEMS[place.kind],
        pictograms=PICTOGRAMS,
        stamp=stamp,
        quiet=quiet,
        language=_language(request, services).replace("?", "&"),
        address=f"/lapor/{place.full_name}",
        languages=_languages(services),
        wrong=None if again is None else again.sentence,
        entered={} if again is None else again.texts,
    )
