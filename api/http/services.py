"""What the routes stand on, handed to the app by its composition root."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request
from prometheus_client import CollectorRegistry, Counter
from sqlalchemy import Engine

from api.alert_records.stream import EventSignal
from api.attestations.classes import Classes
from api.http.broadcast import Broadcast
from api.http.site import Site
from api.notifications.web_push import PushDesk
from api.words import AddedWords
from siaga.database.people import Passwords, Persons, Sessions, SignIn
from siaga.database.quarantine import Quarantine
from siaga.database.registry import Registry
from siaga.database.tokens import Tokens
from siaga.model.clock import Clock
from siaga.model.readiness import UnreadPast
from siaga.telemetry import TelemetryStore

__all__ = ["Check", "Services", "ServicesHere", "sign_in_counter"]

Check = Callable[[], str | None]
"""Says in a sentence why its part is not ready, or `None` when it is. Called in a thread of its own; it may hang."""


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a route may use. All of it is safe to use from several threads."""

    engine: Engine
    store: TelemetryStore
    registry: Registry
    tokens: Tokens
    persons: Persons
    passwords: Passwords
    sessions: Sessions
    sign_in: SignIn
    quarantine: Quarantine
    clock: Clock
    signal: EventSignal
    broadcast: Broadcast
    metrics: CollectorRegistry
    sign_ins: Counter
    push: PushDesk
    checks: Mapping[str, Check] = field(default_factory=dict)
    past: Callable[[], UnreadPast] = UnreadPast
    leads: Callable[[], Sequence[int]] = tuple
    """The partitions of villages whose alert engine runs in this process."""
    public_page: bool = True
    attestation_review: bool = False
    scorecard_classes: Classes | None = None
    form_languages: Mapping[str, AddedWords] = field(default_factory=dict)
    """By its tag each language that the district added for citizens."""
    answered_within: int | None = None
    """How long a complaint may wait, ms, for its village's complaints box to be met; `None`: there is no such rule."""
    site: Site = field(default_factory=Site)
    sites_file: str | None = None
    """The file that is imported at every start, and replaces what was changed since."""
    channels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By what the notify file reaches whom, by the person's name."""


def sign_in_counter(registry: CollectorRegistry) -> Counter:
    """Returns what counts sign-ins: `right`, `wrong`, and `wait`, after too many wrong ones."""
    return Counter("siaga_sign_ins", "names and passwords that were looked at", ("outcome",), registry=registry)


async def _services(request: Request) -> Services:  # without waiting it needs no thread, of which there are few
    found: Services = request.app.state.services
    return found


ServicesHere = Annotated[Services, Depends(_services)]
"""A route's parameter that takes the services."""
