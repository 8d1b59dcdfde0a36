"""An alert, as the engine opens and changes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import uuid4

from siaga.model.alert_kinds import SEVERITIES, Kind

__all__ = ["Changed", "Member", "OpenAlert", "Opened", "new_alert"]


@dataclass(frozen=True, slots=True)
class Member:
    """A village of a `village_offline` alert: since when nothing arrived from it, and when something did again."""

    began_at: int
    ended_at: int | None = None


@dataclass(slots=True)
class OpenAlert:
    """An alert that has not cleared. Only one is open of a `kind` and `subject`. `evidence`: what people see.

    `flapping`: it is held open because it came and went too often. `members`: the villages of a `village_offline`.
    """

    id: str
    kind: str
    village: str
    facility: str | None
    device: str | None
    began_at: int
    evidence: dict[str, object] = field(default_factory=dict)
    flapping: bool = False
    members: dict[str, Member] = field(default_factory=dict)

    @property
    def severity(self) -> str:
        """How bad it is (contract, section 5)."""
        return SEVERITIES[Kind(self.kind)]

    def show(self, more: Mapping[str, object]) -> None:
        """Add to its evidence."""
        self.evidence.update(more)

    def join(self, village: str, began_at: int) -> None:
        """Add a village, as the last of its members."""
        self.members.pop(village, None)
        self.members[village] = Member(began_at)
        self.began_at = min(self.began_at, began_at)

    def leave(self, village: str, ended_at: int) -> None:
        """Something arrived from one of its villages."""
        if village in self.members:
            self.members[village] = Member(self.members[village].began_at, ended_at)

    def amend(self, began_at: int) -> None:
        """Correct when it began."""
        self.began_at = began_at

    def hold(self, raised: int, within: int, calm: int) -> None:
        """Hold it open until its cause has been over for `calm`, ms: it was raised too often `within` some time, ms."""
        self.flapping = True
        self.evidence["flapping"] = {"raised": raised, "within_s": within // 1000, "calm_s": calm // 1000}

    def become(self, other: str) -> None:
        """The database has another open alert of its subject and kind: from now on it is that one."""
        self.id = other

    @property
    def lost(self) -> list[str]:
        """The members from which nothing has arrived since."""
        return [village for village, member in self.members.items() if member.ended_at is None]

    @property
    def subject(self) -> str:
        """`VILLAGE`, `VILLAGE/FACILITY` or `VILLAGE/DEVICE`."""
        part = self.device or self.facility
        return f"{self.village}/{part}" if part else self.village


def new_alert(kind: str, village: str, *, facility: str | None, device: str | None, began_at: int) -> OpenAlert:
    """Returns an alert to be opened, with a new id."""
    return OpenAlert(uuid4().hex, kind, village, facility, device, began_at)


@dataclass(frozen=True, slots=True)
class Opened:
    """An alert to be opened, raised at wall time `raised_at`."""

    alert: OpenAlert
    raised_at: int
    cause: str | None


@dataclass(frozen=True, slots=True)
class Changed:
    """Columns of an alert to set. `event`: `updated` or `cleared`. `settled`: the alert has cleared already.

    `explains`: what to add to its evidence. `members`: those of a `village_offline`.
    """

    id: str
    event: str
    at: int
    values: dict[str, object]
    settled: bool = False
    explains: Mapping[str, object] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)
