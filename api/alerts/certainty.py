"""Do we know enough to say so? One pure function, for every kind of alert.

What arrived decides what is true; but more may be on its way, be it at a gateway that has just come back or in a store
that was not read yet. Whoever would say something asks here first, and is told since when all is known, or what has to
be waited for, and until when.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from siaga.model.clock import SECOND

__all__ = ["REASONS", "Certainty", "Claim", "Facts", "Knows", "Moment", "Rests", "Sure", "Waits", "certainty"]

_LOOK_AGAIN = 15 * SECOND
"""Until it is looked again whether the store has what may have come of a device."""


REASONS = frozenset({"not_read", "village_offline", "catching_up"})
"""Why something is not said yet, in one word each."""


class Rests(Enum):
    """What a claim rests on."""

    WORD = "on what a gateway says of now"
    STATE = "on a facility's state"
    SILENCE = "on nothing having come"
    DAY = "on the whole of the last day"


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, on both clocks, and from when on the centre has been listening (monotonic; `None`: it is not)."""

    now: int
    monotonic: int
    listening_from: int | None


@dataclass(frozen=True, slots=True)
class Claim:
    """What somebody would say: that something is so since `since`, or that it is over.

    `since` is event time: when a state began, or when last something came.
    """

    rests: Rests
    since: int = 0
    over: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What bears on the certainty of anything that is said of a village. `…_until` are monotonic ms, the rest ms.

    `is_read`: its memory was restored, or read. `is_offline`: its `village_offline` is open. `behind_until`: what a
    gateway kept comes oldest first and has not reached the present. `back_until`: its gateway has come back, and
    what it kept is awaited; `back_since`: when it came back. `unheard_before`: what a device said before then may be
    in the store alone. `sure_from`: what was before is still being judged again.
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
    """It can be said. What was before `since` is not sure: it counts from then."""

    since: int = 0


@dataclass(frozen=True, slots=True)
class Waits:
    """It cannot be said yet, for a `reason` in one word. `until`: when (wall time) to ask again; `None`: when told."""

    reason: str
    until: int | None = None


Certainty = Knows | Waits
Sure = Callable[[Claim], Certainty]
"""The certainty of a claim about one village at one moment."""


def certainty(facts: Facts, moment: Moment, claim: Claim) -> Certainty:
    """Whether a claim can be made at a moment."""

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
    """Whether what a gateway that came back has kept may show that a claim is wrong, or dated wrongly."""
    match claim.rests:
        case Rests.WORD:
            return False
        case Rests.STATE:
            return claim.over or claim.since < facts.back_since
        case Rests.SILENCE | Rests.DAY:
            return True
