"""What the routes stand on, handed to the app by its composition root."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine

from api.alerts.reader import UnreadPast
from api.alerts.stream import EventSignal
from api.http.broadcast import Broadcast
from siaga.database.quarantine import Quarantine
from siaga.database.registry import Registry
from siaga.database.tokens import Tokens
from siaga.model.clock import Clock
from siaga.telemetry import TelemetryStore

__all__ = ["Check", "Services", "ServicesHere"]

Check = Callable[[], str | None]
"""Says in a sentence why its part is not ready, or `None` when it is. Called in a thread of its own; it may hang."""


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a route may use. All of it is safe to use from several threads."""

    engine: Engine
    store: TelemetryStore
    registry: Registry
    tokens: Tokens
    quarantine: Quarantine
    clock: Clock
    signal: EventSignal
    broadcast: Broadcast
    metrics: CollectorRegistry
    checks: Mapping[str, Check] = field(default_factory=dict)
    past: Callable[[], UnreadPast] = UnreadPast
    public_page: bool = True
    attestation_review: bool = False


async def _services(request: Request) -> Services:  # without waiting it needs no thread, of which there are few
    found: Services = request.app.state.services
    return found


ServicesHere = Annotated[Services, Depends(_services)]
"""A route's parameter that takes the services."""
