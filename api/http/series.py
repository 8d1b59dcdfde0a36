"""`/series`: a signal over time for a chart, reduced by the store."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.http.moments import FromTime, Moment, ToTime, Window, moment, window
from api.http.problems import Refused, not_found, problems
from api.http.seen import Seen
from api.http.services import ServicesHere
from api.queries import devices as read
from siaga.model.clock import DAY, HOUR, MINUTE, SECOND
from siaga.model.durations import NotADuration, format_duration, parse_duration
from siaga.model.signals import SIGNALS

__all__ = ["router"]

router = APIRouter(tags=["devices"])

MOST_POINTS = 10_000
_CHART_POINTS = 300
"""What a chart without a wish of its own gets at most: about one a pixel on a phone."""
_STEPS = (
    *(SECOND * n for n in (1, 2, 5, 10, 30)),
    *(MINUTE * n for n in (1, 2, 5, 10, 15, 30)),
    *(HOUR * n for n in (1, 2, 3, 6, 12)),
    *(DAY * n for n in (1, 2, 7)),
)


class SeriesPointDocument(BaseModel):
    """One step that holds readings; booleans count as 0 and 1."""

    time: Moment = Field(description="the step's start")
    value: float = Field(description="the mean")
    min: float
    max: float
    last: float
    count: int = Field(description="readings in the step")


class Series(BaseModel):
    """Points in order of time; steps without a reading are left out."""

    signal: str
    unit: str | None = Field(description="of the values; null: none")
    step: str = Field(description="the length of a step", examples=["5m"])
    items: list[SeriesPointDocument]
    next: None = Field(None, description="a series comes whole")


@router.get("/series/{village}/{device}/{signal}", summary="A signal over time", responses=problems(401, 404, 422, 503))
def get_series(
    services: ServicesHere,
    seen: Seen,
    village: str,
    device: str,
    signal: str,
    from_: FromTime = None,
    to: ToTime = None,
    step: Annotated[
        str | None,
        Query(max_length=20, description="a duration, such as `5m`, or whole seconds; by default for 300 points"),
    ] = None,
) -> Series:
    """A signal of a device, one point a step. Steps begin at multiples of `step` since 1970."""
    known = SIGNALS.get(signal)
    if known is None:
        raise not_found("signal", signal)
    with services.engine.connect() as connection:
        if read.device(connection, seen, village, device) is None:
            raise not_found("device", f"{village}/{device}")
    asked = window(from_, to, services.clock.now())
    length = _step(step, asked)
    points = (
        services.store.series(village, device, signal, asked.start, asked.end, length)
        if asked.end > asked.start
        else ()
    )
    return Series(
        signal=signal,
        unit=known.unit,
        step=format_duration(length),
        items=[
            SeriesPointDocument(
                time=moment(point.time),
                value=point.mean,
                min=point.minimum,
                max=point.maximum,
                last=point.last,
                count=point.count,
            )
            for point in points
        ],
    )


def _step(text: str | None, asked: Window) -> int:
    """The length of a step, in milliseconds."""
    length = asked.end - asked.start
    if text is None:
        return next((step for step in _STEPS if length <= step * _CHART_POINTS), _STEPS[-1])
    try:
        step = parse_duration(f"{text}s" if text.isascii() and text.isdigit() else text)
    except NotADuration as error:
        raise Refused(422, f"query step: {text!r} {error}") from None
    if step == 0:
        raise Refused(422, f"query step: {text!r} is no step: take at least 1s")
    if length > step * MOST_POINTS:
        raise Refused(422, f"query step: {text!r} makes more than {MOST_POINTS} points: take a longer step")
    return step
