"""`/attest`: what to visit next; `/attest/{code}`: the form for the phone; and the forms that act on an attestation."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from starlette.responses import RedirectResponse, Response

from api.attestations.book import withdraw
from api.attestations.counting import is_sensed
from api.http.attestations import confirm_as_second, take
from api.http.problems import Refused, not_found
from api.http.services import Services, ServicesHere
from api.queries import attestations as read
from api.queries.attestations import Kept
from api.queries.visits import Visit, visits
from api.reports.levels import subdistrict_of
from api.web.access import SignedIn, SignedInTechnician
from api.web.frame import FrameHere
from api.web.looker import Looker
from api.web.notice import Notice, leave_notice
from api.words.formats import without_desa
from api.words.said import said
from siaga.model.caller import Role
from siaga.model.indicators import INDICATORS
from siaga.model.local_time import local_date
from siaga.model.scope import NotAScope, Scope, Scopes, parse_scope
from siaga.model.sites import Village

__all__ = ["ADDRESS", "MOST_VISITS", "router"]

ADDRESS = "/attestations"
"""Where the form goes without JavaScript: the path of its call, without the base."""
MOST_VISITS = 90
"""Lines of the list in print: three columns of thirty on one A4 page. The rest is counted."""
_RECENT = 20

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class _Stop:
    """One village of a round: what is to be seen there."""

    village: Village
    visits: Sequence[Visit]


@router.get("/attest")
def to_visit(
    request: Request, frame: FrameHere, looker: SignedIn, services: ServicesHere, scope: str | None = None
) -> Response:
    """What to visit next, by sub-district; prints on one page."""
    scopes, wrong = _asked(looker, scope)
    with services.engine.connect() as connection:
        found = list(visits(connection, scopes, services.clock.now()))
    names = services.registry.regions()
    shown = found[:MOST_VISITS]
    rounds = [
        (
            names.get(code, looker.words("subdistrict", code=code)),
            [_Stop(each[0].village, each) for each in _by_village(list(members))],
        )
        for code, members in groupby(shown, key=lambda one: subdistrict_of(one.village.code))
    ]
    return frame.page(
        request,
        looker,
        "attest_visits.html",
        status=422 if wrong else 200,
        title=looker.words("visits_title"),
        rounds=rounds,
        shown=len(shown),
        left_out=len(found) - len(shown),
        scope=scope or "",
        wrong=wrong,
        may_attest=looker.may(Role.TECHNICIAN),
        indicators=INDICATORS,
    )


def _by_village(found: Sequence[Visit]) -> list[list[Visit]]:
    return [list(each) for _, each in groupby(found, key=lambda one: one.village.code)]


def _asked(looker: Looker, scope: str | None) -> tuple[Scopes, bool]:
    """What a scope in the address asks for, as far as the looker may see it; and whether it is none."""
    seen = _seen(looker)
    if not scope:
        return seen, False
    try:
        return seen.within(parse_scope(scope)), False
    except NotAScope:
        return seen, True


def _seen(looker: Looker) -> Scopes:
    assert looker.caller is not None  # noqa: S101 - these pages are for who has signed in
    return looker.caller.scopes


@router.get("/attest/{code}")
def attest_form(
    request: Request,
    frame: FrameHere,
    looker: SignedInTechnician,
    services: ServicesHere,
    code: str,
    kept: bool = False,
) -> Response:
    """The form of one village, and what was attested there last.

    `kept`: the form alone, as a phone keeps it for when it has no connection. It says when it was made.
    """
    village = services.registry.village(code) if _seen(looker).holds(code) else None
    if village is None:
        raise not_found("village", code)
    now = services.clock.now()
    recent, due = ([], {}) if kept else _found_at(services, looker, code, now)
    kinds = sorted(
        (one for one in INDICATORS.values() if not is_sensed(village, one.kind)),
        key=lambda one: (one.kind not in due, one.number),
    )
    return frame.page(
        request,
        looker,
        "attest.html",
        title=looker.words("attest_title", village=without_desa(village.name)),
        village=village,
        kinds=kinds,
        due=due,
        chosen=request.query_params.get("indicator", ""),
        today=local_date(now, village.timezone),
        draft=secrets.token_urlsafe(18),
        recent=[_shown(looker, one) for one in recent],
        kept=kept,
        now=now,
    )


def _found_at(services: Services, looker: Looker, code: str, now: int) -> tuple[Sequence[Kept], Mapping[str, Visit]]:
    """What was attested in a village last, and what is to be seen there, by the indicator."""
    here = Scopes((Scope(code),))
    with services.engine.connect() as connection:
        recent = read.listed(connection, _seen(looker), here, None, None, _RECENT)
        return recent, {one.indicator: one for one in visits(connection, here, now)}


@dataclass(frozen=True, slots=True)
class _Shown:
    """An attestation as the page shows it. `mine`: whoever looks made it."""

    kept: Kept
    mine: bool
    waits: bool


def _shown(looker: Looker, kept: Kept) -> _Shown:
    mine = looker.caller is not None and kept.by == looker.caller.name
    return _Shown(kept, mine, kept.needs_review and kept.confirmed_at is None and kept.withdrawn_at is None)


@router.post(ADDRESS)
async def attest(request: Request, looker: SignedInTechnician, services: ServicesHere) -> Response:
    """Take the form as it comes without JavaScript, and go back to the village's page."""
    caller = looker.caller
    assert caller is not None  # noqa: S101 - these pages are for who has signed in
    try:
        found, is_new = await take(request, services, caller)
    except Refused as problem:
        if problem.status not in (409, 422):
            raise
        return _back(
            request, Notice(looker.words("attest_refused", why=said(looker.words, problem.detail)), wrong=True)
        )
    except RequestValidationError:  # the page asks for each field, so the form is another's
        return _back(
            request, Notice(looker.words("attest_refused", why=looker.words("refusal_detail_422")), wrong=True)
        )
    answer = RedirectResponse(f"/attest/{found.village}", 303)
    leave_notice(answer, Notice(looker.words("attest_taken" if is_new else "attest_taken_before")))
    return answer


