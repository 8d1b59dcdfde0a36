"""`/setup/sites/regions`, `/setup/sites/holidays`: names of regions, and the days on which offices are closed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from api.http.problems import not_found
from api.http.services import Services, ServicesHere
from api.web.access import SignedInAdmin
from api.web.frame import Frame, FrameHere
from api.web.looker import Looker
from api.web.setup.limits import admin_of
from api.web.setup.site_edit import Unsaved, check_beside, sentence
from api.web.setup.site_village import Text, back, labels
from siaga.database.registry import ChangedMeanwhile
from siaga.model.scope import Scope
from siaga.model.sites import Village
from siaga.sites.file import SitesDocument, SitesFileError, read_document
from siaga.sites.writing import write_tree

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

_REGIONS = "/setup/sites/regions"
_HOLIDAYS = "/setup/sites/holidays"
Version = Annotated[int, Form()]


@dataclass(frozen=True, slots=True)
class _Holiday:
    """A holiday, and how many of the admin's villages are closed on it."""

    day: date
    name: str
    villages: int


@router.api_route(_REGIONS, methods=["GET", "HEAD"])
def regions(request: Request, services: ServicesHere, looker: SignedInAdmin, frame: FrameHere) -> Response:
    """The names of the regions that the admin may name."""
    return _region_page(request, services, looker, frame)


@router.post(_REGIONS)
def name_region(
    request: Request,
    services: ServicesHere,
    looker: SignedInAdmin,
    frame: FrameHere,
    code: Text = "",
    name: Text = "",
    version: Version = 0,
) -> Response:
    """Name a region; without a name it has none any more."""
    code, name = code.strip(), name.strip()
    try:
        _checked(services, looker, {"regions": [{"code": code, "name": name or code}]})
        named = {code: name} if name else {}
        _replace(services, looker, [], version, regions=named, unnamed=[] if name else [code])
    except Unsaved as problem:
        return _region_page(request, services, looker, frame, code, name, problem)
    return back(_REGIONS, looker.words("site_saved" if name else "site_removed", name=name or code))


@router.api_route(_HOLIDAYS, methods=["GET", "HEAD"])
def holidays(request: Request, services: ServicesHere, looker: SignedInAdmin, frame: FrameHere) -> Response:
    """The days on which the offices of the admin's villages are closed."""
    return _holiday_page(request, services, looker, frame)


@router.post(_HOLIDAYS)
def add_holiday(
    request: Request,
    services: ServicesHere,
    looker: SignedInAdmin,
    frame: FrameHere,
    day: Text = "",
    name: Text = "",
    version: Version = 0,
) -> Response:
    """Add a holiday to all of the admin's villages, or name one otherwise."""
    try:
        found = _checked(services, looker, {"holidays": [{"date": day.strip(), "name": name.strip()}]}).holidays
        ((when, called),) = found.items()
        changed = [replace(one, holidays=one.holidays | {when}) for one in _mine(services, looker)]
        _replace(services, looker, changed, version, holidays=found)
    except Unsaved as problem:
        return _holiday_page(request, services, looker, frame, day, name, problem)
    return back(_HOLIDAYS, looker.words("site_saved", name=called))


@router.post(f"{_HOLIDAYS}/remove")
def remove_holiday(
    request: Request,
    services: ServicesHere,
    looker: SignedInAdmin,
    frame: FrameHere,
    day: Text = "",
    version: Version = 0,
) -> Response:
    """Take a holiday from all of the admin's villages."""
    closed = [one for one in _mine(services, looker) if day in {when.isoformat() for when in one.holidays}]
    if not closed:
        raise not_found("holiday", day)
    try:
        changed = [replace(one, holidays=one.holidays - {date.fromisoformat(day)}) for one in closed]
        _replace(services, looker, changed, version)
    except Unsaved as problem:
        return _holiday_page(request, services, looker, frame, problem=problem)
    return back(_HOLIDAYS, looker.words("site_removed", name=day))


def _mine(services: Services, looker: Looker) -> list[Village]:
    scopes = admin_of(looker).scopes
    return [village for village in services.registry.villages() if scopes.holds(village.code)]


def _checked(services: Services, looker: Looker, lists: dict[str, object]) -> SitesDocument:
    """Returns what a sites file with these lists and no villages would hold.

    Raises:
        Unsaved: it has mistakes, or holds what is not the admin's to name.
    """
    named = labels(looker)
    try:
        document = read_document(write_tree({"villages": [], **lists}), "form")
    except SitesFileError as error:
        raise Unsaved([sentence(looker, one, named.get(one.key, one.key)) for one in error.mistakes]) from None
    check_beside(services, looker, document)
    return document


def _replace(
    services: Services,
    looker: Looker,
    villages: Sequence[Village],
    version: int,
    *,
    regions: dict[str, str] | None = None,
    unnamed: Sequence[str] = (),
    holidays: Mapping[date, str] | None = None,
) -> None:
    now = services.clock.now()
    try:
        services.registry.replace(villages, now, regions, holidays, unnamed=unnamed, seen_version=version)
    except ChangedMeanwhile:
        raise Unsaved([looker.words("sites_changed_since")], 409) from None


def _region_page(
    request: Request,
    services: Services,
    looker: Looker,
    frame: Frame,
    code: str = "",
    name: str = "",
    problem: Unsaved | None = None,
) -> Response:
    scopes, version = admin_of(looker).scopes, services.registry.version()
    named = {one: called for one, called in services.registry.regions().items() if scopes.covers(Scope(one))}
    unnamed = {".".join(one.code.split(".")[:n]) for one in _mine(services, looker) for n in (2, 3)} - named.keys()
    return frame.page(
        request,
        looker,
        "setup/site_regions.html",
        status=problem.status if problem is not None else 200,
        title=looker.words("site_regions"),
        problems=problem.problems if problem is not None else (),
        named=sorted(named.items()),
        unnamed=sorted(one for one in unnamed if scopes.covers(Scope(one))),
        code=code,
        name=name,
        version=version,
    )


def _holiday_page(
    request: Request,
    services: Services,
    looker: Looker,
    frame: Frame,
    day: str = "",
    name: str = "",
    problem: Unsaved | None = None,
) -> Response:
    version, mine, names = services.registry.version(), _mine(services, looker), services.registry.holidays()
    counts: dict[date, int] = {}
    for village in mine:
        for one in village.holidays:
            counts[one] = counts.get(one, 0) + 1
    return frame.page(
        request,
        looker,
        "setup/site_holidays.html",
        status=problem.status if problem is not None else 200,
        title=looker.words("site_holidays"),
        problems=problem.problems if problem is not None else (),
        holidays=[_Holiday(one, names.get(one, ""), count) for one, count in sorted(counts.items())],
        villages=len(mine),
        day=day,
        name=name,
        version=version,
    )
