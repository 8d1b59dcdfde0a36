"""Which attestation counts for an indicator of a village on a date, and for what there is none (contract, section 5).

Pure: a date is a local calendar date of the village, and the clock is an argument.
"""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass

from siaga.model.clock import DAY
from siaga.model.indicators import INDICATORS, Attested
from siaga.model.sites import Facility, Village

__all__ = ["Attestation", "counting", "expiry", "facilities_of", "is_sensed", "refusal"]


@dataclass(frozen=True, slots=True)
class Attestation:
    """What counting needs of an attestation.

    It holds from `date` to before `expires`. `created_at` and `withdrawn_at` are wall times, ms. `number` grows with
    each that is made: it decides where two were made in the same millisecond. `waits`: a second person has to confirm
    it, and nobody has yet. `by`: who made it.
    """

    number: int
    id: str
    indicator: str
    met: bool
    date: datetime.date
    expires: datetime.date
    created_at: int
    withdrawn_at: int | None = None
    waits: bool = False
    by: str = ""

    @property
    def _order(self) -> tuple[datetime.date, int, int]:
        return self.date, self.created_at, self.number


def counting(attestations: Iterable[Attestation], day: datetime.date) -> Attestation | None:
    """Returns the attestation of one indicator that counts on a day; `None`: none does.

    A withdrawn one counts on no day, also not on earlier ones, and neither does one that waits. Of the others the
    latest by date, then by when it was made, stands in the place of all before it: when it has expired, an older one
    does not count again.
    """
    made = [one for one in attestations if one.withdrawn_at is None and not one.waits and one.date <= day]
    latest = max(made, key=lambda one: one._order, default=None)
    return latest if latest is not None and day < latest.expires else None


def expiry(indicator: str, day: datetime.date) -> datetime.date:
    """Returns the day on which an attestation of `day` no longer counts.

    An indicator without a time of its own (one that is sensed as a rule) has that of all others, 90 days.
    """
    attested = INDICATORS[indicator].attested or Attested()
    return day + datetime.timedelta(days=attested.expires // DAY)


def facilities_of(village: Village, indicator: str) -> list[Facility]:
    """Returns the facilities of an indicator's kind in a village, with devices or without."""
    return [facility for facility in village.facilities if facility.kind == indicator]


def is_sensed(village: Village, indicator: str) -> bool:
    """Whether the village has a facility with devices of this kind: then attestations say nothing about it."""
    return any(facility.devices for facility in facilities_of(village, indicator))


def refusal(village: Village, indicator: str, day: datetime.date, today: datetime.date) -> str | None:
    """Returns why there is no attestation of an indicator on a day, as the end of a sentence; `None`: there is one."""
    if is_sensed(village, indicator):
        sensing = next(facility for facility in facilities_of(village, indicator) if facility.devices)
        return (
            f"body indicator: {indicator} is sensed in village {village.code}, "
            f"by the devices of facility {sensing.id}: it cannot be attested"
        )
    if day > today:
        return f"body date: {day} is still to come in village {village.code}, where it is {today}"
    return None
