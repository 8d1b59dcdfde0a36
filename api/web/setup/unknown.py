"""`/setup/unknown`: devices that are heard but are not registered, and a button that registers each."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api.http.problems import not_found
from api.http.services import Services, ServicesHere
from api.queries.alert_events import newest_event
from api.queries.villages import names_of
from api.web.access import SignedInAdmin
from api.web.followed import unless_known
from api.web.frame import Frame, FrameHere
from api.web.looker import Looker
from api.web.setup.limits import admin_of
from api.web.setup.native_proposal import propose_native
from api.web.setup.proposal import Proposal, device_of, propose
from api.web.setup.site_device import Fields, Texts, add
from api.web.setup.site_edit import Entries, Unsaved, entries_of, home_of, save
from api.web.setup.site_facility import KINDS, free_id
from api.web.setup.site_village import Text, back, labels
from api.words.said import said
from siaga.database.ignored_devices import (
    PER_VILLAGE,
    IgnoredDevice,
    TooManyIgnored,
    ignore,
    ignored_devices,
    list_again,
)
from siaga.database.quarantine import QuarantineGroup
from siaga.database.unknown_devices import unknown_devices
from siaga.model.local_time import NO_VILLAGES_ZONE
from siaga.model.sites import Adapter, Village
from siaga.sites.addresses import plain_address
from siaga.sites.writing import fingerprint
from siaga.wire.unknown_device import LONGEST_ADDRESS, UnknownDevice

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

_HERE = "/setup/unknown"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_SHOWN = 100
"""Devices on a page, those heard last."""
_READ = 500
"""Groups of the quarantine, and reports of native devices, that are read: some were registered since."""
_CHOICES = 400
"""Villages to choose from at most; the code of another one can be typed."""
_VALUES = 12
"""Native keys that are shown with their values."""
_NEW = "new:"
"""Before the kind of a facility that is to be added."""


@dataclass(frozen=True, slots=True)
class _Heard:
    """An unknown device as the page shows it.

    `payload`: the newest that it sent. `claim`: how it can be registered. `named`: by what it is ignored.
    """

    last: int
    village: str | None
    place: str
    sentence: str
    said: str
    topic: str
    payload: str
    claim: "_Claim | None"
    named: IgnoredDevice | None


@dataclass(frozen=True, slots=True)
class _Claim:
    """The form that registers a device.

    `village`: where it will be. `facilities`: values and names to choose from, the proposed one first. `change`: where
    all of it can be changed.
    """

    village: str
    proposal: Proposal
    facilities: Sequence[tuple[str, str]]
    seen: str
    change: str


@dataclass(frozen=True, slots=True)
class _Shared:
    """The villages behind siaga's own gateway, if there are several: a native device may be of any of them.

    `home`: the one that was chosen. `choices`: codes and names.
    """

    home: Village
    choices: Sequence[tuple[str, str]]


@router.api_route(_HERE, methods=["GET", "HEAD"])
def unknown(
    request: Request,
    services: ServicesHere,
    looker: SignedInAdmin,
    frame: FrameHere,
    village: Annotated[str, Query(max_length=40)] = "",
    show: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    """The unknown devices of the villages that the admin sees, what was heard last first.

    `village`: where the devices at siaga's own gateway are to be registered. `show=ignored`: those that are ignored.
    """
    return _page(request, services, looker, frame, _Wanted(village.strip(), ignored=show == "ignored"))


@router.post(f"{_HERE}/ignore")
def ignore_device(
    services: ServicesHere, looker: SignedInAdmin, village: Text = "", adapter: Text = "", address: Text = ""
) -> Response:
    """List a device no more."""
    named, words = _named(services, looker, village, adapter, address), looker.words
    try:
        ignore(services.engine, named, admin_of(looker).name, services.clock.now())
    except TooManyIgnored:
        return back(_HERE, words("unknown_too_many", most=words.number(PER_VILLAGE)), wrong=True)
    return back(_HERE, words("unknown_ignored", device=named.address))


@router.post(f"{_HERE}/list-again")
def list_device_again(
    services: ServicesHere, looker: SignedInAdmin, village: Text = "", adapter: Text = "", address: Text = ""
) -> Response:
    """List a device again that is ignored."""
    named = _named(services, looker, village, adapter, address)
    list_again(services.engine, named)
    return back(_HERE, looker.words("unknown_listed", device=named.address))


def _named(services: Services, looker: Looker, village: str, adapter: str, address: str) -> IgnoredDevice:
    """Returns the device that a form names: in a village of the admin's, and of all of them where it may be of any."""
    home = home_of(services, looker, village)
    if adapter not in tuple(Adapter) or not 0 < len(address) <= LONGEST_ADDRESS or not address.isprintable():
        raise not_found("device", address[:LONGEST_ADDRESS])
    found = IgnoredDevice(home.code, Adapter(adapter), address)
    may_be_of_others = found.adapter is not Adapter.SENML and not home.remote
    if may_be_of_others and not admin_of(looker).scopes.everything and len(services.registry.behind_own_gateway()) > 1:
        raise not_found("device", address)
    return found


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
    address: Text = "",
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
        name = add(entries, looker, Fields(device, here, adapter, address, every, pairs))
        save(services, looker, entries, labels(looker))
    except Unsaved as problem:
        return _page(request, services, looker, frame, _Wanted("" if home.remote else home.code), problem)
    return back(f"/setup/sites/{home.code}", looker.words("unknown_claimed", device=name, village=home.name))


