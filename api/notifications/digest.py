"""What becomes one message: alerts of one village within a minute, for each recipient; pure.

A recipient is told of an alert once when it is raised, again when it gets worse or nobody takes care of it, and once
when it has cleared. What a message says of an alert is written when it is sent, from what the alert is then: so an
alert that clears before anybody was told needs one message and not two, and a late message is still true.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from api.notifications.book import Recipient
from api.notifications.facts import Facts

__all__ = ["MANY", "Draft", "Item", "Notice", "What", "drafts", "new_of"]

MANY = 5
"""Villages of which a recipient is told at once in messages of their own; beyond it they share one, as in a storm."""


class What(StrEnum):
    """What a message tells of an alert."""

    RAISED = "raised"
    WORSE = "worse"
    ESCALATED = "escalated"
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True)
class Notice:
    """An event of an alert that somebody may have to be told of; `time` is wall time.

    `rose`: with this event the alert became graver than it was, or than whoever acknowledged it knew; `grew`: it
    concerns more villages than before.
    """

    event: int
    alert: str
    village: str
    type: str
    time: int
    rose: bool = False
    grew: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """What one recipient is to be told of one alert; `mark` tells it from the same told at another time."""

    alert: str
    village: str
    what: What
    severity: str
    recipient: Recipient
    due: int
    reason: str
    mark: str


@dataclass(frozen=True, slots=True)
class Draft:
    """One message to be: its recipient and items, in the order in which they came. No village: of several."""

    recipient: Recipient
    village: str | None
    due: int
    items: tuple[Item, ...]

    @property
    def key(self) -> str:
        """What it is known by: the same items for the same recipient have the same key, whoever drafts them."""
        parts = [f"{item.alert} {item.what} {item.mark}" for item in self.items]
        return hashlib.sha256("\n".join([str(self.recipient), *sorted(parts)]).encode()).hexdigest()


def new_of(alert: Facts, notices: Collection[Notice], told_before: bool) -> What | None:
    """What the notices of one alert come to; `None`: nothing that anybody is told of.

    `told_before`: somebody was told of the alert; of one that only grew those are told who were not. What was raised
    and has cleared before anybody was told is told once, as raised (the message says that it is over). Acknowledging,
    assigning and commenting are told to nobody.
    """
    types = {notice.type for notice in notices}
    graver, grew = any(notice.rose for notice in notices), any(notice.grew for notice in notices)
    if not told_before:
        return What.RAISED if "raised" in types or ((graver or grew) and not alert.over) else None
    if alert.over:
        return What.CLEARED if "cleared" in types else None
    if graver or "raised" in types:
        return What.WORSE
    return What.RAISED if grew else None


def drafts(items: Sequence[Item]) -> list[Draft]:
    """The messages for these items: one for each recipient, village and time; in a storm one for all the villages.

    An alert is in a message once, as what weighs most: that somebody has to act now.
    """
    villages: dict[tuple[Recipient, int], set[str]] = {}
    for item in items:
        villages.setdefault((item.recipient, item.due), set()).add(item.village)
    together: dict[tuple[Recipient, int, str | None], dict[str, Item]] = {}
    for item in items:
        shared = len(villages[item.recipient, item.due]) > MANY
        mine = together.setdefault((item.recipient, item.due, None if shared else item.village), {})
        known = mine.get(item.alert)
        if known is None or _WEIGHT[item.what] > _WEIGHT[known.what]:
            mine[item.alert] = item
    return [
        Draft(recipient, village, due, tuple(mine.values())) for (recipient, due, village), mine in together.items()
    ]


_WEIGHT: Mapping[What, int] = {What.CLEARED: 0, What.RAISED: 1, What.WORSE: 2, What.ESCALATED: 3}
