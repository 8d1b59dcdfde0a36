"""The last 30 days as a strip: of a facility a cell a day, of many facilities a stacked column a day. Pure.

The gaps between the days are cut out by the style sheet, so neighbours of one state are one shape.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from api.queries.months import DAYS, FacilityMonth, Month, VillageMonth
from api.web.strip import Stroke, strokes
from api.words import Words
from siaga.model.indicators import INDICATORS
from siaga.timeline.availability import Availability
from siaga.timeline.spans import State
from siaga.timeline.verdict import Verdict

__all__ = [
    "HEIGHT",
    "LETTERS",
    "MonthStrip",
    "by_indicator",
    "column_strip",
    "letters",
    "month_strip",
    "rule_of",
    "worst_of",
]

HEIGHT = 24
"""Units of a column."""
LETTERS: Mapping[Verdict | None, str] = {
    Verdict.MET: "m",
    Verdict.MISSED: "x",
    Verdict.UNJUDGED: "u",
    Verdict.NOT_REQUIRED: "n",
    None: "-",
}
"""A day in one letter, for programs."""
_STATES = {
    Verdict.MET: State.MET,
    Verdict.MISSED: State.FAILED,
    Verdict.UNJUDGED: State.UNKNOWN,
    Verdict.NOT_REQUIRED: State.NOT_REQUIRED,
}
_DRAWN = (Verdict.MET, Verdict.MISSED, Verdict.UNJUDGED)
_WORST = (Verdict.MISSED, Verdict.UNJUDGED, Verdict.MET, Verdict.NOT_REQUIRED)


@dataclass(frozen=True, slots=True)
class MonthStrip:
    """30 days, drawn. `described`: the same for those who do not see it. `share`: of the required time that was met."""

    strokes: Sequence[Stroke]
    described: str
    share: str | None


def letters(month: Month) -> str:
    """Returns a letter for each day, the last of which runs."""
    return "".join(LETTERS[verdict] for verdict in month)


def worst_of(months: Iterable[Month]) -> Month:
    """Returns what the days of several facilities come to: missed if one is, else unjudged if one is, else met."""
    return tuple(next((one for one in _WORST if one in day), None) for day in zip(*months, strict=True))


def by_indicator(village: VillageMonth) -> dict[str, list[FacilityMonth]]:
    """Returns the facilities of a village by kind."""
    found: dict[str, list[FacilityMonth]] = {}
    for one in village.facilities.values():
        found.setdefault(one.kind, []).append(one)
    return found


def month_strip(words: Words, facility: FacilityMonth) -> MonthStrip:
    """Returns the days of a facility."""
    first = next((n for n, verdict in enumerate(facility.days) if verdict is not None), DAYS)
    states = [_STATES[verdict] if verdict is not None else State.NOT_REQUIRED for verdict in facility.days]
    counts = Counter(one for one in facility.days if one is not None)
    return MonthStrip(strokes(states, first), _said(words, counts), _share(words, facility.measured))


def column_strip(words: Words, villages: Sequence[VillageMonth]) -> MonthStrip | None:
    """Returns the days of all facilities of some villages: a column a day, as high as each part of them.

    Of failed and unknown days at least one unit is drawn, so a column that is all green was met everywhere.
    """
    known = [village for village in villages if village.facilities]
    if not known:
        return None
    sums = ([sum(day) for day in zip(*(one.counts[verdict] for one in known), strict=True)] for verdict in _DRAWN)
    days = [dict(zip(_DRAWN, day, strict=True)) for day in zip(*sums, strict=True)]
    paths = {Verdict.MET: _ground(days)}
    for number, counts in enumerate(days):
        for verdict, top, bottom in _column(counts):
            paths[verdict] = paths.get(verdict, "") + f"M{number}.5 {top}V{bottom}"
    measured = sum((one.measured for one in known), Availability())
    drawn = [Stroke(_STATES[verdict], path) for verdict, path in paths.items() if path]
    share = _share(words, measured)
    return MonthStrip(drawn, words("month_of_all", share=share or words("never_judged")), share)


def _ground(days: Sequence[Mapping[Verdict, int]]) -> str:
    """Returns the days on which anything was met, whole: what was not is drawn over them, and hides them."""
    path, at = "", 0
    for met, group in groupby(bool(day.get(Verdict.MET)) for day in days):
        width = len(list(group))
        path += f"M{at} 12h{width}" if met else ""
        at += width
    return path


def _column(counts: Mapping[Verdict, int]) -> list[tuple[Verdict, int, int]]:
    """Returns what of a column is not met, from its top: missed, then unjudged, each with its top and its bottom.

    Each part that there is has a unit at least, also what is met below them.
    """
    there, room = sum(counts.values()), HEIGHT - bool(counts.get(Verdict.MET))
    wrong = [one for one in (Verdict.MISSED, Verdict.UNJUDGED) if counts.get(one)]
    parts, top, so_far = [], 0, 0
    for number, verdict in enumerate(wrong, 1):
        so_far += counts[verdict]
        bottom = max(top + 1, min(room - (len(wrong) - number), round(HEIGHT * so_far / there)))
        parts.append((verdict, top, bottom))
        top = bottom
    return parts


def _said(words: Words, counts: Mapping[Verdict, int]) -> str:
    parts = [
        words.count(f"month_{verdict.value}", counts[verdict]) for verdict in reversed(_WORST) if counts.get(verdict)
    ]
    return f"{words('last_month')}: {', '.join(parts) if parts else words('never_judged')}"


def _share(words: Words, measured: Availability) -> str | None:
    low, high = measured.availability_low, measured.availability_high
    if low is None or high is None:
        return None
    lowest, highest = words.percent(low), words.percent(high)
    return lowest if lowest == highest else f"{lowest.partition(chr(0xA0))[0]}–{highest}"


def rule_of(words: Words, kind: str) -> str:
    """Returns by what rule an indicator is met, in a sentence."""
    return words(f"rule_{kind}" if INDICATORS[kind].sensed is not None else "rule_attested")
