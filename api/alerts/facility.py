"""What is known of one judged facility, and how it is judged from memory."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field

from api.alert_records.alert import OpenAlert
from api.alerts.outcome import Correction, Outcome
from api.alerts.subject import Subject
from siaga.model.alert_kinds import Kind
from siaga.model.clock import HOUR, SECOND
from siaga.model.indicators import Terms
from siaga.model.intervals import Interval
from siaga.model.local_time import local_date, local_moment
from siaga.model.sites import Facility, Village
from siaga.timeline.judge import Evidence, PlannedWork, Span, judge, judged_from
from siaga.timeline.recent import Recent
from siaga.timeline.rolling import WINDOW, Trend, trend
from siaga.timeline.span_algebra import FOREVER, cut, difference, first_difference, replaced, rewritten

__all__ = ["KEPT", "LIVE_CHANGES", "Ended", "WatchedFacility"]

KEPT = 2 * WINDOW
"""How far back spans are kept in memory: enough to tell when the share of the last day crossed its target."""
LIVE_CHANGES = 30 * SECOND
"""How far back live judgement normally changes its spans. A change before that comes from late data. Reports that end
at a younger time are compared once more by themselves (`api.issued.edition`)."""
AHEAD = HOUR
"""How far ahead the schedule is judged. After that the facility is looked at again."""


@dataclass(frozen=True, slots=True)
class Ended:
    """An alert that has cleared: it was over at `ended_at`."""

    alert: OpenAlert
    ended_at: int


@dataclass(slots=True, eq=False, kw_only=True)
class WatchedFacility(Subject):
    """One judged facility.

    `spans`: of the last two days, or from the start of the failed run before. `trend`: where its share of the last day
    stands; `None` after spans changed. `checked`: it was judged up to then. `dirty_from`: evidence has come since, of
    times from then on. `plan_until`: neither schedule nor maintenance changes its state before then. `without_mains`:
    a device says that mains power is missing now. `doubts`: when people said otherwise than its sensors, and nobody has
    answered them yet. `last_failure`: the `facility_failed` that it had last, which follows readings that come late.
    """

    facility: Facility
    terms: Terms
    fingerprint: str = ""
    spans: list[Span] = field(default_factory=list)
    trend: Trend | None = None
    checked: int = 0
    dirty_from: int = FOREVER
    plan_until: int = 0
    without_mains: bool = False
    doubts: tuple[int, ...] = ()
    last_failure: Ended | None = None

    # What is known of it

    def configure(self, facility: Facility, terms: Terms, fingerprint: str) -> bool:
        """Take the facility as the registry has it now. Returns True if it was judged by another configuration."""
        is_other, self.fingerprint = fingerprint != self.fingerprint, fingerprint
        self.facility, self.terms = facility, terms
        self.plan_until, self.trend = 0, None
        return is_other

    def replan(self) -> None:
        """Its maintenance has changed: the schedule is judged again."""
        self.plan_until = 0

    def touch(self, time: int) -> None:
        """Its state may have changed from event time `time` on."""
        self.dirty_from = min(self.dirty_from, time)

    def know_spans(self, spans: list[Span]) -> None:
        """Take over its spans, as the database has them."""
        self.spans, self.trend = spans, None

    def count_anew(self) -> None:
        """Compute its share of the last day again when it is next asked for."""
        self.trend = None

    def note_mains(self, *, missing: bool) -> bool:
        """Note whether mains power is missing. Returns True if that is new."""
        is_new, self.without_mains = missing != self.without_mains, missing
        return is_new

    def note_doubts(self, times: tuple[int, ...]) -> bool:
        """Note when people said otherwise than its sensors. Returns True if that is new."""
        is_new, self.doubts = times != self.doubts, times
        return is_new

    def cleared(self, alert: OpenAlert, ended_at: int) -> None:
        """An alert of it has cleared."""
        if alert.kind == Kind.FACILITY_FAILED:
            self.last_failure = Ended(alert, ended_at)

    def know_last_failure(self, last: Ended | None) -> None:
        """Take over which `facility_failed` it had last; `None`: none that is to follow late readings."""
        self.last_failure = last

    def redate(self, alert: str, times: Interval) -> None:
        """An alert of it that has cleared began, and was over, at other times than was told."""
        last = self.last_failure
        if last is not None and last.alert.id == alert:
            last.alert.amend(times[0])
            self.last_failure = Ended(last.alert, times[1])

    def share(self, now: int, sure_from: int) -> Trend:
        """Returns where its share of the last day stands. What is not sure yet counts as met, so no alert is false."""
        known = self.trend
        if known is None or (known.until is not None and known.until <= now):
            sure = cut(self.spans, sure_from, FOREVER) if sure_from else self.spans
            known = self.trend = trend(sure, now, self.terms.target)
        return known

    def date_back(self, known: Trend) -> None:
        """Take its share as older spans showed it: its open alert may have begun earlier by that."""
        alert = self.alerts.get(Kind.INDICATOR_MISSED)
        if alert is not None and known.below and known.since < alert.began_at:
            self.trend = known
            alert.amend(known.since)

    # Judgement

    def take_dirty(self, now: int, changes_at: int, dirty_from: int) -> int | None:
        """Note that it is looked at now. Returns from when on to judge it again; `None`: nothing can have changed."""
        dirty_from = min(self.dirty_from, dirty_from)
        if now < self.checked:
            # The clock was set back: evidence and plans of this time are yet to come
            dirty_from, self.plan_until = min(dirty_from, now), 0
        start = min(dirty_from, self.checked) if dirty_from < FOREVER or changes_at <= now else None
        if start is not None:
            self.dirty_from = FOREVER
        self.checked = now
        return start

    def goes_on(self, now: int, changes_at: int) -> bool:
        """Note that its state is the same now as when it was last looked at. Returns False if it may be another.

        `changes_at`: when it may change although nothing more comes.
        """
        if self.dirty_from < FOREVER or not self.checked <= now < changes_at:
            return False
        self.checked = now
        return True

    def judge(
        self, village: Village, recent: Recent, planned: Sequence[PlannedWork], start: int, now: int, out: Outcome
    ) -> None:
        """Judge from `start`, as far as memory covers it, to now. What changes makes a new list of `spans`."""
        evidence = recent.evidence
        begins = judged_from(village, self.facility, evidence)
        if begins is None or begins > now:
            self.plan_until = min(now + AHEAD, FOREVER if begins is None else begins)
            self._forget(FOREVER, out)
            return
        self._forget(begins, out)
        if self.plan_until <= now or not self.spans:
            self.plan_until = self._planned_until(village, recent, planned, now)
        start = max(start, recent.covers, begins)
        if start > now:
            self.plan_until = min(self.plan_until, start)  # from then on memory has enough evidence
            return
        spans = judge(village, self.facility, evidence, (start, now + 1), planned)
        self._take(village, [*spans[:-1], spans[-1]._replace(end=FOREVER)], now, out)
        kept_from = min(recent.covers, now - KEPT)
        if len(self.spans) > 2 and self.spans[1].end <= kept_from:
            self._trim(kept_from)

    def _planned_until(self, village: Village, recent: Recent, planned: Sequence[PlannedWork], now: int) -> int:
        """Returns until when neither schedule nor maintenance changes its state."""
        if self.terms.schedule == "24h" and not planned:
            return now + AHEAD
        # Without any evidence only schedule and maintenance change the state
        plan = judge(village, self.facility, Evidence({}, recent.first), (now, now + AHEAD), planned)
        return plan[0].end

    def _take(self, village: Village, spans: Sequence[Span], now: int, out: Outcome) -> None:
        """Replace all spans from where the first of these starts."""
        start = spans[0].start
        # Only the spans that it touches are compared: a facility that changes often has thousands in two days
        first = max(0, bisect_left(self.spans, start, key=_end))
        touched = self.spans[first:]
        renewed = replaced(touched, spans)
        change = difference(touched, renewed)
        if not change:
            return
        earliest = min([*change.deleted, *(span.start for span in change.written)])
        out.changes.spans_changed(self.village, self.facility.id, change)
        today = local_moment(local_date(now, village.timezone), 0, village.timezone)
        if max(earliest, start) < today:
            out.changes.corrected(Correction(village, self.facility, max(earliest, start), today))
        differs_from = first_difference(touched, renewed) if start < now - LIVE_CHANGES else None
        if differs_from is not None and differs_from < now - LIVE_CHANGES:
            stretch = rewritten(touched, renewed)
            if stretch is not None:
                out.changes.past_changed(self.village, self.facility.id, stretch)
        self.trend = None
        self.spans = self.spans[:first] + renewed

    def _forget(self, begins: int, out: Outcome) -> None:
        """Forget spans from before the facility counts as judged: the device that spoke first may be gone."""
        if not self.spans or self.spans[0].start >= begins:
            return
        left = cut(self.spans, begins, FOREVER)
        out.changes.past_changed(self.village, self.facility.id, (self.spans[0].start, begins))
        out.changes.spans_changed(self.village, self.facility.id, difference(self.spans, left))
        self.spans, self.trend = left, None

    def _trim(self, before: int) -> None:
        """Forget spans that end before a time, but not the start of a failed run that reaches beyond it."""
        index = next((n for n, span in enumerate(self.spans) if span.end > before), len(self.spans))
        while 0 < index < len(self.spans) and self.spans[index].fails and self.spans[index - 1].fails:
            index -= 1
        del self.spans[:index]


def _end(span: Span) -> int:
    return span.end
