"""`/account/push`: the browsers of somebody that take push messages, also while the phone is locked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, RedirectResponse, Response

from api.http.problems import Refused
from api.http.services import Services, ServicesHere
from api.notifications.messages import trial
from api.notifications.outcome import Answer
from api.notifications.web_push import (
    BadEndpoint,
    BadKey,
    Deadlines,
    PushDesk,
    parse_endpoint,
    public_key,
    secret_of,
)
from api.web.access import SignedIn, VisitHere
from api.web.agent import agent_name
from api.web.looker import Looker
from api.web.notice import Notice, leave_notice
from siaga.model.local_time import NO_VILLAGES_ZONE

__all__ = ["PushView", "push_views", "router"]

router = APIRouter(include_in_schema=False)

_HERE = "/account/push"
_QUICK = Deadlines(connect=2.0, read=2.0, whole=4.0)
"""Somebody waits for the page that says what became of it."""

Subscription = Annotated[int, Form(ge=1, lt=2**63)]


@dataclass(frozen=True, slots=True)
class PushView:
    """A browser as the page names it."""

    id: int
    agent: str
    since: str
    renewed: str


class _Keys(BaseModel):
    model_config = ConfigDict(extra="ignore")

    p256dh: Annotated[str, Field(max_length=200)]
    auth: Annotated[str, Field(max_length=100)]


class _Subscribed(BaseModel):
    """A `PushSubscription` as browsers write it."""

    model_config = ConfigDict(extra="ignore")

    endpoint: Annotated[str, Field(max_length=2_000)]
    keys: _Keys


def push_views(services: Services, looker: Looker, name: str) -> Sequence[PushView]:
    """Returns the browsers of a person that take push messages."""
    words, now = looker.words, services.clock.now()
    return [
        PushView(
            one.id,
            one.agent,
            words.time(one.created_at, now, NO_VILLAGES_ZONE),
            words.time(one.renewed_at, now, NO_VILLAGES_ZONE),
        )
        for one in services.push.subscriptions.of(name)
    ]


@router.get(_HERE)
def key(services: ServicesHere, _: SignedIn, __: VisitHere) -> Response:
    """The public key that a browser subscribes with."""
    return JSONResponse({"key": services.push.vapid.public}, headers={"Cache-Control": "no-store"})


@router.post(_HERE)
def subscribe(
    request: Request, services: ServicesHere, looker: SignedIn, visit: VisitHere, told: _Subscribed
) -> Response:
    """Keep the subscription of this browser, or renew it."""
    try:
        parse_endpoint(told.endpoint)
        public_key(told.keys.p256dh)
        secret_of(told.keys.auth)
    except (BadEndpoint, BadKey) as problem:
        raise Refused(422, f"the address or a key of this subscription {problem}") from None
    services.push.subscriptions.keep(
        visit.person.name,
        visit.session.id,
        told.endpoint,
        told.keys.p256dh,
        told.keys.auth,
        looker.language.value,
        agent_name(request.headers.get("user-agent")),
    )
    return Response(status_code=204)


@router.post(f"{_HERE}/test")
def test(services: ServicesHere, looker: SignedIn, visit: VisitHere, subscription: Subscription) -> Response:
    """Send a message to one of the own browsers, and say what its push service answered."""
    desk: PushDesk = services.push
    mine = next((one for one in desk.subscriptions.of(visit.person.name) if one.id == subscription), None)
    if mine is None:
        return _back(looker.words("push_gone"), wrong=True)
    answer = desk.channel(mine.id, _QUICK).send(trial(mine.language)).answer
    if answer is Answer.TAKEN:
        return _back(looker.words("push_sent", agent=mine.agent))
    return _back(looker.words("push_gone" if answer is Answer.GONE else "push_not_sent", agent=mine.agent), wrong=True)


@router.post(f"{_HERE}/remove")
def remove(
    services: ServicesHere,
    looker: SignedIn,
    visit: VisitHere,
    subscription: Annotated[int, Form(ge=0, lt=2**63)] = 0,
    endpoint: Annotated[str, Form(max_length=2_000)] = "",
) -> Response:
    """Send nothing more to one of the own browsers, by its id or by its address."""
    gone = services.push.subscriptions.drop(subscription, visit.person.name, endpoint)
    return _back(looker.words("push_removed" if gone else "push_gone"))


def _back(said: str, *, wrong: bool = False) -> Response:
    answer = RedirectResponse("/account", 303)
    leave_notice(answer, Notice(said, wrong))
    return answer
