"""What a kind of alert is: a subject, and a decision about it.

A new kind that rests on what a village knows already is one file here, one line in `api.alerts.kinds`, and its name and
severity in `siaga.model.alert_kinds`. `docs/alert-engine.md` says what else a new signal takes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from api.alert_records.alert import OpenAlert
from api.alerts.certainty import Rests, Sure
from api.alerts.decision import Decision, Raise
from api.alerts.flapping import CALM
from api.alerts.state import VillageState
from api.alerts.subject import Subject
from siaga.timeline.judge import Span

__all__ = ["AlertKind", "Look"]

S = TypeVar("S", bound=Subject)


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a subject. Times in ms.

    `open_since`: when its open alert began (`None`: none is open). `steady`: for how long the cause has to be over
    before that clears; more than 0 if it flaps. `spans`: of a facility, further back than memory has.
    """

    now: int
    sure: Sure
    open_since: int | None = None
    steady: int = 0
    spans: Sequence[Span] | None = None

    def at(self, alert: OpenAlert | None) -> "Look":
        """Returns this look at an open alert; `None`: none is open."""
        steady = CALM if alert is not None and alert.flapping else 0
        return Look(self.now, self.sure, None if alert is None else alert.began_at, steady, self.spans)


class AlertKind(Generic[S]):
    """One kind of alert. Most kinds only need `kind`, `rests` and `decide`."""

    kind: ClassVar[str]
    rests: ClassVar[Rests]
    """What its claims rest on. By it `certainty` tells whether raising or clearing has to wait."""

    def decide(self, village: VillageState, subject: S, look: Look) -> Decision:
        """Raise, clear, amend or hold."""
        raise NotImplementedError

    def looks_again(self, _village: VillageState, _subject: S, _now: int) -> int | None:
        """Returns when to look again, whatever was decided, wall time; `None`: only the decision says it.

        A facility is looked at anyway when its state may have changed.
        """
        return None

    def evidence(self, _village: VillageState, _subject: S, _raised: Raise | None, _now: int) -> Mapping[str, object]:
        """Returns what people see besides what was decided on: of an alert that is raised, or of the open one."""
        return {}

    def is_prompt(self, _subject: S) -> bool:
        """Returns whether the site wants to know at once, so that the alert is not held when it flaps."""
        return False
