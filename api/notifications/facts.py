"""What is known of an alert where it is decided who is told of it: a row of table `alert`, in milliseconds."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from pydantic import TypeAdapter

from api.alert_records.excuses import Affected, affected_by

__all__ = ["RANKS", "Facts", "facts_of"]

RANKS: Mapping[str, int] = {"warning": 0, "minor": 1, "major": 2, "critical": 3}
"""Severities by how much they weigh."""


@dataclass(frozen=True, slots=True)
class Facts:
    """One alert as it is now. `began_at` and `ended_at` are event time, all other times wall time."""

    id: str
    kind: str
    severity: str
    village: str
    facility: str | None
    device: str | None
    began_at: int
    raised_at: int
    ended_at: int | None
    cleared_at: int | None
    acknowledged_at: int | None
    snoozed_until: int | None
    cause: str | None
    evidence: Mapping[str, object]

    @property
    def villages(self) -> list[str]:
        """Its village, and those that were lost with it."""
        listed = self.evidence.get("villages")
        others = [str(code) for code in listed if code != self.village] if isinstance(listed, list) else []
        return [self.village, *others]

    @property
    def affected(self) -> Affected:
        """What it affects, and planned maintenance or missing mains may excuse."""
        return affected_by({column.name: getattr(self, column.name) for column in fields(self)})

    @property
    def taken_out(self) -> bool:
        """Whether it is over because the sites file has its subject no longer."""
        return self.over and self.evidence.get("taken_out") is True

    @property
    def over(self) -> bool:
        """Whether it has cleared."""
        return self.cleared_at is not None


_FACTS = TypeAdapter(Facts)


def facts_of(row: Mapping[str, object]) -> Facts:
    """The alert of a row of table `alert`, whose other columns are passed over."""
    return _FACTS.validate_python({name: row[name] for name in Facts.__slots__})
