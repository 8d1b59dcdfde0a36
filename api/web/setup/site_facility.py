"""`/setup/sites/CODE/facilities`: the forms of facilities."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import Response

from api.http.problems import not_found
from api.http.services import ServicesHere
from api.web.access import SignedInAdmin
from api.web.frame import Frame, FrameHere
from api.web.looker import Looker
from api.web.setup.site_edit import (
    TRIAL,
    Entries,
    Tree,
    Unsaved,
    check_sure,
    copied,
    entries_of,
    home_of,
    is_tried,
    save,
)
from api.web.setup.site_village import Text, back, labels
from siaga.model.durations import format_duration
from siaga.model.indicators import INDICATORS, POWER
from siaga.model.sites import Needs, Silence, Village
from siaga.sites.writing import fingerprint
from siaga.wire.topics import as_slug

__all__ = ["KINDS", "free_id", "router"]

router = APIRouter(include_in_schema=False)

_HERE = "/setup/sites/{code}/facilities"
CopyOf = Annotated[str, Query(max_length=100)]
_OPTIONAL = ("since", "needs", "grace", "recovery", "target", "silence")
KINDS = (*INDICATORS, POWER)
"""All kinds of facilities."""


@router.api_route(_HERE, methods=["GET", "HEAD"])
def new_facility(
    request: Request, services: ServicesHere, looker: SignedInAdmin, frame: FrameHere, code: str, like: CopyOf = ""
) -> Response:
    """The form for one more facility. `like`: of the village's one that it is to be like."""
    home = home_of(services, looker, code)
    model = _known(entries_of(home, ""), like) if like else {}
    typed: Tree = {key: model[key] for key in ("kind", "name") if key in model}
    return _page(request, looker, frame, home, typed, None, like=like)


@router.post(_HERE)
def add_facility(
    request: Request,
    services: ServicesHere,
    looker: SignedInAdmin,
    frame: FrameHere,
    code: str,
    kind: Text = "",
    name: Text = "",
    id: Text = "",  # noqa: A002 - the key of the sites file
    like: Text = "",
    seen: Text = "",
) -> Response:
    """Add a facility; its other fields are changed on its own page. `like`: the one whose terms it has."""
    home = home_of(services, looker, code)
    known = entries_of(home, seen or "-")
    typed: Tree = {"id": id.strip() or free_id(known, as_slug(name)), "kind": kind, "name": name.strip()}
    known.facilities.append((copied(_known(known, like)) if like else {"devices": []}) | typed)
    try:
        save(services, looker, known, labels(looker))
    except Unsaved as problem:
        return _page(request, looker, frame, home, typed | {"id": id, "seen": seen}, None, problem, like)
    return back(f"/setup/sites/{code}/devices?facility={typed['id']}", looker.words("site_saved", name=name.strip()))


@router.api_route(f"{_HERE}/{{facility}}", methods=["GET", "HEAD"])
def facility(
    request: Request, services: ServicesHere, looker: SignedInAdmin, frame: FrameHere, code: str, facility: str
) -> Response:
    """One facility."""
    home = home_of(services, looker, code)
    return _page(request, looker, frame, home, _known(entries_of(home, ""), facility), facility)


@router.post(f"{_HERE}/{{facility}}")
def change_facility(
    request: Request,
    services: ServicesHere,
    looker: SignedInAdmin,
    frame: FrameHere,
    code: str,
    facility: str,
    kind: Text = "",
    name: Text = "",
    since: Text = "",
    needs: Text = "",
    grace: Text = "",
    recovery: Text = "",
    target: Text = "",
    schedule: Annotated[str, Form(max_length=2_000)] = "",
    silence: Text = "",
    seen: Text = "",
) -> Response:
    """Change a facility."""
    home = home_of(services, looker, code)
    known = entries_of(home, seen or "-")
    entry = _known(known, facility)
    for key in (*_OPTIONAL, "schedule"):
        entry.pop(key, None)
    typed: Tree = {"kind": kind, "name": name.strip()}
    given = {
        "since": since,
        "needs": needs,
        "grace": grace,
        "recovery": recovery,
        "target": target.replace(",", "."),  # 99,5 % as people write it
        "silence": silence,
    }
    typed |= {key: value.strip() for key, value in given.items() if value.strip()}
    lines = [line.strip() for line in schedule.splitlines() if line.strip()]
    if lines:
        typed["schedule"] = lines[0] if lines in (["24h"], ["night"], ["office"]) else lines
    entry |= typed
    try:
        save(services, looker, known, labels(looker))
    except Unsaved as problem:
        return _page(request, looker, frame, home, entry | {"seen": seen}, facility, problem)
    return back(f"/setup/sites/{code}", looker.words("site_saved", name=name.strip()))


