"""`/setup/unknown`: devices that are heard but are not registered, and a button that registers each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.http.problems import not_found
from api.http.services import Services, ServicesHere
from api.queries.villages import names_of
from api.web.access import SignedInAdmin
from api.web.frame import Frame, FrameHere
from api.web.looker import Looker
from api.web.setup.limits import admin_of
from api.web.setup.proposal import Proposal, device_of, propose
from api.web.setup.site_device import Fields, Texts, add
from api.web.setup.site_edit import Entries, Unsaved, entries_of, home_of, save
from api.web.setup.site_facility import KINDS, free_id
from api.web.setup.site_village import Text, back, labels
from api.words.said import said
from siaga.database.quarantine import QuarantineGroup
from siaga.model.local_time import NO_VILLAGES_ZONE
from siaga.model.sites import Village
from siaga.sites.writing import fingerprint

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

_HERE = "/setup/unknown"
_SHOWN = 100
"""Devices on a page, those heard last."""
_READ = 500
"""Groups of the quarantine that are read: some are of devices that were registered since."""
_NEW = "new:"
"""Before the kind of a facility that is to be added."""


@dataclass(frozen=True, slots=True)
class _Heard:
    """An unknown device as the page shows it. `payload`: the newest that it sent. `claim`: how it can be registered."""

    village: str | None
    place: str
    sentence: str
    said: str
    topic: str
    payload: str
    claim: "_Claim | None"


@dataclass(frozen=True, slots=True)
class _Claim:
    """The form that registers a device.

    `facilities`: values and names to choose from, the proposed one first. `change`: where all of it can be changed.
    """

    proposal: Proposal
    facilities: Sequence[tuple[str, str]]
    seen: str
    change: str


@router.api_route(_HERE, methods=["GET", "HEAD"])
def unknown(request: Request, services: ServicesHere, looker: SignedInAdmin, frame: FrameHere) -> Response:
    """The unknown devices of the villages that the admin sees, what was heard last first."""
    return _page(request, services, looker, frame)


@router.post(f"{_HERE}/claim")
def claim(
    request: Request,
    services: ServicesHere,
    looker: SignedInAdmin,
    frame: FrameHere,
    village: Text = "",
    device: Text = "",
    facility: Text = "",
    adapter: Text = "",
    every: Text = "",
    map_key: Texts = [],  # noqa: B006 - FastAPI copies it
    map_signal: Texts = [],  # noqa: B006 - as above
    seen: Text = "",
) -> Response:
    """Register a device as it was proposed, in a facility that is there or a new one."""
    home = home_of(services, looker, village)
    entries = entries_of(home, seen or "-")
    try:
        here = _new_facility(looker, entries, facility.removeprefix(_NEW)) if facility.startswith(_NEW) else facility
        pairs = list(zip(map_key, map_signal, strict=False))
        name = add(entries, looker, Fields(device, here, adapter, "", every, pairs))
        save(services, looker, entries, labels(looker))
    except Unsaved as problem:
        return _page(request, services, looker, frame, problem)
    return back(f"/setup/sites/{home.code}", looker.words("unknown_claimed", device=name, village=home.name))


def _new_facility(looker: Looker, entries: Entries, kind: str) -> str:
    """Add a facility of a kind. Returns its id."""
    if kind not in KINDS:
        raise not_found("kind of facility", kind)
    name = free_id(entries, kind)
    entries.facilities.append({"id": name, "kind": kind, "name": looker.words.kind(kind), "devices": []})
    return name


def _page(
    request: Request, services: Services, looker: Looker, frame: Frame, problem: Unsaved | None = None
) -> Response:
    groups = services.quarantine.groups("unknown_device", admin_of(looker).scopes, _READ)
    codes = {village for one in groups if (village := one.newest.village) is not None}
    with services.engine.connect() as connection:
        names = names_of(connection, codes)
    homes = {code: home for code in names if (home := services.registry.village(code)) is not None}
    heard = [one for group in groups if (one := _heard(looker, group, names, homes, services.clock.now())) is not None]
    return frame.page(
        request,
        looker,
        "setup/unknown.html",
        status=problem.status if problem is not None else 200,
        title=looker.words("setup_unknown"),
        heard=heard[:_SHOWN],
        shown=_SHOWN if len(heard) > _SHOWN or len(groups) == _READ else None,
        problems=problem.problems if problem is not None else (),
    )


def _heard(
    looker: Looker,
    group: QuarantineGroup,
    names: Mapping[str, tuple[str, str]],
    homes: Mapping[str, Village],
    now: int,
) -> _Heard | None:
    """Returns a device as the page shows it; `None`: it was registered since."""
    words, newest = looker.words, group.newest
    village = newest.village
    name, zone = names.get(village or "", (village or words("quarantine_no_village"), NO_VILLAGES_ZONE))
    device, home = device_of(newest.topic, newest.reason), homes.get(village or "")
    if home is not None and device is not None and home.device(device) is not None:
        return None
    told = words(
        "unknown_heard",
        count=words.number(group.count),
        since=words.time(group.first, now, zone),
        last=words.time(newest.time, now, zone),
    )
    found = None
    if home is not None and device is not None:
        found = _claim(looker, home, propose(device, newest.bytes, group.count, group.first, newest.time))
    return _Heard(village, name, said(words, newest.reason), told, newest.topic, newest.bytes, found)


def _claim(looker: Looker, home: Village, proposal: Proposal) -> _Claim:
    words = looker.words
    there = [(one.id, f"{one.name} ({words.kind(one.kind)})", one.kind) for one in home.facilities]
    there.sort(key=lambda one: one[2] != proposal.kind)
    new = [(f"{_NEW}{kind}", words("unknown_new_facility", kind=words.kind(kind)), kind) for kind in KINDS]
    new.sort(key=lambda one: one[2] != proposal.kind)
    has_one = any(kind == proposal.kind for *_, kind in there)
    ordered = [*there, *new] if has_one or proposal.kind is None else [new[0], *there, *new[1:]]
    first = ordered[0][0]
    asked = [("id", proposal.device), ("adapter", proposal.adapter.value), ("every", proposal.every)]
    asked += [] if first.startswith(_NEW) else [("facility", first)]
    asked += [pair for key, signal in proposal.map for pair in (("map_key", key), ("map_signal", signal))]
    change = f"/setup/sites/{home.code}/devices?{urlencode(asked)}"
    return _Claim(proposal, [(value, name) for value, name, _ in ordered], fingerprint(home), change)
