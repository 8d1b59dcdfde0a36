"""A report: its rows on all levels, and its outages. What every form shows, and nothing of how it is shown."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise

from api.reports.beside import Beside
from api.reports.facility import JudgedFacility, Outage, judge_facility
from api.reports.figures import Budget, Figures, total
from api.reports.levels import Level, district_of, levels, subdistrict_of
from api.reports.period import Period
from api.reports.source import Source, VillageHistory
from api.words import WORDS, Language, Words
from siaga.model.indicators import INDICATORS
from siaga.model.intervals import Interval
from siaga.model.local_time import local_moment
from siaga.model.scope import EVERYTHING, Scope, Scopes
from siaga.model.sites import Village
from siaga.timeline.availability import Availability

__all__ = ["Report", "Row", "build"]


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `since`: from when the first of its facilities is judged, ms.

    `before` and `a_year_ago` are what its facilities came to in the whole of the earlier periods; `None` where nothing
    was required then. `target` is `None` where its facilities have different ones, or it is of several indicators.
    """

    level: Level
    id: str
    name: str
    kind: str | None
    figures: Figures
    target: Fraction | None
    since: int
    before: Availability | None = None
    a_year_ago: Availability | None = None

    @property
    def budget(self) -> Budget | None:
        """The failure that the target leaves, and what is left of it."""
        return None if self.target is None else self.figures.budget(self.target)


@dataclass(frozen=True, slots=True)
class Report:
    """The report of a period and some scopes, as known at `generated_at` (wall time, ms).

    `cut`: what lies after it is not counted, ms; a revision has that of the first report.
    `timezones` are those of its villages, by code. `outages` come in order of their start. `villages` are all of the
    scopes, judged or not, and `facilities` those that were judged, both in order of their codes. `regions`: names.
    `beside`: what people see beside the rows.
    """

    period: Period
    scopes: Scopes
    language: Language
    generated_at: int
    cut: int
    provisional: bool
    rows: Sequence[Row]
    outages: Sequence[Outage]
    timezones: Mapping[str, str]
    villages: Sequence[Village]
    facilities: Sequence[JudgedFacility]
    regions: Mapping[str, str]
    beside: Beside = field(default_factory=Beside)

    @property
    def levels(self) -> Sequence[Level]:
        """The levels that rows of its scopes can have."""
        return levels(self.scopes)


def build(
    source: Source, period: Period, scopes: Scopes, language: Language, now: int, *, generated_at: int | None = None
) -> Report:
    """Returns the report. Villages of the source that lie outside of the scopes do not count.

    Args:
        source: the histories, from the read side.
        period: which local dates.
        scopes: which villages.
        language: of the names of indicators, and of what all is called.
        now: wall time, ms; what lies after it is not counted.
        generated_at: when the report is made, ms, where that is later than `now`.
    """
    villages = sorted((one for one in source.villages if scopes.holds(one.village.code)), key=_by_code)
    judged = [facility for village in villages for facility in _judged(village, period, now)]
    names = _Names(source.regions, WORDS[language])
    rows = tuple(_rows(judged, scopes, names))
    runs = any(now < period.window(village.village.timezone)[1] for village in villages)
    return Report(
        period,
        scopes,
        language,
        now if generated_at is None else generated_at,
        now,
        runs or any(one.figures.days.provisional for one in judged),
        rows,
        sorted((outage for one in judged for outage in one.outages), key=lambda found: (found.start, found.facility)),
        {village.village.code: village.village.timezone for village in villages},
        [village.village for village in villages],
        judged,
        source.regions,
        source.beside,
    )


def _by_code(village: VillageHistory) -> str:
    return village.village.code


def _judged(village: VillageHistory, period: Period, now: int) -> Iterator[JudgedFacility]:
    days = _days(period, village.village.timezone)
    for history in sorted(village.facilities, key=lambda one: one.facility.id):
        found = judge_facility(village.village, history, days, village.heard_until, now)
        if found is not None:
            yield found


@lru_cache(maxsize=64)
def _days(period: Period, timezone: str) -> list[Interval]:
    """The days of the period by the clock of a time zone."""
    bounds = [local_moment(date, 0, timezone) for date in (*period.dates, period.end)]
    return list(pairwise(bounds))


