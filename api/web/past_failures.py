"""The failures of a facility in the last 30 days, one sentence each, as everybody may read them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from api.queries.history import whole_spans
from api.queries.months import DAYS
from api.queries.spans import FacilityName
from api.web.day_cells import last_dates
from api.words import Words
from siaga.database.registry import villages_of
from siaga.model.indicators import terms
from siaga.model.intervals import Interval
from siaga.model.sites import Village
from siaga.timeline.spans import Span
from siaga.timeline.verdict import failed_runs, local_day

__all__ = ["PastFailures", "past_failures"]

_SHOWN = 20
"""Failures of a facility that are listed, the latest."""


@dataclass(frozen=True, slots=True)
class PastFailures:
    """Failures that lasted longer than `grace`, the latest first. `count`: in words; `more`: not listed."""

    count: str
    lines: Sequence[str]
    more: int


def past_failures(connection: Connection, words: Words, code: str, now: int) -> Mapping[str, PastFailures]:
    """Returns the failures of each facility of a village that has any, by the facility's id. `now`: wall time, ms."""
    village = villages_of(connection, [code]).get(code)
    if village is None:
        return {}
    start = local_day(village, last_dates(now, village.timezone, DAYS)[0])[0]
    found = {}
    for facility in village.facilities:
        held_to = terms(facility)
        if held_to is None:
            continue
        spans = whole_spans(connection, FacilityName(code, facility.id), (start, now), now)
        runs = [run for run in failed_runs(spans) if run[1] - run[0] > held_to.grace and run[1] > start]
        if runs:
            found[facility.id] = _told(words, village, spans, runs[::-1], now)
    return found


def _told(words: Words, village: Village, spans: Sequence[Span], runs: Sequence[Interval], now: int) -> PastFailures:
    lines = [_line(words, village, spans, run, now) for run in runs[:_SHOWN]]
    return PastFailures(words.count("public_failures", len(runs)), lines, max(0, len(runs) - _SHOWN))


def _line(words: Words, village: Village, spans: Sequence[Span], run: Interval, now: int) -> str:
    """Returns a failure in a sentence. Of one that runs the length stands still until the next minute."""
    start = words.time(run[0], now, village.timezone)
    cause = words.cause("failed", _cause(spans, run)) or words("state_failed")
    duration = words.duration(run[1] - run[0])
    if run[1] >= now:
        return words("public_failure_runs", start=start, cause=cause, duration=duration)
    end = words.time(run[1], now, village.timezone)
    return words("public_failure", start=start, end=end, cause=cause, duration=duration)


def _cause(spans: Sequence[Span], run: Interval) -> str | None:
    """Returns the cause that held longest in a failure."""
    held: Counter[str | None] = Counter()
    for span in spans:
        if run[0] <= span.start < run[1]:
            held[span.cause] += span.end - span.start
    return held.most_common(1)[0][0]
