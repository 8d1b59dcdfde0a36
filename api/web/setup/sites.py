"""`/setup/sites`: the villages of the registry as a list, and as a sites file out and in."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, File, Form, Query, Request, UploadFile
from starlette.responses import RedirectResponse, Response

from api.http.problems import not_found
from api.http.services import Services, ServicesHere
from api.queries.sites import count_entries, entries
from api.web.access import SignedInAdmin
from api.web.frame import Frame, FrameHere
from api.web.looker import Looker
from api.web.notice import Notice, leave_notice
from api.web.setup.limits import admin_of
from api.web.setup.scope_field import asked_scope
from api.web.setup.site_change import Change, Kind, Mark, changes, named
from api.web.setup.site_edit import Unsaved, beside, sentence
from api.words import Words
from siaga.database.registry import ChangedMeanwhile, ImportReport
from siaga.model.scope import Scope, Scopes
from siaga.model.sites import Village
from siaga.sites.file import SitesDocument, SitesFileError, read_document
from siaga.sites.writing import write_document

__all__ = ["LARGEST_BODY", "LARGEST_FILE", "PATHS", "router", "too_large"]


_HERE = "/setup/sites"
PATHS = (f"{_HERE}/preview", f"{_HERE}/apply")
"""Forms that carry a whole sites file."""
LARGEST_FILE = 2_000_000
"""Bytes of a sites file at most: a district takes half a megabyte. `siaga import` takes larger ones."""
LARGEST_BODY = 3 * LARGEST_FILE
"""Bytes of a form that carries one: a form escapes a letter by three."""
router = APIRouter(include_in_schema=False, form_limits={"max_part_size": LARGEST_BODY})

_SHOWN = 100
"""Villages on a page."""
_CHANGES = 300
"""Changes of a preview that are shown; more are only counted."""
_MISTAKES = 100
_MOST = 100_000
"""Villages that an address can skip: more than a country has."""


@dataclass(frozen=True, slots=True)
class _Part:
    """One sites file of those that the registry needs: a file has one list of holidays."""

    villages: Sequence[Village]
    address: str


@dataclass(frozen=True, slots=True)
class _Upload:
    """A sites file that was sent, and the registry as it was seen then."""

    text: str
    only: bool
    version: int


@router.api_route(_HERE, methods=["GET", "HEAD"])
def sites(
    request: Request,
    services: ServicesHere,
    looker: SignedInAdmin,
    frame: FrameHere,
    text: Annotated[str, Query(max_length=100)] = "",
    skip: Annotated[int, Query(ge=0, le=_MOST)] = 0,
) -> Response:
    """The villages that the admin manages, and the forms for a file."""
    scopes, text = admin_of(looker).scopes, text.strip()
    with services.engine.connect() as connection:
        found = entries(connection, scopes, text, skip, _SHOWN + 1)
        total = count_entries(connection, scopes)
    more = urlencode({"text": text, "skip": skip + _SHOWN})
    return frame.page(
        request,
        looker,
        "setup/sites.html",
        title=looker.words("setup_sites"),
        found=found[:_SHOWN],
        total=total,
        sites_file=services.sites_file,
        text=text,
        more=f"{_HERE}?{more}" if len(found) > _SHOWN else None,
        parts=_parts(services, scopes) if total else [],
    )


@router.api_route(f"{_HERE}.yaml", methods=["GET", "HEAD"])
def download(
    services: ServicesHere,
    looker: SignedInAdmin,
    village: Annotated[str, Query(max_length=40)] = "",
    part: Annotated[int, Query(ge=1, le=_MOST)] = 1,
) -> Response:
    """A sites file with what the registry has of the admin's villages, or of a scope."""
    scope, problem = asked_scope(looker, village)
    scopes = admin_of(looker).scopes.within(scope)
    parts = _parts(services, scopes)
    if problem or part > max(1, len(parts)):
        raise not_found("sites file", village or str(part))
    villages = parts[part - 1].villages if parts else ()
    text = write_document(villages, _regions(services, scopes), services.registry.holidays())
    name = f"sites-{village}.yaml" if village else "sites.yaml" if part == 1 else f"sites-{part}.yaml"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(text, headers=headers, media_type="application/yaml")


@router.post(PATHS[0])
def preview(
    request: Request,
    services: ServicesHere,
    looker: SignedInAdmin,
    frame: FrameHere,
    file: Annotated[UploadFile | None, File()] = None,
    text: Annotated[str, Form()] = "",
    only: Annotated[bool, Form()] = False,
) -> Response:
    """What a sites file would change; nothing is changed yet."""
    try:
        sent = _sent(looker, file, text)
    except Unsaved as problem:
        return _page(request, looker, frame, _Upload("", only, 0), problem.problems)
    return _preview(request, services, looker, frame, _Upload(sent, only, services.registry.version()))


@router.post(PATHS[1])
def apply(
    request: Request,
    services: ServicesHere,
    looker: SignedInAdmin,
    frame: FrameHere,
    text: Annotated[str, Form()] = "",
    only: Annotated[bool, Form()] = False,
    version: Annotated[int, Form()] = 0,
    sure: Annotated[bool, Form()] = False,
) -> Response:
    """Take a sites file over, as it was shown before. Villages are taken out only if that was ticked."""
    upload, scopes = _Upload(_plain(text), only, version), admin_of(looker).scopes
    document, problems = _read(services, looker, upload)
    if document is None or problems:
        return _page(request, looker, frame, upload, problems)
    before = _known(services, scopes)
    removed = _removed(upload, before, document)
    if removed and not sure:
        return _page(request, looker, frame, upload, [looker.words("site_remove_sure")])
    try:
        report = services.registry.replace(
            document.villages,
            services.clock.now(),
            document.regions,
            document.holidays,
            removed=removed,
            seen_version=version,
        )
    except ChangedMeanwhile:
        again = _Upload(upload.text, only, services.registry.version())
        return _preview(request, services, looker, frame, again, looker.words("sites_changed_meanwhile"))
    answer = RedirectResponse(_HERE, 303)
    leave_notice(answer, Notice(_done(looker, report)))
    return answer


