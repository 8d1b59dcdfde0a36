"""One measured number beside the number it is to keep to."""

from dataclasses import dataclass
from enum import Enum

__all__ = ["Figure", "Limit", "at_least", "at_most"]


class Limit(Enum):
    """Which side of the limit is good."""

    AT_LEAST = "≥"
    AT_MOST = "≤"


@dataclass(frozen=True, slots=True)
class Figure:
    """A measurement: `value` and `limit` in `unit`. `limit` is None for a number that only explains another."""

    name: str
    value: float
    unit: str
    limit: float | None = None
    side: Limit = Limit.AT_MOST
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """The value as a share of the limit."""
        return None if not self.limit else self.value / self.limit

    @property
    def holds(self) -> bool:
        """Whether the limit is kept; a number without a limit always is."""
        if self.limit is None:
            return True
        return self.value >= self.limit if self.side is Limit.AT_LEAST else self.value <= self.limit


def at_least(name: str, value: float, unit: str, limit: float, note: str = "") -> Figure:
    """A figure that is to reach its limit."""
    return Figure(name, value, unit, limit, Limit.AT_LEAST, note)


def at_most(name: str, value: float, unit: str, limit: float, note: str = "") -> Figure:
    """A figure that is to stay under its limit."""
    return Figure(name, value, unit, limit, Limit.AT_MOST, note)
