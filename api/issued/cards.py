"""A report's scorecards, as a revision keeps them, and what differs between two of them. Pure.

A sensed indicator follows from the days of its facilities. Those of a short report begin before its period.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

from api.attestations.scorecard import Cell, Evidence, Scorecard
from api.issued.compare import Ground
from api.reports.changed import Change
from siaga.timeline.verdict import Verdict

__all__ = ["Cards", "card_changes", "cards_of"]

Cards = Mapping[str, Mapping[str, str | None]]
"""By village and kind of indicator: its verdict, after `sensed ` where sensors gave it. `None`: it is sensed, and its
verdict was not kept, as it once was. What nobody attested is left out."""
_SENSED = "sensed "


def cards_of(scorecards: Iterable[Scorecard]) -> dict[str, dict[str, str | None]]:
    """Returns what a revision keeps of the scorecards in its annex."""
    return {
        card.village: {
            cell.indicator.kind: _kept(cell)
            for cell in card.cells
            if cell.evidence in (Evidence.SENSED, Evidence.ATTESTED)
        }
        for card in scorecards
    }


def _kept(cell: Cell) -> str:
    return f"{_SENSED}{cell.verdict.value}" if cell.evidence is Evidence.SENSED else cell.verdict.value


def card_changes(before: Cards, after: Cards, why_sensed: Callable[[str, str], str]) -> Iterator[Change]:
    """Yields the indicators that differ, of the villages that both have: by village and kind.

    `why_sensed`: says of a village and a kind why sensors say otherwise now.
    """
    for village in sorted(before.keys() & after.keys()):
        old, new = before[village], after[village]
        for kind in sorted(old.keys() | new.keys()):
            was, now = old.get(kind, Verdict.UNJUDGED.value), new.get(kind, Verdict.UNJUDGED.value)
            if was == now or (_is_sensed(was) and _is_sensed(now) and None in (was, now)):
                continue
            if _is_sensed(was) != _is_sensed(now):
                why = Ground.SITES_FILE.value
            else:
                why = why_sensed(village, kind) if _is_sensed(now) else Ground.ATTESTATION.value
            yield Change(village, None, f"scorecard.{kind}", _verdict(was), _verdict(now), why)


def _is_sensed(kept: str | None) -> bool:
    return kept is None or kept.startswith(_SENSED)


def _verdict(kept: str | None) -> str | None:
    return None if kept is None else kept.removeprefix(_SENSED)
