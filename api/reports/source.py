"""What a report is made of, as the read side hands it over. Milliseconds; nothing here reads anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from api.reports.beside import Beside
from siaga.model.sites import Facility, Village
from siaga.timeline.availability import Availability
from siaga.timeline.spans import Span

__all__ = ["RUNS_ON", "AlertLink", "FacilityHistory", "Source", "VillageHistory"]

RUNS_ON = 2**62
"""The end of a span that runs, in milliseconds: later than any time."""


@dataclass(frozen=True, slots=True)
class AlertLink:
    """A `facility_failed` alert: event times of the failure it is about, and who acknowledged it when (wall time)."""

    id: str
    began_at: int
    ended_at: int | None
    acknowledged_by: str | None
    acknowledged_at: int | None


@dataclass(frozen=True, slots=True)
class FacilityHistory:
    """One facility that has an indicator.

    `spans` are those that touch the period, in order, and with them whole failed runs that reach beyond it; the one
    that runs ends at `RUNS_ON`. `judged_from`: where its first span of all begins; `None`: it never was judged.
    `until`: when it was taken out of the registry, wall time, ms; its spans end then, and it has no days after it.
    `before`, `a_year_ago`: what the whole of the earlier periods comes to, where anything was required in them.
    """

    facility: Facility
    spans: Sequence[Span] = ()
    judged_from: int | None = None
    alerts: Sequence[AlertLink] = ()
    before: Availability | None = None
    a_year_ago: Availability | None = None
    until: int = RUNS_ON


@dataclass(frozen=True, slots=True)
class VillageHistory:
    """One village with its facilities. `heard_until`: event time at which one of its gateways was last heard."""

    village: Village
    facilities: Sequence[FacilityHistory]
    heard_until: int | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """All that a report of some scopes and a period is made of. `regions`: names by code. `beside`: for people."""

    villages: Sequence[VillageHistory]
    regions: Mapping[str, str] = field(default_factory=dict)
    beside: Beside = field(default_factory=Beside)
