"""What to visit next: attestations that are missing, have expired or soon will, sorted by sub-district."""

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection

from api.attestations.counting import Attestation, counting, is_sensed
from api.attestations.scorecard import Evidence, Scorecard
from api.queries.attestations import by_village
from api.queries.scorecard import scorecards, villages_page
from siaga.model.indicators import INDICATORS
from siaga.model.local_time import local_date
from siaga.model.scope import Scopes
from siaga.model.sites import Village
from siaga.timeline.verdict import Verdict

__all__ = ["AHEAD", "Reason", "Visit", "visits"]

AHEAD = datetime.timedelta(days=14)
"""How long before it expires an attestation is listed: two weeks leave time for a round of a sub-district."""
_PORTION = 500
"""Villages that are read at a time."""


class Reason(StrEnum):
    """Why a village is to be visited."""

    MISSING = "missing"
    EXPIRED = "expired"
    EXPIRING = "expiring"
    CONTRADICTED = "contradicted"
    """The attestation that counts says otherwise than somebody else's of the two weeks before it."""
    UNJUDGED = "unjudged"
    """Devices are there, and the scorecard of yesterday does not know."""


@dataclass(frozen=True, slots=True)
class Visit:
    """An indicator of a village that somebody should look at. `last`: the latest attestation; `None`: there is none.

    `waits`: when somebody saw it already, in a later attestation that a second person has to confirm.
    """

    village: Village
    indicator: str
    reason: Reason
    last: Attestation | None
    waits: datetime.date | None = None

    @property
    def subdistrict(self) -> str:
        """The code of the village's sub-district."""
        return self.village.code.rpartition(".")[0]


def visits(connection: Connection, scopes: Scopes, now: int) -> Iterator[Visit]:
    """Yields what is to be visited in some scopes, by sub-district, village and number of the indicator.

    `now`: wall time, ms; today is each village's own.
    """
    last = ""
    while villages := villages_page(connection, scopes, last, _PORTION):
        last = villages[-1].code
        days = {village.code: local_date(now, village.timezone) for village in villages}
        made = by_village(connection, days, max(days.values()))
        cards = {card.village: card for card in scorecards(connection, villages, None, now)}
        for village in sorted(villages, key=lambda one: one.code):
            found = [
                *_of_village(village, days[village.code], made.get(village.code, ())),
                *_unjudged(village, cards[village.code]),
            ]
            yield from sorted(found, key=lambda one: INDICATORS[one.indicator].number)


def _unjudged(village: Village, card: Scorecard) -> Iterator[Visit]:
    for cell in card.cells:
        if cell.evidence is Evidence.SENSED and cell.verdict is Verdict.UNJUDGED:
            yield Visit(village, cell.indicator.kind, Reason.UNJUDGED, None)


def _of_village(village: Village, today: datetime.date, made: Sequence[Attestation]) -> Iterator[Visit]:
    for indicator in sorted(INDICATORS.values(), key=lambda one: one.number):
        if is_sensed(village, indicator.kind):
            continue
        stands = [one for one in made if one.indicator == indicator.kind and one.withdrawn_at is None]
        mine = [one for one in stands if not one.waits]
        counts = counting(mine, today)
        if counts is not None and _contradicts(counts, mine):
            yield Visit(village, indicator.kind, Reason.CONTRADICTED, counts)
            continue
        if counts is not None and counts.expires - today > AHEAD:
            continue
        latest = max(mine, key=lambda one: (one.date, one.created_at, one.number), default=None)
        lacking = Reason.MISSING if latest is None else Reason.EXPIRED
        reason = lacking if counts is None else Reason.EXPIRING
        yield Visit(village, indicator.kind, reason, latest, _waits(stands, latest, today))


def _waits(made: Sequence[Attestation], last: Attestation | None, today: datetime.date) -> datetime.date | None:
    """When it was last seen in an attestation that waits, holds today, and is not older than the latest that counts."""
    seen = [one.date for one in made if one.waits and today < one.expires and (last is None or one.date >= last.date)]
    return max(seen, default=None)


def _contradicts(counts: Attestation, made: Sequence[Attestation]) -> bool:
    """Whether somebody else saw the opposite in the two weeks before."""
    return any(
        one.met is not counts.met
        and one.by != counts.by
        and one.number != counts.number
        and counts.date - AHEAD <= one.date <= counts.date
        for one in made
    )
