"""Since when a device reports again: a table of reports in the order in which they come, in minutes."""

import pytest

from api.alerts.reports import MAX_STRETCHES, Reports
from siaga.model.clock import MINUTE

PAUSE = 13
"""So many minutes without a report are a silence."""

TABLE = {
    "nothing came": ([], None),
    "one report": ([5], 5),
    "it goes on": ([5, 6, 7], 5),
    "a pause that is not long enough": ([5, 17.9], 5),
    "a pause that is": ([5, 18], 18),
    "the first comes last": ([9, 8, 7, 5], 5),
    "what was said long ago comes late": ([40, 5], 40),
    "what lies between comes late, and joins them": ([5, 25, 15], 5),
    "twice the same": ([5, 5, 20, 20], 20),
    "shuffled": ([31, 7, 44, 5, 20, 32, 43], 20),
}


@pytest.mark.parametrize(("reports", "since"), TABLE.values(), ids=TABLE)
def test_since_when_it_reports(reports: list[float], since: float | None) -> None:
    speaking = Reports()
    for minute in reports:
        speaking.note(round(minute * MINUTE), PAUSE * MINUTE)
    assert speaking.since() == (None if since is None else round(since * MINUTE))


def test_another_alert_begins_anew() -> None:
    speaking = Reports()
    speaking.note(5 * MINUTE, PAUSE * MINUTE)
    speaking.forget()
    assert speaking.since() is None
    speaking.note(50 * MINUTE, PAUSE * MINUTE)
    assert speaking.since() == 50 * MINUTE


def test_of_an_alert_that_stays_open_for_months_only_so_much_is_kept() -> None:
    speaking = Reports()
    for hour in range(3_000):
        speaking.note(hour * 60 * MINUTE, PAUSE * MINUTE)
    assert speaking.since() == 2_999 * 60 * MINUTE
    assert len(speaking.stretches) == MAX_STRETCHES
