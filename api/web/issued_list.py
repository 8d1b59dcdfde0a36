"""Issued reports in words, for a list and for a page of one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from api.issued.asked import read_period
from api.queries.issued import KeptReport
from api.reports.columns import ROW_COLUMNS, Column
from api.reports.figures import Share
from api.reports.pdf.numbers import NOTHING, Numbers
from api.web.report_choice import Region, scope_name
from api.words import Words

__all__ = ["ChangeLine", "FileLine", "IssuedLine", "change_lines", "issued_lines"]

_SCORECARD = "scorecard."
_CAUSES = "causes"


@dataclass(frozen=True, slots=True)
class FileLine:
    """A file of a report."""

    format: str
    size: str
    sha256: str


@dataclass(frozen=True, slots=True)
class IssuedLine:
    """An issued report in words."""

    id: str
    period: str
    scope: str
    language: str
    revision: int
    provisional: bool
    issued_at: str
    issued_by: str
    until: str
    schedule: str | None
    supersedes: str | None
    superseded_by: str | None
    files: Sequence[FileLine]


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """A figure that differs from the revision before, and why. `name`: of the facility, while it is there.

    `facility`: `VILLAGE/ID`, or the village alone.
    """

    facility: str
    name: str | None
    figure: str
    before: str
    after: str
    why: str


def issued_lines(kept: Sequence[KeptReport], words: Words, region: Region) -> list[IssuedLine]:
    """Returns reports in words, their times by the clock of the looker's first village."""
    numbers = Numbers(words.language)
    return [_line(one, words, numbers, region) for one in kept]


def _line(kept: KeptReport, words: Words, numbers: Numbers, region: Region) -> IssuedLine:
    return IssuedLine(
        kept.id,
        numbers.period(read_period(kept.period)),
        ", ".join(scope_name(region, words, scope) for scope in kept.scopes),
        kept.language,
        kept.revision,
        kept.provisional,
        f"{numbers.time(kept.issued_at, region.zone)} ({region.zone})",
        kept.issued_by,
        f"{numbers.time(kept.cut, region.zone)} ({region.zone})",
        kept.schedule,
        kept.supersedes,
        kept.superseded_by,
        [FileLine(file.format, words.size(file.bytes), file.sha256) for file in kept.files],
    )


def change_lines(kept: KeptReport, words: Words, named: Mapping[str, str], start: int, length: int) -> list[ChangeLine]:
    """Returns what differs from the revision before, in words, from the change `start` on.

    `named`: what facilities are called that are there today, by `VILLAGE/ID`.
    """
    language = words.language
    numbers = Numbers(language)
    lines = []
    for change in kept.changes[start : start + length]:
        figure = str(change["figure"])
        why = [words(f"reports_why_{part}") for part in str(change["why"]).split(",")]
        facility = "/".join(str(change[name]) for name in ("village", "facility") if change[name] is not None)
        lines.append(
            ChangeLine(
                facility,
                named.get(facility),
                _figure(figure, words),
                _value(figure, change["before"], words, numbers),
                _value(figure, change["after"], words, numbers),
                ", ".join(why),
            )
        )
    return lines


def _figure(name: str, words: Words) -> str:
    """Returns what a figure is called: a column, `causes.failed.gate_open`, or `scorecard.playground`."""
    if name.startswith(_SCORECARD):
        return words.kind(name.removeprefix(_SCORECARD))
    parts = name.split(".")
    if parts[0] == _CAUSES and len(parts) == 3:
        return f"{words(f'state_{parts[1]}')}: {words.cause(parts[1], parts[2]) or parts[2]}"
    column = "_".join(parts)
    return words(f"column_{column}") if column in ROW_COLUMNS else name


def _value(name: str, value: object, words: Words, numbers: Numbers) -> str:
    if name.startswith(_SCORECARD) and isinstance(value, str):
        return words(f"scorecard_{value}")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return NOTHING
    exact = Fraction(repr(value))  # by the digits that it was written with
    column = ROW_COLUMNS.get("_".join(name.split(".")), Column.SECONDS)
    if column is Column.SECONDS:
        return numbers.duration(exact * 1000)
    if column is Column.SHARE:
        return numbers.percent(Share(exact.numerator, exact.denominator))
    return numbers.count(int(exact))
