"""A worksheet that writes the cells of a report.

A month of a district has three hundred thousand. XlsxWriter's own way escapes each attribute of each cell, works
out the number of a format that equals another one for each cell, and writes a text that looks like a rich one
(`<r>…</r>`) as it is, not escaped, so that such a name would make the file unreadable.
"""

import re
from functools import lru_cache

from xlsxwriter.format import Format  # type: ignore[import-untyped]
from xlsxwriter.utility import xl_col_to_name  # type: ignore[import-untyped]
from xlsxwriter.worksheet import (  # type: ignore[import-untyped]
    CellDatetimeTuple,
    CellNumberTuple,
    CellStringTuple,
    Worksheet,
)

__all__ = ["CellSheet"]

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff]")
_LOOKS_ESCAPED = re.compile(r"_(?=x[0-9a-fA-F]{4}_)")


class CellSheet(Worksheet):  # type: ignore[misc]  # it has no types
    """A worksheet in constant memory whose numbers, times and texts all have a format."""

    def __init__(self) -> None:
        super().__init__()
        self._styles: dict[int, str] = {}
        self._letters: list[str] = []

    def _write_cell(self, row: int, col: int, cell: object) -> None:
        """Write a cell; XlsxWriter calls this for each one, row by row."""
        if isinstance(cell, CellNumberTuple | CellDatetimeTuple):
            self.fh.write(
                f'<c r="{self._letter(col)}{row + 1}"{self._style(cell.format)}><v>{cell.number:.16G}</v></c>'
            )
        elif isinstance(cell, CellStringTuple):
            place = f'<c r="{self._letter(col)}{row + 1}"{self._style(cell.format)}'
            self.fh.write(f'{place} t="inlineStr"><is>{_text(cell.string)}</is></c>')
        else:
            super()._write_cell(row, col, cell)

    def _letter(self, column: int) -> str:
        while column >= len(self._letters):
            self._letters.append(xl_col_to_name(len(self._letters)))
        return self._letters[column]

    def _style(self, form: Format | None) -> str:
        if form is None:
            return ""
        found = self._styles.get(id(form))  # the workbook keeps its formats for as long as the sheet is there
        if found is None:
            found = self._styles[id(form)] = f' s="{form._get_xf_index()}"'
        return found


@lru_cache(maxsize=16_384)
def _text(text: str) -> str:
    """Returns a text as an element of the sheet's XML; control characters as Office Open XML escapes them."""
    shown = _LOOKS_ESCAPED.sub("_x005F_", text)
    shown = _CONTROL.sub(lambda found: f"_x{ord(found[0]):04X}_", shown)
    shown = shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    space = ' xml:space="preserve"' if text != text.strip() else ""
    return f"<t{space}>{shown}</t>"
