"""From the spans of one facility to its figures and its outages."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, takewhile
from operator import attrgetter

from api.reports.figures import Days, Figures
from api.reports.source import RUNS_ON, AlertLink, FacilityHistory
from siaga.model.indicators import Terms, terms
from siaga.model.intervals import Interval
from siaga.model.local_time import local_moment
from siaga.model.sites import Facility, Village
from siaga.timeline.availability import Availability, measure
from siaga.timeline.span_algebra import cut
from siaga.timeline.spans import Span, State
from siaga.timeline.verdict import count_days, failed_runs

__all__ = ["JudgedFacility", "Outage", "judge_facility", "judged_from", "required_of"]


@dataclass(frozen=True, slots=True)
class Outage:
    """A failure without a break, not excused, longer than the facility's grace: whole, also beyond the period.

    `end` is `None` while it goes on; `lasts` is its length so far, in milliseconds. `cause` held longest in it.
    """

    facility: str
    start: int
    end: int | None
    lasts: int
    cause: str | None
    alert: AlertLink | None


@dataclass(frozen=True, slots=True)
class JudgedFacility:
    """What a period came to for a facility that was judged in it. `since`: from when it is judged at all, ms."""

    village: Village
    history: FacilityHistory
    held_to: Terms
    since: int
    figures: Figures
    outages: Sequence[Outage]

    @property
    def facility(self) -> Facility:
        """The facility."""
        return self.history.facility

    @property
    def name(self) -> str:
        """`VILLAGE/ID`."""
        return f"{self.village.code}/{self.facility.id}"


def judge_facility(
    village: Village, history: FacilityHistory, days: Sequence[Interval], heard_until: int | None, now: int
) -> JudgedFacility | None:
    """Returns what a facility comes to, over what is past of the local `days`, which follow each other.

    `None`: it has no indicator, or was not judged yet in them. `heard_until` as in `VillageHistory`.
    """
    held_to = terms(history.facility)
    since = judged_from(village, history)
    window = (days[0][0], min(days[-1][1], now)) if days else (now, now)
    if held_to is None or since is None or since >= window[1] or window[0] >= window[1]:
        return None
    window = (max(window[0], since), window[1])
    spans = cut(history.spans, since, now)
    if not cut(spans, *window):
        return None
    runs = failed_runs(spans)
    goes_on = bool(history.spans) and history.spans[-1].end > now
    outages = [
        _outage(village, history, spans, run, goes_on and run[1] == now)
        for run in runs
        if run[1] - run[0] > held_to.grace and run[0] < window[1] and run[1] > window[0]
    ]
    repaired = [outage.lasts for outage in outages if outage.end is not None]
    failed_by, unknown_by = _causes(spans, window)
    counted = [day for day in days if day[1] > since and day[0] < min(history.until, now)]
    figures = Figures(
        facilities=1,
        availability=measure(spans, window),
        outages=len(outages),
        longest_outage=max((outage.lasts for outage in outages), default=0),
        repaired=len(repaired),
        repaired_time=sum(repaired),
        days=Days.of(count_days(village, held_to, spans, runs, counted, heard_until, now)),
        failed_by=failed_by,
        unknown_by=unknown_by,
    )
    return JudgedFacility(village, history, held_to, since, figures, outages)


def required_of(village: Village, history: FacilityHistory, window: Interval, now: int) -> Availability:
    """Returns what a window comes to for a facility, as far as it is past and was judged in it."""
    since = judged_from(village, history)
    window = (window[0], min(window[1], now))
    if since is None or since >= window[1] or window[0] >= window[1]:
        return Availability()
    return measure(cut(history.spans, since, now), (max(window[0], since), window[1]))


def judged_from(village: Village, history: FacilityHistory) -> int | None:
    """From when the facility is judged: where its spans begin, and not before the date that its site says."""
    if history.judged_from is None or history.facility.since is None:
        return history.judged_from
    return max(history.judged_from, local_moment(history.facility.since, 0, village.timezone))


def _causes(spans: Sequence[Span], window: Interval) -> tuple[dict[str, int], dict[str, int]]:
    """What is failed and what is unknown in the window and not excused, by cause, ms."""
    failed: dict[str, int] = defaultdict(int)
    unknown: dict[str, int] = defaultdict(int)
    start, end = window
    for begin, until, state, cause, excused, _ in spans:
        if cause is None or excused:
            continue
        length = min(until, end) - max(begin, start)
        if length > 0:
            (failed if state is State.FAILED else unknown)[cause] += length
    return failed, unknown


def _outage(village: Village, history: FacilityHistory, spans: Sequence[Span], run: Interval, goes_on: bool) -> Outage:
    return Outage(
        facility=f"{village.code}/{history.facility.id}",
        start=run[0],
        end=None if goes_on else run[1],
        lasts=run[1] - run[0],
        cause=_cause(spans, bisect_left(spans, run[0], key=_start), run[1]),
        alert=_alert_of(history.alerts, run),
    )


def _cause(spans: Sequence[Span], first: int, end: int) -> str | None:
    """The cause that held longest in the spans from a place on, up to a time; of equals the one that came first."""
    if spans[first].end == end:  # as in most: nothing to add up
        return spans[first].cause
    causes: Counter[str] = Counter()
    for span in takewhile(lambda one: one.end <= end, islice(spans, first, None)):
        if span.cause is not None:
            causes[span.cause] += span.end - span.start
    return max(causes, key=causes.__getitem__, default=None)


_start = attrgetter("start")


def _alert_of(alerts: Sequence[AlertLink], run: Interval) -> AlertLink | None:
    """The alert that is about an outage: the one that began with it, else the one that shares most time with it.

    An alert may be about several outages: it is held while a facility comes and goes.
    """

    def fit(alert: AlertLink) -> tuple[bool, int]:
        end = RUNS_ON if alert.ended_at is None else alert.ended_at
        return alert.began_at == run[0], min(end, run[1]) - max(alert.began_at, run[0])

    if not alerts:
        return None
    best = max(alerts, key=fit)
    return best if max(fit(best)) > 0 else None