@router.post(f"{_HERE}/{{facility}}/trial")
def try_facility(
    request: Request,
    services: ServicesHere,
    looker: SignedInAdmin,
    frame: FrameHere,
    code: str,
    facility: str,
    seen: Text = "",
    ends: Annotated[bool, Form()] = False,
) -> Response:
    """Shorten grace and recovery of a facility for a trial, or let the usual ones hold again. Chosen ones stay."""
    home = home_of(services, looker, code)
    known = entries_of(home, seen or "-")
    entry = _known(known, facility)
    if ends and is_tried(entry):
        del entry["grace"], entry["recovery"]
    elif not ends and not _has_times(entry):
        entry |= {"grace": TRIAL, "recovery": TRIAL}
    try:
        save(services, looker, known, labels(looker))
    except Unsaved as problem:
        return _page(request, looker, frame, home, entry, facility, problem)
    said = looker.words("site_trial_ended" if ends else "site_trial_begun", name=str(entry["name"]))
    return back(f"/setup/sites/{code}/facilities/{facility}#trial", said)


def _has_times(entry: Tree) -> bool:
    return "grace" in entry or "recovery" in entry


@router.post(f"{_HERE}/{{facility}}/remove")
def remove_facility(
    request: Request,
    services: ServicesHere,
    looker: SignedInAdmin,
    frame: FrameHere,
    code: str,
    facility: str,
    seen: Text = "",
    sure: Annotated[bool, Form()] = False,
) -> Response:
    """Take a facility out, with its devices."""
    home = home_of(services, looker, code)
    known = entries_of(home, seen or "-")
    entry = _known(known, facility)
    known.facilities.remove(entry)
    try:
        check_sure(looker, sure=sure)
        save(services, looker, known, labels(looker))
    except Unsaved as problem:
        return _page(request, looker, frame, home, entry, facility, problem)
    return back(f"/setup/sites/{code}", looker.words("site_removed", name=str(entry["name"])))


def _known(entries: Entries, facility: str) -> Tree:
    found = entries.facility(facility)
    if found is None:
        raise not_found("facility", f"{entries.code}/{facility}")
    return found


def free_id(entries: Entries, name: str) -> str:
    """Returns an id that no facility of the village has."""
    taken = {str(one["id"]) for one in entries.facilities}
    names = (name, *(f"{name[:60]}-{number}" for number in range(2, 1_000)))
    return next((one for one in names if one not in taken), name)


def _page(
    request: Request,
    looker: Looker,
    frame: Frame,
    home: Village,
    entry: Tree,
    facility: str | None,
    problem: Unsaved | None = None,
    like: str = "",
) -> Response:
    kind = INDICATORS.get(str(entry.get("kind", "")))
    schedule = entry.get("schedule", "")
    return frame.page(
        request,
        looker,
        "setup/site_facility.html",
        status=problem.status if problem is not None else 200,
        title=looker.words("site_facility_add") if facility is None else str(entry.get("name") or facility),
        problems=problem.problems if problem is not None else (),
        village=home,
        facility=facility,
        like=like,
        fields=dict.fromkeys(("id", "kind", "name", *_OPTIONAL), "") | entry,
        schedule="\n".join(map(str, schedule)) if isinstance(schedule, list) else schedule,
        kinds=[(one, looker.words.kind(one)) for one in KINDS],
        needs=[one.value for one in Needs],
        silences=[one.value for one in Silence],
        seen=entry.get("seen") or fingerprint(home),
        trial=_trial(request, looker, entry),
        usual=None
        if kind is None
        else {
            "grace": format_duration(kind.grace),
            "recovery": format_duration(kind.recovery),
            "target": looker.words.percent(kind.target),
            "schedule": kind.schedule if isinstance(kind.schedule, str) else ", ".join(kind.schedule),
        },
    )


def _trial(request: Request, looker: Looker, entry: Tree) -> dict[str, object] | None:
    """Returns what a trial is and does now; `None` where nothing is measured, or somebody has chosen other times."""
    kind = INDICATORS.get(str(entry.get("kind", "")))
    tried = is_tried(entry)
    if kind is None or kind.sensed is None or (_has_times(entry) and not tried):
        return None
    times = {
        "trial": TRIAL,
        "grace": format_duration(kind.grace),
        "recovery": format_duration(kind.recovery),
        "gather": looker.words.duration(request.app.state.book.gather),
    }
    return {"runs": tried, "what": looker.words("site_trial_runs" if tried else "site_trial_what", **times)}
