"""`/setup/sites/CODE`: one village: what is changed of it, its facilities and devices, and how it is taken out."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import RedirectResponse, Response

from api.http.services import Services, ServicesHere
from api.queries.sites import uplinks
from api.web.access import SignedInAdmin
from api.web.frame import Frame, FrameHere
from api.web.looker import Looker
from api.web.notice import Notice, leave_notice
from api.web.setup.first_steps import next_step
from api.web.setup.limits import admin_of
from api.web.setup.site_edit import Entries, Unsaved, check_sure, copied, entries_of, home_of, save
from siaga.database.registry import ChangedMeanwhile
from siaga.model.durations import format_duration
from siaga.model.sites import Village
from siaga.sites.file import OFFLINE_AFTER
from siaga.sites.writing import fingerprint

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

_HERE = "/setup/sites"
_PAIR = re.compile(r"(-?\d+(?:[.,]\d+)?)(?:[,;]?\s+|[,;](?=-?\d+\.))(-?\d+(?:[.,]\d+)?)", re.ASCII)
"""A latitude and a longitude, as maps copy them."""
ZONES = ("Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura")
"""The time zones of Indonesia."""
Text = Annotated[str, Form(max_length=400)]


@dataclass(frozen=True, slots=True)
class Fields:
    """The form of a village, as it was filled in. `like`: the code of the one that it is to be like."""

    code: str = ""
    name: str = ""
    lat: str = ""
    lon: str = ""
    timezone: str = ZONES[0]
    remote: bool = False
    offline_after: str = ""
    uplink: str = ""
    seen: str = ""
    like: str = ""

    def tree(self, before: Mapping[str, object]) -> dict[str, object]:
        """Returns the entry of a sites file."""
        lat, lon = coordinates(self.lat, self.lon)
        found: dict[str, object] = {
            "code": self.code,
            "name": self.name.strip(),
            "lat": number(lat),
            "lon": number(lon),
            "timezone": self.timezone.strip(),
            "gateway": "remote" if self.remote else "",
            "offline_after": self.offline_after.strip(),
            "uplink": self.uplink.strip(),
        }
        kept = {key: value for key, value in found.items() if value != "" or key in ("code", "name", "lat", "lon")}
        return kept | {"facilities": before.get("facilities", [])}


def coordinates(lat: str, lon: str) -> tuple[str, str]:
    """Returns latitude and longitude; both from the first field, where a map's "-8.19, 114.30" was pasted into it."""
    pair = None if lon.strip() else _PAIR.fullmatch(lat.strip())
    return (lat, lon) if pair is None else (pair[1], pair[2])


def number(text: str) -> object:
    """Returns a number that was written with a decimal point or comma; the text if it is none."""
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        return text


