"""Issued reports, as they are kept: lists, one, its files."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Select, false, or_, select, true

from api.issued.asked import read_period
from api.reports.forms import Form, Question
from api.words import Language
from siaga.database import tables
from siaga.database.scopes import within
from siaga.model.scope import Scope, Scopes

__all__ = [
    "KeptFile",
    "KeptReport",
    "Places",
    "content",
    "current",
    "listed",
    "one",
    "places",
    "public",
    "timezones_within",
]


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file of a report, without its content."""

    format: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class KeptReport:
    """An issued report. Wall times in ms; `number` grows with each. `period` as it was named."""

    number: int
    id: str
    period: str
    start: datetime.date
    end: datetime.date
    scopes: Sequence[str]
    language: str
    cut: int
    revision: int
    provisional: bool
    issued_at: int
    issued_by: str
    factors: Mapping[str, Mapping[str, str]]
    changes: Sequence[Mapping[str, object]]
    changes_left_out: int
    supersedes: str | None
    superseded_by: str | None
    schedule: str | None
    files: Sequence[KeptFile]

    def question(self, form: Form) -> Question:
        """Returns the question that the report answers, in a form."""
        scopes = Scopes.of(self.scopes)
        return Question(read_period(self.period), scopes, Language(self.language), form, self.issued_at)

    def file_name(self, form: Form) -> str:
        """Returns what a file of the report is called."""
        stem, _, ending = self.question(form).filename.rpartition(".")
        return f"{stem}-r{self.revision}.{ending}"


_ORDER = {"pdf": 0, "xlsx": 1, "csv": 2, "json": 3}


def listed(
    connection: Connection, seen: Scopes, scope: Scope | None, period: str | None, before: int | None, limit: int
) -> list[KeptReport]:
    """Returns the reports that tell of nothing outside of `seen`, the last issued first.

    `scope`: of nothing outside of it either. `period`: of this one. `before`: issued before the one of this number.
    """
    table = tables.report
    query = _seen(select(table), seen)
    if scope is not None:
        query = _seen(query, Scopes((scope,)))
    if period is not None:
        query = query.where(table.c.period == period)
    if before is not None:
        query = query.where(table.c.number < before)
    return _kept(connection, query.order_by(table.c.number.desc()).limit(limit))


def one(connection: Connection, seen: Scopes, report: str) -> KeptReport | None:
    """Returns the report of an id; `None`: there is none that tells of nothing outside of `seen`."""
    table = tables.report
    found = _kept(connection, _seen(select(table), seen).where(table.c.id == report))
    return found[0] if found else None


def public(connection: Connection, report: str) -> KeptReport | None:
    """Returns the report of an id to whoever has it: who holds the paper may know whether it is genuine."""
    found = _kept(connection, select(tables.report).where(tables.report.c.id == report))
    return found[0] if found else None


def current(connection: Connection, report: KeptReport) -> KeptReport:
    """Returns the last revision of a report: itself, where none supersedes it."""
    found = report
    while found.superseded_by is not None:
        following = public(connection, found.superseded_by)
        if following is None:
            break
        found = following
    return found


@dataclass(frozen=True, slots=True)
class Places:
    """What scopes are called, as far as they have names, and the time zone of the first village in them."""

    names: Mapping[str, str]
    timezone: str | None


def places(connection: Connection, scopes: Sequence[str]) -> Places:
    """Returns the names of some scopes."""
    village, region = tables.village, tables.region
    names = {
        code: name
        for table in (region, village)
        for code, name in connection.execute(select(table.c.code, table.c.name).where(table.c.code.in_(scopes)))
    }
    first = (
        select(village.c.timezone).where(within(village.c.code, Scopes.of(scopes))).order_by(village.c.code).limit(1)
    )
    return Places(names, connection.execute(first).scalar())


def content(connection: Connection, number: int, form: str) -> tuple[bytes, str] | None:
    """Returns the content of a file and its SHA-256."""
    table = tables.report_file
    query = select(table.c.content, table.c.sha256).where(table.c.report == number, table.c.format == form)
    row = connection.execute(query).one_or_none()
    return None if row is None else (bytes(row.content), row.sha256)


def timezones_within(connection: Connection, scopes: Scopes) -> Sequence[str]:
    """Returns the time zones of the villages in some scopes; none: there is no village."""
    table = tables.village
    query = select(table.c.timezone).where(within(table.c.code, scopes)).distinct()
    return connection.execute(query).scalars().all()


def _seen(query: Select[*tuple[object, ...]], seen: Scopes) -> Select[*tuple[object, ...]]:
    """Leave out what tells of anything outside of some scopes."""
    if seen.everything:
        return query
    table = tables.report_scope
    inside = or_(false(), *(_covered(table.c.scope, scope) for scope in seen))
    return query.where(~select(table.c.report).where(table.c.report == tables.report.c.number, ~inside).exists())


def _covered(column: ColumnElement[str], scope: Scope) -> ColumnElement[bool]:
    if scope.text == "*":
        return true()
    return or_(column == scope.text, column.startswith(f"{scope.text}.", autoescape=True))


def _kept(connection: Connection, query: Select[*tuple[object, ...]]) -> list[KeptReport]:
    rows = connection.execute(query).mappings().all()
    file = tables.report_file
    files: dict[int, list[KeptFile]] = {row["number"]: [] for row in rows}
    of_these = select(file.c.report, file.c.format, file.c.bytes, file.c.sha256).where(file.c.report.in_(files))
    for report, form, size, sha256 in connection.execute(of_these) if files else ():
        files[report].append(KeptFile(form, size, sha256))
    found = []
    for row in rows:
        period = read_period(row["period"])
        names = [name for name in KeptReport.__dataclass_fields__ if name not in ("start", "end", "files")]
        ordered = sorted(files[row["number"]], key=lambda file: _ORDER[file.format])
        found.append(
            KeptReport(**{name: row[name] for name in names}, start=period.start, end=period.end, files=ordered)
        )
    return found
