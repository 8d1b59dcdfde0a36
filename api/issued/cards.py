"""The attested part of a report's scorecards, as a revision keeps it, and what differs between two of them. Pure.

A sensed indicator follows from the days of its facilities, which are figures of their own.
"""

from collections.abc import Iterable, Iterator, Mapping

from api.attestations.scorecard import Evidence, Scorecard
from api.issued.compare import Change, Ground
from siaga.timeline.verdict import Verdict

__all__ = ["Cards", "card_changes", "cards_of"]

Cards = Mapping[str, Mapping[str, str | None]]
"""By village and kind of indicator: its verdict; `None`: it is sensed there. What nobody attested is left out."""


def cards_of(scorecards: Iterable[Scorecard]) -> dict[str, dict[str, str | None]]:
    """Returns what a revision keeps of the scorecards in its annex."""
    return {
        card.village: {
            cell.indicator.kind: None if cell.evidence is Evidence.SENSED else cell.verdict.value
            for cell in card.cells
            if cell.evidence in (Evidence.SENSED, Evidence.ATTESTED)
        }
        for card in scorecards
    }


def card_changes(before: Cards, after: Cards) -> Iterator[Change]:
    """Yields the indicators that differ, of the villages that both have: by village and kind."""
    for village in sorted(before.keys() & after.keys()):
        old, new = before[village], after[village]
        for kind in sorted(old.keys() | new.keys()):
            was, now = old.get(kind, Verdict.UNJUDGED.value), new.get(kind, Verdict.UNJUDGED.value)
            if was != now:
                why = Ground.SITES_FILE if None in (was, now) else Ground.ATTESTATION
                yield Change(village, None, f"scorecard.{kind}", was, now, why.value)
