"""When a device reports again that was called silent.

What it says may come in any order, and late. So all stretches in which it reported are kept since its alert began: the
alert is over at the start of the last one, however old that is when the centre hears of it.
"""

from dataclasses import dataclass, field

from siaga.model.intervals import Interval, merge

__all__ = ["MAX_STRETCHES", "Reports"]

MAX_STRETCHES = 100
"""Of one alert, which any of them may end; what is over is forgotten, the oldest first."""


@dataclass(slots=True)
class Reports:
    """The stretches in which a device reported, in order; each lasts until another report would begin the next."""

    stretches: list[Interval] = field(default_factory=list)

    def note(self, time: int, pause: int) -> None:
        """The device reported at `time`. From `pause` ms on without another it is silent again."""
        reported = (time, time + pause - 1)  # two that touch are one
        self.stretches = merge([*self.stretches, reported])[-MAX_STRETCHES:]

    def since(self) -> int | None:
        """When it first reported of the last stretch; `None`: it has not reported."""
        return self.stretches[-1][0] if self.stretches else None

    def forget(self) -> None:
        """Another alert: what was reported before does not count."""
        self.stretches = []
