"""Issued reports: kept as they were sent, with a page that says whether one is genuine, and the next revision where
what is known of their past has changed (docs/reports.md).

    order ──▶ the report's process ──▶ report with its files      (`orders`, `issue`)
    rewritten ──▶ check_at ──▶ the same process ──▶ revision, or nothing      (`watch`, `checks`, `compare`)

`asked`, `names`, `factors`, `compare` and `summary` are pure.
"""