def _new_facility(looker: Looker, entries: Entries, kind: str) -> str:
    """Add a facility of a kind. Returns its id."""
    if kind not in KINDS:
        raise not_found("kind of facility", kind)
    name = free_id(entries, kind)
    entries.facilities.append({"id": name, "kind": kind, "name": looker.words.kind(kind), "devices": []})
    return name


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What an address asks for. `village`: of the devices at siaga's own gateway; "": any. `ignored`: those alone."""

    village: str
    ignored: bool = False


def _page(
    request: Request, services: Services, looker: Looker, frame: Frame, wanted: _Wanted, problem: Unsaved | None = None
) -> Response:
    scopes, now = admin_of(looker).scopes, services.clock.now()
    groups = services.quarantine.groups("unknown_device", scopes, _READ)
    with services.engine.connect() as connection:
        newest = newest_event(connection)  # before the rest: what happens meanwhile is told once more, not never
        native = unknown_devices(connection, scopes, _READ)
        codes = {one.newest.village for one in groups if one.newest.village} | {one.village for one in native}
        names = names_of(connection, codes)
        ignored = ignored_devices(connection, scopes)
    homes = {code: home for code in names if (home := services.registry.village(code)) is not None}
    shared, devices = _at_home(services, looker, native, homes, wanted.village)
    heard = [one for group in groups if (one := _quarantined(looker, group, names, homes, now)) is not None]
    heard += [_native(looker, one, home, shared=of_all, now=now) for one, home, of_all in devices]
    heard.sort(key=lambda one: -one.last)
    left_out = [one for one in heard if one.named in ignored]
    heard = left_out if wanted.ignored else [one for one in heard if one.named not in ignored]
    is_cut = len(heard) > _SHOWN or len(groups) == _READ or len(native) == _READ
    broker: str | None = request.app.state.broker
    page = frame.page(
        request,
        looker,
        "setup/unknown.html",
        status=problem.status if problem is not None else 200,
        title=looker.words("setup_unknown"),
        newest=newest,
        broker=broker,
        is_loopback=broker is not None and broker.rpartition(":")[0] in _LOOPBACK,
        heard=heard[:_SHOWN],
        shown=_SHOWN if is_cut else None,
        shared=shared,
        only_ignored=wanted.ignored,
        left_out=len(left_out),
        problems=problem.problems if problem is not None else (),
    )
    return unless_known(request, page)