@dataclass(frozen=True, slots=True)
class _Names:
    """What rows are called."""

    regions: Mapping[str, str]
    words: Words

    def of(self, level: Level, id_: str, kind: str | None, one: JudgedFacility) -> str:
        """The name of a row; `one` is any facility of it."""
        match level:
            case Level.FACILITY:
                return one.facility.name
            case Level.VILLAGE:
                return one.village.name
            case Level.ALL:
                return self.words("report_all")
            case _ if kind is not None:
                return self.words.kind(kind)
            case _:
                return self.regions.get(id_, id_)


@dataclass(frozen=True, slots=True)
class _Group:
    """What a row is of. `one`: any facility of it. `targets`: of its facilities."""

    one: JudgedFacility
    figures: Figures
    targets: frozenset[float]
    since: int
    before: Availability | None
    a_year_ago: Availability | None


_Key = tuple[str, str | None]
"""The id of a row, and its kind of facility."""
_PARTS = {
    Level.VILLAGE_INDICATOR: Level.FACILITY,
    Level.VILLAGE: Level.VILLAGE_INDICATOR,
    Level.SUBDISTRICT_INDICATOR: Level.VILLAGE_INDICATOR,
    Level.SUBDISTRICT: Level.SUBDISTRICT_INDICATOR,
    Level.DISTRICT_INDICATOR: Level.SUBDISTRICT_INDICATOR,
    Level.DISTRICT: Level.DISTRICT_INDICATOR,
    Level.INDICATOR: Level.DISTRICT_INDICATOR,
    Level.ALL: Level.INDICATOR,
}
"""Of which rows the rows of a level are the sums: sums of sums, so that nothing is added up twice."""


def _rows(judged: Sequence[JudgedFacility], scopes: Scopes, names: _Names) -> Iterator[Row]:
    """All rows that are not wider than one of the scopes, level by level.

    Within a level they come by id, and then in the order of the programme's indicators.
    """
    found: dict[Level, dict[_Key, _Group]] = {}
    for level in levels(scopes):
        found[level] = _groups(level, judged) if level is Level.FACILITY else _sums(level, found[_PARTS[level]])
        for (id_, kind), group in sorted(found[level].items(), key=lambda item: (item[0][0], _place(item[0][1]))):
            if level is Level.FACILITY or scopes.covers(Scope(id_)):
                yield _row(level, id_, kind, names.of(level, id_, kind, group.one), group)


def _groups(level: Level, judged: Sequence[JudgedFacility]) -> dict[_Key, _Group]:
    return {
        (_id(level, one), one.facility.kind): _Group(
            one, one.figures, frozenset([one.held_to.target]), one.since, one.history.before, one.history.a_year_ago
        )
        for one in judged
    }


def _sums(level: Level, narrower: Mapping[_Key, _Group]) -> dict[_Key, _Group]:
    members: dict[_Key, list[_Group]] = defaultdict(list)
    for (_, kind), group in narrower.items():
        members[_id(level, group.one), kind if level.of_one_kind else None].append(group)
    return {key: groups[0] if len(groups) == 1 else _sum_of(groups) for key, groups in members.items()}


def _sum_of(groups: Sequence[_Group]) -> _Group:
    return _Group(
        groups[0].one,
        total(one.figures for one in groups),
        frozenset[float]().union(*(one.targets for one in groups)),
        min(one.since for one in groups),
        _sum(one.before for one in groups),
        _sum(one.a_year_ago for one in groups),
    )


def _place(kind: str | None) -> int:
    return 0 if kind is None else INDICATORS[kind].number


def _id(level: Level, one: JudgedFacility) -> str:
    match level:
        case Level.FACILITY:
            return one.name
        case Level.VILLAGE_INDICATOR | Level.VILLAGE:
            return one.village.code
        case Level.SUBDISTRICT_INDICATOR | Level.SUBDISTRICT:
            return subdistrict_of(one.village.code)
        case Level.DISTRICT_INDICATOR | Level.DISTRICT:
            return district_of(one.village.code)
        case Level.INDICATOR | Level.ALL:
            return EVERYTHING


def _row(level: Level, id_: str, kind: str | None, name: str, group: _Group) -> Row:
    # As it was written: in binary 1 - 0.99 is more than a hundredth
    target = Fraction(str(*group.targets)) if kind is not None and len(group.targets) == 1 else None
    return Row(level, id_, name, kind, group.figures, target, group.since, group.before, group.a_year_ago)


def _sum(parts: Iterable[Availability | None]) -> Availability | None:
    found = [part for part in parts if part is not None]
    return sum(found, Availability()) if found else None
