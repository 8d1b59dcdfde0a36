"""The filter of alerts as an address or a form asks for it."""

import re
from datetime import date
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import Depends, Request

from api.http.problems import Refused
from api.web.alert_filter import LONGEST_TEXT, AlertFilter, Sort, Stage
from siaga.model.alert_kinds import SEVERITIES, Kind
from siaga.model.scope import EVERYTHING, NotAScope, parse_scope

__all__ = ["AskedAlerts", "filter_of"]

_KNOWN = (
    "village",
    "kind",
    "severity",
    "state",
    "mine",
    "text",
    "since",
    "until",
    "sort",
    "folded",
    "unfolded",
    "lang",
)
_ADDED_BY_OTHERS = re.compile(r"utm_\w+|fbclid|gclid|igsh(id)?|mc_[ce]id")
"""Names that messengers and mail programs add to a link that is passed on."""
_YEARS = range(2000, 2100)
_MOST_FOLDS = 100
_LONGEST_QUERY = 8_000


def filter_of(query: str) -> AlertFilter:
    """Returns the filter of the query of an address. A field that a form left empty asks for nothing.

    Dates without a state ask for the history: for what has cleared.

    Raises:
        Refused: 422, a name or a value is not known.
    """
    pairs = parse_qs(query[:_LONGEST_QUERY], max_num_fields=2 * _MOST_FOLDS)
    for name in [name for name in pairs if name not in _KNOWN]:
        if _ADDED_BY_OTHERS.fullmatch(name) is None:
            raise Refused(422, f"query {name[:60]!r}: is not a parameter of this page: it takes {', '.join(_KNOWN)}")
    said = {name: values[-1].strip() for name, values in pairs.items()}
    if re.fullmatch(r"[^\d*]+", said.get("village", "")):  # a name, where a code was asked for
        said |= {"village": "", "text": said.get("text", "") or said["village"]}
    days = {name: _day(name, said.get(name, "")) for name in ("since", "until")}
    state = _one_of("state", said.get("state", ""), tuple(Stage)) or (Stage.CLEARED if any(days.values()) else None)
    return AlertFilter(
        village=_scope(said.get("village", "")),
        kind=_one_of("kind", said.get("kind", ""), tuple(Kind)),
        severity=_one_of("severity", said.get("severity", ""), tuple(SEVERITIES.values())),
        state=None if state is None else Stage(state),
        mine=_one_of("mine", said.get("mine", ""), ("1", "0")) == "1",
        text=said.get("text", "")[:LONGEST_TEXT],
        **days,
        sort=Sort(_one_of("sort", said.get("sort", ""), tuple(Sort)) or Sort.SEVERITY),
        folded=tuple(pairs.get("folded", ())[:_MOST_FOLDS]),
        unfolded=tuple(pairs.get("unfolded", ())[:_MOST_FOLDS]),
    )


def _scope(text: str) -> str | None:
    try:
        scope = parse_scope(text).text if text else EVERYTHING
    except NotAScope as mistake:
        raise Refused(422, f"query village: {text[:60]!r} {mistake}") from None
    return None if scope == EVERYTHING else scope


def _day(name: str, text: str) -> date | None:
    try:
        day = date.fromisoformat(text) if text else None
    except ValueError:
        day = date.min
    if day is not None and day.year not in _YEARS:
        raise Refused(422, f"query {name}: {text[:60]!r} is not a date such as 2026-03-04")
    return day


def _one_of(name: str, text: str, known: tuple[str, ...]) -> str | None:
    if text and text not in known:
        raise Refused(422, f"query {name}: {text[:60]!r} is not one of {', '.join(dict.fromkeys(known))}")
    return str(text) or None


def _asked(request: Request) -> AlertFilter:
    return filter_of(request.url.query)


AskedAlerts = Annotated[AlertFilter, Depends(_asked)]
"""A route's parameter: which alerts the address asks for."""
