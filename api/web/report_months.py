"""`/reports/months`: twelve months side by side, for the facilities, indicators or places of a scope."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api.http.past import require_past_of_report
from api.http.problems import Refused
from api.http.report_question import scope_of
from api.http.services import Services, ServicesHere
from api.queries.month_figures import months_of_facilities
from api.reports.months import Counted, Row, facility_rows, indicator_rows, place_rows, total_row
from api.reports.numbers import Numbers
from api.reports.period import BadPeriod, Period, Unit, between, holding, parse_period
from api.web.access import SignedIn
from api.web.frame import FrameHere
from api.web.kept import Busy, Kept
from api.web.report_choice import Asked, Choice, choice, scope_name
from api.words import Words
from siaga.model.indicators import INDICATORS
from siaga.model.local_time import local_date
from siaga.model.scope import EVERYTHING, Scopes

__all__ = ["FRESH_FOR", "MONTHS", "router"]

router = APIRouter(include_in_schema=False)

MONTHS = 12
FRESH_FOR = 60_000
"""Milliseconds for which the months of a scope are kept: those of 400 villages take more than a second."""
_VILLAGE = 3
"""Dots of a village's code."""
_PLACES = "place"


@dataclass(frozen=True, slots=True)
class _Head:
    """A column: a month, how it is called, and whether it runs."""

    period: Period
    name: str
    runs: bool


@dataclass(frozen=True, slots=True)
class _Cell:
    """A month of a row in words. `described`: for who does not see the table. `address`: of the report of the month."""

    month: str
    percent: str
    goal: str
    described: str
    address: str | None


