"""`/scorecard`: the matrix of the 14 indicators, a village a line; filtered in the address, and for print."""

import datetime
from collections.abc import Mapping, Sequence

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.attestations.classes import counted
from api.attestations.scorecard import Scorecard
from api.http.services import ServicesHere
from api.queries.scorecard import scorecards, villages_page
from api.reports.levels import subdistrict_of
from api.web.access import SignedIn
from api.web.frame import FrameHere
from api.words import Words
from siaga.model.indicators import INDICATORS
from siaga.model.local_time import local_date
from siaga.model.scope import EVERYTHING, NotAScope, Scope, Scopes, parse_scope
from siaga.timeline.verdict import Verdict

__all__ = ["MOST_VILLAGES", "router"]

MOST_VILLAGES = 500
"""Lines of one page: a district has 200 villages, a large one 400. The next page goes on after the last one."""

router = APIRouter(include_in_schema=False)


@router.get("/scorecard")
def scorecard(
    request: Request,
    frame: FrameHere,
    looker: SignedIn,
    services: ServicesHere,
    scope: str = "",
    date: str = "",
    after: str = "",
) -> Response:
    """The scorecards of a scope on a date; without one of each village's yesterday."""
    now = services.clock.now()
    assert looker.caller is not None  # noqa: S101 - this page is for who has signed in
    seen, wrong = looker.caller.scopes, ""
    try:
        scopes = seen.within(parse_scope(scope)) if scope else seen
    except NotAScope:
        scopes, wrong = Scopes(()), "scope"
    day = _day(date, now)
    if date and day is None:
        scopes, wrong = Scopes(()), wrong or "date"
    with services.engine.connect() as connection:
        found = villages_page(connection, scopes, after, MOST_VILLAGES + 1)
        villages = found[:MOST_VILLAGES]
        cards = {card.village: card for card in scorecards(connection, villages, day, now, services.answered_within)}
    names, classes = services.registry.regions(), services.scorecard_classes
    met = [card.count(Verdict.MET) for card in cards.values()]
    return frame.page(
        request,
        looker,
        "scorecard.html",
        status=422 if wrong else 200,
        title=looker.words("scorecard_title"),
        rows=[(village, cards[village.code]) for village in villages],
        region=lambda code: names.get(subdistrict_of(code), subdistrict_of(code)),
        indicators=sorted(INDICATORS.values(), key=lambda one: one.number),
        by_indicator=_by_indicator(list(cards.values())),
        classes=classes,
        class_counts=None if classes is None else counted(classes, met),
        more=villages[-1].code if len(found) > MOST_VILLAGES else "",
        scope=scope,
        scope_name=", ".join(_named(one, names, looker.words) for one in scopes),
        days=[looker.words.date(one) for one in sorted({card.day for card in cards.values()})],
        date=date,
        wrong=wrong,
        Verdict=Verdict,
    )


def _named(scope: Scope, names: Mapping[str, str], words: Words) -> str:
    """Returns a scope as people know it: the name of its region, else its code."""
    return words("scope_all") if scope.text == EVERYTHING else names.get(scope.text, scope.text)


def _day(text: str, now: int) -> datetime.date | None:
    """The date of a text; `None`: it is none, or still to come."""
    try:
        day = datetime.date.fromisoformat(text)
    except ValueError:
        return None
    return day if day <= local_date(now, "Etc/GMT-14") else None  # no zone is further ahead


def _by_indicator(cards: Sequence[Scorecard]) -> list[int]:
    """How many villages meet each indicator, by its number."""
    return [sum(cells[place].verdict is Verdict.MET for cells in (card.cells for card in cards)) for place in range(14)]
