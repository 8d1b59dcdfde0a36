"""`/setup/sites/CODE/devices`: the forms of devices."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from pydantic import Field
from starlette.responses import Response

from api.http.problems import not_found
from api.http.services import ServicesHere
from api.web.access import SignedInAdmin
from api.web.device_page import not_judged
from api.web.frame import Frame, FrameHere
from api.web.looker import Looker
from api.web.setup.site_edit import Entries, Tree, Unsaved, check_sure, entries_of, home_of, save
from api.web.setup.site_village import Text, back, labels
from siaga.model.capabilities import default_keys
from siaga.model.signals import SIGNALS, SignalType
from siaga.model.sites import Adapter, Village
from siaga.sites.writing import fingerprint
from siaga.wire.topics import as_slug

__all__ = ["BOOLEANS", "MAPPABLE", "Fields", "Texts", "add", "fields_of", "router"]

router = APIRouter(include_in_schema=False)

_HERE = "/setup/sites/{code}/devices"
MAPPABLE = tuple(name for name in SIGNALS if name not in ("alive", "heard"))
BOOLEANS = tuple(name for name in MAPPABLE if SIGNALS[name].type is SignalType.BOOL)
_EMPTY_ROWS = 2
"""Rows of the map that are free to be filled in, beside those that are."""
Texts = Annotated[list[Annotated[str, Field(max_length=200)]], Form(max_length=100)]


@dataclass(frozen=True, slots=True)
class Fields:
    """The form of a device, as it was filled in. `map`: native keys with their signals."""

    id: str = ""
    facility: str = ""
    adapter: str = Adapter.SENML
    address: str = ""
    every: str = "1m"
    map: Sequence[tuple[str, str]] = ()
    invert: Sequence[str] = ()
    seen: str = ""

    def tree(self) -> Tree:
        """Returns the entry of a sites file."""
        found: Tree = {
            "id": self.id.strip() or as_slug(self.address),
            "adapter": self.adapter,
            "address": self.address.strip(),
            "every": self.every.strip(),
            "map": {key.strip(): signal for key, signal in self.map},
            "invert": [name for name in BOOLEANS if name in self.invert],
        }
        return {key: value for key, value in found.items() if value or key in ("id", "adapter")}


def filled_in(
    id: Text = "",  # noqa: A002 - the key of the sites file
    facility: Text = "",
    adapter: Text = "",
    address: Text = "",
    every: Text = "",
    map_key: Texts = [],  # noqa: B006 - FastAPI copies it
    map_signal: Texts = [],  # noqa: B006 - as above
    invert: Texts = [],  # noqa: B006 - as above
    seen: Text = "",
) -> Fields:
    """Returns the form of a device as it was sent."""
    return Fields(id, facility, adapter, address, every, _pairs(map_key, map_signal), invert, seen)


Filled = Annotated[Fields, Depends(filled_in)]


@router.api_route(_HERE, methods=["GET", "HEAD"])
def new_device(
    request: Request,
    services: ServicesHere,
    looker: SignedInAdmin,
    frame: FrameHere,
    code: str,
    facility: Annotated[str, Query(max_length=64)] = "",
    id: Annotated[str, Query(max_length=64)] = "",  # noqa: A002 - the key of the sites file
    adapter: Annotated[Adapter, Query()] = Adapter.SENML,
    address: Annotated[str, Query(max_length=400)] = "",
    every: Annotated[str, Query(max_length=20)] = "1m",
    map_key: Annotated[list[Annotated[str, Field(max_length=200)]], Query(max_length=100)] = [],  # noqa: B006 - FastAPI copies it
    map_signal: Annotated[list[Annotated[str, Field(max_length=200)]], Query(max_length=100)] = [],  # noqa: B006 - as above
) -> Response:
    """The form for one more device, filled in by the address."""
    home = home_of(services, looker, code)
    fields = Fields(id, facility, adapter, address, every, _pairs(map_key, map_signal))
    return _page(request, looker, frame, home, fields, None)


@router.post(_HERE)
def add_device(
    request: Request,
    services: ServicesHere,
    looker: SignedInAdmin,
    frame: FrameHere,
    code: str,
    fields: Filled,
) -> Response:
    """Add a device to a facility."""
    home = home_of(services, looker, code)
    known = entries_of(home, fields.seen or "-")
    try:
        name = add(known, looker, fields)
        village = save(services, looker, known, labels(looker))
    except Unsaved as problem:
        return _page(request, looker, frame, home, fields, None, problem)
    return _saved(looker, village, name)


@router.api_route(f"{_HERE}/{{device}}", methods=["GET", "HEAD"])
def device(
    request: Request, services: ServicesHere, looker: SignedInAdmin, frame: FrameHere, code: str, device: str
) -> Response:
    """One device."""
    home = home_of(services, looker, code)
    facility, entry = _known(entries_of(home, ""), device)
    return _page(request, looker, frame, home, fields_of(entry, str(facility["id"])), device)


@router.post(f"{_HERE}/{{device}}")
def change_device(
    request: Request,
    services: ServicesHere,
    looker: SignedInAdmin,
    frame: FrameHere,
    code: str,
    device: str,
    filled: Filled,
) -> Response:
    """Change a device, or move it to another facility."""
    home = home_of(services, looker, code)
    fields = replace(filled, id=device)
    known = entries_of(home, fields.seen or "-")
    before, entry = _known(known, device)
    try:
        if fields.facility == before["id"]:
            mine = known.devices(before)
            mine[mine.index(entry)] = entry_of(looker, fields)
        else:
            known.devices(before).remove(entry)
            add(known, looker, fields)
        village = save(services, looker, known, labels(looker))
    except Unsaved as problem:
        return _page(request, looker, frame, home, fields, device, problem)
    return _saved(looker, village, device)


def _saved(looker: Looker, village: Village, name: str) -> Response:
    """Returns the way back to the village, which says so where nothing of the device will be judged."""
    found, said = village.device(name), looker.words("site_saved", name=name)
    unjudged = None if found is None else not_judged(looker.words, found[0])
    path = f"/setup/sites/{village.code}"
    return back(path, said) if unjudged is None else back(path, f"{said} {unjudged}", wrong=True)


@router.post(f"{_HERE}/{{device}}/remove")
def remove_device(
    request: Request,
    services: ServicesHere,
    looker: SignedInAdmin,
    frame: FrameHere,
    code: str,
    device: str,
    seen: Text = "",
    sure: Annotated[bool, Form()] = False,
) -> Response:
    """Take a device out."""
    home = home_of(services, looker, code)
    known = entries_of(home, seen or "-")
    facility, entry = _known(known, device)
    known.devices(facility).remove(entry)
    try:
        check_sure(looker, sure=sure)
        save(services, looker, known, labels(looker))
    except Unsaved as problem:
        return _page(request, looker, frame, home, fields_of(entry, str(facility["id"])), device, problem)
    return back(f"/setup/sites/{code}", looker.words("site_removed", name=device))


def add(entries: Entries, looker: Looker, fields: Fields) -> str:
    """Add a device to the entry of its facility. Returns its id.

    Raises:
        Unsaved: there is no such facility, or the map is not clear.
    """
    facility = entries.facility(fields.facility)
    if facility is None:
        raise Unsaved([looker.words("site_no_facility")])
    entry = entry_of(looker, fields)
    entries.devices(facility).append(entry)
    return str(entry["id"])


def entry_of(looker: Looker, fields: Fields) -> Tree:
    """Returns the entry of a device as the form has it.

    Raises:
        Unsaved: the map has a signal without a key, or a key twice.
    """
    keys = [key.strip() for key, _ in fields.map]
    problems = [
        looker.words("site_map_no_key", signal=signal)
        for key, (_, signal) in zip(keys, fields.map, strict=True)
        if not key
    ]
    problems += [looker.words("site_map_twice", name=key) for key in sorted(set(keys)) if key and keys.count(key) > 1]
    if problems:
        raise Unsaved(problems)
    return fields.tree()


def fields_of(entry: Tree, facility: str) -> Fields:
    """Returns the form of a device's entry."""
    mapped, inverted = entry.get("map", {}), entry.get("invert", [])
    return Fields(
        str(entry["id"]),
        facility,
        str(entry["adapter"]),
        str(entry.get("address", "")),
        str(entry.get("every", "")),
        [(str(key), str(signal)) for key, signal in mapped.items()] if isinstance(mapped, dict) else [],
        [str(name) for name in inverted] if isinstance(inverted, list) else [],
    )


