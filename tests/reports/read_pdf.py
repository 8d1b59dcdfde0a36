"""What a PDF says."""

import re

import pypdfium2  # type: ignore[import-untyped]

__all__ = ["pages_of"]


def pages_of(pdf: bytes) -> list[str]:
    """Returns the text of each page, with single spaces."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [re.sub(r"\s+", " ", page.get_textpage().get_text_bounded()) for page in document]
    finally:
        document.close()
