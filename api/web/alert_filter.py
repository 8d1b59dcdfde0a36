"""Which alerts a page shows, in which order, and what of it is folded: all of it is in the address.

So a link that is sent to somebody shows the same, and every counter is a link.
"""

from dataclasses import dataclass, fields, replace
from datetime import date
from enum import StrEnum
from urllib.parse import urlencode

from api.queries.alert_list import ListedAlert
from siaga.model.local_time import local_date
from siaga.model.scope import EVERYTHING, Scope

__all__ = ["AlertFilter", "Sort", "Stage", "stage_of"]

LONGEST_TEXT = 100
_MOST_FOLDS = 50
"""Groups whose fold an address can name: an address of more than 2,000 characters is not safe everywhere."""


class Stage(StrEnum):
    """How far people are with an alert: Baru, Sedang ditangani, Ditunda, Selesai."""

    NEW = "new"
    TAKEN = "taken"
    SNOOZED = "snoozed"
    CLEARED = "cleared"


class Sort(StrEnum):
    """In which order alerts stand, and their groups by their first alert."""

    SEVERITY = "severity"
    NEWEST = "newest"
    OLDEST = "oldest"


def stage_of(alert: ListedAlert, now: int) -> Stage:
    """Returns how far people are with an alert at wall time `now`, ms."""
    if alert.cleared_at is not None:
        return Stage.CLEARED
    if alert.snoozed_until is not None and alert.snoozed_until > now:
        return Stage.SNOOZED
    return Stage.NEW if alert.acknowledged_at is None and alert.assignee is None else Stage.TAKEN


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """What an address asks for. `None` and "": everything. `mine`: only what the looker takes care of.

    `since` and `until`: between which local dates it was raised, both included.

    `folded` and `unfolded`: keys of groups that somebody folded or unfolded against the rule.
    """

    village: str | None = None
    kind: str | None = None
    severity: str | None = None
    state: Stage | None = None
    mine: bool = False
    text: str = ""
    since: date | None = None
    until: date | None = None
    sort: Sort = Sort.SEVERITY
    folded: tuple[str, ...] = ()
    unfolded: tuple[str, ...] = ()

    @property
    def narrows(self) -> bool:
        """Whether it leaves anything out."""
        return replace(self, sort=Sort.SEVERITY, folded=(), unfolded=()) != AlertFilter()

    def fits(self, alert: ListedAlert, name: str, now: int) -> bool:
        """Whether an alert is to be shown to the person `name`."""
        return (
            self._concerns(alert)
            and self.kind in (None, alert.kind)
            and self.severity in (None, alert.severity)
            and self.state in (None, stage_of(alert, now))
            and (not self.mine or name in (alert.acknowledged_by, alert.assignee))
            and (not self.text or _says(alert, self.text))
            and (self.since is self.until is None or self._was_raised(local_date(alert.raised_at, alert.timezone)))
        )

    def address(self, **changes: object) -> str:
        """Returns the address of this filter with some of it changed; what is as by default is left out."""
        query = replace(self, **changes).query()  # type: ignore[arg-type]  # names are of this class
        return f"/alerts?{query}" if query else "/alerts"

    def query(self) -> str:
        """Returns it as the query of an address."""
        pairs: list[tuple[str, str]] = []
        for field in fields(self):
            value = getattr(self, field.name)
            if value == field.default:
                continue
            if isinstance(value, tuple):
                pairs += [(field.name, one) for one in value]
            else:
                pairs.append((field.name, "1" if value is True else str(value)))
        return urlencode(pairs)

    def toggled(self, key: str, *, folded: bool) -> str:
        """Returns the address after a group, which is `folded` now, was folded or unfolded."""
        others = [tuple(one for one in keys if one != key)[-_MOST_FOLDS:] for keys in (self.folded, self.unfolded)]
        if folded:
            return self.address(folded=others[0], unfolded=(*others[1], key))
        return self.address(folded=(*others[0], key), unfolded=others[1])

    def _was_raised(self, day: date) -> bool:
        return (self.since is None or self.since <= day) and (self.until is None or day <= self.until)

    def _concerns(self, alert: ListedAlert) -> bool:
        scope = Scope(self.village or EVERYTHING)
        return any(scope.holds(village) for village in alert.villages)


def _says(alert: ListedAlert, text: str) -> bool:
    """Whether all words of a text stand in names, ids, codes or people of an alert."""
    said = " ".join(
        str(part)
        for part in (
            alert.village, alert.village_name, alert.uplink, alert.facility, alert.facility_name, alert.device,
            alert.kind, alert.acknowledged_by, alert.assignee,
        )
        if part is not None
    ).casefold()  # fmt: skip
    return all(word in said for word in text.casefold().split())
