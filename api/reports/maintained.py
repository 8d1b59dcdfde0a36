"""What rests on each maintenance that people declared: how long, and how much of it was said only afterwards. Pure."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from api.reports.beside import Maintenance
from api.reports.facility import JudgedFacility
from api.reports.report import Report
from siaga.model.intervals import Interval
from siaga.model.sites import Village
from siaga.timeline.maintenance import stretches

__all__ = ["Excused", "excused_by"]


@dataclass(frozen=True, slots=True)
class Excused:
    """A declaration that touches the period. Times in ms.

    `village`: by whose clock its times are shown; of an uplink the first one. `start`, `end`: of its first and its
    last stretch that touch the period, of `times`. `excused`: time of facilities in it that is excused, `later`: the
    part of that which nothing else excuses, and that had passed when it was declared. Where two declarations overlap,
    both have the time.
    """

    maintenance: Maintenance
    village: Village
    start: int
    end: int
    times: int
    excused: int
    later: int


def excused_by(report: Report) -> list[Excused]:
    """Returns the declarations of a report's villages, in order of their beginning."""
    judged: dict[str, list[JudgedFacility]] = defaultdict(list)
    for one in report.facilities:
        judged[one.village.code].append(one)
    found = [
        excused
        for one in report.beside.maintenance
        for excused in _excused(report, one, [each for each in report.villages if one.window.concerns(each)], judged)
    ]
    return sorted(found, key=lambda one: (one.start, one.maintenance.window.id))


def _excused(
    report: Report, one: Maintenance, villages: Sequence[Village], judged: dict[str, list[JudgedFacility]]
) -> Iterator[Excused]:
    touching: list[Interval] = []
    excused = later = times = 0
    for village in villages:
        start, end = report.period.window(village.timezone)
        end = min(end, report.cut)
        within = [each for each in stretches(one.window, village.timezone, end) if each[0] < end and each[1] > start]
        touching += within
        times = max(times, len(within))
        for facility in judged[village.code]:
            if one.window.facility in (None, facility.facility.id):
                more, of_that_later = _of_facility(facility, within, (max(start, facility.since), end))
                excused, later = excused + more, later + of_that_later
    if touching:
        ends = min(each[0] for each in touching), max(each[1] for each in touching)
        yield Excused(one, villages[0], *ends, times, excused, later)


def _of_facility(one: JudgedFacility, within: Sequence[Interval], window: Interval) -> tuple[int, int]:
    excused = later = 0
    for span in one.history.spans:
        if not span.excused:
            continue
        for start, end in within:
            length = min(span.end, end, window[1]) - max(span.start, start, window[0])
            if length > 0:
                excused += length
                later += length if span.excused_later else 0
    return excused, later
