"""Readiness: whether a part works, why not, and since when. And what of the past nobody can tell meanwhile."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from siaga.model.clock import Clock
from siaga.model.intervals import Interval

__all__ = ["Readiness", "ReadinessProbe", "UnreadPast"]


@dataclass(frozen=True, slots=True)
class Readiness:
    """The readiness of one part."""

    name: str
    problem: str | None
    """Why it does not work, in a sentence for people; `None` if it does."""
    since: int
    """Since when it has been seen ready (or not ready) without a change: wall time, ms."""

    @property
    def ready(self) -> bool:
        """Whether it works."""
        return self.problem is None


class ReadinessProbe:
    """Checks one part, and remembers since when it has been ready or not. Any thread may use it.

    Args:
        look: returns the problem as a sentence; `None` if there is none.
    """

    def __init__(self, name: str, clock: Clock, look: Callable[[], str | None]) -> None:
        self.name = name
        self._clock, self._look = clock, look
        self._last: Readiness | None = None

    def read(self) -> Readiness:
        """Returns the current readiness. The sentence may change while `since` stays."""
        problem = self._look()
        last = self._last
        changed = last is None or last.ready != (problem is None)
        since = self._clock.now() if last is None or changed else last.since
        self._last = Readiness(self.name, problem, since)
        return self._last


@dataclass(frozen=True, slots=True)
class UnreadPast:
    """What of the past is not known, because the telemetry store was asked for it in vain.

    `stretches`: of event time, by village, until they are judged. `problem`: why the store does not answer now.
    `judging`: stretches of villages that are judged as a whole just now, as they are new or were changed.
    """

    stretches: Mapping[str, Sequence[Interval]] = field(default_factory=dict)
    problem: str | None = None
    judging: Mapping[str, Sequence[Interval]] = field(default_factory=dict)
