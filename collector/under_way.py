"""Which groups may be on their way to the store side by side.

A store that answers quickly gets one group after another: more at once gain nothing. One that takes its time gets
several, so that one group does not hold up the others: InfluxDB 3 acknowledges once a second, and a group on a slow
line takes as long as its bytes do. Two groups that write to one point go one after the other, because of two values the
later one has to stay.
"""

from dataclasses import dataclass, field

from collector.group import Group

__all__ = ["MOST", "UnderWay"]

MOST = 4
"""Groups on their way at most: 40 MB of memory when all are full."""
MOST_IN_TROUBLE = 2
"""The same while one of them could not be stored: the second finds out whether it is the store or the group."""
PATIENCE = 250
"""Milliseconds that a group waits for the one that began last, and takes in what arrives meanwhile."""


@dataclass(slots=True)
class UnderWay:
    """The groups on their way and when each began, monotonic ms."""

    groups: list[tuple[int, Group]] = field(default_factory=list)

    def begin(self, group: Group, now: int, *, trouble: bool) -> bool:
        """Let a group begin, if it may; False: it has to wait."""
        if not self._may_begin(group, now, trouble=trouble):
            return False
        self.groups.append((now, group))
        return True

    def _may_begin(self, group: Group, now: int, *, trouble: bool) -> bool:
        if not self.groups:
            return True
        if len(self.groups) >= (MOST_IN_TROUBLE if trouble else MOST):
            return False
        if now - max(began for began, _ in self.groups) < PATIENCE:
            return False
        return not any(group.touches(other) for _, other in self.groups)

    def end(self, group: Group) -> None:
        """Forget a group that is stored and acknowledged."""
        self.groups = [each for each in self.groups if each[1] is not group]
