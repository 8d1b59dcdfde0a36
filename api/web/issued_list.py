"""Issued reports in words, for a list and for a page of one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from api.issued.asked import read_period
from api.queries.issued import KeptReport
from api.reports.changed import called, shown, why_of
from api.reports.numbers import Numbers
from api.web.report_choice import Region, scope_name
from api.words import Words

__all__ = ["ChangeLine", "FileLine", "IssuedLine", "change_lines", "issued_lines"]


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
    numbers = Numbers(words.language)
    lines = []
    for change in kept.changes[start : start + length]:
        figure = str(change["figure"])
        facility = "/".join(str(change[name]) for name in ("village", "facility") if change[name] is not None)
        lines.append(
            ChangeLine(
                facility,
                named.get(facility),
                called(figure, words),
                shown(figure, change["before"], words, numbers),
                shown(figure, change["after"], words, numbers),
                why_of(str(change["why"]), words),
            )
        )
    return lines
