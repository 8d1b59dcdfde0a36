"""What a page shows of a report: its summary, or one of its tables in parts.

All numbers are written here, from the report's whole milliseconds, as the other forms for people write them: a page
computes nothing.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from api.reports.facility import JudgedFacility, Outage
from api.reports.figures import Figures, Share
from api.reports.levels import Level
from api.reports.numbers import Numbers
from api.reports.pdf.facts import Facts, Goal, facts, goal, target_of
from api.reports.report import Report
from api.words import WORDS
from siaga.model.local_time import NO_VILLAGES_ZONE
from siaga.timeline.availability import Availability

__all__ = ["BELOW", "LENGTH", "OUTAGES", "TABLES", "Figure", "Glance", "Line", "OutageLine", "Part", "Table", "glance"]

OUTAGES = "outages"
BELOW = "below"
OFTEN = "often"
LASTING = "lasting"
TABLES = (*Level, OUTAGES, BELOW, OFTEN, LASTING)
"""Tables that can be looked at alone: the rows of a level, all outages, all facilities that missed their target, those
that failed most often, and those that failed for the longest time in all."""
LENGTH = 50
"""Lines of a table that is looked at alone."""
_WORST = 10
_FIRST = 3
"""Lines of a level in the first view."""


@dataclass(frozen=True, slots=True)
class Part:
    """What is looked at: the first view, or one table (`table`) from its line `start`, which counts from 0."""

    table: str | None = None
    start: int = 0


@dataclass(frozen=True, slots=True)
class Figure:
    """A share in words. `part` and `whole`: hours and minutes. `before`, `a_year_ago`: points of per cent, signed."""

    percent: str
    part: str
    whole: str
    before: str | None
    a_year_ago: str | None


@dataclass(frozen=True, slots=True)
class Line:
    """A row in words. `where`: the village of a facility. `change`: of `low`, against the period before.

    `unexcused`: how long it failed without an excuse. `longest`: of its outages; `mean`: of those that are over.
    """

    id: str
    name: str
    kind: str | None
    where: str | None
    facilities: str
    low: str
    high: str
    measured: str
    required: str
    met: str
    failed: str
    unknown: str
    unexcused: str
    outages: str
    longest: str
    mean: str
    target: str
    left: str
    goal: str
    change: str


@dataclass(frozen=True, slots=True)
class OutageLine:
    """An outage in words. `end` is `None` while it goes on. `who` acknowledged it, and when.

    `alert`: the id of its alert, whose page says what speaks for it and who did what.
    """

    facility: str
    name: str
    where: str
    start: str
    end: str | None
    lasts: str
    cause: str
    who: str | None
    at: str | None
    alert: str | None


@dataclass(frozen=True, slots=True)
class Table:
    """Lines `start` to `start + len(lines)` of the `total` of a table."""

    name: str
    total: int
    start: int
    lines: Sequence[Line] = ()
    outages: Sequence[OutageLine] = ()


@dataclass(frozen=True, slots=True)
class Glance:
    """A report at a glance. Without `facilities` nothing was judged. `kinds` are the indicators' totals.

    `tables`: the levels with their first rows, or the one table that is looked at.
    """

    provisional: bool
    generated_at: str
    facilities: int
    judged_kinds: Sequence[str]
    low: Figure
    measured: Figure
    unknown: Figure
    high: str
    excused: str
    excused_later: str
    achieved: int
    missed: int
    open: int
    not_judged: int
    kinds: Sequence[Line]
    longest: Table
    often: Table
    below: Table
    tables: Sequence[Table]


def glance(report: Report, part: Part) -> Glance:
    """Returns what a page shows of a report."""
    return _Glancing(report).at(part)


class _Glancing:
    """A report, and the words and numbers of its language."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._facts: Facts = facts(report)
        self._numbers = Numbers(report.language)
        self._words = WORDS[report.language]
        self._facilities = {one.name: one for one in report.facilities}
        self._zone = next(iter(report.timezones.values()), NO_VILLAGES_ZONE)

    def at(self, part: Part) -> Glance:
        report, found, numbers = self._report, self._facts, self._numbers
        everything = found.everything
        time = everything.availability
        before = _sum(one.history.before for one in report.facilities)
        _, another = report.period.earlier
        year = None if another is None else _sum(one.history.a_year_ago for one in report.facilities)
        goals = found.goals
        first = part.table is None
        return Glance(
            provisional=report.provisional,
            generated_at=f"{numbers.time(report.generated_at, self._zone)} ({self._zone})",
            facilities=everything.facilities,
            judged_kinds=[one.kind for one in found.kinds],
            low=self._figure(everything.low, _low(before), _low(year)),
            measured=self._figure(everything.measured, _measured(before), _measured(year)),
            unknown=self._figure(Share(time.unknown, time.required), _unknown(before), _unknown(year)),
            high=numbers.percent(everything.high),
            excused=numbers.duration(time.excused),
            excused_later=numbers.duration(time.excused_later),
            achieved=goals[Goal.ACHIEVED],
            missed=goals[Goal.MISSED],
            open=goals[Goal.OPEN] + goals[Goal.NONE],
            not_judged=len(found.not_judged),
            kinds=[*self._kinds()] if first else [],
            longest=self._outages(found.longest, 0, _WORST if first else 0),
            often=self._often(OFTEN, 0, _WORST if first else 0),
            below=self._below(0, _WORST if first else 0),
            tables=[*self._tables(part)],
        )

    def _figure(self, share: Share, before: Share, year: Share) -> Figure:
        numbers = self._numbers
        part, whole = numbers.duration(share.part), numbers.duration(share.whole)
        return Figure(numbers.percent(share), part, whole, self._change(before, share), self._change(year, share))

    def _change(self, before: Share, now: Share) -> str | None:
        return self._numbers.change(before, now) if before.whole and now.whole else None

    def _kinds(self) -> Iterator[Line]:
        for one in self._facts.kinds:
            name = self._words.kind(one.kind)
            yield self._line("*", name, one.kind, None, one.figures, one.target, one.before)

    def _tables(self, part: Part) -> Iterator[Table]:
        if part.table is None:
            # A facility's row of a level of several says nothing that the indicators do not
            for level in reversed(self._report.levels):
                if level not in (Level.ALL, Level.INDICATOR):
                    yield self._level(level, 0, _FIRST)
        elif part.table == OUTAGES:
            yield self._outages(self._report.outages, part.start, LENGTH)
        elif part.table == BELOW:
            yield self._below(part.start, LENGTH)
        elif part.table in (OFTEN, LASTING):
            yield self._often(part.table, part.start, LENGTH)
        else:
            yield self._level(Level(part.table), part.start, LENGTH)

    def _level(self, level: Level, start: int, length: int) -> Table:
        rows = [row for row in self._report.rows if row.level is level]
        lines = [
            self._line(row.id, row.name, row.kind, self._where(level, row.id), row.figures, row.target, row.before)
            for row in rows[start : start + length]
        ]
        return Table(level.value, len(rows), start, lines)

    def _below(self, start: int, length: int) -> Table:
        found = self._facts.below
        lines = [self._facility(one) for one in found[start : start + length]]
        return Table(BELOW, len(found), start, lines)

    def _often(self, table: str, start: int, length: int) -> Table:
        """Returns the facilities that had an outage: by how many, or by how long they failed in all."""

        def order(one: JudgedFacility) -> tuple[int, int, str]:
            count, time = one.figures.outages, _unexcused(one.figures)
            return (-count, -time, one.name) if table == OFTEN else (-time, -count, one.name)

        found = sorted((one for one in self._report.facilities if one.figures.outages), key=order)
        return Table(table, len(found), start, [self._facility(one) for one in found[start : start + length]])

    def _facility(self, one: JudgedFacility) -> Line:
        where = self._where(Level.FACILITY, one.name)
        facility, history = one.facility, one.history
        return self._line(one.name, facility.name, facility.kind, where, one.figures, target_of(one), history.before)

    def _where(self, level: Level, id_: str) -> str | None:
        """Returns what a row's name does not say: of which place it is."""
        if level is Level.FACILITY:
            return self._facilities[id_].village.name
        if level is Level.VILLAGE_INDICATOR:
            return next(village.name for village in self._report.villages if village.code == id_)
        return self._report.regions.get(id_, id_) if level.of_one_kind else None

    def _line(
        self,
        id_: str,
        name: str,
        kind: str | None,
        where: str | None,
        figures: Figures,
        target: Fraction | None,
        before: Availability | None,
    ) -> Line:
        numbers, time = self._numbers, figures.availability
        left = None if target is None else figures.budget(target).left * 1000
        return Line(
            id_,
            name,
            kind,
            where,
            numbers.count(figures.facilities),
            numbers.percent(figures.low),
            numbers.percent(figures.high),
            numbers.percent(figures.measured),
            numbers.duration(time.required),
            numbers.duration(time.met),
            numbers.duration(time.failed),
            numbers.duration(time.unknown),
            numbers.duration(_unexcused(figures)),
            numbers.count(figures.outages),
            numbers.duration(figures.longest_outage or None),
            numbers.duration(figures.mttr),
            numbers.target(target),
            numbers.duration(left),
            goal(figures, target).value,
            numbers.change(_low(before), figures.low),
        )

    def _outages(self, found: Sequence[Outage], start: int, length: int) -> Table:
        lines = [self._outage(one) for one in found[start : start + length]]
        return Table(OUTAGES, len(found), start, outages=lines)

    def _outage(self, outage: Outage) -> OutageLine:
        one, numbers, alert = self._facilities[outage.facility], self._numbers, outage.alert
        zone = one.village.timezone
        at = None if alert is None else alert.acknowledged_at
        return OutageLine(
            outage.facility,
            one.facility.name,
            one.village.name,
            numbers.time(outage.start, zone),
            None if outage.end is None else numbers.time(outage.end, zone),
            numbers.duration(outage.lasts),
            self._words.cause("failed", outage.cause) or "–",
            None if alert is None else alert.acknowledged_by,
            None if at is None else numbers.time(at, zone),
            None if alert is None else alert.id,
        )


def _unexcused(figures: Figures) -> int:
    return figures.availability.failed - figures.availability.excused_failed


def _low(time: Availability | None) -> Share:
    return Share(0, 0) if time is None else Share(time.met, time.counted)


def _measured(time: Availability | None) -> Share:
    return Share(0, 0) if time is None else Share(time.met, time.required)


def _unknown(time: Availability | None) -> Share:
    return Share(0, 0) if time is None else Share(time.unknown, time.required)


def _sum(parts: Iterable[Availability | None]) -> Availability | None:
    found = [part for part in parts if part is not None]
    return sum(found, Availability()) if found else None
