"""A facility and a village's link in the words of whoever looks."""

from collections.abc import Sequence
from dataclasses import dataclass

from api.queries.facilities import FacilityNow
from api.web.month_strip import MonthStrip
from api.web.past_failures import PastFailures
from api.web.strip import SLOT, Stroke, day_until, slots, strokes
from api.words import Words
from siaga.model.indicators import INDICATORS
from siaga.timeline.availability import Availability, measure
from siaga.timeline.facility_state import DEVICE_SILENT
from siaga.timeline.spans import Span, State

__all__ = ["FacilityView", "described", "facility_view", "link_words", "share_words"]

_BEFORE_SIGN = "\u00a0"
"""What parts a number from its % sign."""


@dataclass(frozen=True, slots=True)
class FacilityView:
    """A facility, its last 24 hours, and its last 30 days.

    `measured`: when it was last met or failed, in words. `failures`: of the 30 days, where they are told one by one.
    """

    id: str
    name: str
    kind: str
    state: State
    badge: str
    cause: str | None
    since: str | None
    share: str | None
    strip: Sequence[Stroke]
    described: str
    month: MonthStrip | None = None
    measured: str | None = None
    failures: PastFailures | None = None


def facility_view(
    words: Words, facility: FacilityNow, spans: Sequence[Span], now: int, zone: str, *, silent: bool
) -> FacilityView:
    """Returns a facility with its state in words; `silent`: nothing was ever heard of its devices."""
    day = day_until(now)
    # To the last whole slot, as the strip: so the figures of a page on which nothing happens stand still meanwhile
    measured = measure(spans, (day[0], now // SLOT * SLOT))
    judged = facility.kind in INDICATORS
    badge = words(f"state_{facility.state.value}")
    if facility.since is None:
        badge = words("never_judged" if judged else "not_judged")
    cause = words.cause(facility.state.value, facility.cause)
    if silent and (facility.since is None or facility.cause == DEVICE_SILENT):
        cause = words("never_heard")
    if cause is not None and spans and spans[-1].excused:
        cause = f"{cause} ({words('excused')})"
    return FacilityView(
        id=facility.full_name,
        name=facility.name,
        kind=words.kind(facility.kind),
        state=facility.state,
        badge=badge,
        cause=cause,
        since=None
        if facility.since is None
        else words("since", time=words.time(facility.since, now, zone, zone=False)),
        share=share_words(words, measured),
        strip=strokes(slots(spans, day, now)) if judged else (),
        described=described(words, words("last_day"), measured),
    )


def share_words(words: Words, measured: Availability) -> str | None:
    """Returns the share met, with both of its bounds where they differ."""
    low, high = measured.availability_low, measured.availability_high
    if low is None or high is None:
        return None
    lowest, highest = words.percent(low), words.percent(high)
    if lowest == highest:
        return words("share", share=lowest)
    return words("share", share=f"{lowest.partition(_BEFORE_SIGN)[0]}–{highest}")


def described(words: Words, stretch: str, measured: Availability) -> str:
    """Returns the strip of a stretch for those who do not see it."""
    parts = [
        f"{words(f'state_{name}')} {words.percent(length / measured.required)}"
        for name, length in (("met", measured.met), ("failed", measured.failed), ("unknown", measured.unknown))
        if length
    ]
    return f"{stretch}: {', '.join(parts) if parts else words('state_not_required')}"


def link_words(words: Words, *, online: bool, since: int | None, now: int, zone: str) -> str:
    """Returns whether a village is heard, and since when (wall time, ms), by the clock of its zone."""
    if online:
        return words("link_online")
    if since is None:
        return words("link_never")
    return f"{words('link_offline')} {words('since', time=words.time(since, now, zone))}"
