"""What a kind of alert is: a subject, and a decision about it.

A new kind is one file here, one line in `api.alerts.kinds`, and its name and severity in `siaga.model.alert_kinds`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from api.alerts.alert import Decision, OpenAlert
from api.alerts.certainty import Rests, Sure
from api.alerts.flapping import CALM
from api.alerts.state import VillageState
from api.alerts.subject import Subject
from siaga.timeline.judge import Span

__all__ = ["AlertKind", "Look"]

S = TypeVar("S", bound=Subject)


@dataclass(frozen=True, slots=True)
class Look(Generic[S]):
    """One subject at one moment, to be decided about. `spans`: of a facility, more of them than are in memory."""

    village: VillageState
    subject: S
    alert: OpenAlert | None
    now: int
    sure: Sure
    spans: Sequence[Span] | None = None

    @property
    def open_since(self) -> int | None:
        """Where the open alert began; `None`: there is none."""
        return self.alert.began_at if self.alert is not None else None

    @property
    def steady(self) -> int:
        """How long its cause has to be over before that counts, ms: for a while, where it flaps."""
        return CALM if self.alert is not None and self.alert.flapping else 0


class AlertKind(Generic[S]):
    """One kind. Everything but `kind`, `rests` and `decide` has a default that suits most."""

    kind: ClassVar[str]
    severity: ClassVar[str] = ""
    """Of a kind that the contract does not have yet. The others stand in `siaga.model.alert_kinds`."""
    rests: ClassVar[Rests]
    """What it rests on that the alert is over."""

    reaches_back: ClassVar[bool] = False
    """Whether it may have begun before what memory has: the database is asked when it is raised."""

    def decide(self, look: Look[S]) -> Decision:
        """Raise, clear, amend or hold."""
        raise NotImplementedError

    def looks_again(self, look: Look[S]) -> int | None:
        """When to look again whatever was decided, wall time; `None`: the decision says it."""
        del look
        return None

    def told_more(self, look: Look[S]) -> Mapping[str, object]:
        """What the evidence of an open alert shows beside what it was raised on."""
        del look
        return {}

    def is_prompt(self, subject: S) -> bool:
        """Whether whoever runs the site wants to be told of it at once, so that it is not held when it flaps."""
        del subject
        return False