@router.api_route(f"{_HERE}/new", methods=["GET", "HEAD"])
def new_village(
    request: Request,
    services: ServicesHere,
    looker: SignedInAdmin,
    frame: FrameHere,
    like: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    """The form for one more village. `like`: of the one that it is to be like."""
    fields = Fields()
    if like:
        fields = replace(
            _fields_of(home_of(services, looker, like)), code="", name="", lat="", lon="", seen="", like=like
        )
    return _page(request, services, looker, frame, fields, None)


@router.post(f"{_HERE}/new")
def add_village(
    request: Request,
    services: ServicesHere,
    looker: SignedInAdmin,
    frame: FrameHere,
    code: Text = "",
    name: Text = "",
    lat: Text = "",
    lon: Text = "",
    timezone: Text = "",
    remote: Annotated[bool, Form()] = False,
    offline_after: Text = "",
    uplink: Text = "",
    like: Text = "",
) -> Response:
    """Add a village. `like`: the one whose facilities it has, too, without their devices."""
    fields = Fields(code.strip(), name, lat, lon, timezone, remote, offline_after, uplink, like=like)
    facilities = entries_of(home_of(services, looker, like), "").facilities if like else []
    entry = fields.tree({"facilities": [copied(one) for one in facilities]})
    try:
        village = save(services, looker, Entries(fields.code, entry, None, ""), labels(looker))
    except Unsaved as problem:
        return _page(request, services, looker, frame, fields, None, problem)
    return back(f"{_HERE}/{village.code}", looker.words("site_saved", name=village.name))


@router.api_route(f"{_HERE}/{{code}}", methods=["GET", "HEAD"])
def village(request: Request, services: ServicesHere, looker: SignedInAdmin, frame: FrameHere, code: str) -> Response:
    """One village, with its facilities and devices."""
    home = home_of(services, looker, code)
    return _page(request, services, looker, frame, _fields_of(home), home)


@router.post(f"{_HERE}/{{code}}")
def change_village(
    request: Request,
    services: ServicesHere,
    looker: SignedInAdmin,
    frame: FrameHere,
    code: str,
    name: Text = "",
    lat: Text = "",
    lon: Text = "",
    timezone: Text = "",
    remote: Annotated[bool, Form()] = False,
    offline_after: Text = "",
    uplink: Text = "",
    seen: Text = "",
) -> Response:
    """Change a village's own fields."""
    home = home_of(services, looker, code)
    fields = Fields(code, name, lat, lon, timezone, remote, offline_after, uplink, seen)
    known = entries_of(home, seen)
    changed = Entries(code, fields.tree(known.village), home, seen or "-")
    try:
        village = save(services, looker, changed, labels(looker))
    except Unsaved as problem:
        return _page(request, services, looker, frame, fields, home, problem)
    return back(f"{_HERE}/{code}", looker.words("site_saved", name=village.name))


@router.post(f"{_HERE}/{{code}}/remove")
def remove_village(
    request: Request,
    services: ServicesHere,
    looker: SignedInAdmin,
    frame: FrameHere,
    code: str,
    seen: Text = "",
    sure: Annotated[bool, Form()] = False,
) -> Response:
    """Take a village out: it is no longer watched, and what was measured stays."""
    home = home_of(services, looker, code)
    try:
        check_sure(looker, sure=sure)
        services.registry.replace([], services.clock.now(), removed=[code], seen={code: seen or "-"})
    except Unsaved as problem:
        return _page(request, services, looker, frame, _fields_of(home), home, problem)
    except ChangedMeanwhile:
        changed = Unsaved([looker.words("site_changed_meanwhile", village=code)], 409)
        return _page(request, services, looker, frame, _fields_of(home), home, changed)
    return back(_HERE, looker.words("site_removed", name=home.name))


def labels(looker: Looker) -> dict[str, str]:
    """What the fields of entries are called, by the key of the sites file."""
    keys = (
        "code", "name", "lat", "lon", "timezone", "offline_after", "uplink", "id", "kind", "since", "needs", "grace",
        "recovery", "target", "schedule", "silence", "adapter", "address", "every", "map", "invert", "date",
    )  # fmt: skip
    return {key: looker.words(f"site_key_{key}") for key in keys}


def back(path: str, said: str, *, wrong: bool = False) -> Response:
    """Returns the way back to a page, which says what was done. `wrong`: something of it has to be looked at."""
    answer = RedirectResponse(path, 303)
    leave_notice(answer, Notice(said, wrong))
    return answer


def _fields_of(village: Village) -> Fields:
    after = village.offline_after
    return Fields(
        village.code,
        village.name,
        str(village.latitude),
        str(village.longitude),
        village.timezone,
        village.remote,
        "" if after == OFFLINE_AFTER else format_duration(after),
        village.uplink or "",
        fingerprint(village),
    )


def _page(
    request: Request,
    services: Services,
    looker: Looker,
    frame: Frame,
    fields: Fields,
    village: Village | None,
    problem: Unsaved | None = None,
) -> Response:
    with services.engine.connect() as connection:
        known = uplinks(connection, admin_of(looker).scopes)
    zones: Sequence[str] = tuple(dict.fromkeys([*ZONES, fields.timezone or ZONES[0]]))
    return frame.page(
        request,
        looker,
        "setup/site_village.html",
        status=problem.status if problem is not None else 200,
        title=looker.words("site_village_add") if village is None else village.name,
        problems=problem.problems if problem is not None else (),
        fields=fields,
        village=village,
        next_step=next_step(request, services, looker) if village is not None else None,
        zones=zones,
        uplinks=known,
        offline_after=format_duration(OFFLINE_AFTER),
    )
