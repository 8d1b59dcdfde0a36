"""The tables of the annexes, with typed cells: the one place from which PDF and XLSX take their numbers. Pure.

A time is `At` (ms and the zone by whose clock it is shown); a time span is whole milliseconds. What an XLSX has whole,
a PDF may cut: then it counts what it left out.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import lru_cache, partial

from api.attestations.scorecard import Scorecard
from api.queries.attestations import Kept
from api.queries.links import LinkFigures
from api.reports.annex_columns import COLUMNS, OF_A_CONTRACT, Type
from api.reports.beside import Line, LinkSum, line_of, sums
from api.reports.facility import JudgedFacility
from api.reports.figures import Share
from api.reports.levels import subdistrict_of
from api.reports.maintained import Excused, excused_by
from api.reports.report import Report
from api.reports.restitution import Restitution
from api.reports.sla import MonthBudget
from api.reports.sla_rows import Sla, by_kind, month_slas
from api.words import WORDS, Words
from siaga.model.intervals import Interval
from siaga.model.scope import Scope, Scopes
from siaga.timeline.verdict import Verdict

__all__ = ["Annex", "At", "Cell", "annexes", "below_target", "blank_counts"]


@dataclass(frozen=True, slots=True)
class At:
    """A time, ms, by the clock of a zone."""

    time: int
    timezone: str


Cell = str | int | Fraction | Share | At | date | None


@dataclass(frozen=True, slots=True)
class Annex:
    """One table. `name` and the columns' names are keys of words."""

    name: str
    columns: Mapping[str, Type]
    rows: Sequence[Sequence[Cell]]


def annexes(report: Report, contract: Restitution | None) -> Iterator[Annex]:
    """Yields the tables in order; one that would be empty is left out."""
    words = WORDS[report.language]
    every = (
        _below(report, words),
        _links(report),
        _sums("links_uplink", report, _uplinks(report).get),
        _sums("links_subdistrict", report, partial(_whole_subdistrict, report.scopes)),
        _blank(report, words),
        _attestations(report, words),
        _scorecards(report),
        *_slas(report, contract, words),
        _complaints(report, words),
        _maintenance(report),
    )
    for one in every:
        if one.rows:
            yield one


def below_target(report: Report) -> list[tuple[JudgedFacility, Fraction]]:
    """Returns the facilities that missed their target whatever is not known, the furthest from it first.

    Each with what is left of its budget, seconds: less than nothing.
    """
    found = [(one, one.figures.budget(_target(one)).left) for one in report.facilities if one.figures.low.whole]
    return sorted((each for each in found if each[1] < 0), key=_distance)


def _distance(below: tuple[JudgedFacility, Fraction]) -> tuple[float, str]:
    one, _ = below
    return one.figures.high.part / one.figures.high.whole - one.held_to.target, one.name


def blank_counts(report: Report) -> Mapping[Line, tuple[int, int | None]]:
    """Returns how many villages were never heard, or had no line, in the period and in the one before.

    Before: `None` where nothing is known of it.
    """
    now = [found for _, found, _ in _lines(report)]
    before = [found for _, _, found in _lines(report) if found is not None]
    return {line: (now.count(line), before.count(line) if before else None) for line in (Line.NEVER, Line.NO_LINE)}


def _target(one: JudgedFacility) -> Fraction:
    return _exact(one.held_to.target)


@lru_cache(maxsize=1024)
def _exact(target: float) -> Fraction:
    """A target as it was written."""
    return Fraction(str(target))


def _below(report: Report, words: Words) -> Annex:
    return Annex(
        "below",
        COLUMNS["below"],
        [
            (
                one.name,
                one.facility.name,
                one.village.name,
                words.kind(one.facility.kind),
                Share(_target(one).numerator, _target(one).denominator),
                one.figures.low,
                one.figures.high,
                one.figures.availability.failed,
                left * 1000,
            )
            for one, left in below_target(report)
        ],
    )


def _names(report: Report) -> Mapping[str, str]:
    return {village.code: village.name for village in report.villages}


def _uplinks(report: Report) -> Mapping[str, str | None]:
    return {village.code: village.uplink for village in report.villages}


def _links(report: Report) -> Annex:
    names, uplinks, before = _names(report), _uplinks(report), report.beside.links_before

    def row(one: LinkFigures) -> Sequence[Cell]:
        then = before.get(one.village)
        changed = None if then is None or one.blank else one.cut - then.cut
        figures = (one.cut, one.cuts, one.longest_cut, one.dark)
        return one.village, names[one.village], uplinks[one.village], *figures, changed

    return Annex("links", COLUMNS["links"], [row(one) for one in report.beside.links])


def _whole_subdistrict(scopes: Scopes, village: str) -> str | None:
    """Returns the sub-district of a village, if one of the scopes holds all of it; else `None`."""
    region = subdistrict_of(village)
    return region if any(scope.covers(Scope(region)) for scope in scopes) else None


def _sums(name: str, report: Report, key: Callable[[str], str | None]) -> Annex:
    never = {village for village, found, _ in _lines(report) if found is Line.NEVER}
    found: list[LinkSum] = sums(report.beside.links, never, key)
    rows = [(one.key, one.villages, one.cut, one.cuts, one.longest_cut, one.dark, one.never) for one in found]
    return Annex(name, COLUMNS[name], rows)


