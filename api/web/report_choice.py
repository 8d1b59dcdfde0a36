"""Which reports a page offers: periods, those that ended last first, and scopes by name."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from urllib.parse import urlencode

from sqlalchemy import Connection

from api.queries.places import Place, places_within, region_names
from api.reports.numbers import Numbers
from api.reports.period import Period, Unit, holding
from api.words import Language, Words
from siaga.model.local_time import NO_VILLAGES_ZONE, local_date
from siaga.model.scope import EVERYTHING, Scope, Scopes, parse_scope

__all__ = ["Asked", "Choice", "Option", "PeriodGroup", "Region", "choice", "closed", "scope_name"]

_UNITS: Mapping[Unit, int] = {
    Unit.DAY: 8,
    Unit.WEEK: 8,
    Unit.MONTH: 13,
    Unit.QUARTER: 8,
    Unit.HALF: 4,
    Unit.YEAR: 3,
}
"""How many periods of a unit are offered, the running one included."""
_MOST_VILLAGES = 60
"""Of more villages only those of the chosen sub-district are offered: the list stays short on a phone."""
_PREFIXES = (1, 2, 3)
"""Parts of a code that name a province, a district, a sub-district."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks for, as the API's query names it."""

    period: str = ""
    start: str = ""
    end: str = ""
    scope: str = EVERYTHING
    language: str = Language.ID.value

    @property
    def is_any(self) -> bool:
        """Whether a period is asked for."""
        return bool(self.period or self.start or self.end)

    def query(self, **more: str | int) -> str:
        """Returns the query of an address that asks for the same, and for more."""
        parts = {"period": self.period, "from": self.start, "to": self.end, "scope": self.scope}
        return urlencode([*((key, value) for key, value in parts.items() if value), *more.items()])

    def narrowed(self, scope: str) -> "Asked":
        """Returns the same of another scope."""
        return Asked(self.period, self.start, self.end, scope, self.language)


@dataclass(frozen=True, slots=True)
class Option:
    """What can be chosen. `depth`: how far it stands in."""

    value: str
    text: str
    depth: int = 0


@dataclass(frozen=True, slots=True)
class PeriodGroup:
    """Periods of one unit."""

    unit: str
    options: Sequence[Option]


@dataclass(frozen=True, slots=True)
class Region:
    """Names and villages of what somebody may see."""

    places: Sequence[Place]
    names: Mapping[str, str]
    seen: Scopes = field(default_factory=lambda: Scopes(()))

    @property
    def zone(self) -> str:
        """The time zone whose calendar is offered: of the first village."""
        return self.places[0].timezone if self.places else NO_VILLAGES_ZONE


@dataclass(frozen=True, slots=True)
class Choice:
    """What a page offers. `closed`: the last period of each unit that is over. `more_villages`: not all are offered."""

    closed: Sequence[Option]
    periods: Sequence[PeriodGroup]
    scopes: Sequence[Option]
    more_villages: bool
    region: Region


def choice(connection: Connection, words: Words, seen: Scopes, asked: Asked, now: int) -> Choice:
    """Returns what is offered to somebody who sees some scopes. `now`: wall time, ms."""
    region = Region(places_within(connection, seen), region_names(connection), seen)
    numbers, today = Numbers(words.language), local_date(now, region.zone)
    last = closed(today)
    scopes, more = _scopes(region, words, asked.scope)
    return Choice(
        [Option(one.name, _named(numbers, one)) for one in last],
        [PeriodGroup(unit.value, [*_periods(numbers, unit, today, last)]) for unit in _UNITS],
        scopes,
        more,
        region,
    )


def closed(today: date) -> list[Period]:
    """Returns the last period of each unit that ended before a date or with it."""
    return [found for unit in _UNITS if (found := holding(unit, today).before) is not None]


def scope_name(region: Region, words: Words, text: str) -> str:
    """Returns what people call a scope."""
    if text == EVERYTHING:
        return words("reports_all_villages") if region.seen.everything else words("reports_all_seen")
    village = next((one.name for one in region.places if one.code == text), None)
    name = village or region.names.get(text)
    return text if name is None else f"{name} ({text})"


def _named(numbers: Numbers, period: Period) -> str:
    return numbers.period(period)


def _periods(numbers: Numbers, unit: Unit, today: date, but: Sequence[Period]) -> Iterator[Option]:
    period: Period | None = holding(unit, today)
    for _ in range(_UNITS[unit]):
        if period is None:
            return
        if period not in but:
            yield Option(period.name, _named(numbers, period))
        period = period.before


def _scopes(region: Region, words: Words, chosen: str) -> tuple[list[Option], bool]:
    """Returns the scopes that can be chosen, and whether villages are left out."""
    codes = {
        ".".join(parts[:length])
        for one in region.places
        for parts in [one.code.split(".")]
        for length in _PREFIXES
        if region.seen.covers(Scope(".".join(parts[:length])))
    }
    villages = region.places
    if len(villages) > _MOST_VILLAGES:
        inside = ".".join(chosen.split(".")[:3]) if chosen.count(".") >= 2 else None
        villages = [one for one in villages if inside is not None and one.code.startswith(f"{inside}.")]
    codes |= {one.code for one in villages}
    options = [Option(EVERYTHING, scope_name(region, words, EVERYTHING))]
    options += [Option(code, scope_name(region, words, code), code.count(".")) for code in sorted(codes)]
    if all(one.value != chosen for one in options):
        options.append(Option(chosen, scope_name(region, words, str(parse_scope(chosen).text))))
    return options, len(villages) < len(region.places)
