"""`/r/{report}`: for whoever holds a printed report: is it genuine, which revision, superseded by which.

It says no figure, and is there also where the public page is switched off. Nobody guesses a report's code.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api.http.services import ServicesHere
from api.issued.asked import read_period
from api.issued.names import read_name, shown_name
from api.queries import issued as read
from api.queries.issued import KeptFile, KeptReport, Places
from api.reports.numbers import Numbers
from api.web.frame import FrameHere
from api.web.looker import Looker, LookerHere
from api.words import Language as ReportLanguage
from siaga.model.local_time import NO_VILLAGES_ZONE

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

_LONGEST = 400
"""Of what may be pasted: a fingerprint with the path of a file."""
_FINGERPRINT = re.compile(r"(?<![0-9a-fA-F])[0-9a-fA-F]{64}(?![0-9a-fA-F])", re.ASCII)
_HEADERS = {"Cache-Control": "no-cache", "X-Robots-Tag": "noindex"}


@dataclass(frozen=True, slots=True)
class Other:
    """Another revision. `code`: its id in groups, as it is read out."""

    id: str
    code: str
    revision: int


@dataclass(frozen=True, slots=True)
class View:
    """What the page shows. `current`: the revision that follows last. `compared`: what came of a fingerprint."""

    id: str
    code: str
    period: str
    scope: str
    revision: int
    provisional: bool
    issued_at: str
    until: str
    current: Other | None
    supersedes: Other | None
    files: Sequence[KeptFile]
    same: bool
    compared: str


@router.api_route("/r/{report}", methods=["GET", "HEAD"])
def issued(
    request: Request,
    services: ServicesHere,
    frame: FrameHere,
    looker: LookerHere,
    report: str,
    sha256: Annotated[str, Query(max_length=_LONGEST)] = "",
) -> Response:
    """The page of an issued report."""
    words, name = looker.words, read_name(report)
    with services.engine.connect() as connection:
        found = None if name is None else read.public(connection, name)
        current = None if found is None else read.current(connection, found)
        places = Places({}, None) if found is None else read.places(connection, found.scopes)
    if found is None or current is None:
        detail = words("report_not_known_text", id=report[:40])
        title = words("report_not_known")
        return frame.page(
            request, looker, "sentence.html", status=404, headers=dict(_HEADERS), title=title, detail=detail
        )
    view = _view(looker, found, current, places, sha256)
    title = words("report_superseded" if view.current else "report_genuine")
    return frame.page(request, looker, "issued.html", headers=dict(_HEADERS), title=title, report=view)


def _view(looker: Looker, found: KeptReport, current: KeptReport, places: Places, sha256: str) -> View:
    words, numbers = looker.words, Numbers(ReportLanguage(looker.language.value))
    zone = places.timezone or NO_VILLAGES_ZONE
    fingerprint = _FINGERPRINT.search(sha256)  # of what `sha256sum` says, which names the file, too
    same = next((file for file in found.files if fingerprint and file.sha256 == fingerprint[0].lower()), None)
    compared = ""
    if same is not None:
        compared = words("report_same", format=same.format.upper())
    elif sha256:
        compared = words("report_differs" if fingerprint else "report_no_fingerprint")
    return View(
        found.id,
        shown_name(found.id),
        numbers.period(read_period(found.period)),
        _scope(looker, found.scopes, places.names),
        found.revision,
        found.provisional,
        _at(numbers, found.issued_at, zone),
        _at(numbers, found.cut, zone),
        None if current.id == found.id else Other(current.id, shown_name(current.id), current.revision),
        None if found.supersedes is None else Other(found.supersedes, shown_name(found.supersedes), found.revision - 1),
        found.files,
        same is not None,
        compared,
    )


def _at(numbers: Numbers, time: int, zone: str) -> str:
    return f"{numbers.time(time, zone)} ({zone})"


def _scope(looker: Looker, scopes: Sequence[str], names: Mapping[str, str]) -> str:
    if "*" in scopes:
        return looker.words("report_everything")
    return ", ".join(f"{names[scope]} ({scope})" if scope in names else scope for scope in scopes)
