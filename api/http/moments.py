"""Times of the API: RFC 3339 outside, milliseconds inside; and `from` and `to`, half-open and cut at now."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from fastapi import Query
from pydantic import WithJsonSchema

from api.http.problems import Refused
from siaga.model.clock import DAY
from siaga.model.times import rfc3339

__all__ = [
    "FromDate",
    "FromTime",
    "Moment",
    "ToDate",
    "ToTime",
    "Window",
    "moment",
    "parse_date",
    "parse_time",
    "window",
]

LONGEST_WINDOW = 400 * DAY
"""A year and a month: more would be a report."""
_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)

Moment = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-03-01T17:00:00Z"]})]
"""A time in an answer: RFC 3339 in UTC."""

_TIME_NOTE = "RFC 3339 with an offset, such as `2026-03-01T00:00:00Z`"
FromTime = Annotated[
    str | None, Query(alias="from", max_length=40, description=f"{_TIME_NOTE}; by default 24 hours before `to`")
]
ToTime = Annotated[str | None, Query(max_length=40, description=f"{_TIME_NOTE}; by default, and at most, now")]
FromDate = Annotated[
    str | None,
    Query(alias="from", max_length=40, description="a date, such as `2026-03-01`; by default the day 24 hours ago"),
]
ToDate = Annotated[str | None, Query(max_length=40, description="the date after the last; by default tomorrow's")]

_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)?", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Window:
    """The half-open stretch `[start, end)` that is asked about, in milliseconds; `end` is not after `now`."""

    start: int
    end: int
    now: int


def moment(time: int) -> str:
    """A time in milliseconds as the API shows it."""
    text = rfc3339(time)
    assert text is not None  # noqa: S101 - only for None is there none
    return text


def parse_time(name: str, text: str) -> int:
    """Milliseconds of an RFC 3339 time; what is finer is cut off.

    Raises:
        Refused: 422, with a sentence that says what is wrong with it.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        hint = "; write the + of an offset as %2B" if re.search(r" \d\d:\d\d$", text) else ""
        raise Refused(422, f"{name}: {text!r} is not an RFC 3339 time such as 2026-03-01T00:00:00Z{hint}")
    day, clock, fraction, offset = match.groups()
    if offset is None:
        raise Refused(422, f"{name}: {text!r} has no offset: end it with Z for UTC, or with one such as +07:00")
    try:
        found = datetime.fromisoformat(f"{day}T{clock}{'+00:00' if offset in 'Zz' else offset}")
        whole = (found - _EARLIEST) // timedelta(seconds=1)
    except ValueError as error:
        raise Refused(422, f"{name}: {text!r} is not a time: {error}") from None
    if not _EARLIEST <= found < _LATEST:
        raise Refused(422, f"{name}: {text!r} lies outside of the years 1970 to 2199")
    return whole * 1000 + int((fraction or "0")[:3].ljust(3, "0"))


def parse_date(name: str, text: str) -> date:
    """A calendar date.

    Raises:
        Refused: 422, it is none.
    """
    try:
        found = date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII) else None
    except ValueError:
        found = None
    if found is None:
        raise Refused(422, f"{name}: {text!r} is not a date such as 2026-03-01")
    if not _EARLIEST.date() <= found <= _LATEST.date():
        raise Refused(422, f"{name}: {text!r} lies outside of the years 1970 to 2199")
    return found


def window(from_: str | None, to: str | None, now: int) -> Window:
    """The stretch from `from` to `to`; what lies after now is cut off, so one wholly in the future is empty.

    Raises:
        Refused: 422, one of them is no time, they are the wrong way round, or they are too far apart.
    """
    end = now if to is None else parse_time("query to", to)
    start = end - DAY if from_ is None else parse_time("query from", from_)
    if to is None and start >= now:
        return Window(start, start, now)
    if start >= end:
        raise Refused(422, f"query from: {moment(start)} is not before to, {moment(end)}")
    end = max(start, min(end, now))
    if end - start > LONGEST_WINDOW:
        raise Refused(422, f"query from: {moment(start)} is more than 400 days before to, {moment(end)}: ask in parts")
    return Window(start, end, now)
