"""Whether the next are told of an alert that nobody has acknowledged in time: pure, with its reason."""

from dataclasses import dataclass

from api.alert_records.excuses import Excuse
from api.notifications.facts import Facts
from siaga.model.clock import SECOND

__all__ = ["LOOK_AGAIN", "Drop", "Escalate", "Later", "decide", "held_until"]

LOOK_AGAIN = 30 * SECOND
"""How soon an excuse is looked at again: a declaration may be taken back, and the mains return, at any time."""


@dataclass(frozen=True, slots=True)
class Escalate:
    """Tell the next."""

    reason: str


@dataclass(frozen=True, slots=True)
class Later:
    """Look again at `until`."""

    reason: str
    until: int


@dataclass(frozen=True, slots=True)
class Drop:
    """Nobody needs to be told any more."""

    reason: str


def held_until(excuse: Excuse, now: int) -> int:
    """Returns when what is excused at wall time `now` is looked at again."""
    again = now + LOOK_AGAIN
    return again if excuse.until is None else min(excuse.until, again)


def decide(
    alert: Facts, due: int, now: int, *, excuse: Excuse | None = None, told: int | None = None
) -> Escalate | Later | Drop:
    """What to do about a step of an alert that is due at `due`, at wall time `now`.

    An alert that somebody has acknowledged is in hands, and one that has cleared needs none. `excuse`: what excuses the
    alert now. `told`: where nobody was told of it yet, the earliest time at which this step may follow.
    """
    if alert.over:
        return Drop("it has cleared")
    if alert.acknowledged_at is not None:
        return Drop("somebody has acknowledged it")
    return _waits(alert, due, now, excuse, told) or Escalate("nobody has acknowledged it in time")


def _waits(alert: Facts, due: int, now: int, excuse: Excuse | None, told: int | None) -> Later | None:
    """Why a step is not taken yet.

    A snooze moves it to its end: somebody asked for quiet until then, and nobody has said that it is taken care of. An
    excuse holds it for as long as it lasts.
    """
    if alert.snoozed_until is not None and alert.snoozed_until > now:
        return Later("it is snoozed", max(due, alert.snoozed_until))
    if due > now:
        return Later("there is time left", due)
    if excuse is not None:
        return Later(f"it is excused: {excuse.reason}", held_until(excuse, now))
    if told is not None and told > now:
        return Later("nobody was told of it yet", told)
    return None