def _parts(services: Services, scopes: Scopes) -> list[_Part]:
    """The registry's villages of some scopes by their holidays: as many files as there are lists of holidays."""
    found: dict[frozenset[date], list[Village]] = {}
    for village in services.registry.villages():
        if scopes.holds(village.code):
            found.setdefault(village.holidays, []).append(village)
    return [
        _Part(villages, f"{_HERE}.yaml" + (f"?part={number}" if number > 1 else ""))
        for number, villages in enumerate(found.values(), 1)
    ]


def _regions(services: Services, scopes: Scopes) -> dict[str, str]:
    """The names of the regions that the admin may give."""
    return {code: name for code, name in services.registry.regions().items() if scopes.covers(Scope(code))}


def _known(services: Services, scopes: Scopes) -> dict[str, Village]:
    return {village.code: village for village in services.registry.villages() if scopes.holds(village.code)}


def _sent(looker: Looker, file: UploadFile | None, text: str) -> str:
    """Returns the text of a form: of its file, or what was pasted.

    Raises:
        Unsaved: the file is no text in UTF-8, or too large.
    """
    words, content = looker.words, file.file.read() if file is not None else b""
    content = content or text.encode()
    if len(content) > LARGEST_FILE:
        raise Unsaved([too_large(words, len(content))])
    try:
        return _plain(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise Unsaved([looker.words("sites_not_utf8")]) from None


def too_large(words: Words, size: int) -> str:
    """Returns that so many bytes are no sites file that can be taken here."""
    return words("sites_too_large", most=words.size(LARGEST_FILE, most=True), size=words.size(size))


def _plain(text: str) -> str:
    """Returns a text with the line ends of a file, and not with those of a form."""
    return text.replace("\r\n", "\n")


def _read(services: Services, looker: Looker, upload: _Upload) -> tuple[SitesDocument | None, list[str]]:
    """Returns what a file holds, and a sentence for each thing that keeps it from being taken over."""
    words = looker.words
    try:
        document = read_document(upload.text, words("sites_file"))
    except SitesFileError as error:
        said = [
            words("sites_line", line=words.number(one.line), said=sentence(looker, one, one.key))
            for one in error.mistakes[:_MISTAKES]
        ]
        more = len(str(error).splitlines()) - len(said)
        return None, [*said, words.count("sites_more_mistakes", more)] if more > 0 else said
    return document, list(beside(services, looker, document))


def _removed(upload: _Upload, before: Mapping[str, Village], document: SitesDocument) -> list[str]:
    """The villages that are taken out: none, unless the file is to be all that there is."""
    kept = {village.code for village in document.villages}
    return [code for code in before if code not in kept] if upload.only else []


def _preview(
    request: Request,
    services: Services,
    looker: Looker,
    frame: Frame,
    upload: _Upload,
    warning: str | None = None,
) -> Response:
    document, problems = _read(services, looker, upload)
    if document is None or problems:
        return _page(request, looker, frame, upload, problems)
    before = _known(services, admin_of(looker).scopes)
    removed = _removed(upload, before, document)
    found = changes(before, document.villages, removed)
    found += named(Kind.REGION, services.registry.regions(), document.regions)
    days = {day.isoformat(): name for day, name in services.registry.holidays().items()}
    found += named(Kind.HOLIDAY, days, {day.isoformat(): name for day, name in document.holidays.items()})
    kept = {village.code for village in document.villages}
    others = sum(code not in kept for code in before) - len(removed)
    return _page(request, looker, frame, upload, [], found, others, warning)


def _page(
    request: Request,
    looker: Looker,
    frame: Frame,
    upload: _Upload,
    problems: Sequence[str],
    found: Sequence[Change] = (),
    others: int = 0,
    warning: str | None = None,
) -> Response:
    new = {one.id for one in found if one.kind is Kind.VILLAGE and one.mark is Mark.ADDED}
    shown = [one for one in found if one.kind is Kind.VILLAGE or one.village not in new]
    return frame.page(
        request,
        looker,
        "setup/site_preview.html",
        status=422 if problems else 409 if warning else 200,
        title=looker.words("sites_preview"),
        upload=upload,
        problems=problems,
        warning=warning,
        changes=shown[:_CHANGES],
        more=len(shown) - _CHANGES,
        inside=Counter((one.village, one.kind.value) for one in found if one.village in new),
        others=others,
        counts=_counts(found),
    )


def _counts(found: Sequence[Change]) -> dict[str, dict[str, int]]:
    """How many entries of each kind are added, changed and removed."""
    counts: dict[str, dict[str, int]] = {}
    for change in found:
        mine = counts.setdefault(change.kind.value, {})
        mine[change.mark.value] = mine.get(change.mark.value, 0) + 1
    return counts


def _done(looker: Looker, report: ImportReport) -> str:
    words = looker.words
    return words(
        "sites_done",
        added=words.number(report.added),
        changed=words.number(report.changed),
        unchanged=words.number(report.unchanged),
        removed=words.number(report.removed),
    )
