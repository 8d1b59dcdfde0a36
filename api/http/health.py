"""`/healthz`, `/readyz`, `/metrics`: for machines that watch over siaga itself. They need no token."""

import anyio
import anyio.to_thread
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import Response

from api.http.problems import PROBLEM_JSON, Problem
from api.http.readiness import Probes
from api.http.services import Check, Services, ServicesHere
from siaga.database import is_read_only
from siaga.model.times import rfc3339

__all__ = ["probes_of", "router"]

router = APIRouter(tags=["health"])


class Alive(BaseModel):
    """The process answers."""

    status: str = "ok"


class Ready(BaseModel):
    """Everything that this process runs does its work."""

    status: str = "ready"
    leads: list[int] = Field(description="the partitions of villages whose alert engine runs here", examples=[[0]])


class NotReady(Problem):
    """Why it is not ready: for each part that is not, a sentence and since when it was seen so."""

    reasons: dict[str, str] = Field(examples=[{"collector": "the broker at mqtt://127.0.0.1:1883 cannot be reached"}])
    since: dict[str, str] = Field(examples=[{"collector": "2026-03-01T17:00:00Z"}])
    leads: list[int] = Field(description="the partitions of villages whose alert engine runs here", examples=[[0]])


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
async def readyz(request: Request, services: ServicesHere) -> JSONResponse:
    """200 once the database is migrated, the broker subscribed and all else that runs here does its work.

    The answer comes within two seconds; a part that hangs is named with since when.
    """
    probes: Probes = request.app.state.probes
    not_ready = await probes.not_ready()
    leads = list(services.leads())
    if not not_ready:
        return JSONResponse(Ready(leads=leads).model_dump())
    reasons = {part.name: part.problem or "" for part in not_ready}
    problem = NotReady(
        type="about:blank",
        title="Service Unavailable",
        status=503,
        detail="; ".join(f"{name}: {reason}" for name, reason in reasons.items()),
        reasons=reasons,
        since={part.name: rfc3339(part.since) for part in not_ready},
        leads=leads,
    )
    return JSONResponse(problem.model_dump(), 503, {"Retry-After": "1"}, media_type=PROBLEM_JSON)


@router.get("/metrics", summary="Prometheus metrics", response_class=PlainTextResponse)
async def metrics(request: Request, services: ServicesHere) -> Response:
    """All metrics of this process in Prometheus' text format."""
    threads: anyio.CapacityLimiter = request.app.state.metrics_threads
    text = await anyio.to_thread.run_sync(generate_latest, services.metrics, limiter=threads)
    return Response(text, media_type=CONTENT_TYPE_LATEST)


def probes_of(services: Services) -> Probes:
    """The checks of the app's own parts, and those that it was given."""
    own: dict[str, Check] = {"database": lambda: _database(services), "stream": lambda: _stream(services)}
    return Probes({**own, **services.checks}, services.clock)


def _database(services: Services) -> str | None:
    try:
        services.registry.version()
        if is_read_only(services.engine):
            return "it takes no changes: PostgreSQL is read-only, as a standby is; check SIAGA_DATABASE_URL"
    except SQLAlchemyError:
        return "it cannot be read, or is not migrated yet"
    return None


def _stream(services: Services) -> str | None:
    return None if services.broadcast.following else "the events of alerts are not followed yet"
