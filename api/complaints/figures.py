"""Figures of complaints by facility: pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median_low

from api.queries.complaints import Dated

__all__ = ["ComplaintFigures", "figures_of"]


@dataclass(frozen=True, slots=True)
class ComplaintFigures:
    """The complaints of one facility. `until_seen`, `until_ended`: medians in ms; `None`: none was seen, or ended."""

    village: str
    facility: str
    kind: str
    complaints: int
    contradicting: int
    until_seen: int | None
    until_ended: int | None


def figures_of(complaints: Iterable[Dated]) -> list[ComplaintFigures]:
    """Returns the figures of each facility that people complained of, the most often first."""
    by_facility: dict[tuple[str, str], list[Dated]] = {}
    for one in complaints:
        by_facility.setdefault((one.village, one.facility), []).append(one)
    found = [
        ComplaintFigures(
            village,
            facility,
            each[-1].kind,
            len(each),
            sum(one.contradicts for one in each),
            _median([one.seen_at - one.created_at for one in each if one.seen_at is not None]),
            _median([one.ended_at - one.created_at for one in each if one.ended_at is not None]),
        )
        for (village, facility), each in by_facility.items()
    ]
    return sorted(found, key=lambda one: (-one.complaints, one.village, one.facility))


def _median(lengths: list[int]) -> int | None:
    return median_low(lengths) if lengths else None
