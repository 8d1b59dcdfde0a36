"""What a call asks for, of what its caller may see: the one place where scopes narrow what calls answer.

A route takes one of these parameters and hands it to its query. Nothing outside of the caller's scopes is there: a
filter that names it finds nothing, a path that names it is 404.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query

from api.http.access import Viewer
from api.http.problems import Refused
from siaga.model.scope import SCOPE_PATTERN, NotAScope, Scope, Scopes, parse_scope
from siaga.wire.topics import is_slug, is_village_code

__all__ = ["Asked", "AskedFacilities", "FacilityChoice", "Seen"]


async def _seen(caller: Viewer) -> Scopes:  # without waiting it needs no thread, of which there are few
    return caller.scopes


Seen = Annotated[Scopes, Depends(_seen)]
"""A route's parameter: all that the caller may see."""


async def _filter(
    village: Annotated[
        str | None,
        Query(
            max_length=20,
            description="a scope: the code of a village, a region such as `35.10.15`, or `*`",
            json_schema_extra={"pattern": SCOPE_PATTERN},
        ),
    ] = None,
) -> Scope | None:
    try:
        return None if village is None else parse_scope(village)
    except NotAScope as problem:
        raise Refused(422, f"query village: {village!r} {problem}") from None


_ScopeFilter = Annotated[Scope | None, Depends(_filter)]


async def _asked(seen: Seen, village: _ScopeFilter) -> Scopes:
    return seen.within(village)


Asked = Annotated[Scopes, Depends(_asked)]
"""A route's parameter: what `village=` asks for, as far as the caller may see it."""


@dataclass(frozen=True, slots=True)
class FacilityChoice:
    """The facilities of some scopes; `facility`: the one with this id in the one village of the scopes."""

    scopes: Scopes
    facility: str | None = None


async def _asked_facilities(
    seen: Seen,
    village: _ScopeFilter,
    facility: Annotated[
        str | None,
        Query(max_length=200, pattern="^[ -~]+$", description="`VILLAGE/ID`", examples=["35.10.15.2012/gerbang"]),
    ] = None,
) -> FacilityChoice:
    if facility is None:
        return FacilityChoice(seen.within(village))
    code, slash, name = facility.partition("/")
    if not (slash and is_village_code(code) and is_slug(name)):
        raise Refused(422, f"query facility: {facility!r} is not of the form VILLAGE/ID")
    if village is not None and not village.holds(code):
        raise Refused(422, f"query facility: {facility!r} is not in the village asked for, {village.text!r}")
    return FacilityChoice(seen.within(Scope(code)), name)


AskedFacilities = Annotated[FacilityChoice, Depends(_asked_facilities)]
"""A route's parameter: what `village=` and `facility=` ask for, as far as the caller may see it."""