@dataclass(frozen=True, slots=True)
class _Line:
    """A row in words. `address`: the months of a place; `facility`: `VILLAGE/ID`."""

    id: str
    name: str
    target: str
    address: str | None
    cells: Sequence[_Cell]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the address asks for."""

    scope: str
    kind: str
    by: str
    until: str

    def address(self, **more: str) -> str:
        """Returns the address of the page that asks for the same but for what is given."""
        wanted = {"scope": self.scope, "kind": self.kind, "by": self.by, "until": self.until} | more
        return "/reports/months?" + urlencode({key: value for key, value in wanted.items() if value})


@router.api_route("/reports/months", methods=["GET", "HEAD"])
def months_page(
    request: Request,
    frame: FrameHere,
    services: ServicesHere,
    looker: SignedIn,
    scope: Annotated[str, Query(max_length=40)] = EVERYTHING,
    kind: Annotated[str, Query(max_length=40)] = "",
    by: Annotated[str, Query(max_length=20)] = "",
    until: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    """Twelve months up to `until`, without it up to the running one; each month leads to its report."""
    caller, words, now = looker.caller, looker.words, services.clock.now()
    assert caller is not None  # noqa: S101 - `SignedIn` lets nobody else in
    scope = scope or EVERYTHING
    scopes = caller.scopes.within(scope_of("query", scope))
    asked = _Asked(scope, kind if kind in INDICATORS else "", by if by == _PLACES else "", until)
    with services.engine.connect() as connection:
        offered = choice(connection, words, caller.scopes, Asked(scope=scope), now)
    today = local_date(now, offered.region.zone)
    months = _months(asked, today)
    require_past_of_report(services, scopes, between(months[0].start, months[-1].end))
    found = _counted(request, services, scopes, months, now)
    shown = [one for one in found if asked.kind in ("", one.facility.kind)]
    numbers = Numbers(looker.language)
    heads = [_Head(one, words.short_month(one.start), one.start <= today < one.end) for one in months]
    is_village = scope.count(".") == _VILLAGE
    return frame.page(
        request,
        looker,
        "report_months.html",
        headers={"Cache-Control": "private, no-cache"},
        title=words("months_title"),
        asked=asked,
        place=scope_name(offered.region, words, scope),
        span=words("months_span", first=words.month(months[0].start), last=words.month(months[-1].start)),
        heads=heads,
        lines=[_line(words, numbers, asked, row, heads) for row in _rows(words, asked, offered, shown)],
        total=_line(words, numbers, asked, total_row(shown, words("months_all")), heads) if shown else None,
        kinds=[(one, words.kind(one)) for one in sorted({one.facility.kind for one in found}, key=_number)],
        scopes=offered.scopes,
        more_villages=offered.more_villages,
        is_village=is_village,
        earlier=_shifted(asked, months[0].start),
        later=_later(asked, months[-1], today),
    )


def _number(kind: str) -> int:
    return INDICATORS[kind].number


def _months(asked: _Asked, today: date) -> list[Period]:
    """Returns the months in order. What is no month, or has not begun, is the one that runs."""
    running = holding(Unit.MONTH, today)
    month: Period | None = running
    with suppress(BadPeriod):
        wanted = parse_period(asked.until)
        month = wanted if wanted.unit is Unit.MONTH and wanted.start < running.start else running
    found: list[Period] = []
    while month is not None and len(found) < MONTHS:
        found.append(month)
        month = month.before
    return found[::-1]


def _counted(
    request: Request, services: Services, scopes: Scopes, months: Sequence[Period], now: int
) -> Sequence[Counted]:
    """Returns the months of all facilities of some scopes, made at most once a minute.

    Raises:
        Refused: 503, others are made now, and take too long.
    """
    kept: Kept[Sequence[Counted]] = request.app.state.side_by_side

    def make() -> Sequence[Counted]:
        with services.engine.connect() as connection:
            return months_of_facilities(connection, scopes, months, now)

    try:
        return kept.get((scopes, months[-1].name), make)
    except Busy:
        raise Refused(503, "others look at their months now; try again in some seconds", {"Retry-After": "5"}) from None


def _rows(words: Words, asked: _Asked, offered: Choice, found: Sequence[Counted]) -> list[Row]:
    if asked.scope.count(".") == _VILLAGE:
        return facility_rows(found)
    if asked.by == _PLACES:
        return place_rows(found, asked.scope, offered.region.names)
    return indicator_rows(found, words.kind)


def _line(words: Words, numbers: Numbers, asked: _Asked, row: Row, heads: Sequence[_Head]) -> _Line:
    is_place = row.id[:1].isdigit() and "/" not in row.id
    scope = row.id if is_place else asked.scope
    cells = [_cell(words, numbers, row, number, head, scope) for number, head in enumerate(heads)]
    return _Line(
        row.id,
        row.name,
        numbers.target(row.target),
        asked.address(scope=row.id, by="" if row.id.count(".") == _VILLAGE else asked.by) if is_place else None,
        cells,
    )


def _cell(words: Words, numbers: Numbers, row: Row, number: int, head: _Head, scope: str) -> _Cell:
    found = row.cells[number]
    low, high = numbers.percent(found.figures.low), numbers.percent(found.figures.high)
    said = low if low == high else words("months_between", low=low, high=high)
    if not found.figures.availability.required:
        said = words("months_nothing")
    elif found.goal.value != "none":
        said += ", " + words(f"reports_goal_{found.goal}")
    address = "/reports?" + urlencode({"period": head.period.name, "scope": scope})
    return _Cell(
        head.name,
        low,
        found.goal.value if found.figures.availability.required else "empty",
        words("months_cell", name=row.name, month=words.month(head.period.start), said=said),
        address if found.figures.availability.required else None,
    )


def _shifted(asked: _Asked, first: date) -> str | None:
    """Returns the address of the twelve months before."""
    before = holding(Unit.MONTH, first).before
    return None if before is None else asked.address(until=before.name)


def _later(asked: _Asked, last: Period, today: date) -> str | None:
    """Returns the address of the twelve months after, which end with the running one at the latest."""
    if last.end > today:
        return None
    month = last.end.month - 1 + MONTHS - 1
    until = date(last.end.year + month // 12, month % 12 + 1, 1)
    return asked.address(until=f"{until:%Y-%m}" if until < today.replace(day=1) else "")