@router.post("/attestations/{attestation}/confirm")
def confirm(looker: SignedInTechnician, services: ServicesHere, attestation: str) -> Response:
    """Confirm one as the second person."""
    caller, found = looker.caller, _found(looker, services, attestation)
    assert caller is not None  # noqa: S101 - these pages are for who has signed in
    try:
        confirm_as_second(services, caller, found)
    except Refused:
        return _to(found, Notice(looker.words("attest_not_confirmed"), wrong=True))
    return _to(found, Notice(looker.words("attest_confirmed")))


@router.post("/attestations/{attestation}/withdraw")
def take_back(looker: SignedInTechnician, services: ServicesHere, attestation: str) -> Response:
    """Withdraw one; it stays in the list."""
    caller, found = looker.caller, _found(looker, services, attestation)
    assert caller is not None  # noqa: S101 - these pages are for who has signed in
    withdraw(services.engine, found.id, caller.name, services.clock.now())
    return _to(found, Notice(looker.words("attest_withdrawn")))


def _found(looker: Looker, services: Services, attestation: str) -> Kept:
    with services.engine.connect() as connection:
        found = read.one(connection, _seen(looker), attestation)
    if found is None:
        raise not_found("attestation", attestation)
    return found


def _to(found: Kept, notice: Notice) -> Response:
    answer = RedirectResponse(f"/attest/{found.village}", 303)
    leave_notice(answer, notice)
    return answer


def _back(request: Request, notice: Notice) -> Response:
    """To the village's page that the form came from; of the list where the browser does not say."""
    path = request.headers.get("referer", "").partition("//")[2].partition("/")[2].partition("?")[0]
    answer = RedirectResponse(f"/{path}" if path.startswith("attest/") else "/attest", 303)
    leave_notice(answer, notice)
    return answer