def _lines(report: Report) -> Iterator[tuple[str, Line | None, Line | None]]:
    """Each village with whether it could be heard, and whether it could in the period before."""
    period, beside, now = report.period, report.beside, report.cut
    before = period.before

    def window(which: Interval) -> Interval:
        return which[0], min(which[1], now)

    for one in beside.links:
        zone = report.timezones[one.village]
        heard = beside.heard_from.get(one.village)
        then = None
        if before is not None:
            then = line_of(beside.links_before.get(one.village), heard, window(before.window(zone)))
        yield one.village, line_of(one, heard, window(period.window(zone))), then


def _blank(report: Report, words: Words) -> Annex:
    names = _names(report)

    def said(line: Line | None) -> str | None:
        return None if line is None else words(f"annex_line_{line}")

    rows = [
        (village, names[village], said(found), said(before))
        for village, found, before in _lines(report)
        if found is not Line.HEARD or before in (Line.NO_LINE, Line.NEVER)
    ]
    return Annex("blank_spots", COLUMNS["blank_spots"], rows)


def _attestations(report: Report, words: Words) -> Annex:
    names = _names(report)

    def row(one: Kept) -> Sequence[Cell]:
        zone = report.timezones[one.village]
        skew = None if one.device_time is None else one.device_time - one.created_at
        sources = {words(f"annex_source_{photo.source}") for photo in one.photos if photo.source is not None}
        same = sorted({photo.same_as for photo in one.photos if photo.same_as is not None})
        return (
            one.village,
            names[one.village],
            words.kind(one.indicator),
            words("annex_attested_met" if one.met else "annex_attested_missed"),
            one.date,
            one.expires,
            one.by,
            At(one.created_at, zone),
            skew,
            one.distance,
            len(one.photos),
            ", ".join(sorted(sources)) or None,
            ", ".join(same) or None,
            one.confirmed_by if one.needs_review and one.confirmed_at is not None else _waits(one, words),
            None if one.confirmed_at is None else At(one.confirmed_at, zone),
            one.withdrawn_by,
            None if one.withdrawn_at is None else At(one.withdrawn_at, zone),
            one.note or None,
            one.id,
        )

    return Annex("attestations", COLUMNS["attestations"], [row(one) for one in report.beside.attestations])


def _waits(one: Kept, words: Words) -> str | None:
    return words("annex_waits") if one.needs_review and one.confirmed_at is None else None


def _scorecards(report: Report) -> Annex:
    names = _names(report)

    def row(card: Scorecard) -> Sequence[Cell]:
        numbers = [
            ", ".join(str(cell.indicator.number) for cell in card.cells if cell.verdict is verdict) or None
            for verdict in (Verdict.MET, Verdict.MISSED, Verdict.UNJUDGED)
        ]
        counts = [card.count(verdict) for verdict in (Verdict.MET, Verdict.MISSED, Verdict.UNJUDGED)]
        return card.village, names[card.village], card.day, *counts, *numbers

    return Annex("scorecards", COLUMNS["scorecards"], [row(card) for card in report.beside.scorecards])


def _complaints(report: Report, words: Words) -> Annex:
    names = _names(report)
    called = {(village.code, one.id): one.name for village in report.villages for one in village.facilities}
    rows = [
        (
            f"{one.village}/{one.facility}",
            called.get((one.village, one.facility), one.facility),
            names[one.village],
            words.kind(one.kind),
            one.complaints,
            one.contradicting,
            one.until_seen,
            one.until_ended,
        )
        for one in report.beside.complaints
    ]
    return Annex("complaints", COLUMNS["complaints"], rows)


def _maintenance(report: Report) -> Annex:
    called = {**_names(report), **{one.name: one.facility.name for one in report.facilities}}

    def row(one: Excused) -> Sequence[Cell]:
        window, zone = one.maintenance.window, one.village.timezone
        subject = window.uplink or "/".join(filter(None, (window.village, window.facility)))
        times = At(one.start, zone), At(one.end, zone), one.times
        said = one.maintenance.reason or None, one.maintenance.by, At(window.declared, zone)
        return subject, called.get(subject, subject), *times, *said, one.excused, one.later

    return Annex("maintenance", COLUMNS["maintenance"], [row(one) for one in excused_by(report)])


def _slas(report: Report, contract: Restitution | None, words: Words) -> tuple[Annex, Annex]:
    slas, paid = month_slas(report, contract), contract is not None

    def columns(name: str) -> Mapping[str, Type]:
        return {key: type_ for key, type_ in COLUMNS[name].items() if paid or key not in OF_A_CONTRACT}

    kinds = [
        (words.kind(one.kind), one.facilities, *_budget(one.budget), *((one.repaid,) if paid else ()))
        for one in by_kind(slas)
    ]
    each = [
        (
            one.one.name,
            one.one.facility.name,
            words.kind(one.one.facility.kind),
            *_budget(one.budget),
            *((one.downtime, one.repaid) if paid else ()),
        )
        for one in sorted(slas, key=_most_used)
    ]
    return Annex("sla_kinds", columns("sla_kinds"), kinds), Annex("sla", columns("sla"), each)


def _budget(budget: MonthBudget | None) -> tuple[Cell, ...]:
    if budget is None:
        return (None,) * 5
    target = Share(budget.target.numerator, budget.target.denominator)
    return target, budget.whole, budget.used, budget.left, budget.burn_rate


def _most_used(one: Sla) -> tuple[float, str]:
    """What has the least of its budget left, as a share of it, comes first."""
    whole = one.budget.whole
    return (float(one.budget.left) / float(whole) if whole else 1.0, one.one.name)
