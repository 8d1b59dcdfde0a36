"""`/setup/people`: accounts of people: list, add, change, new link, remove."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from api.http.problems import not_found
from api.http.services import Services, ServicesHere
from api.web.access import SignedInAdmin
from api.web.frame import Frame, FrameHere
from api.web.looker import Looker
from api.web.notice import Notice, leave_notice
from api.web.once import forget_secret, shown_at, taken_secret
from api.web.setup.limits import BadScopes, admin_of, manages, read_scopes
from siaga.database.people import NameTaken, NoSuchPerson, NotAName, Person
from siaga.database.people.persons import check_display_name, check_name
from siaga.model.caller import Role

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

_HERE = "/setup/people"


@dataclass(frozen=True, slots=True)
class _Fields:
    """What a form holds: shown again when it cannot be taken."""

    name: str = ""
    display_name: str = ""
    role: str = Role.VIEWER
    scopes: str = ""


@router.api_route(_HERE, methods=["GET", "HEAD"])
def people(request: Request, services: ServicesHere, looker: SignedInAdmin, frame: FrameHere) -> Response:
    """All people whom the admin manages, and a form for one more."""
    return _list(request, services, looker, frame)


@router.post(_HERE)
def add(
    request: Request,
    services: ServicesHere,
    looker: SignedInAdmin,
    frame: FrameHere,
    name: Annotated[str, Form()] = "",
    display_name: Annotated[str, Form()] = "",
    role: Annotated[Role, Form()] = Role.VIEWER,
    scopes: Annotated[str, Form()] = "",
) -> Response:
    """Make an account, and lead on to the page that shows its sign-in link, once."""
    fields = _Fields(name.strip().lower(), display_name.strip(), role, scopes)
    try:
        given = read_scopes(admin_of(looker), scopes)
        secret = services.persons.add(fields.name, role, given, fields.display_name)
    except (BadScopes, NotAName, NameTaken) as problem:
        return _list(request, services, looker, frame, fields, _sentence(looker, fields, problem))
    return shown_at(_link_path(fields.name), request, services.site, secret)


@router.api_route(f"{_HERE}/{{name}}", methods=["GET", "HEAD"])
def person(request: Request, services: ServicesHere, looker: SignedInAdmin, frame: FrameHere, name: str) -> Response:
    """One person: what can be changed."""
    return _person_page(request, services, looker, frame, _managed(services, looker, name))


@router.post(f"{_HERE}/{{name}}")
def change(
    request: Request,
    services: ServicesHere,
    looker: SignedInAdmin,
    frame: FrameHere,
    name: str,
    display_name: Annotated[str, Form()] = "",
    role: Annotated[Role, Form()] = Role.VIEWER,
    scopes: Annotated[str, Form()] = "",
) -> Response:
    """Give somebody another role, other scopes or another display name. Nobody takes the own role or scopes away."""
    found = _managed(services, looker, name)
    fields = _Fields(name, display_name.strip(), role, scopes)
    try:
        given = read_scopes(admin_of(looker), scopes)
        if _is_self(looker, found) and (role is not found.role or given != found.scopes):
            return _person_page(request, services, looker, frame, found, fields, looker.words("person_self"))
        services.persons.change(name, role, given, fields.display_name)
    except (BadScopes, NotAName) as problem:
        said = _sentence(looker, fields, problem)
        return _person_page(request, services, looker, frame, found, fields, said)
    return _back(f"{_HERE}/{name}", looker.words("person_changed", name=fields.display_name or name))


@router.post(f"{_HERE}/{{name}}/link")
def new_link(request: Request, services: ServicesHere, looker: SignedInAdmin, name: str) -> Response:
    """Make a new sign-in link, and lead on to the page that shows it, once."""
    _managed(services, looker, name)
    return shown_at(_link_path(name), request, services.site, services.persons.link(name))


@router.api_route(f"{_HERE}/{{name}}/link", methods=["GET", "HEAD"])
def link(request: Request, services: ServicesHere, looker: SignedInAdmin, frame: FrameHere, name: str) -> Response:
    """The sign-in link that was just made, once."""
    _managed(services, looker, name)
    secret, words = taken_secret(request), looker.words
    if secret is None:
        return _back(f"{_HERE}/{name}", words("link_shown_once"), wrong=True)
    address = f"{services.site.at(request)}/welcome/{secret}"
    answer = frame.page(request, looker, "setup/link.html", title=words("link_of", name=name), name=name, link=address)
    forget_secret(answer, request, services.site)
    return answer


@router.post(f"{_HERE}/{{name}}/remove")
def remove(request: Request, services: ServicesHere, looker: SignedInAdmin, frame: FrameHere, name: str) -> Response:
    """Take an account away. Nobody takes the own one away, so one admin always stays."""
    found = _managed(services, looker, name)
    if _is_self(looker, found):
        return _person_page(request, services, looker, frame, found, problem=looker.words("person_self"))
    try:
        services.persons.remove(name)
    except NoSuchPerson:
        raise not_found("person", name) from None
    return _back(_HERE, looker.words("person_removed", name=name))


def _managed(services: Services, looker: Looker, name: str) -> Person:
    """Returns somebody whom the admin manages.

    Raises:
        Refused: 404, there is nobody of that name, or it is beside the admin's scopes.
    """
    found = services.persons.find(name)
    if found is None or not manages(admin_of(looker), found.scopes):
        raise not_found("person", name)
    return found


def _is_self(looker: Looker, person: Person) -> bool:
    return admin_of(looker).who == person.caller.who


def _list(
    request: Request,
    services: Services,
    looker: Looker,
    frame: Frame,
    fields: _Fields | None = None,
    problem: str | None = None,
) -> Response:
    admin = admin_of(looker)
    accounts = [one for one in services.persons.listed() if manages(admin, one.scopes)]
    taken = {one.name for one in services.persons.listed()}
    told = sorted(set(services.channels) - taken) if admin.scopes.everything else []
    return frame.page(
        request,
        looker,
        "setup/people.html",
        status=422 if problem else 200,
        title=looker.words("setup_people"),
        people=accounts,
        told=told,
        channels=services.channels,
        roles=list(Role),
        fields=fields or _Fields(),
        problem=problem,
    )


def _person_page(
    request: Request,
    services: Services,
    looker: Looker,
    frame: Frame,
    person: Person,
    fields: _Fields | None = None,
    problem: str | None = None,
) -> Response:
    shown = "" if person.display_name == person.name else person.display_name
    return frame.page(
        request,
        looker,
        "setup/person.html",
        status=422 if problem else 200,
        title=person.display_name,
        person=person,
        is_self=_is_self(looker, person),
        channels=services.channels.get(person.name, ()),
        roles=list(Role),
        fields=fields or _Fields(person.name, shown, person.role, " ".join(person.scopes.texts)),
        problem=problem,
    )


def _link_path(name: str) -> str:
    return f"{_HERE}/{name}/link"


def _sentence(looker: Looker, fields: _Fields, problem: ValueError) -> str:
    """Returns why a form was not taken, in the language of who sent it."""
    words = looker.words
    match problem:
        case BadScopes(text=text, is_outside=True):
            return words("scope_outside", scope=text)
        case BadScopes(text=text):
            return words("scope_none", scope=text)
        case NameTaken():
            return words("name_taken", name=fields.name)
    try:
        check_name(fields.name)
        check_display_name(fields.display_name)
    except NotAName as mistake:
        return words("name_none") if str(mistake).startswith("NAME") else words("display_name_none")
    return words("name_none")


def _back(path: str, said: str, *, wrong: bool = False) -> Response:
    answer = RedirectResponse(path, 303)
    leave_notice(answer, Notice(said, wrong))
    return answer
