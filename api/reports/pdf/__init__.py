"""A report as PDF, by typst: `content` says what stands in it, `report.typ` how it looks, `typeset` makes it.

Text goes to typst as data, never as source: a name such as `#import` stays a name.
"""

from api.reports.pdf.typeset import as_pdf

__all__ = ["as_pdf"]
