"""Reports and morning notes at their times, to the people of the notify file (docs/schedules.md).

    schedule, period ──▶ run and order ──▶ report (`api.issued`) ──▶ messages ──▶ the notification queue

Each arrow is one transaction, and what comes next is a row: the next start goes on. `schedule` is pure.
"""
