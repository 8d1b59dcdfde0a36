"""What a document is made of: headings, texts, lists, tables and pictures, as typst gets them in JSON."""

from collections.abc import Sequence
from typing import Literal, TypedDict

from api.reports.pdf.characters import fitting

__all__ = [
    "TABLED",
    "Block", "Column", "Figures", "Heading", "Lines", "Listing", "Signature", "Strip", "Strips", "Table", "Text",
    "column",
    "heading",
    "listing",
    "long_table",
    "table",
    "text",
]  # fmt: skip


TABLED = 40
"""Rows of a long table up to which they are cells; more are lines of text."""
_WIDTH, _INSET = 467.0, 6.0
"""What the text of a page is wide, and what stands free beside the text of a cell; points, as `report.typ` has them."""
_GAP = 4.0
"""Points between the columns of `Lines`."""


class Heading(TypedDict):
    """A heading. Of a new page where `page` is set."""

    kind: Literal["heading"]
    level: int
    text: str
    page: bool


class Text(TypedDict):
    """A paragraph."""

    kind: Literal["text"]
    text: str


class Listing(TypedDict):
    """A list, numbered or not."""

    kind: Literal["list"]
    numbered: bool
    items: list[str]


class Column(TypedDict):
    """A column of a table: its heading, its part of the width (0: as much as it takes), where its text stands."""

    head: str
    part: float
    align: Literal["left", "right"]


class Table(TypedDict):
    """A numbered table. `strong`: the rows in bold, by their places."""

    kind: Literal["table"]
    caption: str
    columns: list[Column]
    rows: list[list[str]]
    strong: list[int]


class Lines(TypedDict):
    """A long numbered table as lines of text: a line takes a tenth of the memory of a row of cells.

    `gap`: points between its columns.
    """

    kind: Literal["lines"]
    caption: str
    columns: list[Column]
    rows: list[list[str]]
    gap: float


class Figures(TypedDict):
    """The large figures of the summary, side by side."""

    kind: Literal["figures"]
    items: list[dict[str, str]]


class Strip(TypedDict):
    """The picture of one facility: its name, a line of figures, bold or not, what it shows in words, and the SVG."""

    name: str
    line: str
    strong: bool
    alt: str
    svg: str


class Strips(TypedDict):
    """The pictures of one village: one numbered figure."""

    kind: Literal["strips"]
    caption: str
    items: list[Strip]


class Signature(TypedDict):
    """The last sentence, and where the report is signed below it."""

    kind: Literal["signature"]
    text: str
    lines: list[str]
    name: str
    below: list[str]


Block = Heading | Text | Listing | Table | Lines | Figures | Strips | Signature


def column(head: str, part: float = 0, align: Literal["left", "right"] = "left") -> Column:
    """Returns a column."""
    return {"head": head, "part": part, "align": align}


def heading(level: int, text: str, *, page: bool = False) -> Heading:
    """Returns a heading."""
    return {"kind": "heading", "level": level, "text": text, "page": page}


def text(words: str) -> Text:
    """Returns a paragraph."""
    return {"kind": "text", "text": words}


def listing(items: Sequence[str], *, numbered: bool = False) -> Listing:
    """Returns a list."""
    return {"kind": "list", "numbered": numbered, "items": list(items)}


def table(caption: str, columns: Sequence[Column], rows: Sequence[Sequence[str]], strong: Sequence[int] = ()) -> Table:
    """Returns a table. A word that is wider than its column gets places where it may break."""
    whole = sum(one["part"] for one in columns)
    rooms = [(_WIDTH * one["part"] / whole if one["part"] else _WIDTH) - _INSET for one in columns]
    return {
        "kind": "table",
        "caption": caption,
        "columns": list(columns),
        "rows": _fitting(rows, rooms),
        "strong": list(strong),
    }


def long_table(caption: str, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> Table | Lines:
    """Returns a table that may have hundreds of rows: beyond `TABLED` as lines. Each column has a part of the width."""
    if len(rows) <= TABLED:
        return table(caption, columns, rows)
    whole = sum(one["part"] for one in columns)
    rooms = [(_WIDTH - _INSET - (len(columns) - 1) * _GAP) * one["part"] / whole for one in columns]
    return {"kind": "lines", "caption": caption, "columns": list(columns), "rows": _fitting(rows, rooms), "gap": _GAP}


def _fitting(rows: Sequence[Sequence[str]], rooms: Sequence[float]) -> list[list[str]]:
    return [[fitting(cell, room) for cell, room in zip(row, rooms, strict=True)] for row in rows]
