"""The error budget of a month, what is left of it, and how fast it burns. Pure; milliseconds.

The *burn rate* is the share of the budget that was used, divided by the share of the time that has passed: at 1 the
budget lasts exactly to the end (Google, *The Site Reliability Workbook*, chapter 5, "Alerting on SLOs").

Over a window the same is `failed / counted / (1 - target)`. A pace is told from two windows each, both over the limit:
the long one says that it matters, the short one (a twelfth of it) that it still goes on. Limits and windows are those
of the workbook for a budget of 30 days: 14.4 over 1 h uses 2 % of it, 6 over 6 h uses 5 %, 1 over 3 d uses 10 %.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from siaga.model.clock import DAY, HOUR, MINUTE
from siaga.timeline.availability import Availability, measure
from siaga.timeline.spans import Span

__all__ = ["PACES", "WINDOWS", "MonthBudget", "Pace", "burn_rate", "burn_rates", "month_budget", "pace"]


@dataclass(frozen=True, slots=True)
class MonthBudget:
    """The failure that a target leaves of a whole month, exact.

    `counted`: what the month requires, excused left out, its rest as its schedule asks. `passed`: the part of it that
    is past. `used`: failed and not excused.
    """

    target: Fraction
    counted: int
    passed: int
    used: int

    @property
    def whole(self) -> Fraction:
        """The budget of the month."""
        return (1 - self.target) * self.counted

    @property
    def left(self) -> Fraction:
        """What is left of it; negative when overspent."""
        return self.whole - self.used

    @property
    def burn_rate(self) -> Fraction | None:
        """The share of the budget used, divided by the share of the month's time that has passed."""
        return burn_rate(self.used, self.passed, self.target)


def month_budget(past: Availability, still_to_come: int, target: Fraction) -> MonthBudget:
    """Returns the budget of a month.

    Args:
        past: what is past of it.
        still_to_come: what the schedule asks of the rest.
        target: a share.
    """
    passed = past.counted
    return MonthBudget(target, passed + still_to_come, passed, past.failed - past.excused_failed)


def burn_rate(failed: int, counted: int, target: Fraction) -> Fraction | None:
    """Returns how fast a budget burns: 1 uses it up exactly when its time is over.

    `failed`: not excused; `counted`: required and not excused. `None`: nothing counts, or the target leaves no budget.
    """
    if counted <= 0 or target >= 1:
        return None
    return Fraction(failed, counted) / (1 - target)


WINDOWS = (5 * MINUTE, 30 * MINUTE, HOUR, 6 * HOUR, 3 * DAY)
"""How far back burn rates are told, the shortest first."""


def burn_rates(spans: Sequence[Span], target: Fraction, now: int) -> Mapping[int, Fraction | None]:
    """Returns the burn rate of each window that ends `now`. What is unknown has not failed."""
    found = {}
    for length in WINDOWS:
        past = measure(spans, (now - length, now))
        found[length] = burn_rate(past.failed - past.excused_failed, past.counted, target)
    return found


class Pace(StrEnum):
    """How urgent a burn rate is."""

    FAST = "fast"
    HIGH = "high"
    SLOW = "slow"
    CALM = "calm"


PACES: Mapping[Pace, tuple[int, int, Fraction]] = {
    Pace.FAST: (HOUR, 5 * MINUTE, Fraction(144, 10)),
    Pace.HIGH: (6 * HOUR, 30 * MINUTE, Fraction(6)),
    Pace.SLOW: (3 * DAY, 6 * HOUR, Fraction(1)),
}
"""Each pace with its long and its short window, ms, and the burn rate that both must reach; the most urgent first."""


def pace(rates: Mapping[int, Fraction | None]) -> Pace:
    """Returns how urgent it is, from the rates of `burn_rates`."""
    for found, (long, short, limit) in PACES.items():
        over = [rate is not None and rate >= limit for rate in (rates[long], rates[short])]
        if all(over):
            return found
    return Pace.CALM