def _known(entries: Entries, device: str) -> tuple[Tree, Tree]:
    found = entries.device(device)
    if found is None:
        raise not_found("device", f"{entries.code}/{device}")
    return found


def _pairs(keys: Sequence[str], signals: Sequence[str]) -> list[tuple[str, str]]:
    return [pair for pair in zip(keys, signals, strict=False) if any(pair)]


def _page(
    request: Request,
    looker: Looker,
    frame: Frame,
    home: Village,
    fields: Fields,
    device: str | None,
    problem: Unsaved | None = None,
) -> Response:
    facilities = {one.id: one for one in home.facilities}
    here = facilities.get(fields.facility)
    known = default_keys(Adapter(fields.adapter), here.kind) if here and fields.adapter in set(Adapter) else {}
    return frame.page(
        request,
        looker,
        "setup/site_device.html",
        status=problem.status if problem is not None else 200,
        title=looker.words("site_device_add") if device is None else device,
        problems=problem.problems if problem is not None else (),
        village=home,
        device=device,
        fields=fields,
        rows=[*fields.map, *[("", "")] * _EMPTY_ROWS],
        adapters=[one.value for one in Adapter],
        signals=MAPPABLE,
        booleans=BOOLEANS,
        by_itself={key: signal for key, signal in known.items() if key != signal},
        seen=fields.seen or fingerprint(home),
    )
