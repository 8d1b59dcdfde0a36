"""Decides which groups may be written to the store concurrently.

A quick store gets one group after another, since concurrent writes gain nothing. A slow store gets several, so that one
group does not hold up the others: InfluxDB 3 acknowledges once a second, and a slow line needs time for the bytes. Two
groups that write to the same point are written in order, because the later value has to stay.
"""

from dataclasses import dataclass, field

from collector.group import Group

__all__ = ["MOST", "UnderWay"]

MOST = 4
"""Concurrent groups at most: 40 MB of memory if all are full."""
MOST_IN_TROUBLE = 2
"""The same while a group fails: the second shows whether the store or the group is at fault."""
PATIENCE = 250
"""How long a group waits for the one that began last, ms. It gathers what arrives meanwhile."""


@dataclass(slots=True)
class UnderWay:
    """The groups that are being written. `groups`: when each began (monotonic ms), and the group."""

    groups: list[tuple[int, Group]] = field(default_factory=list)

    def begin(self, group: Group, now: int, *, trouble: bool) -> bool:
        """Start a group if it may start. Returns False if it has to wait. `trouble`: a group in flight has failed."""
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
