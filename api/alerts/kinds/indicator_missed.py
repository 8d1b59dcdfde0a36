"""`indicator_missed`: `availability_high` of the last 24 hours is below `target`; cleared when it is back."""

from collections.abc import Mapping, Sequence

from api.alerts.certainty import Claim, Rests, Sure, Waits
from api.alerts.decision import Amend, Decision, Hold, Raise, clear_when_steady
from api.alerts.facility import WatchedFacility
from api.alerts.kinds.kind import AlertKind, Look
from siaga.model.alert_kinds import Kind
from siaga.timeline.availability import measure
from siaga.timeline.judge import Span
from siaga.timeline.rolling import WINDOW, Trend
from siaga.timeline.span_algebra import failed_run

__all__ = ["IndicatorMissed", "indicator_missed"]


class IndicatorMissed(AlertKind[WatchedFacility]):
    """A facility misses its target."""

    kind = Kind.INDICATOR_MISSED
    rests = Rests.DAY
    reaches_back = True

    def decide(self, look: Look[WatchedFacility]) -> Decision:
        """Decide by the share. It is computed again when spans changed, or when it crosses its target."""
        subject, sure_from = look.subject, look.village.sure_from
        if not subject.spans or (sure_from and look.alert is not None):
            return Hold("not_judged")
        known = subject.share(look.now, sure_from)
        return indicator_missed(
            known,
            look.now,
            is_failing=failed_run(subject.spans, look.now) is not None,
            evidence=_share(look) if known.below and look.alert is None else {},
            open_since=look.open_since,
            sure=look.sure,
            steady=look.steady,
        )

    def looks_again(self, look: Look[WatchedFacility]) -> int | None:
        """Returns when the share crosses its target by itself."""
        return look.subject.trend.until if look.subject.trend is not None else None


def _share(look: Look[WatchedFacility]) -> dict[str, object]:
    """Returns the share that decides, and its parts. The time before the facility was first judged counts as met."""
    spans: Sequence[Span] = look.subject.spans
    known_from = max(look.now - WINDOW, spans[0].start, look.village.sure_from)
    measured = measure(spans, (known_from, look.now))
    failed = measured.failed - measured.excused_failed
    counted = measured.counted + known_from - (look.now - WINDOW)
    return {
        "availability_high": (counted - failed) / counted,
        "target": look.subject.terms.target,
        "failed_s": failed / 1000,
        "counted_s": counted / 1000,
    }


def indicator_missed(
    known: Trend,
    now: int,
    *,
    is_failing: bool,
    evidence: Mapping[str, object],
    open_since: int | None,
    sure: Sure,
    steady: int = 0,
) -> Decision:
    """Decide on the availability of the last 24 hours. `steady`: for how long it has to be back before it clears, ms.

    It is raised only while the facility fails, because only then the share sinks. If it is below the target and the
    facility does not fail, late data showed it. Nobody is paged for what is over.
    """
    if open_since is not None:
        return _open(known, now, open_since, steady)
    if not known.below:
        return Hold("on_target", known.until)
    certain = sure(Claim(Rests.DAY, known.since))
    if isinstance(certain, Waits):
        return certain
    if not is_failing:
        return Hold("is_over")
    return Raise("below_target", known.since, None, evidence)


def _open(known: Trend, now: int, open_since: int, steady: int) -> Decision:
    if known.below:
        return Amend("began_earlier", known.since) if known.since < open_since else Hold("below", known.until)
    return clear_when_steady("target_met_again", max(known.since, open_since), now, steady, known.until)
