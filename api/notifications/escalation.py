"""Whether the next are told of an alert that nobody has acknowledged in time: pure, with its reason."""

from dataclasses import dataclass

from api.notifications.facts import Facts

__all__ = ["Drop", "Escalate", "Later", "decide"]


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


def decide(alert: Facts, due: int, now: int) -> Escalate | Later | Drop:
    """What to do about a step of an alert that is due at `due`, at wall time `now`.

    An alert that somebody has acknowledged is in hands, and one that has cleared needs none. A snooze moves the step to
    its end: somebody asked for quiet until then, but nobody has said that it is taken care of.
    """
    if alert.over:
        return Drop("it has cleared")
    if alert.acknowledged_at is not None:
        return Drop("somebody has acknowledged it")
    if alert.snoozed_until is not None and alert.snoozed_until > now:
        return Later("it is snoozed", max(due, alert.snoozed_until))
    if due > now:
        return Later("there is time left", due)
    return Escalate("nobody has acknowledged it in time")
