"""What a kind of alert is: a subject, and a decision about it.

A new kind that rests on what a village knows already is one file here, one line in `api.alerts.kinds`, and its name and
severity in `siaga.model.alert_kinds`. `docs/alert-engine.md` says what else a new signal takes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from api.alert_records.alert import OpenAlert
from api.alerts.certainty import Rests, Sure
from api.alerts.decision import Decision
from api.alerts.flapping import CALM
from api.alerts.state import VillageState
from api.alerts.subject import Subject
from siaga.timeline.judge import Span

__all__ = ["AlertKind", "Look"]

S = TypeVar("S", bound=Subject)


@dataclass(frozen=True, slots=True)
class Look(Generic[S]):
    """One subject at one moment, to be decided about. `spans`: of a facility, further back than memory has."""

    village: VillageState
    subject: S
    alert: OpenAlert | None
    now: int
    sure: Sure
    spans: Sequence[Span] | None = None

    @property
    def open_since(self) -> int | None:
        """When the open alert began; `None`: none is open."""
        return self.alert.began_at if self.alert is not None else None

    @property
    def steady(self) -> int:
        """For how long its cause has to be over before it clears, ms. More than 0 if it flaps."""
        return CALM if self.alert is not None and self.alert.flapping else 0


class AlertKind(Generic[S]):
    """One kind of alert. Most kinds only need `kind`, `rests` and `decide`."""

    kind: ClassVar[str]
    severity: ClassVar[str] = ""
    """Of a kind that the contract does not have yet. The others stand in `siaga.model.alert_kinds`."""
    rests: ClassVar[Rests]
    """What it depends on that the alert is over."""
    reaches_back: ClassVar[bool] = False
    """Whether it may have begun earlier than memory shows. Then the database is asked when it is raised."""

    def decide(self, look: Look[S]) -> Decision:
        """Raise, clear, amend or hold."""
        raise NotImplementedError

    def looks_again(self, look: Look[S]) -> int | None:
        """Returns when to look again, whatever was decided, wall time; `None`: only the decision says it."""
        del look
        return None

    def told_more(self, look: Look[S]) -> Mapping[str, object]:
        """Returns what to add to the evidence of an open alert."""
        del look
        return {}

    def is_prompt(self, subject: S) -> bool:
        """Returns whether the site wants to know at once, so that the alert is not held when it flaps."""
        del subject
        return False
