"""Sheets with QR codes, to hang up at facilities: A5, two on a page of A4, as PDF by typst.

All that a sheet says comes as data: no name of a facility is ever read as source. Fonts are those that typst brings.
"""

import io
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import orjson
import segno
import typst

from api.complaints.problems import OTHER, PICTOGRAMS, PROBLEMS
from api.queries.complaints import Place
from api.reports.pdf.characters import printable
from api.words import Explained, Sentence, Words

__all__ = ["CannotPrint", "code_as_svg", "form_address", "sheets_as_pdf"]

_TEMPLATE = Path(__file__).with_name("sheets.typ")
_MOST_PICTURES = 4
"""Problems that a sheet shows; the form has all."""


class CannotPrint(Explained):
    """The sheets cannot be made."""


def form_address(site: str, place: Place) -> str:
    """Returns where the form of a facility is. `site`: the address of the pages, without a slash at its end."""
    return f"{site}/lapor/{place.full_name}"


def code_as_svg(text: str) -> str:
    """Returns a QR code that still reads with a quarter of it torn off or dirty (level Q)."""
    out = io.BytesIO()
    segno.make(text, error="q", micro=False).save(out, kind="svg", border=4, xmldecl=False, svgns=True)
    return out.getvalue().decode()


def sheets_as_pdf(words: Words, places: Sequence[Place], site: str, time: int) -> bytes:
    """Returns a sheet for each facility. `time`: what the file says when it was made, ms.

    Raises:
        CannotPrint: typst cannot set them.
    """
    given = {
        "title": words("qr_title"),
        "language": words.language.value,
        "sentence": words("qr_sentence"),
        "privacy": words("qr_privacy"),
        "typed": words("qr_typed"),
        "code": words("qr_code"),
        "sheets": [_sheet(words, place, form_address(site, place)) for place in places],
    }
    try:
        made = typst.compile(
            _template(),
            format="pdf",
            sys_inputs={"given": orjson.dumps(given).decode()},
            ignore_system_fonts=True,
            timestamp=time // 1000,
        )
    except typst.TypstError as problem:
        raise CannotPrint(Sentence("made_failed", {"reason": problem.message[:200]})) from None
    if not isinstance(made, bytes):
        raise CannotPrint(Sentence("made_failed", {"reason": "it made no file"}))
    return made


def _sheet(words: Words, place: Place, address: str) -> dict[str, object]:
    problems = [one for one in PROBLEMS[place.kind] if one is not OTHER][:_MOST_PICTURES]
    return {
        "name": printable(place.name),
        "village": printable(place.village_name),
        "address": address.partition("://")[2] or address,
        "qr": code_as_svg(address),
        "pictures": [
            {"svg": _drawn(PICTOGRAMS[one.pictogram]), "name": words(f"problem_{one.name}")} for one in problems
        ],
    }


def _drawn(path: str) -> str:
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="#000" stroke-width="1.8" '
        f'stroke-linecap="round" stroke-linejoin="round"><path d="{path}"/></svg>'
    )


@cache
def _template() -> bytes:
    return _TEMPLATE.read_bytes()
