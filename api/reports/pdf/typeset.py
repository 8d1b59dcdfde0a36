"""Typst as a library: blocks in, PDF out. The same document gives the same bytes.

Fonts are those that typst brings (Libertinus Serif, SIL Open Font License); those of the machine are not looked at.
PDF/A-2a and PDF/UA-1 are checked by typst itself: a document that is not both is not made.
"""

import io
from functools import cache
from pathlib import Path

import orjson
import segno
import typst

from api.reports.forms import CannotSet
from api.reports.office import PLAIN, Logo, Office
from api.reports.pdf.characters import printable
from api.reports.pdf.content import Document, Issue, compose
from api.reports.report import Report

__all__ = ["as_pdf", "problem_of", "typeset"]

_TEMPLATE = Path(__file__).with_name("report.typ")
_VERBATIM = frozenset({"svg", "legend", "scale", "rows"})
"""Pictures, and the cells of tables, which are printable already (`blocks.table`)."""


def as_pdf(report: Report, office: Office = PLAIN, issue: Issue | None = None) -> bytes:
    """Returns the report as PDF; the same report gives the same bytes."""
    code = None if issue is None or issue.link is None else issue.link
    return typeset(compose(report, office, issue), office.logo, code, report.generated_at)


def typeset(document: Document, logo: Logo | None, code: str | None, time: int) -> bytes:
    """Returns a document as PDF.

    Args:
        document: what stands in it.
        logo: the picture of the letterhead.
        code: what the QR code on the cover says.
        time: what the file says when it was made, ms.

    Raises:
        CannotSet: it cannot be made, or is not PDF/A-2a and PDF/UA-1.
    """
    given = {
        "document": _printable(document),
        "logo": None if logo is None else {"format": logo.format, "data": list(logo.data)},
        "qr": None if code is None else _qr(code),
    }
    told = orjson.dumps(given).decode()
    del given, document  # a district's pictures are 15 MB, and typst has its own copy
    try:
        made = typst.compile(
            _template(),
            format="pdf",
            sys_inputs={"given": told},
            ignore_system_fonts=True,
            pdf_standards=["a-2a", "ua-1"],
            timestamp=time // 1000,
        )
    except typst.TypstError as problem:
        hints = "; ".join(problem.hints)
        raise CannotSet(f"{problem.message}{f' ({hints})' if hints else ''}") from None
    if not isinstance(made, bytes):
        raise CannotSet("it made no file")
    return made


def problem_of(logo: Logo) -> str | None:
    """Returns why a picture cannot be drawn; `None`: it can."""
    given = {"format": logo.format, "data": list(logo.data)}
    source = b"#let d = json(bytes(sys.inputs.given))\n#image(bytes(d.data), format: d.format)"
    try:
        typst.compile(
            source, format="pdf", sys_inputs={"given": orjson.dumps(given).decode()}, ignore_system_fonts=True
        )
    except typst.TypstError as problem:
        return problem.message
    return None


@cache
def _template() -> bytes:
    return _TEMPLATE.read_bytes()


def _qr(text: str) -> str:
    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(out, kind="svg", border=4, xmldecl=False, svgns=True)
    return out.getvalue().decode()


def _printable(value: object, key: str = "") -> object:
    """The value with every text in it as the font can show it; what is `_VERBATIM` stays as it is."""
    match value:
        case str():
            return value if key in _VERBATIM else printable(value)
        case dict():
            return {name: _printable(inner, name) for name, inner in value.items()}
        case list() | tuple():
            return [_printable(inner, key) for inner in value]
        case _:
            return value
