"""What a browser gets in place of a page: a page that says in a sentence why, and not a problem in JSON."""

from collections.abc import Mapping

import structlog
from fastapi import Request
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.http.calls import is_call
from api.http.problems import Refused, problem_response
from api.http.sender import PERSON
from api.web.frame import Frame
from api.web.looker import Looker, looker_of, stranger
from api.words import Words
from api.words.said import said

__all__ = ["SAID", "answer", "foreign", "sentence", "why"]

_log = structlog.get_logger(__name__)

SAID = (403, 404, 405, 412, 413, 422, 429, 500, 503)
"""Statuses that have words of their own; others are said as 500."""
_AGAIN_AFTER = "3"
"""Seconds after which a browser tries a page again that cannot be made now."""


async def answer(request: Request, refused: Refused) -> Response:
    """Returns the answer to a request that is refused: a problem for a program, a page for a browser."""
    status, headers = refused.status, refused.headers
    if is_call(request.url.path) or not _asks_for_page(request):
        return problem_response(status, _for_program(request, refused.detail), headers)
    if 300 <= status < 400:
        return Response(status_code=status, headers=headers)
    looker = await _looker(request, status)
    detail = None if refused.sentence is None else why(refused, looker.words)
    return sentence(request, looker, status, headers, detail)


def _for_program(request: Request, detail: str) -> str:
    """Returns the detail of a problem: in the reader's language where a page's own script shows it to its person."""
    return said(stranger(request).words, detail) if PERSON in request.headers else detail


def why(refused: Refused, words: Words) -> str:
    """Returns why something is refused, in the language of a page; what its status means, where no more is known."""
    if refused.sentence is not None:
        return refused.sentence.alone(words)
    return words(f"refusal_detail_{refused.status if refused.status in SAID else 500}")


def sentence(
    request: Request,
    looker: Looker,
    status: int,
    headers: Mapping[str, str] | None = None,
    detail: str | None = None,
) -> Response:
    """Returns a page that says what a status means, or `detail`.

    What siaga cannot say more about may be over soon: then the page is asked for again by itself.
    """
    known_as = status if status in SAID else 500
    known = dict(headers or {})
    if status == 503 and detail is None and request.method in ("GET", "HEAD"):
        known |= {"Retry-After": _AGAIN_AFTER, "Refresh": _AGAIN_AFTER}
    words, frame = looker.words, request.app.state.frame
    assert isinstance(frame, Frame)  # noqa: S101 - state has no types
    title, detail = words(f"refusal_{known_as}"), detail or words(f"refusal_detail_{known_as}")
    return frame.page(request, looker, "sentence.html", status=status, headers=known, title=title, detail=detail)


def foreign(request: Request) -> Response:
    """Returns the page that says that a form was not sent from a page of ours."""
    looker, frame = stranger(request), request.app.state.frame
    assert isinstance(frame, Frame)  # noqa: S101 - state has no types
    title, detail = looker.words("foreign"), looker.words("foreign_detail")
    return frame.page(request, looker, "sentence.html", status=403, title=title, detail=detail)


def _asks_for_page(request: Request) -> bool:
    """Whether a browser sends the request, or it is for a page that there is."""
    route = request.scope.get("route")
    is_page = route is not None and not getattr(route, "include_in_schema", True)
    return is_page or "text/html" in request.headers.get("accept", "")


async def _looker(request: Request, status: int) -> Looker:
    """Returns who looks; nobody, where siaga cannot even say that."""
    if status < 500:
        try:
            return await run_in_threadpool(looker_of, request)
        except SQLAlchemyError as error:
            _log.warning("looker_unknown", error=type(error).__name__)
    return stranger(request)
