"""Live judgement of a facility: judged from memory, from where its evidence changed to now.

What comes out otherwise than before is left in `Changes`, for the database: spans, and the days that they correct.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace

from api.alerts.changes import Changes, Correction
from api.alerts.facility import WatchedFacility
from api.alerts.rolling import WINDOW
from api.alerts.spans import FOREVER, cut, difference, replaced, rewritten
from api.alerts.village import WatchedVillage
from siaga.model.clock import HOUR, SECOND
from siaga.model.local_time import local_date, local_moment
from siaga.model.sites import Village
from siaga.timeline.judge import Evidence, Span, judge, judged_from

__all__ = ["KEPT", "SETTLES", "judge_live"]

KEPT = 2 * WINDOW
"""How far back spans are kept in memory: a crossing of the target within the last day follows from them."""
SETTLES = 30 * SECOND
"""How far back live judgement changes what it said as a matter of course; what changes beyond that came late. Reports
that end at a younger time are looked at again by themselves (`api.issued.issue`)."""
AHEAD = HOUR
"""How far ahead a schedule is looked at; after that the facility is looked at again."""


def judge_live(village: WatchedVillage, watched: WatchedFacility, start: int, now: int, changes: Changes) -> bool:
    """Judge from `start`, as far as memory covers it, to now. Whether it was judged; what changed is in `changes`."""
    facility, recent = watched.facility, village.recent
    evidence = recent.evidence
    begins = judged_from(village.village, facility, evidence)
    if begins is None or begins > now:
        watched.plan_until = min(now + AHEAD, FOREVER if begins is None else begins)
        _forget(watched, FOREVER, changes)
        return False
    _forget(watched, begins, changes)
    planned = village.planned_for(facility.id)
    if watched.plan_until <= now or not watched.spans:
        # Without any evidence only schedule and maintenance change the state
        plan = judge(village.village, facility, Evidence({}, recent.first), (now, now + AHEAD), planned)
        watched.plan_until = plan[0].end
    start = max(start, recent.covers, begins)
    if start > now:
        watched.plan_until = min(watched.plan_until, start)  # from then on memory has what it takes
        return False
    spans = judge(village.village, facility, evidence, (start, now + 1), planned)
    last = spans[-1]
    _take(village.village, watched, [*spans[:-1], replace(last, end=FOREVER)], now, changes)
    kept_from = min(recent.covers, now - KEPT)
    if len(watched.spans) > 2 and watched.spans[1].end <= kept_from:
        watched.trim(kept_from)
    return True


def _take(village: Village, watched: WatchedFacility, spans: Sequence[Span], now: int, changes: Changes) -> None:
    """Let these spans stand for all from where the first of them starts."""
    start = spans[0].start
    # Only what the stretch touches is compared: a restless facility has thousands of spans in two days
    first = max(0, bisect_left(watched.spans, start, key=_end))
    touched = watched.spans[first:]
    renewed = replaced(touched, spans)
    change = difference(touched, renewed)
    if change:
        earliest = min([*change.deleted, *(span.start for span in change.written)])
        changes.spans_changed(watched.village, watched.facility.id, change)
        _note_correction(village, watched, max(earliest, start), now, changes)
        if start < now - SETTLES:
            stretch = rewritten(touched, renewed)
            if stretch is not None and stretch[0] < now - SETTLES:
                changes.past_changed(watched.village, watched.facility.id, stretch)
        watched.trend = None
        watched.spans = watched.spans[:first] + renewed


def _forget(watched: WatchedFacility, begins: int, changes: Changes) -> None:
    """Let go of what was judged before a facility is judged now: the device that spoke first may be gone."""
    if not watched.spans or watched.spans[0].start >= begins:
        return
    left = cut(watched.spans, begins, FOREVER)
    changes.past_changed(watched.village, watched.facility.id, (watched.spans[0].start, begins))
    changes.spans_changed(watched.village, watched.facility.id, difference(watched.spans, left))
    watched.spans, watched.trend = left, None


def _note_correction(village: Village, watched: WatchedFacility, start: int, now: int, changes: Changes) -> None:
    """Live evidence changed what was so from `start` on: the days since then that are over come to something else."""
    today = local_moment(local_date(now, village.timezone), 0, village.timezone)
    if start < today:
        key = (village.code, watched.facility.id)
        known = changes.corrections.get(key)
        start = start if known is None else min(start, known.start)
        changes.corrections[key] = Correction(village, watched.facility, start, today)


def _end(span: Span) -> int:
    return span.end
