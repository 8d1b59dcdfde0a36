"""The annexes beside the rows: below target, links and blank spots, attestations, scorecards, SLA.

Their numbers are those of `api.reports.annexes`, as the XLSX has them. Each shows a part, and says what it leaves out:
a cell of a table takes ten kilobytes of memory while it is set.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction

from api.reports.annex_columns import Type
from api.reports.annexes import Annex, At, Cell, annexes, blank_counts
from api.reports.figures import Share
from api.reports.numbers import NOTHING, Numbers
from api.reports.pdf.blocks import Block, Column, column, heading, long_table, text
from api.reports.pdf.context import Context
from api.words import Words

__all__ = ["ANNEXES", "MOST_ROWS", "side_annexes"]

MOST_ROWS = 400
"""Rows of one table: a district's villages, or the facilities that are worst off."""
_WORST = 200
"""Rows of a table of facilities, the worst first."""
_OF_FACILITIES = ("below", "sla", "complaints")
_WIDE = {Type.TEXT: 2.0, Type.TIME: 1.5, Type.DATE: 1.3}
_NUMBERS = {Type.TIME_SPAN: 1.2, Type.RATE: 0.8}
_NAME = 2.2
"""Parts of the width: of a name with the code of what it names."""
_REPAID = 1.35
"""Parts of the width: of the column of restitutions, whose heading is one long word."""
_FACTS = ("clock", "distance_m", "photos", "source", "same_as", "confirmed_by", "withdrawn_by", "note")
"""Columns of attestations that stand in one cell, each with its name."""
_LEFT_OUT = {
    "below": ("name", "availability_high"),
    "links": ("village",),
    "blank_spots": (),
    "attestations": (*_FACTS, "village", "confirmed_at", "withdrawn_at", "attestation"),
    "scorecards": ("met", "missed", "unjudged", "date"),
    "sla": ("name",),
    "complaints": ("name", "village"),
    "maintenance": ("name",),
}
"""Columns that the page is too narrow for: their XLSX has them."""
_NAMED = {"below": "name", "links": "village", "sla": "name", "complaints": "name", "maintenance": "name"}
"""Columns that stand in one cell with the code of what they name, and give it their heading."""
ANNEXES = {
    "below": ("below",),
    "links": ("links_uplink", "links_subdistrict", "blank_spots", "links"),
    "attestations": ("attestations",),
    "scorecards": ("scorecards",),
    "sla": ("sla_kinds", "sla"),
    "complaints": ("complaints",),
    "maintenance": ("maintenance",),
}
"""The annexes with their tables, in order."""


def side_annexes(here: Context) -> Iterator[Block]:
    """Yields the annexes."""
    words = here.say
    contract = here.office.restitution
    tables = {one.name: one for one in annexes(here.report, contract)}
    for name, parts in ANNEXES.items():
        yield heading(1, words(f"annex_{name}"), page=True)
        found = [tables[part] for part in parts if part in tables]
        if not found:
            nothing = name == "below" and not here.report.facilities
            yield text(words("pdf_nothing_judged" if nothing else f"annex_none_{name}"))
            continue
        for sentence in _sentences(here, name, words):
            yield text(sentence)
        for one in found:
            yield from _links(here, one, words) if one.name == "links" else _table(here, one, words)


def _sentences(here: Context, name: str, words: Words) -> Iterator[str]:
    """What stands before the tables."""
    number = here.numbers.count
    contract = here.office.restitution
    if name == "links":
        yield words("annex_links_text")
        for line, (now, before) in blank_counts(here.report).items():
            then = NOTHING if before is None else number(before)
            yield words(f"annex_blank_{line}", now=number(now), before=then)
    if name == "maintenance":
        yield words("annex_maintenance_text")
    if name == "sla":
        yield words("annex_sla_text")
        if contract is not None:
            yield words("annex_sla_restitution", formula=contract.formula, over=contract.over)


def _links(here: Context, annex: Annex, words: Words) -> Iterator[Block]:
    """The villages that were cut off or dark, and how many were not."""
    places = [place for place, name in enumerate(annex.columns) if name in ("cut", "cuts", "dark", "cut_change")]
    some = [row for row in annex.rows if any(row[place] for place in places)]
    yield text(words("annex_links_quiet", count=here.numbers.count(len(annex.rows) - len(some))))
    if some:
        yield from _table(here, replace(annex, rows=some), words)


def _table(here: Context, annex: Annex, words: Words) -> Iterator[Block]:
    """One table, cut, with how much of it was left out."""
    every, most = len(annex.rows), min(MOST_ROWS, _WORST) if annex.name in _OF_FACILITIES else MOST_ROWS
    if every > most:
        counts = {"shown": most, "all": every, "left": every - most}
        yield text(words("annex_left_out", **{name: here.numbers.count(count) for name, count in counts.items()}))
    left_out = _LEFT_OUT.get(annex.name, ())
    shown = [name for name in annex.columns if name not in left_out]
    named = _NAMED.get(annex.name)
    columns = [
        _column(
            words, named if named and name == "id" else name, annex.columns[name], named=bool(named) and name == "id"
        )
        for name in shown
    ]
    rows = []
    for row in annex.rows[:most]:
        cells = {
            name: _text(here.numbers, cell, type_)
            for (name, type_), cell in zip(annex.columns.items(), row, strict=True)
        }
        if named is not None:
            cells["id"] = f"{cells[named]} ({cells['id']})"
        rows.append([*(cells[name] or NOTHING for name in shown), *_facts(annex, cells, words)])
    if annex.name == "attestations":
        columns.append(column(words("annex_column_facts"), 3))
    caption = words(f"annex_sheet_{annex.name}")
    yield long_table(caption, columns, rows)


def _column(words: Words, name: str, type_: Type, *, named: bool) -> Column:
    part = _NAME if named else _REPAID if name == "repaid" else {**_WIDE, **_NUMBERS}.get(type_, 1.0)
    head = words(f"annex_column_{name}")
    return column(head, part) if type_ in _WIDE else column(head, part, "right")


def _facts(annex: Annex, cells: Mapping[str, str | None], words: Words) -> Sequence[str]:
    """Of an attestation the facts beside it, in one cell."""
    if annex.name != "attestations":
        return []
    said = [f"{words(f'annex_column_{name}')}: {cells[name]}" for name in _FACTS if cells[name] is not None]
    return ["; ".join(said) or NOTHING]


def _text(numbers: Numbers, cell: Cell, type_: Type) -> str | None:
    match cell:
        case None | str():
            return cell
        case At():
            return numbers.time(cell.time, cell.timezone)
        case date():
            return numbers.date(cell)
        case Share():
            return numbers.percent(cell)
        case int() | Fraction():
            return _number(numbers, cell, type_)


def _number(numbers: Numbers, number: int | Fraction, type_: Type) -> str:
    if type_ is Type.TIME_SPAN:
        return numbers.duration(number)
    return numbers.rate(Fraction(number)) if type_ is Type.RATE else numbers.count(int(number))
