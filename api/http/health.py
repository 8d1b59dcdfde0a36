"""`/healthz`, `/readyz`, `/metrics`: for machines that watch over siaga itself. They need no token."""

from collections.abc import Mapping

import structlog
from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import Response

from api.http.problems import PROBLEM_JSON, Problem
from api.http.services import Check, Services, ServicesHere

__all__ = ["not_ready", "router"]

router = APIRouter(tags=["health"])
_log = structlog.get_logger(__name__)


class Alive(BaseModel):
    """The process answers."""

    status: str = "ok"


class Ready(BaseModel):
    """Everything that this process runs does its work."""

    status: str = "ready"


class NotReady(Problem):
    """Why it is not ready: a sentence for each part that is not."""

    reasons: dict[str, str] = Field(examples=[{"collector": "the broker at mqtt://127.0.0.1:1883 cannot be reached"}])


@router.get("/healthz", summary="Liveness")
async def healthz() -> Alive:
    """200 while the process answers."""
    return Alive()


@router.get(
    "/readyz",
    summary="Readiness",
    responses={
        200: {"model": Ready},
        503: {
            "description": "Not ready, with the reasons",
            "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/NotReady"}}},
        },
    },
)
def readyz(services: ServicesHere) -> JSONResponse:
    """200 once the database is migrated, the broker subscribed and all else that runs here does its work."""
    reasons = not_ready(services)
    if not reasons:
        return JSONResponse(Ready().model_dump())
    detail = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
    problem = NotReady(type="about:blank", title="Service Unavailable", status=503, detail=detail, reasons=reasons)
    return JSONResponse(problem.model_dump(), 503, {"Retry-After": "1"}, media_type=PROBLEM_JSON)


@router.get("/metrics", summary="Prometheus metrics", response_class=PlainTextResponse)
def metrics(services: ServicesHere) -> Response:
    """All metrics of this process in Prometheus' text format."""
    return Response(generate_latest(services.metrics), media_type=CONTENT_TYPE_LATEST)


def not_ready(services: Services) -> dict[str, str]:
    """Why each part that is not ready is not."""
    checks: Mapping[str, Check] = {"database": lambda: _database(services), "stream": lambda: _stream(services)}
    reasons = {}
    for name, check in {**checks, **services.checks}.items():
        try:
            reason = check()
        except Exception as error:  # noqa: BLE001 - a check that breaks says that its part is not ready
            _log.warning("check_failed", check=name, error=repr(error))
            reason = "it could not be checked; the log says why"
        if reason is not None:
            reasons[name] = reason
    return reasons


def _database(services: Services) -> str | None:
    try:
        services.registry.version()
    except SQLAlchemyError:
        return "it cannot be read, or is not migrated yet"
    return None


def _stream(services: Services) -> str | None:
    return None if services.broadcast.following else "the events of alerts are not followed yet"
