"""Do we know enough to say so? One pure function, for every kind of alert.

What has arrived decides what is true. But more may be on its way: from a gateway that has just come back, or from a
store that was not read yet. `decide` asks here before an alert is raised or cleared. The answer is since when all is
known, or what to wait for, and until when. `village_offline` does not ask: it rests on what arrives.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from api.alerts.decision import Hold
from siaga.model.clock import SECOND

__all__ = ["Certainty", "Claim", "Facts", "Knows", "Moment", "Rests", "Sure", "Waiting", "Waits", "certainty"]

_LOOK_AGAIN = 15 * SECOND
"""How long to wait before asking again whether the store has been read."""


class Rests(Enum):
    """What a claim rests on."""

    WORD = "what a gateway says of the present"
    STATE = "a facility's state"
    SILENCE = "that nothing came"
    DAY = "the whole of the last day"


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, on both clocks. `listening_from` (monotonic): since when the centre is listening; `None`: it is not."""

    now: int
    monotonic: int
    listening_from: int | None


@dataclass(frozen=True, slots=True)
class Claim:
    """What a kind would say: that something is so since `since`, or that it is over.

    `since` is event time: when a state began, or when something last came.
    """

    rests: Rests
    since: int = 0
    over: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What certainty about a village depends on. `…_until` are monotonic ms, the other times wall or event time, ms.

    `is_read`: its memory was restored, or read. `is_offline`: its `village_offline` is open. `behind_until`: until when
    to wait for a buffer that comes oldest first and has not reached the present. `back_until`: until when to wait for
    what a gateway kept that came back at `back_since`. `unheard_before`: what a device said before then may be in the
    store alone. `sure_from`: what was before then is still being judged again.
    """

    is_read: bool = True
    is_offline: bool = False
    behind_until: int | None = None
    back_until: int | None = None
    back_since: int = 0
    unheard_before: int = 0
    sure_from: int = 0


@dataclass(frozen=True, slots=True)
class Knows:
    """It can be said. What was before `since` is not sure, so it counts from then."""

    since: int = 0


@dataclass(frozen=True, slots=True)
class Waits(Hold):
    """It cannot be said yet. Unlike for any other `Hold`, people are shown the reason."""


Certainty = Knows | Waits
Sure = Callable[[Claim], Certainty]
"""The certainty of a claim about one village at one moment."""


def certainty(facts: Facts, moment: Moment, claim: Claim) -> Certainty:
    """Returns whether a claim can be made at a moment."""

    def wall(monotonic: int) -> int:
        return moment.now + monotonic - moment.monotonic

    if not facts.is_read and claim.rests is not Rests.WORD:
        return Waits("not_read")
    if not claim.over and facts.is_offline:
        return Waits("village_offline")
    if not claim.over and facts.behind_until is not None and claim.rests is not Rests.WORD:
        return Waits("catching_up", wall(facts.behind_until))
    if facts.back_until is not None and _may_be_otherwise(facts, claim):
        return Waits("catching_up", wall(facts.back_until))
    if claim.rests is Rests.SILENCE and not claim.over and claim.since < facts.unheard_before:
        return Waits("not_read", moment.now + _LOOK_AGAIN)
    return Knows(facts.sure_from)


def _may_be_otherwise(facts: Facts, claim: Claim) -> bool:
    """Whether a claim may turn out wrong, or dated wrongly, by what a gateway that came back has kept."""
    match claim.rests:
        case Rests.WORD:
            return False
        case Rests.STATE:
            return claim.over or claim.since < facts.back_since
        case Rests.SILENCE | Rests.DAY:
            return True


class Waiting(dict[tuple[str, str], Waits]):
    """What is not said of a village yet, by kind and subject, and why."""

    def note(self, kind: str, subject: str, waits: Waits | None) -> bool:
        """Note why something is not said yet (`None`: it does not wait). Returns True if the reason is new."""
        known = self.get((kind, subject))
        if waits is None:
            self.pop((kind, subject), None)
            return known is not None
        if known is not None and known.reason == waits.reason:
            return False
        self[kind, subject] = waits
        return True

    def document(self) -> list[dict[str, object]]:
        """Returns it as JSON, for people and for the next engine."""
        return [
            {"kind": str(kind), "subject": subject, "reason": waits.reason, "until": waits.until}
            for (kind, subject), waits in self.items()
        ]

    def restore(self, document: object) -> None:
        """Take over what waited at the engine before this one. The next look at each corrects it."""
        for each in document if isinstance(document, list) else ():
            self[each["kind"], each["subject"]] = Waits(each["reason"], each["until"])