def _at_home(
    services: Services, looker: Looker, native: Sequence[UnknownDevice], homes: Mapping[str, Village], chosen: str
) -> tuple[_Shared | None, Sequence[tuple[UnknownDevice, Village, bool]]]:
    """Returns the choice of villages, and the devices that are not registered yet.

    Each comes with where it would be, and whether it may be of any village behind siaga's own gateway. Such a device is
    shown to who manages all villages alone.
    """
    behind = services.registry.behind_own_gateway() if any(not home.remote for home in homes.values()) else []
    is_shared = len(behind) > 1
    found: list[tuple[UnknownDevice, Village, bool]] = []
    shared: _Shared | None = None
    for one in native:
        home = homes.get(one.village)
        if home is None:
            continue
        of_all = is_shared and not home.remote
        if of_all and not admin_of(looker).scopes.everything:
            continue
        if any(_has(village, one) for village in (behind if of_all else [home])):
            continue
        if of_all and shared is None:
            shared = _choice(services, looker, behind, chosen or home.code)
        found.append((one, shared.home if of_all and shared is not None else home, of_all))
    return shared, found


def _choice(services: Services, looker: Looker, behind: Sequence[Village], code: str) -> _Shared:
    home = home_of(services, looker, code)
    if home.remote:
        raise not_found("village", code)
    return _Shared(home, [(village.code, village.name) for village in behind[:_CHOICES]])


def _has(village: Village, device: UnknownDevice) -> bool:
    """Whether a device is registered in a village."""
    wanted = plain_address(device.adapter, device.address)
    return any(
        one.adapter is device.adapter and plain_address(one.adapter, one.address or "") == wanted
        for facility in village.facilities
        for one in facility.devices
    )


def _quarantined(
    looker: Looker,
    group: QuarantineGroup,
    names: Mapping[str, tuple[str, str]],
    homes: Mapping[str, Village],
    now: int,
) -> _Heard | None:
    """Returns a device with our firmware as the page shows it; `None`: it was registered since."""
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
    named = IgnoredDevice(home.code, Adapter.SENML, device) if home is not None and device is not None else None
    return _Heard(
        newest.time, village, name, said(words, newest.reason), told, newest.topic, newest.bytes, found, named
    )


def _native(looker: Looker, device: UnknownDevice, home: Village, *, shared: bool, now: int) -> _Heard:
    """Returns a device of a native family as the page shows it. `shared`: nothing tells of which village it is."""
    words, zone = looker.words, home.timezone
    told = words(
        "unknown_native_heard",
        count=words.number(device.count),
        since=words.time(device.first, now, zone),
        last=words.time(device.last, now, zone),
    )
    place = words("unknown_own_gateway") if shared else home.name
    title = words("unknown_native", address=device.address, adapter=device.adapter.value)
    lines = "\n".join(_lines(device)) or device.bytes
    claim = _claim(looker, home, _free(home, propose_native(device)))
    named = IgnoredDevice(device.village, device.adapter, device.address)
    return _Heard(device.last, None if shared else home.code, place, title, told, device.topic, lines, claim, named)


def _free(home: Village, proposal: Proposal) -> Proposal:
    """Returns a proposal whose id no device of the village has."""
    name = proposal.device or proposal.adapter.value
    names = (name, *(f"{name[:60]}-{n}" for n in range(2, 1_000)))
    return replace(proposal, device=next(one for one in names if home.device(one) is None))


def _lines(device: UnknownDevice) -> Iterator[str]:
    for number, (key, value) in enumerate(device.values.items()):
        if number == _VALUES:
            yield "…"
            return
        yield f"{key} = {value}"


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
    asked += [("address", proposal.address)] if proposal.address else []
    asked += [] if first.startswith(_NEW) else [("facility", first)]
    asked += [pair for key, signal in proposal.map for pair in (("map_key", key), ("map_signal", signal))]
    change = f"/setup/sites/{home.code}/devices?{urlencode(asked)}"
    return _Claim(home.code, proposal, [(value, name) for value, name, _ in ordered], fingerprint(home), change)
