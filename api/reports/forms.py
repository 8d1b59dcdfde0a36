"""The forms of a report, and what can be asked for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from api.reports.documents import as_json
from api.reports.office import PLAIN, Office
from api.reports.period import Period
from api.reports.report import Report
from api.reports.table import as_csv
from api.words import Explained, Language, Sentence
from siaga.model.scope import Scopes

__all__ = ["CannotSet", "Form", "Question", "made"]


class Form(StrEnum):
    """What a report can be made as."""

    JSON = "json"
    CSV = "csv"
    XLSX = "xlsx"
    PDF = "pdf"

    @property
    def media_type(self) -> str:
        """Its media type."""
        return _MEDIA_TYPES[self]

    @property
    def compares(self) -> bool:
        """Whether it is for people, and shows the change against earlier periods."""
        return self in (Form.XLSX, Form.PDF)


_MEDIA_TYPES: Mapping[Form, str] = {
    Form.JSON: "application/json",
    Form.CSV: "text/csv; charset=utf-8",
    Form.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Form.PDF: "application/pdf",
}


def _json(report: Report, _: Office) -> bytes:
    return as_json(report)


def _csv(report: Report, _: Office) -> bytes:
    return as_csv(report)


def _xlsx(report: Report, office: Office) -> bytes:
    # XlsxWriter takes a tenth of a second to load: who asks for JSON does not wait for it
    from api.reports.sheets import as_xlsx  # noqa: PLC0415

    return as_xlsx(report, office.restitution)


def _pdf(report: Report, office: Office) -> bytes:
    from api.reports.pdf import as_pdf  # noqa: PLC0415 - typst is 60 MB

    return as_pdf(report, office)


_MAKERS: Mapping[Form, Callable[[Report, Office], bytes]] = {
    Form.JSON: _json,
    Form.CSV: _csv,
    Form.XLSX: _xlsx,
    Form.PDF: _pdf,
}


_NAMED = 3
"""Scopes that stand in the name of a file."""


class CannotSet(Explained):
    """Typst did not make the document."""

    def __init__(self, reason: str) -> None:
        super().__init__(Sentence("made_no_pdf", {"reason": reason}))


@dataclass(frozen=True, slots=True)
class Question:
    """Which report is asked for, of what the caller may see. `now`: wall time, ms."""

    period: Period
    scopes: Scopes
    language: Language
    form: Form
    now: int

    @property
    def filename(self) -> str:
        """What its file is called."""
        period = self.period.name.replace("/", "_")
        return f"siaga-{period}-{self._scopes()}.{self.form}"

    def _scopes(self) -> str:
        if self.scopes.everything:
            return "semua"
        return "_".join(self.scopes.texts[:_NAMED]) + ("_dll" if len(self.scopes.texts) > _NAMED else "")


def made(report: Report, form: Form, office: Office = PLAIN) -> bytes:
    """Returns the report as the bytes of a form; a PDF is in the form of the office."""
    return _MAKERS[form](report, office)
