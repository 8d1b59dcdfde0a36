"""The first steps: what leads from nothing to the message of a failure, each with whether it is done."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fastapi import Request
from sqlalchemy import Connection

from api.http.services import Services
from api.queries.sites import count_entries, first_device, first_heard, has_recovered
from api.web.looker import Looker
from api.web.setup.limits import admin_of
from api.web.setup.site_edit import TRIAL
from api.words import Words
from siaga.database.registry import villages_within
from siaga.model.durations import parse_duration
from siaga.model.scope import Scopes

__all__ = ["Step", "first_steps", "next_step"]

_MOST_VILLAGES = 500
"""Of more villages it is not looked where a trial still runs: who has so many is past the first steps."""


@dataclass(frozen=True, slots=True)
class Step:
    """One of the first steps. `path`: where it is taken; `text`: what to do."""

    path: str
    text: str
    done: bool


def first_steps(request: Request, services: Services, looker: Looker) -> Sequence[Step]:
    """Returns the steps in order; none once all are taken and no trial runs."""
    with services.engine.connect() as connection:
        steps = [*_steps(request, connection, looker), *_trials(connection, looker.words, admin_of(looker).scopes)]
    return [] if all(step.done for step in steps) else steps


def next_step(request: Request, services: Services, looker: Looker) -> Step | None:
    """Returns the first step that is not taken yet; `None`: all are."""
    with services.engine.connect() as connection:
        return next((step for step in _steps(request, connection, looker) if not step.done), None)


def _steps(request: Request, connection: Connection, looker: Looker) -> Iterator[Step]:
    words, scopes, book = looker.words, admin_of(looker).scopes, request.app.state.book
    villages = count_entries(connection, scopes)
    heard, registered = first_heard(connection, scopes), first_device(connection, scopes)
    yield Step("/setup/sites" if villages else "/setup/sites/new", words("first_village"), villages > 0)
    if registered is not None and heard is None:
        village, _, device = registered
        yield Step(f"/devices/{village}/{device}", words("first_device_waits", device=device), done=False)
    else:
        broker: str | None = request.app.state.broker
        where = words("first_device_at", broker=broker) if broker else words("first_device")
        yield Step("/setup/unknown", where, heard is not None)
    if scopes.everything:
        yield Step("/setup/rules", words("first_channel"), bool(book.people and book.rules))
    tried = heard or (None if registered is None else registered[:2])
    path = "/setup/sites" if tried is None else "/setup/sites/{}/facilities/{}#trial".format(*tried)
    yield Step(path, words("first_trial"), has_recovered(connection, scopes))


def _trials(connection: Connection, words: Words, scopes: Scopes) -> Iterator[Step]:
    """Yields a step for each trial that still runs: it makes alerts of what is none otherwise."""
    if count_entries(connection, scopes) > _MOST_VILLAGES or not has_recovered(connection, scopes):
        return
    short = parse_duration(TRIAL)
    for village in villages_within(connection, scopes):
        for facility in village.facilities:
            if facility.grace == facility.recovery == short:
                path = f"/setup/sites/{village.code}/facilities/{facility.id}#trial"
                yield Step(path, words("first_trial_ends", facility=facility.name, village=village.name), done=False)
