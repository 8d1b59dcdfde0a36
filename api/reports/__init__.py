"""Uptime reports: from spans to figures, from figures to JSON, CSV, XLSX and PDF.

One path, whoever asks and for whichever form (docs/reports.md):

    period, scope -> source (`api.queries.report`) -> `build` -> Report -> a form

Everything here but `process` and `maker` is a function of its arguments: no I/O, and the clock is an argument.
"""
