"""Errors as RFC 9457 problem details: one sentence that says what is wrong, where, and with which value."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import compile_path

from api.words import Sentence
from siaga.telemetry import StoreUnavailable

__all__ = ["Problem", "Refused", "install_problems", "not_found", "problem_response", "problems"]

PROBLEM_JSON = "application/problem+json"
_log = structlog.get_logger(__name__)


class Problem(BaseModel):
    """A problem detail (RFC 9457)."""

    type: str = Field("about:blank", description="no type of its own: the status says it")
    title: str = Field(description="what the status means")
    status: int = Field(description="the HTTP status", ge=400, le=599)
    detail: str = Field(description="one sentence for people: what, where, which value, what to do")


class Refused(Exception):
    """A call that is answered with a problem; the message is its `detail`.

    `sentence`: what a page says instead of it, in the language of its reader.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        headers: Mapping[str, str] | None = None,
        *,
        sentence: Sentence | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})
        self.sentence = sentence


def not_found(what: str, name: str) -> Refused:
    """404: there is no such village, facility, device, alert."""
    return Refused(404, f"there is no {what} {_shown(name)}")


def problem_response(status: int, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """A problem as it goes out."""
    problem = Problem(type="about:blank", title=HTTPStatus(status).phrase, status=status, detail=detail)
    return JSONResponse(problem.model_dump(), status, headers, media_type=PROBLEM_JSON)


def problems(*statuses: int) -> dict[int | str, dict[str, object]]:
    """These statuses for a route's `responses`, documented as problem details."""
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {PROBLEM_JSON: schema}}
        for status in sorted(statuses)
    }


Answer = Callable[[Request, Refused], Awaitable[Response]]


def install_problems(app: FastAPI, answer: Answer) -> None:
    """Answer every exception of the app, and none of them with a traceback. `answer` makes the answer of a request
    that is refused."""

    @app.exception_handler(Refused)
    async def refused(request: Request, error: Refused) -> Response:
        return await answer(request, error)

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> Response:
        # What FastAPI cannot even parse (nested too deep, say) is for the caller what it can parse and not accept
        status = 422 if error.status_code == 400 else error.status_code
        headers = dict(error.headers or {})
        if status == HTTPStatus.METHOD_NOT_ALLOWED and (allowed := _methods(app, request.url.path)):
            headers["Allow"] = ", ".join(allowed)
        return await answer(request, Refused(status, _http_sentence(request, error, headers), headers))

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        return await answer(request, Refused(422, "; ".join(_mistake(found) for found in error.errors()[:5])))

    @app.exception_handler(StoreUnavailable)
    async def no_store(request: Request, error: StoreUnavailable) -> Response:
        detail = f"the telemetry store cannot answer now: {error}"
        return await answer(request, Refused(503, detail, {"Retry-After": "5"}))

    @app.exception_handler(PoolTimeout)
    @app.exception_handler(DBAPIError)
    async def no_database(request: Request, error: SQLAlchemyError) -> Response:
        # The text of the exception may hold the statement and its values: it is for the log alone
        _log.warning("database_error", path=request.url.path, error=str(error))
        detail = "the database cannot answer now: try again in a moment"
        return await answer(request, Refused(503, detail, {"Retry-After": "5"}))

    @app.exception_handler(Exception)
    async def broken(request: Request, error: Exception) -> Response:
        _log.error("request_failed", path=request.url.path, error=repr(error))
        return await answer(request, Refused(500, "siaga failed to answer this call; its log says why"))


def _methods(app: FastAPI, path: str) -> list[str]:
    """All methods that a path takes: each has a route of its own, and the one that refused knows only its own.

    A path that is documented word for word is no value of another's pattern.
    """
    documented: Mapping[str, Mapping[str, object]] = app.openapi()["paths"]
    fitting = [template for template in documented if compile_path(template)[0].match(path)]
    named = [path] if path in fitting else fitting
    return sorted({method.upper() for template in named for method in documented[template]})


def _http_sentence(request: Request, error: HTTPException, headers: Mapping[str, str]) -> str:
    path = _shown(request.url.path)
    match error.status_code:
        case 404:
            return f"there is nothing at {path}; /openapi.json lists all calls"
        case 405:
            allowed = headers.get("Allow", "another method")
            return f"{request.method} is not a method of {path}: it takes {allowed}"
        case 400:
            return "the body cannot be read as JSON"
        case _:
            return str(error.detail)


def _mistake(error: Mapping[str, object]) -> str:
    """One mistake of a request as a sentence that names where it is and the value."""
    where = error.get("loc", ())
    place, *names = [str(part) for part in where] if isinstance(where, Sequence) else ["request"]
    name = ".".join(names)
    if error.get("type") == "json_invalid":
        return f"the body is not JSON (character {name})" if names else "the body is not JSON"
    if error.get("type") == "missing":
        return f"{place} {name}: is missing" if names else f"the {place} is missing"
    if not names:
        return f"the {place} is not a JSON object"
    message = str(error.get("msg", "is not valid")).removeprefix("Value error, ")
    if error.get("type") == "string_pattern_mismatch" and isinstance(value := error.get("input"), str):
        message = "holds a NUL character" if "\0" in value else "is blank" if not value.strip() else message
    return f"{place} {name}: {_shown(error.get('input'))}: {message}"


def _shown(value: object) -> str:
    """A value from outside in a sentence: short, in quotes, without what a terminal or an encoder trips over."""
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:97]}…{text[0]}"
