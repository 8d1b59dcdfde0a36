"""Alerts in groups: by what villages share where several of them are concerned, else by village."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from api.queries.alert_list import ListedAlert
from api.web.alert_filter import AlertFilter, Sort

__all__ = [
    "MOST_GROUPS",
    "OPEN_ROWS",
    "RANKS",
    "Group",
    "by_subdistrict",
    "group_key",
    "grouped",
    "in_order",
    "shared_uplinks",
]

RANKS: Mapping[str, int] = {"critical": 0, "major": 1, "minor": 2, "warning": 3}
"""Severities, the worst first."""
OPEN_ROWS = 30
"""Alerts that are shown by themselves; the groups after these are folded: a phone gets what matters most at once."""
MOST_GROUPS = 25
"""Groups that are listed; the alerts of those after these are counted by sub-district."""
_SHARED_BY = 2
"""Villages of one uplink with alerts from which on their alerts make one group."""
_UPLINK = "uplink:"


@dataclass(frozen=True, slots=True)
class Group:
    """Alerts that stand together. `uplink`: what their villages share; `None`: they are of one village."""

    key: str
    uplink: str | None
    alerts: Sequence[ListedAlert]
    folded: bool

    @property
    def villages(self) -> int:
        """How many villages it is about."""
        return len({alert.village for alert in self.alerts})

    @property
    def worst(self) -> str:
        """Its worst severity."""
        return min((alert.severity for alert in self.alerts), key=lambda severity: RANKS[severity])


def in_order(alerts: Sequence[ListedAlert], sort: Sort) -> list[ListedAlert]:
    """Returns alerts in an order; what is equal in it the newest first."""
    newest = sorted(alerts, key=lambda alert: (-alert.raised_at, alert.id))
    if sort is Sort.OLDEST:
        return newest[::-1]
    return newest if sort is Sort.NEWEST else sorted(newest, key=lambda alert: RANKS[alert.severity])


def shared_uplinks(alerts: Sequence[ListedAlert]) -> frozenset[str]:
    """Returns the uplinks of which several villages have alerts."""
    pairs = {(alert.uplink, alert.village) for alert in alerts if alert.uplink is not None}
    return frozenset(uplink for uplink, count in Counter(uplink for uplink, _ in pairs).items() if count >= _SHARED_BY)


def group_key(alert: ListedAlert, shared: frozenset[str]) -> str:
    """Returns the key of the group that an alert stands in."""
    return f"{_UPLINK}{alert.uplink}" if alert.uplink in shared else alert.village


def grouped(alerts: Sequence[ListedAlert], wanted: AlertFilter) -> list[Group]:
    """Returns alerts in groups, by the first alert of each; folded as the address says, else by what there is room for.

    An alert of a village that shares nothing with another one that has alerts stands with its village.
    """
    ordered = in_order(alerts, wanted.sort)
    shared = shared_uplinks(ordered)
    by_key: dict[str, list[ListedAlert]] = {}
    for key, found in groupby(ordered, lambda alert: group_key(alert, shared)):
        by_key.setdefault(key, []).extend(found)
    groups, room = [], OPEN_ROWS
    for key, mine in by_key.items():
        folded = key in wanted.folded or (key not in wanted.unfolded and len(mine) > room)
        room -= 0 if folded else len(mine)
        uplink = key.removeprefix(_UPLINK) if key.startswith(_UPLINK) else None
        groups.append(Group(key, uplink, mine, folded))
    return groups


def by_subdistrict(groups: Sequence[Group]) -> Mapping[str, Sequence[ListedAlert]]:
    """Returns the alerts of some groups by the sub-district of their villages, in the order of the codes."""
    found: dict[str, list[ListedAlert]] = {}
    for alert in sorted((one for group in groups for one in group.alerts), key=lambda one: one.village):
        found.setdefault(alert.village.rpartition(".")[0], []).append(alert)
    return found
