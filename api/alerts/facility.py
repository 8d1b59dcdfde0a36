"""What is known of one judged facility."""

from dataclasses import dataclass, field

from api.alerts.rolling import Trend
from api.alerts.spans import FOREVER
from api.alerts.subject import Subject
from siaga.model.indicators import Terms
from siaga.model.sites import Facility
from siaga.timeline.judge import Span, State

__all__ = ["WatchedFacility"]


@dataclass(slots=True, eq=False, kw_only=True)
class WatchedFacility(Subject):
    """One judged facility. `spans` reach back two days, or to the start of the failed run before.

    `trend` says where its availability stands, `None` after spans changed. It was judged up to `checked`, and evidence
    of `dirty_from` on has come since. Until `plan_until` neither schedule nor maintenance changes its state.
    `without_mains`: whether a device says that grid power is missing now.
    """

    facility: Facility
    terms: Terms
    spans: list[Span] = field(default_factory=list)
    trend: Trend | None = None
    fingerprint: str = ""
    checked: int = 0
    dirty_from: int = FOREVER
    plan_until: int = 0
    without_mains: bool = False

    @property
    def facility_id(self) -> str:
        """Its id."""
        return self.facility.id

    def trim(self, before: int) -> None:
        """Forget spans that end before a time, but not the start of a failed run that reaches beyond it."""
        index = next((n for n, span in enumerate(self.spans) if span.end > before), len(self.spans))
        while index and self._fails(index) and self._fails(index - 1):
            index -= 1
        del self.spans[:index]

    def _fails(self, index: int) -> bool:
        span = self.spans[index] if index < len(self.spans) else None
        return span is not None and span.state is State.FAILED and not span.excused
