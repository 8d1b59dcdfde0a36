"""`indicator_missed`: `availability_high` of the last 24 hours is below `target`; cleared when it is back."""

from collections.abc import Mapping

from api.alerts.certainty import Claim, Rests, Waits
from api.alerts.decision import Amend, Decision, Hold, Raise, clear_when_steady
from api.alerts.facility import WatchedFacility
from api.alerts.kinds.kind import AlertKind, Look
from api.alerts.state import VillageState
from siaga.model.alert_kinds import Kind
from siaga.timeline.availability import measure
from siaga.timeline.rolling import WINDOW, Trend
from siaga.timeline.span_algebra import failed_run

__all__ = ["IndicatorMissed", "indicator_missed"]


class IndicatorMissed(AlertKind[WatchedFacility]):
    """A facility misses its target."""

    kind = Kind.INDICATOR_MISSED
    rests = Rests.DAY

    def decide(self, village: VillageState, subject: WatchedFacility, look: Look) -> Decision:
        """Decide by the share. It is computed again when spans changed, or when it crosses its target."""
        if not subject.spans or (village.sure_from and look.open_since is not None):
            return Hold("not_judged")
        is_failing = failed_run(subject.spans, look.now) is not None
        return indicator_missed(subject.share(look.now, village.sure_from), look, is_failing=is_failing)

    def looks_again(self, _village: VillageState, subject: WatchedFacility, _now: int) -> int | None:
        """Returns when the share crosses its target by itself."""
        return subject.trend.until if subject.trend is not None else None

    def evidence(
        self, village: VillageState, subject: WatchedFacility, raised: Raise | None, now: int
    ) -> Mapping[str, object]:
        """Returns the share that decides, and its parts. The time before it was first judged counts as met."""
        if raised is None:
            return {}
        known_from = max(now - WINDOW, subject.spans[0].start, village.sure_from)
        measured = measure(subject.spans, (known_from, now))
        failed = measured.failed - measured.excused_failed
        counted = measured.counted + known_from - (now - WINDOW)
        return {
            "availability_high": (counted - failed) / counted,
            "target": subject.terms.target,
            "failed_s": failed / 1000,
            "counted_s": counted / 1000,
        }


def indicator_missed(known: Trend, look: Look, *, is_failing: bool) -> Decision:
    """Decide on the availability of the last 24 hours.

    It is raised only while the facility fails, because only then the share sinks. If it is below the target and the
    facility does not fail, late data showed it. Nobody is paged for what is over.
    """
    if look.open_since is not None:
        return _open(known, look, look.open_since)
    if not known.below:
        return Hold("on_target", known.until)
    certain = look.sure(Claim(Rests.DAY, known.since))
    if isinstance(certain, Waits):
        return certain
    if not is_failing:
        return Hold("is_over")
    return Raise("below_target", known.since, None, {})


def _open(known: Trend, look: Look, open_since: int) -> Decision:
    if known.below:
        return Amend("began_earlier", known.since) if known.since < open_since else Hold("below", known.until)
    since = max(known.since, open_since)
    return clear_when_steady("target_met_again", since, look.now, look.steady, known.until)
